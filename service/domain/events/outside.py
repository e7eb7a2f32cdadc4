"""People, messages, deliveries, reports and notices."""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


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
    """Status of one case."""

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
