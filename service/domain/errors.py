"""Everything that can be refused, as one tree; doors map the branches, never the leaves.

TocsinError
├── NotFound             no such thing, or not for your eyes
│   └── NoSuch · FormNotFound · InvitationInvalid
├── Conflict             the thing is not in the state the request supposes
│   ├── TaskNotOpen · TaskClaimed · UndoTooLate
│   ├── IncidentClosed · NotADrill · SeveralWaiting · NothingWaits
│   ├── ReplayTooEarly · NoBranch                                  of replay, and of drills that branch off others
│   ├── IdempotencyMismatch · RevisionChanged · AlreadyExists · SubjectErased · MasterKeyWrong
│   ├── FinalListExists · FinalListAwaited
│   ├── ProcedureRetired · UpgradeRefused · ResolutionRefused
│   ├── OrganisationInactive · OrganisationInUse · LastAdministrator
│   ├── HeldBack · RetentionRuns · IncidentOpen · NothingToErase   why nothing is erased
│   └── EngineFailed     a process cannot go on; what is stored stands
│       └── StateUnreadable · DefinitionUnreadable
├── Forbidden            signed in, but may not
│   └── NotAllowed · CsrfMissing · SameSigner · BeyondReach · NoGround · ApprovalNeeded
├── Unauthenticated      not known who asks
│   ├── SignInNeeded · SignInFailed · SignatureInvalid
│   └── SecondFactorNeeded · CodeRefused · IdentityRefused
├── Invalid              the request itself breaks a rule
│   ├── FormRefused · DefinitionRefused · MessageUnknown
│   ├── PolicyRefused · ValueRefused · TooLarge · ImportRefused · ScenarioRefused
│   └── UnknownEvent     a stored or offered event of a shape this release does not know
├── TooMany              try later
│   └── TooManyAttempts
├── Unavailable          nothing was stored; the same request may be sent again
│   ├── WriterStopped · CommitLost · DiskFull · DatabaseAway
│   └── OutcomeUnknown   the one of them where nobody can say whether it was stored
└── OutsideSystemFailed  another system did not do its part; `is_retryable` says whether again is of use
    └── OutsideSystemUnreachable · OutsideSystemRefused

A leaf's docstring is its Chinese message, `english` the English one; `{field}` stands for a named field.
"""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from service.domain.error_branches import Conflict as Conflict
from service.domain.error_branches import FieldError as FieldError
from service.domain.error_branches import Forbidden as Forbidden
from service.domain.error_branches import Invalid as Invalid
from service.domain.error_branches import NotFound as NotFound
from service.domain.error_branches import OutsideSystemFailed as OutsideSystemFailed
from service.domain.error_branches import TocsinError as TocsinError
from service.domain.error_branches import TooMany as TooMany
from service.domain.error_branches import Unauthenticated as Unauthenticated
from service.domain.error_branches import Unavailable as Unavailable
from service.domain.error_directory import BeyondReach as BeyondReach
from service.domain.error_directory import ImportRefused as ImportRefused
from service.domain.error_directory import InvitationInvalid as InvitationInvalid
from service.domain.error_directory import LastAdministrator as LastAdministrator
from service.domain.error_directory import OrganisationInactive as OrganisationInactive
from service.domain.error_directory import OrganisationInUse as OrganisationInUse
from service.domain.error_drills import NoBranch as NoBranch
from service.domain.error_drills import ReplayTooEarly as ReplayTooEarly
from service.domain.error_engine import DefinitionRefused as DefinitionRefused
from service.domain.error_engine import DefinitionUnreadable as DefinitionUnreadable
from service.domain.error_engine import EngineFailed as EngineFailed
from service.domain.error_engine import ProcedureRetired as ProcedureRetired
from service.domain.error_engine import ResolutionRefused as ResolutionRefused
from service.domain.error_engine import StateUnreadable as StateUnreadable
from service.domain.error_engine import UpgradeRefused as UpgradeRefused
from service.domain.error_erasing import HeldBack as HeldBack
from service.domain.error_erasing import IncidentOpen as IncidentOpen
from service.domain.error_erasing import NothingToErase as NothingToErase
from service.domain.error_erasing import RetentionRuns as RetentionRuns
from service.domain.error_privacy import ApprovalNeeded as ApprovalNeeded
from service.domain.error_privacy import MasterKeyWrong as MasterKeyWrong
from service.domain.error_privacy import NoGround as NoGround
from service.domain.error_scenarios import ScenarioFault as ScenarioFault
from service.domain.error_scenarios import ScenarioRefused as ScenarioRefused
from service.domain.error_sign_in import CodeRefused as CodeRefused
from service.domain.error_sign_in import IdentityRefused as IdentityRefused
from service.domain.error_sign_in import SecondFactorNeeded as SecondFactorNeeded
from service.domain.error_unavailable import CommitLost as CommitLost
from service.domain.error_unavailable import DatabaseAway as DatabaseAway
from service.domain.error_unavailable import DiskFull as DiskFull
from service.domain.error_unavailable import OutcomeUnknown as OutcomeUnknown
from service.domain.error_unavailable import WriterStopped as WriterStopped

