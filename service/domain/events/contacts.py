"""Contacts of a case: listed, judged, observed, removed. What class a contact is of is sealed beside the event."""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class ContactListed(Event):
    """A person stands on the contact list of a case; stage is initial or final, the class is sealed."""

    type: ClassVar[str] = "contact_listed"
    case: str
    person: str
    stage: str
    other_org: str


@event
@dataclass(frozen=True, slots=True)
class ContactRemoved(Event):
    """The final list does not name the person any more; the reason stands in the record."""

    type: ClassVar[str] = "contact_removed"
    case: str
    person: str


@event
@dataclass(frozen=True, slots=True)
class ContactJudged(Event):
    """D06 and D07 were applied to a contact of the final list; the class is sealed."""

    type: ClassVar[str] = "contact_judged"
    case: str
    person: str
    mode: str


@event
@dataclass(frozen=True, slots=True)
class ContactStatusChanged(Event):
    """待转运, 隔离中, 转阳, 解除 or 失联."""

    type: ClassVar[str] = "contact_status_changed"
    case: str
    person: str
    status: str


@event
@dataclass(frozen=True, slots=True)
class ContactLinked(Event):
    """The instance that observes a contact; one observation may serve the lists of several cases."""

    type: ClassVar[str] = "contact_linked"
    case: str
    person: str
    instance: str


@event
@dataclass(frozen=True, slots=True)
class ContactObserved(Event):
    """From when until when a contact is observed."""

    type: ClassVar[str] = "contact_observed"
    case: str
    person: str
    since: str
    until: str


@event
@dataclass(frozen=True, slots=True)
class ContactHandedOver(Event):
    """The case an observation began for is excluded; it goes on for another case, under that one's tracing."""

    type: ClassVar[str] = "contact_handed_over"
    case: str
    person: str
    former: str
    instance: str
    parent: str
    parent_task: str
