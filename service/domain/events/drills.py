"""Drills: how one was set up, what its clock did, who plays whom."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class DrillCreated(Event):
    """A drill was set up; `speed` is the speed wanted, `roles` who plays whom, `script` the scenario as drawn.

    `scenario` is the id of the scenario, "" for free play; `trial` where the trainer tries it on himself first.
    """

    type: ClassVar[str] = "drill_created"
    seed: int
    speed: float
    is_paused: bool
    starts_at: str
    slow_to: float | None
    floor_seconds: int
    on_loss: str
    code_word: str
    roles: dict[str, str]
    scenario: str = ""
    script: dict[str, Any] = field(default_factory=dict)
    trial: bool = False


@event
@dataclass(frozen=True, slots=True)
class DrillBranched(Event):
    """Everything before this is taken over from another drill, up to its event `seq`; from here on they are two."""

    type: ClassVar[str] = "drill_branched"
    drill: str
    number: str
    seq: int


@event
@dataclass(frozen=True, slots=True)
class DrillNoted(Event):
    """An entry of the diary everybody in the drill may read; its text is sealed and never changes."""

    type: ClassVar[str] = "drill_noted"


@event
@dataclass(frozen=True, slots=True)
class DrillNotedPrivately(Event):
    """An entry of the trainers' own diary; its text is sealed and never changes."""

    type: ClassVar[str] = "drill_noted_privately"


@event
@dataclass(frozen=True, slots=True)
class DrillObserverNamed(Event):
    """An account may look at the control room, without its controls, or may not any more."""

    type: ClassVar[str] = "drill_observer_named"
    account: str
    is_observer: bool


@event
@dataclass(frozen=True, slots=True)
class DrillGuestDecided(Event):
    """Somebody who came in by the PIN plays a role from now on; `role` is empty where he was refused or sent out."""

    type: ClassVar[str] = "drill_guest_decided"
    guest: str
    account: str
    role: str


@event
@dataclass(frozen=True, slots=True)
class DrillClockChanged(Event):
    """The clock goes on by another segment; `speed` is the speed wanted, `cause` why it runs as it does now."""

    type: ClassVar[str] = "drill_clock_changed"
    cause: str
    segment: dict[str, Any]
    speed: float
    is_paused: bool


@event
@dataclass(frozen=True, slots=True)
class DrillSettingsChanged(Event):
    """The trainer chose other settings; a field that is absent stays as it was."""

    type: ClassVar[str] = "drill_settings_changed"
    changes: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class DrillRoleChanged(Event):
    """A role (`*`: whoever is not named) is played by `human` or `simulated` from now on."""

    type: ClassVar[str] = "drill_role_changed"
    role: str
    played_by: str


@event
@dataclass(frozen=True, slots=True)
class DrillAnswerFailed(Event):
    """A simulated role found no answer that the form of a task takes; a person must answer it."""

    type: ClassVar[str] = "drill_answer_failed"
    task: str
    element: str
    fields: list[str]


@event
@dataclass(frozen=True, slots=True)
class DrillEnded(Event):
    """The trainer ended the drill; nothing of it goes on."""

    type: ClassVar[str] = "drill_ended"
