"""Drills: beginning one by free play, its clock, its settings, its end.

A drill is an incident of kind drill on a clock of its own; everything else about it is the same.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.application import abandoning, drill_clock, due_work, incidents, organisations, simulated
from service.application.due_work import Fired
from service.application.incidents import Birth, incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.calendar import add, parse_duration
from service.domain.clock import Segment, VirtualClock
from service.domain.errors import IncidentClosed, NotADrill, ValueRefused
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

FASTEST = 3600
FURTHEST = timedelta(days=400)  # a jump further than that is a slip of the pen
LONGEST_FLOOR = 3600
MOST_STEPS = 500  # of simulated roles between two timers: more is a loop
PLAYERS = ("human", "simulated")
ON_LOSS = ("pause", "run")
QUIET = frozenset({"simulated", drill_clock.GOVERN, drill_clock.HOLD, "wake"})  # no timer, and no task of a person


@dataclass(frozen=True, slots=True)
class ClockOutcome:
    """What a change of the clock did: what fell due on the way, tasks that opened and closed."""

    drill: str
    fired: tuple[Fired, ...]
    opened: tuple[str, ...]
    closed: tuple[str, ...]


def create(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.CreateDrill, *, request_id: str = ""
) -> str:
    """Begin a drill and answer its opening form; returns the incident id, which is the drill's too.

    Raises NoSuch, ProcedureRetired, NotAllowed, ValueRefused, FormRefused; nothing is stored then.
    """
    return born(uow, services, principal, command, dict.fromkeys(command.roles, "simulated"), request_id=request_id)


def born(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.CreateDrill, roles: Mapping[str, str],
    *, script: Mapping[str, Any] | None = None, policies: Mapping[str, Any] | None = None, is_trial: bool = False,
    request_id: str = "",
) -> str:  # fmt: skip
    """Begin a drill in which `roles` says who plays whom, with the script of its scenario. Raises as `create`."""
    version = incidents.version_to_open(uow, command.procedure)
    require(principal, Action.DRILL_CREATE, organisations.subject(uow.connection, command.organisation))
    organisations.require_active(uow, command.organisation)
    speed = checked_speed(command.speed)
    script = script or {}
    settings = {"slow_to": command.slow_to, "floor_seconds": command.floor_seconds, "on_loss": command.on_loss}
    _check_settings(settings)
    starts_at = command.starts_at or uow.now
    created = ev.DrillCreated(
        seed=secrets.randbelow(1_000_000) if command.seed is None else command.seed, speed=speed or 1.0,
        is_paused=speed == 0, starts_at=starts_at.isoformat(), slow_to=command.slow_to,
        floor_seconds=command.floor_seconds, on_loss=command.on_loss, code_word=command.code_word.strip(),
        roles=dict(roles), scenario=str(script.get("id", "")), script=dict(script), trial=is_trial,
    )  # fmt: skip
    clock = VirtualClock(services.clock, [Segment(uow.now, starts_at, speed)])
    birth = Birth("drill", version, clock, (created,), policies or {})
    opening = cmd.OpenIncident(command.procedure, command.organisation, command.data, command.start)
    return incidents.begin(uow, services, principal, opening, birth, request_id=request_id)


def control(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.ControlClock, *, request_id: str = ""
) -> ClockOutcome:
    """Change the clock of a drill. Raises NotADrill, IncidentClosed, NotAllowed, ValueRefused."""

    def work(on: Advance) -> ClockOutcome:
        row, act = drill_of(on, principal), _ACTS.get(command.action)
        if act is None:
            known = " | ".join(_ACTS)
            raise ValueRefused("action", f"须为 {known}", f"must be one of {known}")
        on.fired.clear()
        act(on, row, command)
        on.settle()
        drill_clock.govern(on)
        fresh = {task for task, is_opened in on.moved_tasks if is_opened}
        gone = {task for task, is_opened in on.moved_tasks if not is_opened}
        fired = tuple(each for each in on.fired if each.kind not in QUIET)
        return ClockOutcome(on.incident_id, fired, tuple(sorted(fresh - gone)), tuple(sorted(gone - fresh)))

    return advance(uow, services, command.drill, _origin(principal, request_id), work, looks=True)


def settle_settings(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.ChangeDrill, *, request_id: str = ""
) -> None:
    """Take over other settings of a drill; those not named stay. Raises as `control`."""
    changes = dict(command.changes)

    def work(on: Advance) -> None:
        drill_of(on, principal)
        _check_settings(changes)
        on.record(ev.DrillSettingsChanged(changes))

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def cast(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.CastRole, *, request_id: str = ""
) -> None:
    """Hand a role to people or to the service, with what it has open. Raises as `control`.

    `*` is whoever is not named; handed to the service, those who are named go with it.
    """

    def work(on: Advance) -> None:
        row = drill_of(on, principal)
        if command.played_by not in PLAYERS:
            raise ValueRefused("played_by", "须为 human 或 simulated", "must be human or simulated")
        simulated.cast(on, row, command.role, command.played_by)
        if command.role == drill_clock.EVERYBODY and command.played_by == simulated.ACTOR:
            for role in sorted(row["roles"]):
                simulated.cast(on, drill_clock.row_of(on) or row, role, command.played_by)

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def end(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.EndDrill, *, request_id: str = ""
) -> None:
    """End a drill: what runs in it is given up, its clock stands still for good. Raises as `control`."""

    def work(on: Advance) -> None:
        row = drill_of(on, principal)
        abandoning.incident(on)
        on.settle()
        stopped = on.clock.with_speed(0, real_now=on.uow.now, told=on.now)
        drill_clock.change(on, stopped, "end", speed=row["speed"], is_paused=True)
        on.record(ev.DrillEnded())

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def stop_all(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.StopDrills, *, request_id: str = ""
) -> int:
    """Say the code word: the drills of the organisation that have it, or none, stand still; returns how many.

    Raises NotAllowed, ValueRefused for a word that no running drill of the organisation knows.
    """
    del request_id
    require(principal, Action.DRILL_STOP, organisations.subject(uow.connection, command.organisation))
    found = drill_clock.running(uow, command.organisation)
    word = command.word.strip()
    if not any(row.code_word == word for row in found):
        raise ValueRefused("word", "不是本单位任何一场正在进行的演练的暗语", "no running drill here has this code word")
    drill_clock.hold_all(uow, services, command.organisation, "code_word")
    return len(found)


def seen(uow: UnitOfWork, services: Services, principal: Principal, drill: str, *, request_id: str = "") -> None:
    """The control page of a drill is open: its trainer is there."""
    del services, request_id
    row = uow.connection.execute(sql.incidents.select().where(sql.incidents.c.id == drill)).mappings().first()
    require(principal, Action.DRILL_CONTROL, incident_subject(uow, dict(row) if row else {}))
    drill_clock.heard(uow, drill, seen_at=uow.now)


# --- inside -----------------------------------------------------------------------------------


def drill_of(on: Advance, principal: Principal) -> Mapping[str, Any]:
    """The row of a drill the principal controls. Raises NotADrill, IncidentClosed, NotAllowed."""
    if on.incident["kind"] != "drill":
        require(principal, Action.INCIDENT_READ, incident_subject(on.uow, on.incident))
        raise NotADrill(on.incident["number"])
    require(principal, Action.DRILL_CONTROL, incident_subject(on.uow, on.incident))
    row = drill_clock.row_of(on)
    if row is None:
        raise IncidentClosed(on.incident["number"])
    return row


def checked_speed(speed: float | None) -> float:
    """A speed from 0 to 3,600. Raises ValueRefused."""
    if speed is None or not 0 <= speed <= FASTEST:
        raise ValueRefused("speed", f"须在 0 到 {FASTEST} 之间，0 为暂停", f"must be from 0 to {FASTEST}; 0 is a pause")
    return float(speed)


def _check_settings(settings: Mapping[str, Any]) -> None:
    slow_to = settings.get("slow_to")
    if slow_to is not None and not 0 < slow_to <= FASTEST:
        raise ValueRefused("slow_to", f"须大于 0，不超过 {FASTEST}", f"must be above 0 and at most {FASTEST}")
    if not 0 <= settings.get("floor_seconds", 0) <= LONGEST_FLOOR:
        raise ValueRefused(
            "floor_seconds", f"须在 0 到 {LONGEST_FLOOR} 秒之间", f"must be from 0 to {LONGEST_FLOOR} seconds"
        )
    if settings.get("on_loss", "pause") not in ON_LOSS:
        raise ValueRefused("on_loss", "须为 pause 或 run", "must be pause or run")


def _pause(on: Advance, _row: Mapping[str, Any], _command: cmd.ControlClock) -> None:
    drill_clock.pause(on, "pause")


def _resume(on: Advance, row: Mapping[str, Any], command: cmd.ControlClock) -> None:
    speed = row["speed"] if command.speed is None else checked_speed(command.speed)
    _run(on, "resume", speed)


def _speed(on: Advance, row: Mapping[str, Any], command: cmd.ControlClock) -> None:
    speed = checked_speed(command.speed)
    if speed == 0:
        drill_clock.pause(on, "pause")
    elif row["is_paused"] or speed != row["speed"]:
        _run(on, "speed", speed)


def _run(on: Advance, cause: str, speed: float) -> None:
    if speed == 0:
        raise ValueRefused("speed", "继续时须大于 0", "must be above 0 to go on")
    drill_clock.heard(on.uow, on.incident_id)
    running = on.clock.with_speed(speed, real_now=on.uow.now, told=on.now)
    drill_clock.change(on, running, cause, speed=speed, is_paused=False)


def _advance(on: Advance, row: Mapping[str, Any], command: cmd.ControlClock) -> None:
    """Jump; what falls due on the way is worked in order, each at its own time."""
    target = _target(on.horizon, command.by)
    clock = on.clock.jumped_to(target, real_now=on.uow.now)
    drill_clock.change(on, clock, "advance", speed=row["speed"], is_paused=row["is_paused"])
    due_work.catch_up(on, looks=True)


def _target(now: datetime, by: str) -> datetime:
    try:
        target = add(now, parse_duration(by))
    except (ValueError, OverflowError):
        raise ValueRefused("by", "须为 ISO 8601 时长，如 PT30M", "must be an ISO 8601 duration such as PT30M") from None
    if not timedelta() < target - now <= FURTHEST:
        most = FURTHEST.days
        raise ValueRefused("by", f"须大于零，不超过 {most} 天", f"must be above zero and at most {most} days")
    return target


def _until_next(on: Advance, row: Mapping[str, Any], _command: cmd.ControlClock) -> None:
    """Run to the next timer, or to a task that a person must answer, whatever simulated roles do before."""
    for _ in range(MOST_STEPS):
        known = {task["id"] for task in drill_clock.human_tasks(on, row)}
        first = queue.first_of(on.uow.connection, on.incident_id)
        if first >= queue.PAUSED or first - on.horizon > FURTHEST:
            break
        before = len(on.fired)
        on.horizon = max(first, on.horizon)
        due_work.catch_up(on, looks=True)
        is_timer = any(each.kind not in QUIET for each in on.fired[before:])
        if is_timer or {task["id"] for task in drill_clock.human_tasks(on, row)} - known:
            break
    if on.horizon > on.clock.at(on.uow.now):
        clock = on.clock.jumped_to(on.horizon, real_now=on.uow.now)
        drill_clock.change(on, clock, "until_next", speed=row["speed"], is_paused=row["is_paused"])


_ACTS = {"pause": _pause, "resume": _resume, "speed": _speed, "advance": _advance, "until_next": _until_next}


def _origin(principal: Principal, request_id: str) -> Origin:
    return Origin(actor=principal.account_id, role="trainer", request_id=request_id, command_id=request_id)
