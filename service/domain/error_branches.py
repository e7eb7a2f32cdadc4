"""What errors are made of: the base with its message in two languages, and the branches doors map.

The leaves, and the drawing of the tree, are in `errors`; import from there.
"""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `path` is dotted, with list positions as numbers (`rows.0.name`)."""

    path: str
    code: str
    zh: str
    en: str

    def text(self, locale: str) -> str:
        """The message in a locale (`zh_CN`, `en` …)."""
        return self.en if locale.startswith("en") else self.zh


class TocsinError(Exception):
    """操作未能完成。"""

    code: ClassVar[str] = "error"
    english: ClassVar[str] = "The operation could not be completed."

    def text(self, locale: str = "zh_CN") -> str:
        """The message for people in a locale; instants are shown in Asia/Shanghai."""
        template = self.english if locale.startswith("en") else (type(self).__doc__ or "")
        return template.format(**{name: _shown(value) for name, value in self.named().items()})

    def named(self) -> dict[str, Any]:
        """The named fields of a leaf."""
        return {name: getattr(self, name) for name in getattr(self, "__dataclass_fields__", {}) if name in vars(self)}

    def __str__(self) -> str:
        return f"{self.code}: {self.text('en')}"


class NotFound(TocsinError):
    """找不到所请求的内容。"""


class Conflict(TocsinError):
    """当前状态不允许这一操作。"""


class Forbidden(TocsinError):
    """无权进行这一操作。"""


class Unauthenticated(TocsinError):
    """请先登录。"""


class Invalid(TocsinError):
    """提交的内容不符合要求。"""


class TooMany(TocsinError):
    """操作过于频繁，请稍后再试。"""


class Unavailable(TocsinError):
    """系统暂时无法写入，未保存任何内容，请重试。"""


class OutsideSystemFailed(TocsinError):
    """外部系统未能完成处理。"""

    is_retryable: ClassVar[bool] = True


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    return "-" if value is None or value == () else value