# --- not found ------------------------------------------------------------------------------


@dataclass(eq=False)
class NoSuch(NotFound):
    """没有这条内容：{kind} {id}。"""

    code: ClassVar[str] = "not_found"
    english: ClassVar[str] = "There is no such {kind}: {id}."
    kind: str
    id: str


@dataclass(eq=False)
class FormNotFound(NotFound):
    """没有这个表单：{key}。"""

    code: ClassVar[str] = "form_not_found"
    english: ClassVar[str] = "There is no such form: {key}."
    key: str


# --- conflict -------------------------------------------------------------------------------


@dataclass(eq=False)
class TaskNotOpen(Conflict):
    """任务已结束：{who}，{when}。"""

    code: ClassVar[str] = "task_not_open"
    english: ClassVar[str] = "The task is no longer open: {who}, {when}."
    who: str
    when: datetime | None


@dataclass(eq=False)
class TaskClaimed(Conflict):
    """任务已由{who}认领。"""

    code: ClassVar[str] = "task_claimed"
    english: ClassVar[str] = "The task has been claimed by {who}."
    who: str


@dataclass(eq=False)
class UndoTooLate(Conflict):
    """已超过{seconds}秒，不能再撤回。"""

    code: ClassVar[str] = "undo_too_late"
    english: ClassVar[str] = "More than {seconds} seconds have passed; it can no longer be undone."
    seconds: int


@dataclass(eq=False)
class IncidentClosed(Conflict):
    """事件{number}已结束。"""

    code: ClassVar[str] = "incident_closed"
    english: ClassVar[str] = "Incident {number} is closed."
    number: str


@dataclass(eq=False)
class NotADrill(Conflict):
    """事件{number}不是演练，不能调整时钟或注入情况。"""

    code: ClassVar[str] = "not_a_drill"
    english: ClassVar[str] = "Incident {number} is not a drill: its clock cannot be changed and nothing injected."
    number: str


@dataclass(eq=False)
class SeveralWaiting(Conflict):
    """有多处在等待“{name}”，请指明是哪一处。"""

    code: ClassVar[str] = "several_waiting"
    english: ClassVar[str] = "More than one place waits for “{name}”: say which one."
    name: str


@dataclass(eq=False)
class NothingWaits(Conflict):
    """目前没有流程在等待“{name}”。"""

    code: ClassVar[str] = "nothing_waits"
    english: ClassVar[str] = "Nothing waits for “{name}” now."
    name: str


@dataclass(eq=False)
class IdempotencyMismatch(Conflict):
    """同一幂等键已用于另一份内容。"""

    code: ClassVar[str] = "idempotency_mismatch"
    english: ClassVar[str] = "This idempotency key was used with a different body."


@dataclass(eq=False)
class RevisionChanged(Conflict):
    """{what}已被他人更改，请刷新后重试。"""

    code: ClassVar[str] = "revision_changed"
    english: ClassVar[str] = "{what} was changed by somebody else: reload and try again."
    what: str


@dataclass(eq=False)
class AlreadyExists(Conflict):
    """已经存在：{what}。"""

    code: ClassVar[str] = "already_exists"
    english: ClassVar[str] = "It exists already: {what}."
    what: str


@dataclass(eq=False)
class SubjectErased(Conflict):
    """该人员的信息已按规定销毁，不能再写入。"""

    code: ClassVar[str] = "subject_erased"
    english: ClassVar[str] = "This person's data has been erased; nothing can be added."
    subject: str


@dataclass(eq=False)
class FinalListExists(Conflict):
    """该病例的密接最终名单已经判定，不能再有第二份；后来的密接请用“追加密接”。"""

    code: ClassVar[str] = "final_list_exists"
    english: ClassVar[str] = "The final list of contacts of this case exists already: add contacts instead."


@dataclass(eq=False)
class FinalListAwaited(Conflict):
    """流调正在进行，最终名单由流调给出，请在流调的任务中录入。"""

    code: ClassVar[str] = "final_list_awaited"
    english: ClassVar[str] = "The investigation still runs and gives the final list: enter it there."


# --- forbidden ------------------------------------------------------------------------------


@dataclass(eq=False)
class NotAllowed(Forbidden):
    """您的岗位无权进行这一操作。"""

    code: ClassVar[str] = "not_allowed"
    english: ClassVar[str] = "Your role does not allow this."
    action: str


