"""To whom a task comes: the people on duty, else the holders of the role, then stand-ins, leader, superior.

Where an organisation keeps no duty roster, everybody who holds the role of a task is told of it, and nothing more
happens. Where it keeps one, every task it gets is assigned, and climbs while nobody has accepted it: at
`role_accept`, or for the first acceptance of a report at its own deadline (X01), when the leader on duty gets it
together with the first stand-in (P01.3b rule 11). The superior is told as late as the ladder of deadlines tells
him (timers §E). Everybody it came to before stays on copy. Claiming or completing it ends the climb.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from service.application import alert_queue, drill_clock, due_rows, duty_rosters, organisations, scripts
from service.domain import events as ev
from service.domain.duty import LEADER, MEMBER, Roster
from service.domain.standing import LEADERS, OVERSEERS
from service.persistence import queue
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

DUE_KIND = "assign"
ACCEPTANCE = "X01"  # the rule whose limit is the acceptance itself
UNASSIGNED_KINDS = frozenset({"receive"})  # work of an outside party: nobody of ours has to accept it
INFORMED = frozenset({"superior"})  # levels that are told and do not get the work
URGENT = timedelta(hours=2)
FOLLOWED = (ev.TaskOpened, ev.TaskReleased, ev.TaskClaimed, ev.TaskCompleted, ev.TaskDelegated, ev.ElementCancelled)


def follow(on: Advance, event: ev.Event, row: Mapping[str, Any] | None) -> None:
    """Keep assignments in step with an event just recorded (one of FOLLOWED), in an instance or outside of any.

    Of what was given up only tasks are looked at: the assignments of a timer would be read from the database each time.
    """
    if isinstance(event, ev.TaskOpened | ev.TaskReleased):
        on.unassigned.append(event.task)
    elif isinstance(event, ev.TaskClaimed | ev.TaskCompleted):
        _settle(on, event.task)
    elif isinstance(event, ev.TaskDelegated):
        _settle(on, event.task)
        on.delegated.append((event.task, event.assignee))
    elif isinstance(event, ev.ElementCancelled) and row and _is_task(on, row, event.visit):
        _settle(on, event.visit)


def _is_task(on: Advance, instance: Mapping[str, Any], visit: str) -> bool:
    return visit in on.rows.ids(sql.tasks, instance_id=instance["id"])


def steps_of(on: Advance, task: str) -> list[Row]:
    """The assignments of a task, earliest first."""
    return on.rows.where(sql.assignments, task_id=task)


def offered_to(rows: Collection[Mapping[str, Any]]) -> frozenset[str]:
    """The accounts that may do a task because it came to them."""
    return frozenset(row["account_id"] for row in rows if row["level"] not in INFORMED and row["account_id"])


def assign_opened(on: Advance) -> None:
    """Assign the tasks that were opened or given back since the last time, and tell who got one handed over."""
    waiting, on.unassigned = on.unassigned, []
    handed, on.delegated = on.delegated, []
    for task, account in handed:
        row = on.rows.get(sql.tasks, task)
        if row is not None and row["assignee"] == account and account != on.origin.actor:
            alert_queue.wake(on, row, [account], level="delegate", is_urgent=_is_urgent(on, row))
    if not waiting:
        return
    organisation = str(on.incident["organisation_id"])
    roster = duty_rosters.roster_of(on.uow, organisation)
    if roster.is_kept(on.now):
        drill = drill_clock.row_of(on)
        for row in _for_people(on, waiting):
            _begin(on, row, roster)
            if drill is not None and scripts.away_until(on, drill, row["role"], on.now) is not None:
                climb(on, row["id"])
    elif duty_rosters.channel_owners(on.uow):
        for row in _for_people(on, waiting):
            urgent, where = _is_urgent(on, row), row["organisation_id"]
            alert_queue.wake(on, row, _holders(on, row), level="role", is_urgent=urgent, organisation=where)


def climb(on: Advance, task: str) -> None:
    """Nobody has accepted the task in time: it comes to the next level, at its true time."""
    row = on.rows.get(sql.tasks, task)
    if row is None or row["state"] != "open":
        return
    roster = duty_rosters.roster_of(on.uow, row["organisation_id"])
    steps = steps_of(on, task)
    had = {step["account_id"] for step in steps}
    levels = {step["level"] for step in steps}
    next_in = [each for each in roster.stand_ins_of(_roles(row), on.now) if each not in had]
    if "leader" not in levels and (not next_in or _is_acceptance(on, row)):
        place = len({step["step"] for step in steps if step["level"] == "stand_in"}) + 1
        if next_in:
            _assign(on, row, "stand_in", next_in[:1], until=None, place=place)
        _assign(on, row, "leader", _leaders(on, row, roster, had | set(next_in[:1])), until=_superior_at(on, row))
    elif next_in and "leader" not in levels:
        place = len({step["step"] for step in steps if step["level"] == "stand_in"}) + 1
        _assign(on, row, "stand_in", next_in[:1], until=on.now + _limit(on, row), place=place)
    elif "superior" not in levels:
        above, accounts = superior_of(on)
        _assign(on, row, "superior", accounts, until=None, organisation=above)


def superior_of(on: Advance) -> tuple[str, list[str]]:
    """The nearest superior organisation with somebody who oversees, and who of them is on duty, else all."""
    for above in organisations.hierarchy(on.uow).ancestors(str(on.incident["organisation_id"])):
        held = duty_rosters.holders(on.uow, above, on.uow.now)
        overseers = [account for account, roles in held.items() if roles & OVERSEERS]
        if overseers:
            on_duty = {each.account for each in duty_rosters.roster_of(on.uow, above).on_duty(on.now)}
            return above, [each for each in overseers if each in on_duty] or overseers
    return str(on.incident["organisation_id"]), []


# --- inside -----------------------------------------------------------------------------------


def _for_people(on: Advance, tasks: Sequence[str]) -> Iterator[Row]:
    """Those of the tasks that wait for one of our people."""
    drill = drill_clock.row_of(on)
    for task in dict.fromkeys(tasks):
        row = on.rows.get(sql.tasks, task)
        if row is None or (drill is not None and drill_clock.is_simulated(drill, row)):
            continue
        if row["state"] == "open" and row["role"] and row["kind"] not in UNASSIGNED_KINDS:
            yield row


def _holders(on: Advance, row: Row) -> list[str]:
    """The accounts that hold a role of a task."""
    roles, held = set(_roles(row)), duty_rosters.holders(on.uow, row["organisation_id"], on.uow.now)
    return [account for account, roles_held in held.items() if roles_held & roles]


def _begin(on: Advance, row: Row, roster: Roster) -> None:
    able = _holders(on, row)
    on_duty = [each.account for each in roster.on_duty(on.now) if each.account in able]
    members = {each.account for each in roster.on_duty(on.now) if each.duty == MEMBER}
    first = [each for each in on_duty if each in members] or on_duty
    level = "duty" if first else "role"
    _assign(on, row, level, first or able, until=_first_limit(on, row))


def _leaders(on: Advance, row: Row, roster: Roster, had: Collection[str]) -> list[str]:
    """The leaders on duty; where there is none, whoever leads the organisation."""
    on_duty = [each.account for each in roster.on_duty(on.now) if each.duty == LEADER]
    held = duty_rosters.holders(on.uow, row["organisation_id"], on.uow.now)
    found = on_duty or [account for account, roles in held.items() if roles & LEADERS]
    return [each for each in found if each not in had] or found


def _assign(
    on: Advance, row: Row, level: str, accounts: Sequence[str], *,
    until: datetime | None, place: int = 0, organisation: str = "",
) -> None:  # fmt: skip
    step = max((each["step"] for each in steps_of(on, row["id"])), default=0) + 1
    event = ev.TaskAssigned(
        row["id"], step, level, place, row["role"], organisation or row["organisation_id"], list(accounts),
        until.isoformat() if until else "",
    )  # fmt: skip
    instance = on.instance_row(row["instance_id"])
    on.record(event, row=instance, element=row["element"])
    is_urgent = level in {"leader", "superior"} or _is_urgent(on, row)
    alert_queue.wake(on, row, accounts, level=level, is_urgent=is_urgent, organisation=event.organisation)
    if until:
        due_rows.put(on, DUE_KIND, row["id"], until, row["instance_id"])


def _settle(on: Advance, task: str) -> None:
    """Somebody has it, or nobody needs to: it climbs no more, and nobody is woken for it any more."""
    if steps_of(on, task):
        queue.cancel(on.uow, DUE_KIND, task)
        alert_queue.settle(on, task)
    elif duty_rosters.channel_owners(on.uow):
        alert_queue.settle(on, task)


def _roles(row: Row) -> list[str]:
    return [role for role in (row["role"], *row["also"]) if role]


def _is_acceptance(on: Advance, row: Row) -> bool:
    deadline = _deadline(on, row)
    return deadline is not None and deadline["rule"] == ACCEPTANCE


def _deadline(on: Advance, row: Row) -> Row | None:
    return on.rows.get(sql.deadlines, row["deadline_id"]) if row["deadline_id"] else None


def _first_limit(on: Advance, row: Row) -> datetime:
    deadline = _deadline(on, row)
    if deadline is not None and deadline["rule"] == ACCEPTANCE and deadline["due_at"] > on.now:
        due: datetime = deadline["due_at"]
        return due
    return on.now + _limit(on, row)


def _limit(on: Advance, row: Row) -> timedelta:
    limit: timedelta = on.policies["office_accept" if _is_acceptance(on, row) else "role_accept"]
    return limit


def _superior_at(on: Advance, row: Row) -> datetime:
    """Half the limit later, as rung 2 of the ladder of deadlines."""
    most: timedelta = on.policies["ladder_superior_max"]
    return on.now + min(_limit(on, row) * int(on.policies["ladder_superior_pct"]) / 100, most)


def _is_urgent(on: Advance, row: Row) -> bool:
    return _is_acceptance(on, row) or (row["due_at"] is not None and row["due_at"] - on.now <= URGENT)
