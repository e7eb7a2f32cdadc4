"""Why nothing is erased."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from service.domain.error_branches import Conflict


@dataclass(eq=False)
class HeldBack(Conflict):
    """事件{number}的信息正在依法留存，不能删除。"""

    code: ClassVar[str] = "held_back"
    english: ClassVar[str] = "The data of incident {number} are under a legal hold and cannot be erased."
    number: str


@dataclass(eq=False)
class RetentionRuns(Conflict):
    """保存期限未到，{due}之后才能删除。"""

    code: ClassVar[str] = "retention_runs"
    english: ClassVar[str] = "The retention time is not over; it can be erased from {due}."
    due: datetime


@dataclass(eq=False)
class IncidentOpen(Conflict):
    """事件{number}尚未结束，不能删除。"""

    code: ClassVar[str] = "incident_open"
    english: ClassVar[str] = "Incident {number} is not closed yet: nothing of it can be erased."
    number: str


@dataclass(eq=False)
class NothingToErase(Conflict):
    """没有可删除的信息。"""

    code: ClassVar[str] = "nothing_to_erase"
    english: ClassVar[str] = "There is nothing left to erase."
