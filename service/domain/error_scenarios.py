"""What is refused when a scenario is read; a leaf of the tree in `errors`."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from service.domain.error_branches import FieldError, Invalid


@dataclass(frozen=True, slots=True)
class ScenarioFault:
    """A fault of a scenario: where (path; line of the file or of the sheet, 0 = unknown) and what."""

    path: str
    zh: str
    en: str
    line: int = 0
    sheet: str = ""

    @classmethod
    def near(cls, path: str, zh: str, en: str, near: tuple[str, Sequence[str]] | None = None) -> "ScenarioFault":
        """A fault about a name, with the nearest one there is."""
        close = difflib.get_close_matches(near[0], near[1], n=1, cutoff=0.5) if near else []
        if close:
            zh, en = f"{zh}，最接近的是 {close[0]}", f"{en}; the nearest is {close[0]}"
        return cls(path, zh, en)

    def at(self, line: int, sheet: str = "") -> "ScenarioFault":
        """The same, with its place."""
        return replace(self, line=line, sheet=sheet)

    def text(self, locale: str) -> str:
        """Place and message."""
        is_english = locale.startswith("en")
        line = (f"line {self.line}" if is_english else f"第{self.line}行") if self.line else ""
        place = " ".join(part for part in (self.sheet, line, self.path) if part)
        return f"{place}: {self.en}" if is_english else f"{place}：{self.zh}"


@dataclass(eq=False)
class ScenarioRefused(Invalid):
    """情景有{count}处错误，演练不能开始。"""

    code: ClassVar[str] = "scenario_refused"
    english: ClassVar[str] = "Errors in the scenario: {count}. The drill cannot start."
    faults: Sequence[ScenarioFault]

    def named(self) -> dict[str, Any]:
        """The faults and their number."""
        return {"faults": self.faults, "count": len(self.faults)}

    @property
    def errors(self) -> list[FieldError]:
        """The faults as doors show them."""
        return [FieldError(each.path, "scenario", each.text("zh"), each.text("en")) for each in self.faults]
