"""Deadline rows: started, moved, met and cancelled by what diagrams say (`tocsin:deadline`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.application import observations
from service.application.projections.registry import deadline_id
from service.domain import events as ev
from service.domain.deadlines import due_at, lateness
from service.domain.errors import EngineFailed
from service.engine.effects import DeadlineAct
from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.working_set import IncidentRows

if TYPE_CHECKING:
    from service.application.steps import Advance

# A new symptom, a new departure and a new call start these again; the others keep their first start.
RESTARTING = frozenset({"T06", "T07", "X02", "X06"})


class RunningDeadlines(Mapping[tuple[str, str], datetime]):
    """Due times of the deadlines that are neither met nor cancelled, by (rule, subject), as they stand now."""

    def __init__(self, rows: IncidentRows, incident: str) -> None:
        self._rows, self._incident = rows, incident

    def __getitem__(self, key: tuple[str, str]) -> datetime:
        row = self._rows.get(sql.deadlines, deadline_id(self._incident, *key))
        if row is None or row["met_at"] is not None or row["cancelled_at"] is not None:
            raise KeyError(key)
        due: datetime = row["due_at"]
        return due

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter([(row["rule"], row["subject"]) for row in open_rows(self._rows, self._incident)])

    def __len__(self) -> int:
        return len(open_rows(self._rows, self._incident))


def open_rows(rows: IncidentRows, incident: str) -> list[Row]:
    """Deadlines of the incident that are neither met nor cancelled."""
    found = rows.where(sql.deadlines, incident_id=incident)
    return [row for row in found if row["met_at"] is None and row["cancelled_at"] is None]


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
    said = [row for row in on.rows.where(sql.tasks, deadline_id=deadline) if row["late_reason"]]
    return str(max(said, key=lambda row: row["ended_at"])["late_reason"]) if said else ""


def _find(on: Advance, deadline: str) -> Row | None:
    return on.rows.get(sql.deadlines, deadline)


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
    for row in open_rows(on.rows, on.incident_id):
        if row["rule"] not in keep:
            on.record(ev.DeadlineCancelled(row["id"], reason))
