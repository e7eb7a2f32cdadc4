"""What is refused of drills and their replay."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from dataclasses import dataclass
from typing import ClassVar

from service.domain.error_branches import Conflict


@dataclass(eq=False)
class ReplayTooEarly(Conflict):
    """事件{number}尚未结束，结束后才能回放。"""

    code: ClassVar[str] = "replay_too_early"
    english: ClassVar[str] = "Incident {number} is not closed yet: it can be replayed once it is."
    number: str


@dataclass(eq=False)
class NoBranch(Conflict):
    """演练{number}在这一刻之前没有留存流程状态，不能从这里另开一场。"""

    code: ClassVar[str] = "no_branch"
    english: ClassVar[str] = (
        "Nothing was kept of how drill {number} stood at that moment: no drill can branch off there."
    )
    number: str
