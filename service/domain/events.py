"""Events: what happened, in the past tense; the log is made of these and nothing else.

An event class fixes the shape of `data` for one (type, schema version). Shapes are never edited:
a change is a new class with the next `schema_version`. Personal, health and contact values are
not fields here: they travel beside the event as sealed values per subject (model.md §6).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from service.domain.errors import UnknownEvent

REGISTRY: dict[tuple[str, int], type["Event"]] = {}


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. Instants are RFC 3339 strings in UTC, so that `data` is plain JSON."""

    type: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1

    def data(self) -> dict[str, Any]:
        """The fields as plain JSON, as they are stored and hashed."""
        return asdict(self)


def event(cls: type[Event]) -> type[Event]:
    """Register an event class under its type and schema version."""
    key = (cls.type, cls.schema_version)
    if key in REGISTRY:
        message = f"two classes for event {key}"
        raise ValueError(message)
    REGISTRY[key] = cls
    return cls


def parse(type_: str, schema_version: int, data: Mapping[str, Any]) -> Event:
    """Build the event of a stored row. Raises UnknownEvent for a type, version or field we do not know."""
    cls = REGISTRY.get((type_, schema_version))
    if cls is None:
        raise UnknownEvent(type_, schema_version)
    unknown = set(data) - {f.name for f in fields(cls)}
    if unknown:
        raise UnknownEvent(type_, schema_version, tuple(sorted(unknown)))
    return cls(**data)


# --- incident and instances -----------------------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class IncidentOpened(Event):
    """An incident with its policy snapshot and the segments of its clock."""

    type: ClassVar[str] = "incident_opened"
    number: str
    organisation: str
    procedure: str
    version: int
    kind: str
    place: str
    root_instance: str
    policies: dict[str, Any]
    clock: list[dict[str, Any]]


@event
@dataclass(frozen=True, slots=True)
class IncidentStatusChanged(Event):
    """The severest open case, or the root, gave the incident another status (P01.3b rule 12)."""

    type: ClassVar[str] = "incident_status_changed"
    status: str


@event
@dataclass(frozen=True, slots=True)
class IncidentClosed(Event):
    """The root instance ended; `result` is an end state of P01.5."""

    type: ClassVar[str] = "incident_closed"
    status: str
    result: str


@event
@dataclass(frozen=True, slots=True)
class InstanceStarted(Event):
    """A process instance; `parent_task` is the waiting call in the parent, "" if nobody waits."""

    type: ClassVar[str] = "instance_started"
    instance: str
    procedure: str
    process: str
    version: int
    parent: str
    parent_element: str
    parent_task: str
    person: str
    inputs: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class InstanceEnded(Event):
    """`status` is completed, cancelled or failed; `end` the end event reached last."""

    type: ClassVar[str] = "instance_ended"
    instance: str
    status: str
    end: str
    error: str
    result: dict[str, Any]


# --- tokens ---------------------------------------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class ElementEntered(Event):
    """A token waits at a node; `visit` is our id of that wait."""

    type: ClassVar[str] = "element_entered"
    visit: str
    process: str
    element: str
    flow: str


@event
@dataclass(frozen=True, slots=True)
class ElementCompleted(Event):
    """A node is done; `flows` are the sequence flows its token came by (several at a join)."""

    type: ClassVar[str] = "element_completed"
    visit: str
    process: str
    element: str
    flows: list[str]


@event
@dataclass(frozen=True, slots=True)
class ElementCancelled(Event):
    """A wait was given up: its task, child or timer is gone."""

    type: ClassVar[str] = "element_cancelled"
    visit: str
    process: str
    element: str


@event
@dataclass(frozen=True, slots=True)
class TaskOpened(Event):
    """A human task; `kind` is user, send or receive. `rule` and `subject` name its deadline."""

    type: ClassVar[str] = "task_opened"
    task: str
    process: str
    element: str
    kind: str
    role: str
    also: list[str]
    form: str
    person: str
    rule: str
    subject: str


