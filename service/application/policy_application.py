"""Changing a policy and, where asked for, taking the new value over into incidents that run.

An incident keeps the snapshot of its opening; a guideline that changes meanwhile is applied to chosen incidents,
as an act of its own in the log of each. Deadlines and timers that run on the value move, but never into the past:
what would be overdue by the new value falls due now, because nobody can have kept a rule before it was made.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select

from service.application import due_work, observations, policy_values
from service.application.incidents import incident_subject
from service.application.policy_values import PolicyRow
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.deadlines import due_at, ladder
from service.domain.errors import IncidentClosed, ValueRefused
from service.domain.policies import parse_text
from service.engine import runner
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ChangePolicy:
    """Another value of a policy for an organisation and what lies below it; `value` None: the superior's again.

    `apply_to` names running incidents that take the value over now.
    """

    key: str
    organisation: str
    value: Any
    reason: str
    apply_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a time: `kind` is deadline, level or timer.

    `rule` and `subject` name the deadline, `level` its rung; `procedure`, `version` and `element` the timer.
    """

    kind: str
    rule: str = ""
    subject: str = ""
    level: int = -1
    procedure: str = ""
    version: int = 0
    element: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A due time that moved; `after` None: it was reached at once."""

    what: Waiting
    before: datetime
    after: datetime | None


@dataclass(frozen=True, slots=True)
class OpenedTask:
    """A task that opened at once because of the new value."""

    procedure: str
    version: int
    element: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What a new value did to one incident; without `changes` it had it already. `now` is the incident's time."""

    incident: str
    number: str
    now: datetime
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    opened: tuple[OpenedTask, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedPolicy:
    """The policy as it stands now, and the incidents it was applied to."""

    row: PolicyRow
    applied: tuple[Applied, ...]


def change(
    uow: UnitOfWork, services: Services, principal: Principal, command: ChangePolicy, *, request_id: str = ""
) -> ChangedPolicy:
    """Override a policy and apply it to the incidents named, all or nothing. Doing it again changes nothing.

    Raises PolicyRefused (unknown key, value not allowed, looser than the superior's), ValueRefused (no reason, an
    incident of another organisation), NoSuch, NotAllowed, IncidentClosed, EngineFailed.
    """
    key, organisation = command.key, command.organisation
    policy_values.override(
        uow, services, principal, key=key, organisation=organisation, value=command.value, reason=command.reason,
        request_id=request_id,
    )  # fmt: skip
    origin = Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
    # always in the same order, so that two changes at once cannot wait for each other's incidents
    applied = [
        advance(uow, services, each, origin, partial(_apply, principal=principal, command=command))
        for each in sorted(set(command.apply_to))
    ]
    row = policy_values.row_of(uow.connection, services, organisation, key, now=uow.now)
    return ChangedPolicy(row, tuple(applied))


def _apply(on: Advance, *, principal: Principal, command: ChangePolicy) -> Applied:
    subject = incident_subject(on.uow, on.incident)
    require(principal, Action.POLICY_CHANGE, subject)
    if command.organisation not in (subject.organisation_id, *subject.ancestors):
        raise ValueRefused("apply_to", "事件不属于该单位或其下级", "the incident belongs to another organisation")
    if on.incident["closed_at"] is not None:
        raise IncidentClosed(on.incident["number"])
    nothing = Applied(on.incident_id, on.incident["number"], on.now)
    changes = _changes(on, command.key)
    if not changes:
        return nothing
    tasks, before, rungs, policies = _open_tasks(on), _due_times(on), _ladders(on), on.policies
    on.adopt(ev.PolicyApplied(changes, command.reason))
    _move_deadlines(on, set(changes), rungs)
    for row in on.active_rows():
        on.step(row, lambda instance, context: runner.retime(instance, context, policies, set(changes)))
    on.settle()
    due_work.catch_up(on, looks=True)
    after, now_open = _due_times(on), _open_tasks(on)
    moves = tuple(
        Move(what, at, after.get(ref, (what, None))[1])
        for ref, (what, at) in before.items()
        if after.get(ref, (what, None))[1] != at
    )
    opened = tuple(task for task_id, task in now_open.items() if task_id not in tasks)
    return Applied(on.incident_id, on.incident["number"], on.now, changes, moves, opened)


def _changes(on: Advance, key: str) -> dict[str, dict[str, Any]]:
    """The policy with the value the incident has and the one its organisation has now, if they differ."""
    entry = on.services.policies.entry(key)
    organisation = on.incident["organisation_id"]
    new = policy_values.values_of(on.uow.connection, on.services, organisation, now=on.uow.now)[key]
    old = on.incident["policies"].get(key, entry.default)
    return {} if parse_text(entry, old) == parse_text(entry, new) else {key: {"old": old, "new": new}}


def _move_deadlines(on: Advance, keys: Set[str], rungs: Mapping[str, object]) -> None:
    for row in on.open_deadlines():
        rule = on.services.deadline_rules[row["rule"]]
        if keys & set(rule.policies):
            due = due_at(rule, on.policies, row["started_at"])
            if due < on.now and not rule.is_lookback:
                due = min(row["due_at"], on.now)
            if due != row["due_at"]:
                start = row["started_at"].isoformat()
                on.record(ev.DeadlineMoved(row["id"], start, due.isoformat()))
                if row["rule"] == observations.DEADLINE:
                    observations.move(on, row["subject"], due)
    for deadline, steps in _ladders(on).items():
        if steps != rungs.get(deadline):
            due_work.put_ladder(on, deadline, earliest=on.now)


def _ladders(on: Advance) -> dict[str, object]:
    """The rungs of every running deadline by its id."""
    return {
        row["id"]: ladder(on.services.deadline_rules[row["rule"]], on.policies, row["started_at"], row["due_at"])
        for row in on.open_deadlines()
    }


def _due_times(on: Advance) -> dict[str, tuple[Waiting, datetime]]:
    """Everything of the incident that waits for a time, by id of its row."""
    found: dict[str, tuple[Waiting, datetime]] = {}
    deadlines = {row["id"]: row for row in on.open_deadlines()}
    for row in deadlines.values():
        found[row["id"]] = (Waiting("deadline", row["rule"], row["subject"]), row["due_at"])
    waits, instances = sql.waits, sql.instances
    timed = (waits.c.incident_id == on.incident_id) & waits.c.due_at.is_not(None)
    columns = (waits.c.id, waits.c.element, waits.c.due_at, instances.c.procedure, instances.c.version)
    joined = select(*columns).join(instances, instances.c.id == waits.c.instance_id).where(timed)
    for wait in on.uow.connection.execute(joined):
        what = Waiting("timer", procedure=wait.procedure, version=wait.version, element=wait.element)
        found[wait.id] = (what, wait.due_at)
    for item in queue.open_rows(on.uow.connection, on.incident_id):
        deadline, _, level = item.ref.rpartition("#")
        if item.kind == "ladder" and deadline in deadlines:
            row = deadlines[deadline]
            found[item.ref] = (Waiting("level", row["rule"], row["subject"], int(level)), item.due_at)
    return found


def _open_tasks(on: Advance) -> dict[str, OpenedTask]:
    tasks, instances = sql.tasks, sql.instances
    is_open = (tasks.c.incident_id == on.incident_id) & tasks.c.state.in_(("open", "claimed"))
    columns = (tasks.c.id, tasks.c.element, instances.c.procedure, instances.c.version)
    joined = select(*columns).join(instances, instances.c.id == tasks.c.instance_id).where(is_open)
    rows = on.uow.connection.execute(joined.order_by(tasks.c.created_at, tasks.c.id))
    return {row.id: OpenedTask(row.procedure, row.version, row.element) for row in rows}
