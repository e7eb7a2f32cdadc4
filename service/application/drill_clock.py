"""The clock of a drill: who makes it stand, slow down and go on, beside the trainer himself.

The drill row says what the trainer wants (`speed`, `is_paused`), the incident's clock how fast it runs. After every
command the two are brought together (`govern`); before it a drill nobody looks after is stopped (`hold`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from service.domain import events as ev
from service.domain.clock import VirtualClock
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from service.application.services import Services
    from service.application.steps import Advance

UNSEEN = timedelta(seconds=30)  # without a sign of the control page the trainer counts as lost
EVERYBODY = "*"
SLOWED = ("slow", "floor")
GOVERN, HOLD = "govern", "hold"
CLOSE = 0.01  # two speeds that differ by less are the same


def row_of(on: Advance) -> Mapping[str, Any] | None:
    """The drill row of the incident; None for a real one and for a drill that was ended."""
    if on.incident["kind"] != "drill":
        return None
    row = on.rows.get(sql.drills, on.incident_id)
    return row if row is not None and row["ended_at"] is None else None


def change(on: Advance, clock: VirtualClock, cause: str, *, speed: float, is_paused: bool) -> None:
    """Let the drill go on by the last segment of `clock`; everything that waits falls due by it."""
    on.move_clock(ev.DrillClockChanged(cause, clock.segments[-1].to_json(), speed, is_paused))
    queue.reschedule(on.uow, on.incident_id, on.clock.real_of)


def pause(on: Advance, cause: str) -> None:
    """Stop the clock now, if it is not stopped."""
    row = row_of(on)
    if row is not None and not row["is_paused"]:
        stopped = on.clock.with_speed(0, real_now=on.uow.now, told=on.now)
        change(on, stopped, cause, speed=row["speed"], is_paused=True)


def running(uow: UnitOfWork, organisation: str) -> Sequence[Any]:
    """Id, clock and code word of the drills of an organisation whose clock runs."""
    incidents, drills = sql.incidents, sql.drills
    statement = (
        select(incidents.c.id, incidents.c.clock, drills.c.code_word)
        .join(drills, drills.c.id == incidents.c.id)
        .where(incidents.c.organisation_id == organisation, drills.c.ended_at.is_(None), drills.c.is_paused.is_(False))
        .order_by(incidents.c.id)
    )
    return uow.connection.execute(statement).all()


def heard(uow: UnitOfWork, drill: str, **signs: Any) -> None:
    """Note who was heard of in real time; without any sign whoever was missed is not missed any more."""
    watches = sql.drill_watches
    mine = watches.c.id == drill
    if uow.connection.execute(select(watches.c.id).where(mine)).first() is None:
        uow.connection.execute(insert(watches).values({"id": drill, "served_seconds": 0, **signs}))
    else:
        values = signs or {"seen_at": None, "served_at": None}
        uow.connection.execute(update(watches).where(mine).values(**values))


def hold_all(uow: UnitOfWork, services: Services, organisation: str, cause: str) -> None:
    """Let every running drill of an organisation stand still; each is a command of its own, which follows at once."""
    for row in running(uow, organisation):
        clock = VirtualClock.from_json(services.clock, row.clock)
        queue.put(
            uow, kind=HOLD, ref=f"{row.id}:{cause}", incident_id=row.id, due_at=clock.at(uow.now), real_due_at=uow.now
        )


# --- nobody looks after it --------------------------------------------------------------------


def hold(on: Advance) -> None:
    """Stop a drill whose trainer, or whose server, was away: at the instant it was left alone, not now."""
    row = row_of(on)
    if row is None or row["is_paused"] or row["on_loss"] != "pause":
        return
    since = lost_since(watch_of(on.uow, on.incident_id), on.uow.now)
    if since is None:
        return
    last = select(func.max(sql.events.c.real_at)).where(sql.events.c.stream == on.incident_id)
    since = max(since, on.uow.connection.execute(last).scalar() or since)
    on.horizon = on.now = on.clock.at(since)
    change(on, on.clock.with_speed(0, real_now=since, told=on.now), "lost", speed=row["speed"], is_paused=True)


def watch_of(uow: UnitOfWork, drill: str) -> Mapping[str, Any]:
    """When who was heard of; empty where nobody was."""
    statement = select(sql.drill_watches).where(sql.drill_watches.c.id == drill)
    found = uow.connection.execute(statement).mappings().first()
    return dict(found) if found else {}


def lost_since(watch: Mapping[str, Any], now: datetime) -> datetime | None:
    """Since when nobody looks after a drill; None while somebody does, or nobody ever promised to."""
    ends = []
    if watch.get("seen_at") is not None and watch["seen_at"] + UNSEEN < now:
        ends.append(watch["seen_at"] + UNSEEN)
    if watch.get("served_at") is not None and watch["served_at"] + timedelta(seconds=watch["served_seconds"]) < now:
        ends.append(watch["served_at"])
    return min(ends, default=None)


# --- how fast it may run ----------------------------------------------------------------------


def govern(on: Advance) -> None:
    """Run as fast as the trainer wants and people can follow. The last act on a drill before it is stored."""
    row = row_of(on)
    if row is None:
        return
    speed, cause, until = _allowed(on, row)
    running = on.clock.speed
    if abs(speed - running) > CLOSE * max(speed, running):
        clock = on.clock.with_speed(speed, real_now=on.uow.now, told=on.now)
        change(on, clock, cause, speed=row["speed"], is_paused=row["is_paused"])
    if until is not None:
        queue.put(
            on.uow, kind=GOVERN, ref=on.incident_id, incident_id=on.incident_id,
            due_at=on.clock.at(until), real_due_at=until,
        )  # fmt: skip
    elif row["cause"] == "floor":
        queue.cancel(on.uow, GOVERN, on.incident_id)


def _allowed(on: Advance, row: Mapping[str, Any]) -> tuple[float, str, datetime | None]:
    """The speed, why, and until when in real time where that ends by itself."""
    if row["is_paused"]:
        return 0, row["cause"], None
    speed, cause = float(row["speed"]), "back" if row["cause"] in SLOWED else row["cause"]
    if row["slow_to"] is None and not row["floor_seconds"]:
        return speed, cause, None
    waiting = list(human_tasks(on, row))
    if waiting and row["slow_to"] is not None and row["slow_to"] < speed:
        speed, cause = float(row["slow_to"]), "slow"
    until = None
    for end, limit in _floors(on, row, waiting):
        until = min(end, until or end)
        if limit < speed:
            speed, cause = limit, "floor"
    return speed, cause, until


def human_tasks(on: Advance, row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Open tasks of roles that people play."""
    for state in ("open", "claimed"):
        for task in on.rows.where(sql.tasks, incident_id=on.incident_id, state=state):
            if not is_simulated(row, task):
                yield task


