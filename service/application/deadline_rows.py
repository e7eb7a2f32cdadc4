"""Deadline rows: started, moved, met and cancelled by what diagrams say (`tocsin:deadline`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from service.application import observations
from service.application.projections.registry import deadline_id
from service.domain import events as ev
from service.domain.deadlines import due_at, lateness
from service.domain.errors import EngineFailed
from service.engine.effects import DeadlineAct
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

# A new symptom, a new departure and a new call start these again; the others keep their first start.
RESTARTING = frozenset({"T06", "T07", "X02", "X06"})
_by_id = select(sql.deadlines).where(sql.deadlines.c.id == bindparam("deadline"))
_reasons = (
    select(sql.tasks.c.late_reason)
    .where(sql.tasks.c.deadline_id == bindparam("deadline"), sql.tasks.c.late_reason != "")
    .order_by(sql.tasks.c.ended_at.desc())
)


def running(on: Advance) -> dict[tuple[str, str], datetime]:
    """Due times of the deadlines that are neither met nor cancelled, by (rule, subject)."""
    return {(row["rule"], row["subject"]): row["due_at"] for row in open_rows(on)}


def follow(running: dict[tuple[str, str], datetime], event: ev.Event) -> None:
    """Keep the due times in step with an event just recorded."""
    if isinstance(event, ev.DeadlineStarted):
        running[event.rule, event.subject] = datetime.fromisoformat(event.due)
    elif isinstance(event, ev.DeadlineMoved):
        running[_key(event.deadline)] = datetime.fromisoformat(event.due)
    elif isinstance(event, ev.DeadlineMet | ev.DeadlineCancelled):
        running.pop(_key(event.deadline), None)


def _key(deadline: str) -> tuple[str, str]:
    _incident, rule, subject = deadline.split(":", 2)
    return rule, subject


def open_rows(on: Advance) -> list[dict[str, Any]]:
    """Deadlines of the incident that are neither met nor cancelled."""
    table = sql.deadlines
    is_open = (table.c.incident_id == on.incident_id) & table.c.met_at.is_(None) & table.c.cancelled_at.is_(None)
    return [dict(row) for row in on.uow.connection.execute(select(table).where(is_open)).mappings()]


def act(on: Advance, row: Mapping[str, Any], effect: DeadlineAct) -> None:
    """Do what a deadline mark of a passed node says."""
    if not effect.rule:
        return
    if effect.rule not in on.services.deadline_rules:
        raise EngineFailed(effect.element, f"no deadline rule {effect.rule}")
    known = _find(on, deadline_id(on.incident_id, effect.rule, effect.subject))
    if effect.act == "start":
        _start(on, row, effect, known)
    elif known is not None and known["met_at"] is None and known["cancelled_at"] is None:
        if effect.act == "meet":
            meet(on, known, by=effect.element, reason=late_reason(on, known["id"]))
        else:
            on.record(ev.DeadlineCancelled(known["id"], effect.element), row=row)


def late_reason(on: Advance, deadline: str) -> str:
    """The reason given with the last late task that shows the deadline, "" if none was."""
    return on.uow.connection.execute(_reasons, {"deadline": deadline}).scalars().first() or ""


def _find(on: Advance, deadline: str) -> dict[str, Any] | None:
    row = on.uow.connection.execute(_by_id, {"deadline": deadline}).mappings().first()
    return dict(row) if row else None


def _start(on: Advance, row: Mapping[str, Any], effect: DeadlineAct, known: Mapping[str, Any] | None) -> None:
    if effect.start is None:
        return
    rule = on.services.deadline_rules[effect.rule]
    due = due_at(rule, on.policies, effect.start)
    if known is None:
        key = deadline_id(on.incident_id, effect.rule, effect.subject)
        event = ev.DeadlineStarted(key, effect.rule, effect.subject, effect.start.isoformat(), due.isoformat())
        on.record(event, row=row, element=effect.element)
        if effect.rule == observations.DEADLINE:
            observations.begin(on, row, effect.start, due)
    elif effect.rule in RESTARTING and known["started_at"] != effect.start:
        on.record(
            ev.DeadlineMoved(known["id"], effect.start.isoformat(), due.isoformat()), row=row, element=effect.element
        )


def meet(on: Advance, known: Mapping[str, Any], *, by: str, reason: str = "") -> None:
    """Record that a duty was done, at the true time of late paper entry if there is one."""
    met_at = min(on.done_at, on.now) if on.done_at else on.now
    late = lateness(known["due_at"], met_at)
    on.record(ev.DeadlineMet(known["id"], by, met_at.isoformat(), late, reason), element=by)


def cancel_all(on: Advance, reason: str, *, keep: frozenset[str]) -> None:
    """Cancel every running deadline of the incident, except those of the rules kept."""
    for row in open_rows(on):
        if row["rule"] not in keep:
            on.record(ev.DeadlineCancelled(row["id"], reason))
