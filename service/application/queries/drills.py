"""Drills: the list, and what a trainer sees of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from service.application.drill_clock import EVERYBODY, player_of
from service.application.queries import cursors, incident_pages
from service.application.queries.incident_pages import IncidentFilter, IncidentList, IncidentRow
from service.application.queries.reader import OPEN_STATES, Reader, tasks
from service.domain.access import Action
from service.domain.errors import NotADrill
from service.domain.standing import OUTSIDE_PARTIES
from service.persistence.tables import sql


@dataclass(frozen=True, slots=True)
class DrillClock:
    """Both clocks of a drill, how fast it runs, what the trainer wants, and why it runs as it does."""

    now: datetime
    real_now: datetime
    speed: float
    wanted: float
    paused: bool
    cause: str
    cause_label: str


@dataclass(frozen=True, slots=True)
class DrillRole:
    """A role of a drill, who plays it, and how many of its tasks are open."""

    role: str
    label: str
    played_by: str
    open_tasks: int
    is_outside: bool


@dataclass(frozen=True, slots=True)
class DrillPage:
    """One drill; `code_word` is for its trainer only; `others` plays the roles that nobody named, later ones too."""

    row: IncidentRow
    clock: DrillClock
    seed: int
    starts_at: datetime
    ended_at: datetime | None
    slow_to: float | None
    floor_seconds: int
    on_loss: str
    code_word: str
    roles: tuple[DrillRole, ...]
    others: str
    may_control: bool
    scenario: str
    trial: bool

    @property
    def has_people(self) -> bool:
        """Whether a role, or one that comes later, is played by people."""
        return self.others != "simulated" or any(role.played_by != "simulated" for role in self.roles)

    @property
    def id(self) -> str:
        """The id of the drill, which is that of its incident."""
        return self.row.id

    @property
    def incident(self) -> str:
        """The same."""
        return self.row.id

    @property
    def number(self) -> str:
        """Its number."""
        return self.row.number

    @property
    def title(self) -> str:
        """Place and procedure."""
        return self.row.title

    @property
    def procedure(self) -> str:
        """Id of its procedure."""
        return self.row.procedure

    @property
    def version(self) -> int:
        """Version of it."""
        return self.row.version

    @property
    def organisation(self) -> str:
        """Whose drill it is."""
        return self.row.organisation

    @property
    def status(self) -> str:
        """The status of the incident."""
        return self.row.status


def listing(reader: Reader, *, cursor: str = "", limit: int = cursors.LIMIT) -> IncidentList:
    """Drills the reader may see, newest first."""
    return incident_pages.listing(reader, IncidentFilter(kind="drill"), cursor=cursor, limit=limit)


def page(reader: Reader, drill: str) -> DrillPage:
    """One drill. Raises NoSuch where the reader may not see it, NotADrill for a real incident."""
    found = reader.incident(drill)
    row = drill_row(reader, drill)
    if row is None:
        raise NotADrill(found["number"])
    may_control = reader.may_with(Action.DRILL_CONTROL, found)
    shown = incident_pages.one(reader, drill)
    return DrillPage(
        row=shown,
        clock=clock_of(reader, row, shown),
        seed=row["seed"],
        starts_at=row["starts_at"],
        ended_at=row["ended_at"],
        slow_to=row["slow_to"],
        floor_seconds=row["floor_seconds"],
        on_loss=row["on_loss"],
        code_word=row["code_word"] if may_control else "",
        roles=_roles(reader, shown, row),
        others=player_of(row["roles"], EVERYBODY),
        may_control=may_control and row["ended_at"] is None,
        scenario=row["scenario"],
        trial=row["trial"],
    )


def drill_row(reader: Reader, drill: str) -> Mapping[str, Any] | None:
    """What is stored of a drill beside its incident; None for a real one."""
    return next(iter(reader.rows(select(sql.drills).where(sql.drills.c.id == drill))), None)


def clock_of(reader: Reader, row: Mapping[str, Any], shown: IncidentRow) -> DrillClock:
    """Both clocks of a drill."""
    cause = row["cause"]
    return DrillClock(
        shown.clock.now, reader.now, shown.clock.speed, row["speed"], row["is_paused"], cause,
        reader.label("drill_cause", cause),
    )  # fmt: skip


def _roles(reader: Reader, shown: IncidentRow, row: Mapping[str, Any]) -> tuple[DrillRole, ...]:
    """Roles with tasks, or with steps of the procedure; who has work first."""
    is_open = func.count().filter(tasks.c.state.in_(OPEN_STATES)).label("open")
    counted = select(tasks.c.role, is_open).where(tasks.c.incident_id == shown.id).group_by(tasks.c.role)
    open_tasks = {each["role"]: each["open"] for each in reader.rows(counted)}
    bundle = reader.readable(shown.procedure, shown.version)
    pages = bundle.processes.values() if bundle else ()
    known = {node.role for page in pages for node in page.nodes.values() if node.role}
    found = [
        DrillRole(
            role, reader.label("role", role), player_of(row["roles"], role), open_tasks.get(role, 0),
            role in OUTSIDE_PARTIES,
        )
        for role in sorted(known | set(open_tasks) | set(row["roles"]) - {EVERYBODY})
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (-each.open_tasks, each.is_outside, each.label)))