def is_simulated(row: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    """Whether the role of a task is played by the service."""
    return player_of(row["roles"], task["role"]) == "simulated"


def player_of(roles: Mapping[str, Any], role: str) -> str:
    """Who plays a role: human or simulated; `*` stands for whoever is not named."""
    return str(roles.get(role) or roles.get(EVERYBODY) or "human")


def _floors(on: Advance, row: Mapping[str, Any], waiting: list[Mapping[str, Any]]) -> Iterator[tuple[datetime, float]]:
    """Per task whose person has not had his real time yet: until when, and the speed that gives it to him.

    The next rung of the ladder of the task's deadline is not reached before; never slower than real time.
    """
    floor = timedelta(seconds=row["floor_seconds"])
    dated = [task for task in waiting if task["deadline_id"]] if floor else []
    rungs = _next_rungs(on) if dated else {}
    for task in dated:
        end, rung = on.clock.reached(task["created_at"]) + floor, rungs.get(task["deadline_id"])
        if rung is not None and rung > on.now and end > on.uow.now:
            yield end, max(1.0, (rung - on.now) / (end - on.uow.now))


def _next_rungs(on: Advance) -> dict[str, datetime]:
    """When the next level of each deadline is reached."""
    found: dict[str, datetime] = {}
    for item in queue.open_rows(on.uow.connection, on.incident_id):
        if item.kind == "ladder":
            found.setdefault(item.ref.rpartition("#")[0], item.due_at)
    return found
