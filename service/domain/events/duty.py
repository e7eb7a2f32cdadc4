"""Duty: the roster of an organisation (its own stream), and to whom the tasks of an incident were assigned."""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class ShiftTemplatesSet(Event):
    """The shifts that come again; `templates` replaces those before: name, begins, hours, weekdays, members."""

    type: ClassVar[str] = "shift_templates_set"
    templates: list[dict[str, Any]]


@event
@dataclass(frozen=True, slots=True)
class ShiftPlanned(Event):
    """A shift was drafted; nobody is on duty by it before it is published."""

    type: ClassVar[str] = "shift_planned"
    shift: str
    name: str
    starts: str
    ends: str
    wanted: int


@event
@dataclass(frozen=True, slots=True)
class ShiftStaffed(Event):
    """Who is on a shift: leaders in charge and members in their order; `reason` once it is published."""

    type: ClassVar[str] = "shift_staffed"
    shift: str
    leaders: list[str]
    members: list[str]
    reason: str


@event
@dataclass(frozen=True, slots=True)
class RosterPublished(Event):
    """A leader approved and published some shifts (P20.2)."""

    type: ClassVar[str] = "roster_published"
    shifts: list[str]


@event
@dataclass(frozen=True, slots=True)
class ShiftRemoved(Event):
    """A shift falls away."""

    type: ClassVar[str] = "shift_removed"
    shift: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class ShiftSignedIn(Event):
    """Somebody began his duty (P20.4)."""

    type: ClassVar[str] = "shift_signed_in"
    shift: str
    account: str


@event
@dataclass(frozen=True, slots=True)
class ShiftMissed(Event):
    """Nobody signed in for this place in time (X11), at its true time; `stand_in` was called, "" if there is none."""

    type: ClassVar[str] = "shift_missed"
    shift: str
    account: str
    stand_in: str
    due: str


@event
@dataclass(frozen=True, slots=True)
class ShiftHandedOver(Event):
    """One side of the hand-over signed (P20.6); `side` is handed or received, what was handed over is sealed."""

    type: ClassVar[str] = "shift_handed_over"
    shift: str
    side: str
    account: str


@event
@dataclass(frozen=True, slots=True)
class ShiftSwapMoved(Event):
    """A swap was asked for, accepted, declined, approved, refused or withdrawn."""

    type: ClassVar[str] = "shift_swap_moved"
    swap: str
    shift: str
    asker: str
    other: str
    state: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class StandInsSet(Event):
    """The ordered stand-ins of a role."""

    type: ClassVar[str] = "stand_ins_set"
    role: str
    accounts: list[str]


@event
@dataclass(frozen=True, slots=True)
class AbsenceReported(Event):
    """Somebody leaves his post for a while and says so beforehand (P20.7)."""

    type: ClassVar[str] = "absence_reported"
    absence: str
    account: str
    stand_in: str
    starts: str
    ends: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class AbsenceWithdrawn(Event):
    """He stays, or is back."""

    type: ClassVar[str] = "absence_withdrawn"
    absence: str


@event
@dataclass(frozen=True, slots=True)
class DutyGapFound(Event):
    """The roster has a gap ahead; those who can fill it were told, once."""

    type: ClassVar[str] = "duty_gap_found"
    gap: str
    kind: str
    shift: str
    starts: str


@event
@dataclass(frozen=True, slots=True)
class TaskAssigned(Event):
    """To whom a task came: by duty, as holders of the role, as stand-in, leader or superior.

    `step` counts from 1; `until` is when it climbs unless somebody accepts it, "" at the top.
    """

    type: ClassVar[str] = "task_assigned"
    task: str
    step: int
    level: str
    place: int
    role: str
    organisation: str
    accounts: list[str]
    until: str


@event
@dataclass(frozen=True, slots=True)
class DeliveryWithdrawn(Event):
    """It is not needed any more; nothing leaves."""

    type: ClassVar[str] = "delivery_withdrawn"
    delivery: str
    reason: str
