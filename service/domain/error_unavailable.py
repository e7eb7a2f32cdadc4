"""Leaves of the branch Unavailable: what an installation says when it cannot store. Import them from `errors`."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from dataclasses import dataclass
from typing import ClassVar

from service.domain.error_branches import Unavailable


@dataclass(eq=False)
class WriterStopped(Unavailable):
    """系统正在停止，未保存，请稍后重试。"""

    code: ClassVar[str] = "writer_stopped"
    english: ClassVar[str] = "The system is stopping; nothing was stored, please try again later."


@dataclass(eq=False)
class CommitLost(Unavailable):
    """写入失败，未保存任何内容，请重试。"""

    code: ClassVar[str] = "commit_lost"
    english: ClassVar[str] = "Writing failed; nothing was stored, please try again."


@dataclass(eq=False)
class DiskFull(Unavailable):
    """磁盘已满，未保存任何内容；仍可查看。请管理员腾出空间后重试。"""

    code: ClassVar[str] = "disk_full"
    english: ClassVar[str] = (
        "The disk is full; nothing was stored, everything can still be read. Try again once there is room."
    )


@dataclass(eq=False)
class DatabaseAway(Unavailable):
    """数据库暂时不可用，未保存任何内容，请稍后重试。"""

    code: ClassVar[str] = "database_away"
    english: ClassVar[str] = "The database is not available now; nothing was stored, please try again soon."


@dataclass(eq=False)
class OutcomeUnknown(Unavailable):
    """保存时与数据库的连接中断，可能已经保存：请先查看，再决定是否重试。"""

    code: ClassVar[str] = "outcome_unknown"
    english: ClassVar[str] = (
        "The connection to the database broke while storing; it may have been stored: look before you try again."
    )