@dataclass(eq=False)
class CsrfMissing(Forbidden):
    """页面已过期，请刷新后重试。"""

    code: ClassVar[str] = "csrf_missing"
    english: ClassVar[str] = "This page is out of date: reload it and try again."


@dataclass(eq=False)
class SameSigner(Forbidden):
    """起草人不能签发自己的报告，请由他人签发。"""

    code: ClassVar[str] = "same_signer"
    english: ClassVar[str] = "Whoever drafted a report cannot sign it; another person must."


# --- unauthenticated ------------------------------------------------------------------------


@dataclass(eq=False)
class SignInNeeded(Unauthenticated):
    """请先登录。"""

    code: ClassVar[str] = "sign_in_needed"
    english: ClassVar[str] = "Please sign in first."


@dataclass(eq=False)
class SignInFailed(Unauthenticated):
    """用户名或密码不正确。"""

    code: ClassVar[str] = "sign_in_failed"
    english: ClassVar[str] = "The user name or the password is wrong."


@dataclass(eq=False)
class SignatureInvalid(Unauthenticated):
    """消息签名无效或已过期。"""

    code: ClassVar[str] = "signature_invalid"
    english: ClassVar[str] = "The signature of the message is wrong or too old."


# --- invalid --------------------------------------------------------------------------------


@dataclass(eq=False)
class FormRefused(Invalid):
    """有{count}处填写不符合要求。"""

    code: ClassVar[str] = "form_refused"
    english: ClassVar[str] = "Fields that break a rule: {count}."
    errors: Sequence[FieldError]

    def named(self) -> dict[str, Any]:
        """The errors and their number."""
        return {"errors": self.errors, "count": len(self.errors)}


@dataclass(eq=False)
class MessageUnknown(Invalid):
    """没有名为“{name}”的消息。"""

    code: ClassVar[str] = "message_unknown"
    english: ClassVar[str] = "There is no message called “{name}”."
    name: str


@dataclass(eq=False)
class PolicyRefused(Invalid):
    """参数{key}不能这样修改：{reason}。"""

    code: ClassVar[str] = "policy_refused"
    english: ClassVar[str] = "The policy {key} cannot be changed this way: {reason_en}."
    key: str
    reason: str
    reason_en: str


@dataclass(eq=False)
class ValueRefused(Invalid):
    """{name}不能接受：{reason}。"""

    code: ClassVar[str] = "value_refused"
    english: ClassVar[str] = "{name} is not acceptable: {reason_en}."
    name: str
    reason: str
    reason_en: str


@dataclass(eq=False)
class TooLarge(Invalid):
    """内容过大，上限为{limit}字节。"""

    code: ClassVar[str] = "too_large"
    english: ClassVar[str] = "Too large: at most {limit} bytes."
    limit: int


@dataclass(eq=False)
class UnknownEvent(Invalid):
    """不认识的记录类型{type}（第{schema_version}版），字段：{unknown}。"""

    code: ClassVar[str] = "unknown_event"
    english: ClassVar[str] = "Unknown event {type}, version {schema_version}, fields {unknown}."
    type: str
    schema_version: int
    unknown: tuple[str, ...] = ()


# --- too many, outside ----------------------------------------------------------------------


@dataclass(eq=False)
class TooManyAttempts(TooMany):
    """尝试次数过多，请在{retry_after_seconds}秒后再试。"""

    code: ClassVar[str] = "too_many_attempts"
    english: ClassVar[str] = "Too many attempts: try again in {retry_after_seconds} seconds."
    retry_after_seconds: int


@dataclass(eq=False)
class OutsideSystemUnreachable(OutsideSystemFailed):
    """暂时联系不上{recipient}：{reason}。系统会再次尝试。"""

    code: ClassVar[str] = "outside_system_unreachable"
    english: ClassVar[str] = "{recipient} cannot be reached: {reason}. It will be tried again."
    recipient: str
    reason: str


@dataclass(eq=False)
class OutsideSystemRefused(OutsideSystemFailed):
    """{recipient}拒收：{reason}。请人工处理。"""

    code: ClassVar[str] = "outside_system_refused"
    english: ClassVar[str] = "{recipient} refused it: {reason}. Somebody must see to it."
    is_retryable: ClassVar[bool] = False
    recipient: str
    reason: str


def leaves() -> list[type[TocsinError]]:
    """Every leaf of the tree, sorted by code; documents and tests are checked against it."""
    found: list[type[TocsinError]] = []
    queue: list[type[TocsinError]] = [TocsinError]
    while queue:
        subclasses = queue.pop().__subclasses__()
        queue.extend(subclasses)
        found.extend(item for item in subclasses if "code" in vars(item))
    return sorted(found, key=lambda item: item.code)
