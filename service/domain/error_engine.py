"""What definitions and running processes refuse, and what stops them. Import from `errors`, which draws the tree."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.error_branches import Conflict, Invalid


@dataclass(eq=False)
class DefinitionRefused(Invalid):
    """流程文件未通过检查，共{count}项。正在使用的版本不受影响。"""

    code: ClassVar[str] = "definition_refused"
    english: ClassVar[str] = "The definition was refused; findings: {count}. The version in use stays."
    findings: Sequence[Any]  # engine.model.Finding; the domain does not import the engine

    def named(self) -> dict[str, Any]:
        """The findings and their number."""
        return {"findings": self.findings, "count": len(self.findings)}


@dataclass(eq=False)
class ProcedureRetired(Conflict):
    """流程{procedure}已停用，不能启动新的事件；已在进行的事件不受影响。"""

    code: ClassVar[str] = "procedure_retired"
    english: ClassVar[str] = "The procedure {procedure} is retired: no new incident can begin; those that run go on."
    procedure: str


@dataclass(eq=False)
class UpgradeRefused(Conflict):
    """事件{number}不能改用这一版本，共{count}处原因。事件保持原样。"""

    code: ClassVar[str] = "upgrade_refused"
    english: ClassVar[str] = "Incident {number} cannot move to this version; reasons: {count}. It stays as it is."
    number: str
    reasons: Sequence[Any]  # application.upgrades.InstanceOutlook

    def named(self) -> dict[str, Any]:
        """The incident and how many reasons there are."""
        return {"number": self.number, "count": len(self.reasons)}


@dataclass(eq=False)
class ResolutionRefused(Conflict):
    """停住的流程不能这样处理：{reason}。"""

    code: ClassVar[str] = "resolution_refused"
    english: ClassVar[str] = "What stopped cannot be resolved this way: {reason_en}."
    reason: str
    reason_en: str


@dataclass(eq=False)
class EngineFailed(Conflict):
    """流程在“{element}”处停住：{cause}。已保存的状态不变，管理员可重试。"""

    code: ClassVar[str] = "engine_failed"
    english: ClassVar[str] = "The process stopped at “{element}”: {cause}. The stored state stands; retry it."
    element: str
    cause: str
    incident: str = ""
    instance: str = ""
    due_row: str = ""  # the due row that was being worked, if any


@dataclass(eq=False)
class StateUnreadable(EngineFailed):
    """流程实例{instance}的已存状态不能读取：{cause}。其他流程不受影响，请管理员处理。"""

    code: ClassVar[str] = "state_unreadable"
    english: ClassVar[str] = "The stored state of process {instance} cannot be read: {cause}. Others go on."


@dataclass(eq=False)
class DefinitionUnreadable(EngineFailed):
    """流程定义{element}不能读取：{cause}。其他流程不受影响，请管理员处理。"""

    code: ClassVar[str] = "definition_unreadable"
    english: ClassVar[str] = "The definition {element} cannot be read: {cause}. Others go on."
