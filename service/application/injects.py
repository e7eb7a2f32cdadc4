"""Injects of a drill: when each comes, and that it comes once.

Those with a time wait as due rows in the drill's clock, those that follow an element get their time when it is
done, conditions are looked at after each command and each due time. What an inject does is in `inject_effects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.application import due_rows, inject_effects, scripts
from service.application.services import Origin
from service.domain import events as ev
from service.domain.errors import NoSuch
from service.domain.scenario_reading import inject_of
from service.domain.scenarios import Inject
from service.engine.expressions import ExpressionError, Scope, evaluate
from service.persistence import queue
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

KIND = "inject"
ACTOR = "simulated"
OPEN = ("pending", "reserve")


def follow(on: Advance, event: ev.Event) -> None:
    """Keep the injects in step with an event just recorded."""
    if isinstance(event, ev.DrillCreated):
        for row in _all(on, "pending"):
            if row["due_at"] is not None:
                due_rows.put(on, KIND, row["id"], row["due_at"])
    elif isinstance(event, ev.InjectScheduled):
        due_rows.put(on, KIND, _key(on, event.inject), datetime.fromisoformat(event.due))
    elif isinstance(event, ev.InjectDelivered | ev.InjectSkipped):
        queue.cancel(on.uow, KIND, _key(on, event.inject))
    elif isinstance(event, ev.ElementCompleted):
        _element_done(on, event.element)
    elif isinstance(event, ev.DrillEnded | ev.IncidentClosed):
        _closed(on)


def _element_done(on: Advance, element: str) -> None:
    for row in _all(on, "pending"):
        if row["trigger"] not in ("after", "unless"):
            continue
        trigger = content_of(row).trigger
        if trigger.element != element:
            continue
        if row["trigger"] == "unless":
            on.record(ev.InjectSkipped(row["inject"], "done"))
        elif row["due_at"] is None:
            on.record(ev.InjectScheduled(row["inject"], (on.now + trigger.offset).isoformat()))


def _closed(on: Advance) -> None:
    """Nothing comes any more."""
    for row in _all(on, "pending"):
        on.record(ev.InjectSkipped(row["inject"], "closed"))


def work(on: Advance, key: str) -> None:
    """The time of an inject has come."""
    row = on.rows.get(sql.drill_injects, key)
    if row is not None and row["state"] == "pending" and scripts.is_running(on):
        deliver(on, row, by="trigger")


def look(on: Advance) -> None:
    """Deliver injects whose condition holds now."""
    if on.incident["kind"] != "drill":
        return
    for row in _all(on, "pending"):
        if row["trigger"] == "when" and scripts.is_running(on) and _holds(on, content_of(row).trigger.condition):
            deliver(on, row, by="trigger")
            on.settle()


def _holds(on: Advance, condition: str) -> bool:
    scope = Scope(names={}, now=on.now, policies=on.policies, facts=on.facts.view(None))
    try:
        return bool(evaluate(condition.removeprefix("="), scope))
    except ExpressionError:
        return False  # what it reads is not there yet


def deliver(on: Advance, row: Row, *, by: str) -> None:
    """Let an inject come, once; what its message or answer came to is kept with it."""
    inject = content_of(row)
    asked = on.origin
    if by == "trigger":
        on.origin = Origin(actor=ACTOR)
    try:
        effect = inject_effects.prepare(on, inject)
        if effect.refused:
            on.record(ev.InjectSkipped(inject.id, effect.refused))
            return
        until = on.now + inject.lasts if inject.lasts else None
        over = until.isoformat() if until else ""
        on.record(ev.InjectDelivered(inject.id, inject.kind, by, list(inject.to), effect.outcome, over))
        effect.run()
    finally:
        on.origin, on.done_at = asked, None


def skip(on: Advance, inject: str, reason: str) -> None:
    """The trainer leaves one out. Raises NoSuch for one that is not there or came already."""
    on.record(ev.InjectSkipped(open_row(on, inject)["inject"], reason))


def open_row(on: Advance, inject: str) -> Row:
    """The row of an inject that is still to come. Raises NoSuch."""
    row = on.rows.get(sql.drill_injects, _key(on, inject))
    if row is None or row["state"] not in OPEN:
        raise NoSuch("inject", inject)
    return row


def improvise(on: Advance, content: Mapping[str, Any]) -> str:
    """Take over an inject the trainer made up; returns its id."""
    inject = f"x{len(on.rows.where(sql.drill_injects, incident_id=on.incident_id)) + 1:02d}"
    on.record(ev.InjectImprovised(inject, {**content, "id": inject, "trigger": {"reserve": True}}))
    return inject


def content_of(row: Mapping[str, Any]) -> Inject:
    """The inject of a row."""
    return inject_of(row["content"])


def _all(on: Advance, state: str) -> list[Row]:
    rows = on.rows.where(sql.drill_injects, incident_id=on.incident_id, state=state)
    return sorted(rows, key=lambda row: int(row["place"]))


def _key(on: Advance, inject: str) -> str:
    return f"{on.incident_id}:{inject}"
