"""What is refused when organisations, people and their roles change; leaves of the tree in `errors`."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.error_branches import Conflict, FieldError, Forbidden, Invalid, NotFound


@dataclass(eq=False)
class InvitationInvalid(NotFound):
    """邀请码不正确、已使用或已过期，请向邀请您的人再要一个。"""

    code: ClassVar[str] = "invitation_invalid"
    english: ClassVar[str] = "The invitation is wrong, used or expired: ask whoever invited you for another one."


@dataclass(eq=False)
class OrganisationInactive(Conflict):
    """{name}已停用，不能在其中开始新的工作。"""

    code: ClassVar[str] = "organisation_inactive"
    english: ClassVar[str] = "{name} is closed: nothing new can begin there."
    name: str


@dataclass(eq=False)
class OrganisationInUse(Conflict):
    """还不能停用：{incidents}起事件未结束，{organisations}个下级单位在用。"""

    code: ClassVar[str] = "organisation_in_use"
    english: ClassVar[str] = "It cannot be closed yet: open incidents {incidents}, organisations below {organisations}."
    incidents: int
    organisations: int


@dataclass(eq=False)
class LastAdministrator(Conflict):
    """这是最后一位系统管理员，请先指定另一位。"""

    code: ClassVar[str] = "last_administrator"
    english: ClassVar[str] = "This is the last administrator: appoint another one first."


@dataclass(eq=False)
class BeyondReach(Forbidden):
    """{what}超出您的权限范围，请联系上级或系统管理员。"""

    code: ClassVar[str] = "beyond_reach"
    english: ClassVar[str] = "{what_en} is beyond your reach: ask your superior or an administrator."
    what: str
    what_en: str


@dataclass(eq=False)
class ImportRefused(Invalid):
    """表格有{count}处错误，没有导入任何内容。"""

    code: ClassVar[str] = "import_refused"
    english: ClassVar[str] = "Errors in the workbook: {count}. Nothing was imported."
    errors: Sequence[FieldError]

    def named(self) -> dict[str, Any]:
        """The errors and their number."""
        return {"errors": self.errors, "count": len(self.errors)}
