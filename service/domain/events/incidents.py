"""Incidents, instances, deadlines and engine incidents."""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


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
    """The start changed: it runs anew. Or, with the same start, the policy: the levels reached stand."""

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
