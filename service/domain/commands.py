"""Commands: what somebody asks for, in the imperative. Unknown fields are an error at the doors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from service.domain.drill_commands import BranchDrill as BranchDrill
from service.domain.drill_commands import DecideGuest as DecideGuest
from service.domain.drill_commands import NameObserver as NameObserver
from service.domain.drill_commands import NoteDrill as NoteDrill
from service.domain.drill_commands import OpenDoor as OpenDoor


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """Open an incident of a procedure; `data` answers the opening form, `start` picks a start event."""

    procedure: str
    organisation: str
    data: Mapping[str, Any]
    start: str = ""


@dataclass(frozen=True, slots=True)
class AddCase:
    """Register a further sick person of an incident (F01)."""

    incident: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """Answer a task; `done_at` is the true time of late paper entry and wins over the form."""

    task: str
    data: Mapping[str, Any] = field(default_factory=dict)
    done_at: datetime | None = None
    late_reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordRound:
    """Store the readings of one session (早, 晚) of a calendar day.

    `rows` are answers to F14#session with their person; `others` is the reading of everybody in `others_of` who
    has no row and no reading; `common` holds fields that are the same for all unless a row says otherwise.
    """

    incident: str
    day: date
    session: str
    rows: Sequence[Mapping[str, Any]]
    others: Mapping[str, Any] | None = None
    others_of: Sequence[str] = ()
    common: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClaimTask:
    """Take a task."""

    task: str


@dataclass(frozen=True, slots=True)
class ReleaseTask:
    """Give a task back."""

    task: str


@dataclass(frozen=True, slots=True)
class DelegateTask:
    """Hand a task to another candidate."""

    task: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class SaveDraft:
    """Keep what is typed so far; nothing is checked."""

    task: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MarkNotExecutable:
    """Say that a task cannot be done; the leaders are told, the task stays open."""

    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class TriggerAction:
    """Answer a waiting message event from the Actions menu; `instance` where several wait."""

    incident: str
    message: str
    data: Mapping[str, Any]
    instance: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """A message of the catalogue from an outside party; `keys` may name the person."""

    incident: str
    name: str
    keys: Mapping[str, Any]
    payload: Mapping[str, Any]
    message_id: str


@dataclass(frozen=True, slots=True)
class ActivateVersion:
    """Let new incidents begin with this version."""

    procedure: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class RetireVersion:
    """Let no new incident begin with the procedure."""

    procedure: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpgradeIncident:
    """Let the instances of a procedure in an incident go on by another version of it."""

    incident: str
    procedure: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class UpgradeIncidents:
    """The same for many incidents; for all that run on another version where none is named."""

    procedure: str
    version: int
    reason: str
    incidents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryEngineIncident:
    """Run what failed again."""

    engine_incident: str


@dataclass(frozen=True, slots=True)
class SkipFailedElement:
    """Let the process go on past the element that failed, without what it does."""

    engine_incident: str
    reason: str


@dataclass(frozen=True, slots=True)
class CancelFailed:
    """End what stopped: `scope` is instance, or incident with all it has."""

    engine_incident: str
    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class AddNote:
    """Put an entry on the timeline, at the time it speaks of."""

    incident: str
    text: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class RetryDelivery:
    """Send a failed delivery again."""

    delivery: str


@dataclass(frozen=True, slots=True)
class ShutOut:
    """End every session of an account and revoke its tokens."""

    account: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResetSecondFactor:
    """Ask an account for no code any more, because its owner lost everything that gives one."""

    account: str
    reason: str


@dataclass(frozen=True, slots=True)
class IssuePass:
    """Let somebody without an account do one open task, by a QR code."""

    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class RevokePass:
    """Take such a code, and who used it, out again."""

    emergency_pass: str


@dataclass(frozen=True, slots=True)
class CreateDrill:
    """Begin a drill by free play: the opening form of a procedure, on a clock of its own.

    `speed` 0 is a pause; `slow_to` is the speed while a person must act, None: no slowing down; `floor_seconds` of
    real time a person has before the ladder of his task's deadline goes on; `roles` names simulated ones.
    """

    procedure: str
    organisation: str
    data: Mapping[str, Any]
    speed: float = 1.0
    start: str = ""
    starts_at: datetime | None = None
    seed: int | None = None
    slow_to: float | None = None
    floor_seconds: int = 0
    on_loss: str = "pause"
    code_word: str = ""
    roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class BeginScenario:
    """Begin a drill from a scenario, shipped or the organisation's own; the settings are those of `CreateDrill`.

    `starts_at` None: as the scenario says. `roles` changes who plays whom; `trial`: the trainer tries it on himself.
    """

    scenario: str
    organisation: str
    speed: float = 1.0
    seed: int | None = None
    starts_at: datetime | None = None
    slow_to: float | None = None
    floor_seconds: int = 0
    on_loss: str = "pause"
    code_word: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    trial: bool = False


@dataclass(frozen=True, slots=True)
class SendInject:
    """Let an inject come now, leave it out (`is_skipped`, `reason`), or make one up (`content`, as in a scenario)."""

    drill: str
    inject: str = ""
    is_skipped: bool = False
    reason: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ControlClock:
    """Change the clock of a drill: pause | resume | speed | advance | until_next; `by` is an ISO 8601 duration."""

    drill: str
    action: str
    speed: float | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class ChangeDrill:
    """Other settings of a drill: slow_to, floor_seconds, on_loss, code_word; those not named stay."""

    drill: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CastRole:
    """Let a role of a drill be played by people (human) or by the service (simulated)."""

    drill: str
    role: str
    played_by: str


@dataclass(frozen=True, slots=True)
class EndDrill:
    """End a drill with all that runs in it."""

    drill: str


@dataclass(frozen=True, slots=True)
class RateObjective:
    """Rate an objective of a drill, "" for the drill as a whole: P, S, M or U, with a note."""

    drill: str
    objective: str
    rating: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class WriteReview:
    """Write parts of the after-action report of a drill; parts that are not named stay."""

    drill: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AnswerQuestionnaire:
    """Answer the questionnaire of a drill: each question 1 to 5, a comment, with one's name or without."""

    drill: str
    scores: Mapping[str, int]
    comment: str = ""
    is_anonymous: bool = True


@dataclass(frozen=True, slots=True)
class PlanImprovement:
    """Plan an improvement action after a drill: what, who, until when; `finding` and target may be empty."""

    drill: str
    text: str
    owner: str
    due: datetime
    finding: str = ""
    target: str = ""
    target_id: str = ""


@dataclass(frozen=True, slots=True)
class EndImprovement:
    """An improvement action is `done` or `dropped`; who drops it says why."""

    improvement: str
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StopDrills:
    """Say the code word: every running drill of the organisation stands still."""

    organisation: str
    word: str