@event
@dataclass(frozen=True, slots=True)
class WaitArmed(Event):
    """A waiting event; `due` only for timers whose time is known."""

    type: ClassVar[str] = "wait_armed"
    wait: str
    process: str
    element: str
    trigger: str
    name: str
    expression: str
    listed: str
    form: str
    role: str
    also: list[str]
    person: str
    due: str | None


@event
@dataclass(frozen=True, slots=True)
class WaitMoved(Event):
    """The due time of a waiting timer changed, because a deadline was started, moved or met."""

    type: ClassVar[str] = "wait_moved"
    wait: str
    due: str | None


@event
@dataclass(frozen=True, slots=True)
class WaitEnded(Event):
    """A wait is over; `reason` is fired or cancelled."""

    type: ClassVar[str] = "wait_ended"
    wait: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class DecisionMade(Event):
    """A decision table was evaluated; outcomes that are facts of a person are sealed."""

    type: ClassVar[str] = "decision_made"
    decision: str
    element: str
    person: str
    rules: list[int]
    values: dict[str, Any]


# --- human work -----------------------------------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class TaskClaimed(Event):
    """Somebody took the task for himself."""

    type: ClassVar[str] = "task_claimed"
    task: str
    assignee: str


@event
@dataclass(frozen=True, slots=True)
class TaskReleased(Event):
    """The task went back to its roles."""

    type: ClassVar[str] = "task_released"
    task: str


@event
@dataclass(frozen=True, slots=True)
class TaskDelegated(Event):
    """The task was handed to another person; the reason is kept as given by staff about work."""

    type: ClassVar[str] = "task_delegated"
    task: str
    assignee: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class TaskNotExecutable(Event):
    """The assignee says it cannot be done; the leaders are told."""

    type: ClassVar[str] = "task_not_executable"
    task: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class TaskCompleted(Event):
    """A form view was answered; the answers are in the `RecordSaved` before it."""

    type: ClassVar[str] = "task_completed"
    task: str
    done_at: str
    late_minutes: int
    late_reason: str


@event
@dataclass(frozen=True, slots=True)
class RecordSaved(Event):
    """A form view with its public answers; the rest is sealed under the person or the incident."""

    type: ClassVar[str] = "record_saved"
    form: str
    view: str
    person: str
    task: str
    answers: dict[str, Any]


# --- people ---------------------------------------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class PersonRegistered(Event):
    """A person of the incident; kind is case, onsite or contact; the identity is sealed."""

    type: ClassVar[str] = "person_registered"
    person: str
    kind: str
    organisation: str
    member: str
    code: str
    org_unit: str
    case_no: int
    is_neighbour: bool


@event
@dataclass(frozen=True, slots=True)
class PersonLinked(Event):
    """The case instance of a person."""

    type: ClassVar[str] = "person_linked"
    person: str
    instance: str


@event
@dataclass(frozen=True, slots=True)
class CaseStatusChanged(Event):
    """Status of one case (procedures.md 0.4)."""

    type: ClassVar[str] = "case_status_changed"
    person: str
    status: str


@event
@dataclass(frozen=True, slots=True)
class PersonsHeld(Event):
    """Persons on site may not leave until an exclusion (T37x), because of a case."""

    type: ClassVar[str] = "persons_held"
    case: str
    persons: list[str]


@event
@dataclass(frozen=True, slots=True)
class PersonsReleased(Event):
    """The hold of a case is lifted; a person held by another case stays."""

    type: ClassVar[str] = "persons_released"
    case: str
    persons: list[str]


@event
@dataclass(frozen=True, slots=True)
class CaseRevoked(Event):
    """A registered case was withdrawn (H5): it counts nowhere any more."""

    type: ClassVar[str] = "case_revoked"
    person: str
    kind: str


# --- deadlines ------------------------------------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class DeadlineStarted(Event):
    """A deadline row of rule T.. or X.. for a subject."""

    type: ClassVar[str] = "deadline_started"
    deadline: str
    rule: str
    subject: str
    start: str
    due: str


@event
@dataclass(frozen=True, slots=True)
class DeadlineMoved(Event):
    """The start or the policy changed; the ladder starts anew for levels not yet reached."""

    type: ClassVar[str] = "deadline_moved"
    deadline: str
    start: str
    due: str


