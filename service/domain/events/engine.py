"""What stopped a process, and what an operator did about it; never the public-health incident."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentRaised1(Event):
    """A step failed; the stored state stands. `retry` is the command to run again. Before failures had a code."""

    type: ClassVar[str] = "engine_incident_raised"
    engine_incident: str
    instance: str
    element: str
    cause: str
    attempts: int
    retry: dict[str, Any] = field(default_factory=dict)


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentRaised(Event):
    """A process stopped; the stored state stands. `code` says how, `retry` is what to run again."""

    type: ClassVar[str] = "engine_incident_raised"
    schema_version: ClassVar[int] = 2
    engine_incident: str
    instance: str
    element: str
    cause: str
    attempts: int
    code: str
    retry: dict[str, Any] = field(default_factory=dict)


@event
@dataclass(frozen=True, slots=True)
class InstanceUpgraded(Event):
    """An instance goes on by another version; `tasks` and `waits` are what is open, as that version says it."""

    type: ClassVar[str] = "instance_upgraded"
    instance: str
    procedure: str
    before: int
    version: int
    reason: str
    tasks: list[dict[str, Any]]
    waits: list[dict[str, Any]]


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentResolved(Event):
    """An operator's retry went through."""

    type: ClassVar[str] = "engine_incident_resolved"
    engine_incident: str


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentSkipped(Event):
    """An operator let the process go on past the element that failed, without what it does."""

    type: ClassVar[str] = "engine_incident_skipped"
    engine_incident: str
    instance: str
    element: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class EngineIncidentCancelled(Event):
    """An operator ended what had stopped: `scope` is instance or incident."""

    type: ClassVar[str] = "engine_incident_cancelled"
    engine_incident: str
    instance: str
    scope: str
    reason: str
