"""Scenarios of drills: what injects do, what simulated roles do wrong, own scenarios of an organisation."""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class DrillAnswerSlipped(Event):
    """A simulated role answered a task wrongly, as the scenario wants it, and answers again later."""

    type: ClassVar[str] = "drill_answer_slipped"
    task: str
    element: str


@event
@dataclass(frozen=True, slots=True)
class InjectScheduled(Event):
    """What an inject waits for has happened: it comes at `due`."""

    type: ClassVar[str] = "inject_scheduled"
    inject: str
    due: str


@event
@dataclass(frozen=True, slots=True)
class InjectImprovised(Event):
    """The trainer made up an inject during the drill; `content` is written as in a scenario."""

    type: ClassVar[str] = "inject_improvised"
    inject: str
    content: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class InjectDelivered(Event):
    """An inject came; `by` is trigger or trainer, `outcome` what its message came to, `until` when it is over."""

    type: ClassVar[str] = "inject_delivered"
    inject: str
    kind: str
    by: str
    to: list[str]
    outcome: str
    until: str


@event
@dataclass(frozen=True, slots=True)
class InjectSkipped(Event):
    """An inject does not come; `reason` is a code, or what the trainer gave."""

    type: ClassVar[str] = "inject_skipped"
    inject: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class ScenarioKept(Event):
    """An organisation wrote or changed a scenario of its own; `document` is written as a scenario file."""

    type: ClassVar[str] = "scenario_kept"
    scenario: str
    document: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class ScenarioDropped(Event):
    """An organisation gave up a scenario of its own; drills begun from it keep it."""

    type: ClassVar[str] = "scenario_dropped"
    scenario: str