@event
@dataclass(frozen=True, slots=True)
class DeadlineMet(Event):
    """The duty was done, perhaps late."""

    type: ClassVar[str] = "deadline_met"
    deadline: str
    by: str
    met_at: str
    late_minutes: int
    reason: str


@event
@dataclass(frozen=True, slots=True)
class DeadlineCancelled(Event):
    """The duty fell away."""

    type: ClassVar[str] = "deadline_cancelled"
    deadline: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class DeadlineEscalated(Event):
    """A level of the ladder was reached at its true time, also after downtime."""

    type: ClassVar[str] = "deadline_escalated"
    deadline: str
    level: int
    due: str


# --- messages, deliveries, reports, notices ---------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class MessageReceived(Event):
    """An inbound message was taken; payload sealed; `state` is buffered or delivered."""

    type: ClassVar[str] = "message_received"
    message: str
    name: str
    keys: dict[str, Any]
    state: str
    expires: str | None


@event
@dataclass(frozen=True, slots=True)
class MessageDelivered(Event):
    """A message reached exactly one waiting event."""

    type: ClassVar[str] = "message_delivered"
    message: str
    wait: str


@event
@dataclass(frozen=True, slots=True)
class MessageExpired(Event):
    """Nobody waited for the message within its time to live."""

    type: ClassVar[str] = "message_expired"
    message: str


@event
@dataclass(frozen=True, slots=True)
class DeliveryQueued(Event):
    """Something is to leave the building; what it says is composed when it is sent."""

    type: ClassVar[str] = "delivery_queued"
    delivery: str
    element: str
    message: str
    recipient: str
    channel: str
    report: str
    content: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class DeliverySent(Event):
    """The gateway took it."""

    type: ClassVar[str] = "delivery_sent"
    delivery: str
    attempts: int
    receipt: str


@event
@dataclass(frozen=True, slots=True)
class DeliveryAcknowledged(Event):
    """The other side confirmed it."""

    type: ClassVar[str] = "delivery_acknowledged"
    delivery: str
    receipt: str


@event
@dataclass(frozen=True, slots=True)
class DeliveryFailed(Event):
    """An attempt failed; `final` when no further one follows by itself."""

    type: ClassVar[str] = "delivery_failed"
    delivery: str
    attempts: int
    error: str
    final: bool


@event
@dataclass(frozen=True, slots=True)
class ReportDrafted(Event):
    """A report document with the record of its draft."""

    type: ClassVar[str] = "report_drafted"
    report: str
    kind: str
    document: str
    corrects: list[str]
    persons: list[str]
    count: int


@event
@dataclass(frozen=True, slots=True)
class ReportSigned(Event):
    """Signed by somebody who did not draft it, or sent back."""

    type: ClassVar[str] = "report_signed"
    report: str
    decision: str


@event
@dataclass(frozen=True, slots=True)
class ReportSent(Event):
    """Queued to every recipient; meets the deadline it was drafted under."""

    type: ClassVar[str] = "report_sent"
    report: str
    number: str
    recipients: list[str]
    is_late: bool


@event
@dataclass(frozen=True, slots=True)
class NoticeSent(Event):
    """A notice in the inbox of a role; the text is rendered from the code at reading time."""

    type: ClassVar[str] = "notice_sent"
    organisation: str
    role: str
    code: str
    content: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class NoteAdded(Event):
    """An entry a person put on the timeline; the text is sealed under the incident."""

    type: ClassVar[str] = "note_added"
    happened_at: str


# --- engine incidents -------------------------------------------------------------------------


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentRaised(Event):
    """A step failed; the stored state stands. `retry` is the command to run again."""

    type: ClassVar[str] = "engine_incident_raised"
    engine_incident: str
    instance: str
    element: str
    cause: str
    attempts: int
    retry: dict[str, Any] = field(default_factory=dict)


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentResolved(Event):
    """An operator's retry went through."""

    type: ClassVar[str] = "engine_incident_resolved"
    engine_incident: str
