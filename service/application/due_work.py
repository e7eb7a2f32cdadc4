"""Due rows: the timers, ladder levels and expiries of an incident, and working them in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service import metrics
from service.application import (
    assignment,
    drill_clock,
    drill_moments,
    escalation,
    injects,
    pass_end,
    simulated,
    trainings,
)
from service.application.due_rows import NOTHING_BEFORE, put, told
from service.application.services import SYSTEM
from service.domain import events as ev
from service.domain.deadlines import Level, ladder
from service.domain.errors import EngineFailed, NoSuch
from service.engine import runner
from service.persistence import queue
from service.persistence.queue import DueItem
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

Instance = Mapping[str, Any] | None  # the row of the instance an event belongs to
_ABOUT = {"timer": sql.waits, simulated.KIND: sql.tasks}  # whose row the reference of a due row is
MAX_ROUNDS = 500  # of rows due at one instant, one per instance in each; more is a loop that takes no time
LADDERS = frozenset({"ladder", assignment.DUE_KIND})


@dataclass(frozen=True, slots=True)
class Fired:
    """Something that fell due and was worked; `name` is an element, a rule with its level, or a message."""

    kind: str
    name: str
    at: datetime


def follow(on: Advance, event: ev.Event, row: Instance) -> None:
    """Keep the due rows in step with an event just recorded."""
    follows = _FOLLOWS.get(type(event))
    if follows is not None:
        follows(on, event, row)


def _wait_armed(on: Advance, event: ev.WaitArmed | ev.WaitMoved, row: Instance) -> None:
    if event.due:
        put(on, "timer", event.wait, datetime.fromisoformat(event.due), row["id"] if row else "")
    elif isinstance(event, ev.WaitMoved):
        queue.cancel(on.uow, "timer", event.wait)


def _wait_ended(on: Advance, event: ev.WaitEnded, _row: Instance) -> None:
    queue.cancel(on.uow, "timer", event.wait)


def _deadline_set(on: Advance, event: ev.DeadlineStarted | ev.DeadlineMoved, _row: Instance) -> None:
    put_ladder(on, event.deadline)


def _deadline_over(on: Advance, event: ev.DeadlineMet | ev.DeadlineCancelled, _row: Instance) -> None:
    for level in Level:
        queue.cancel(on.uow, "ladder", f"{event.deadline}#{level:d}")


def _message_received(on: Advance, event: ev.MessageReceived, row: Instance) -> None:
    if event.state == "buffered" and event.expires:
        put(on, "message", event.message, datetime.fromisoformat(event.expires), row["id"] if row else "")


def _message_delivered(on: Advance, event: ev.MessageDelivered, _row: Instance) -> None:
    queue.cancel(on.uow, "message", event.message)


def _delivery_queued(on: Advance, event: ev.DeliveryQueued, _row: Instance) -> None:
    if event.channel in queue.SENT_BY_WORKER:
        on.uow.wake(queue.DELIVERY, event.delivery, on.uow.now)


# By the type of event: most events of a command concern nobody here.
_FOLLOWS: Mapping[type[ev.Event], Callable[[Advance, Any, Instance], None]] = {
    ev.WaitArmed: _wait_armed,
    ev.WaitMoved: _wait_armed,
    ev.WaitEnded: _wait_ended,
    ev.DeadlineStarted: _deadline_set,
    ev.DeadlineMoved: _deadline_set,
    ev.DeadlineMet: _deadline_over,
    ev.DeadlineCancelled: _deadline_over,
    ev.MessageReceived: _message_received,
    ev.MessageDelivered: _message_delivered,
    ev.DeliveryQueued: _delivery_queued,
    **dict.fromkeys(assignment.FOLLOWED, assignment.follow),
}


def put_again(on: Advance, wait: str) -> None:
    """Write the due row of a waiting timer that lost it; a time that has passed is due now."""
    row = on.rows.get(sql.waits, wait)
    if row is not None and row["due_at"] is not None:
        put(on, "timer", wait, row["due_at"], row["instance_id"])


def put_ladder(on: Advance, deadline: str, *, earliest: datetime | None = None) -> None:
    """Wait for the rungs of a deadline row that are not reached yet, none before `earliest`."""
    row = on.rows.get(sql.deadlines, deadline)
    if row is None:
        raise NoSuch("deadline", deadline)
    rule = on.services.deadline_rules[row["rule"]]
    steps = {
        step.level: max(step.at, earliest or step.at)
        for step in ladder(rule, on.policies, row["started_at"], row["due_at"])
        if step.level > row["level"]
    }
    for level in Level:
        if level in steps:
            put(on, "ladder", f"{deadline}#{level:d}", steps[level])
        else:
            queue.cancel(on.uow, "ladder", f"{deadline}#{level:d}")


def catch_up(on: Advance, *, looks: bool) -> None:
    """Work every row of the incident that is due by now, earliest first, each at its own due time.

    What was put when its time had passed already is worked at the time of the last event, so that no
    time of the log lies before an earlier one.

    A row whose work failed is on hold until somebody retries it, so that one broken timer never
    keeps people from completing tasks. Without `looks` nothing is read where nothing of the
    incident's own can be due.
    """
    if not looks and on.horizon < on.parts.get(NOTHING_BEFORE, on.horizon):
        return
    asked, on.origin = on.origin, SYSTEM  # time does it, not whoever happens to ask for something now
    try:
        _work_all(on)
    finally:
        on.origin = asked
    on.parts[NOTHING_BEFORE] = queue.first_of(on.uow.connection, on.incident_id)
    on.now = on.horizon


def _work_all(on: Advance) -> None:
    rounds = 0
    while items := _due_together(on):
        item, before = items[0], on.now
        on.now = max(item.due_at, told(on) or on.incident["opened_at"])
        rounds = rounds + 1 if on.now == before else 0
        _read_ahead(on, items)
        queue.take(on.uow, [each.id for each in items])
        try:
            _work_round(on, items, rounds)
        except EngineFailed as error:
            error.due_row = next((each.id for each in items if each.instance_id == error.instance), item.id)
            raise


def _work_round(on: Advance, items: Sequence[DueItem], rounds: int) -> None:
    if rounds > MAX_ROUNDS:
        cause = f"due again at once more than {MAX_ROUNDS} times"
        raise EngineFailed(_name(on, items[0]), cause, on.incident_id, items[0].instance_id)
    for item in items:
        if queue.is_taken(on.uow, item.id):  # what was worked before it may have cancelled it
            _work(on, item)
    on.settle()
    injects.look(on)
    drill_moments.keep(on)


def _read_ahead(on: Advance, items: Sequence[DueItem]) -> None:
    """Read for all what each of them would read for itself."""
    if len(items) == 1:
        return
    for kind, table in _ABOUT.items():
        on.rows.read_ahead(table, [item.ref for item in items if item.kind == kind])
    instances = [item.instance_id for item in items if item.instance_id]
    on.rows.read_ahead(sql.instances, instances)
    on.rows.read_sets_ahead(sql.element_visits, "instance_id", instances, state="active")
    on.rows.read_sets_ahead(sql.tasks, "instance_id", instances)
    on.services.live.read_ahead(on.uow, instances, beside=on.rows.kept)


def _due_together(on: Advance) -> list[DueItem]:
    """The rows due first; all that are due at the same instant, one per instance, timers before ladders.

    What becomes due for a thousand people at one instant is worked as one.
    """
    rows = queue.open_rows(on.uow.connection, on.incident_id, until=on.horizon)
    first = [row for row in rows if row.due_at == rows[0].due_at]
    if any(row.kind not in LADDERS for row in first):
        first = [row for row in first if row.kind not in LADDERS]
    seen: set[str] = set()
    together = []
    for row in first:
        if not row.instance_id or row.instance_id not in seen:
            together.append(row)
        seen.add(row.instance_id)
    return together


def _work(on: Advance, item: DueItem) -> None:
    if item.real_due_at < queue.PAUSED:
        metrics.lateness.observe(max(0.0, (on.uow.now - item.real_due_at).total_seconds()))
    on.fired.append(Fired(item.kind, _name(on, item), item.due_at))
    if item.kind == "timer":
        _fire(on, item.ref)
    elif item.kind == "ladder":
        deadline, _, level = item.ref.rpartition("#")
        escalation.reach(on, deadline, int(level), item.due_at)
    elif item.kind == assignment.DUE_KIND:
        assignment.climb(on, item.ref)
    elif item.kind == "message":
        on.record(ev.MessageExpired(item.ref))
        escalation.tell(on, ("epi_office",), "message_expired", {"message": item.ref})
    elif item.kind in _WORKED:
        _WORKED[item.kind](on, item.ref)
    elif item.kind == "hold":
        drill_clock.pause(on, item.ref.rpartition(":")[2])
    elif item.kind == "wake":
        on.look_everywhere()
    # "govern" asks for no more than a look at the speed, which ends every command


_WORKED = {
    "pass": pass_end.give_back,
    simulated.KIND: simulated.answer,
    injects.KIND: injects.work,
    trainings.KIND: trainings.closed,
}


def _name(on: Advance, item: DueItem) -> str:
    table = _ABOUT.get(item.kind)
    row = on.rows.get(table, item.ref) if table is not None else None
    return str(row["element"]) if row else item.ref.removeprefix(f"{on.incident_id}:")


def _fire(on: Advance, wait: str) -> None:
    found = on.rows.get(sql.waits, wait)
    if found is None:
        return
    row = on.instance_row(found["instance_id"])
    on.step(row, lambda instance, context: runner.complete(instance, context, wait, {}))
