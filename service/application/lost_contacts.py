"""A contact who cannot be reached (P05): said so, searched for, found again.

While he is lost no session is due and his observation does not end; found, he is where he was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from service.domain import events as ev
from service.domain.calendar import parse_instant
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.fill_contexts import Target
    from service.application.incident_view import IncidentView
    from service.application.steps import Advance

LOST_FORM, FOUND_FORM = "F12#status", "F12#found"
LOST, OBSERVED, AWAITED = "失联", "隔离中", "待转运"


@dataclass(frozen=True, slots=True)
class Absence:
    """From when until when a contact could not be reached; `until` is None while he is searched for."""

    since: datetime
    until: datetime | None

    def covers(self, instant: datetime) -> bool:
        """Whether he was lost at that instant."""
        return self.since <= instant and (self.until is None or instant < self.until)


def follow_answer(on: Advance, target: Target) -> None:
    """Every row of the person follows: lost, or found again."""
    if target.form_key not in (LOST_FORM, FOUND_FORM):
        return
    for row in on.facts.rows.contacts_about(target.person):
        if not row.is_open:
            continue
        found = OBSERVED if row.observed_from else AWAITED
        status = LOST if target.form_key == LOST_FORM else found
        on.record(ev.ContactStatusChanged(row.case, row.person, status), row=target.instance)


def context(view: IncidentView, target: Target) -> dict[str, Any]:
    """F12#status and F12#found: the case whose tracing observes him, and since when he is lost."""
    case = str(target.instance["inputs"].get("case") or "")
    about: dict[str, Any] = {"case_ref": {"id": case}, "case_here": [case]}
    if target.form_key == FOUND_FORM:
        last = absences(view.connection, view.incident["id"], [target.person]).get(target.person)
        about |= {"lost_since": last[-1].since} if last else {}
    return about


def absences(
    connection: Connection, incident: str, persons: Iterable[str] | None = None
) -> Mapping[str, Sequence[Absence]]:
    """When contacts of an incident could not be reached, by person, in order; only those who ever were."""
    table = sql.records.c
    mine = (table.incident_id == incident) & (table.form == "F12") & table.view.in_(("status", "found"))
    if persons is not None:
        mine &= table.person_id.in_(list(persons))
    rows = select(table.person_id, table.view, table.data).where(mine, table.is_revoked.is_(False))
    found: dict[str, list[Absence]] = {}
    for person, view, data in connection.execute(rows.order_by(table.at, table.id)):
        mine_so_far = found.setdefault(person, [])
        if view == "status":
            mine_so_far.append(Absence(parse_instant(data["last_seen_at"]), None))
        elif mine_so_far:
            mine_so_far[-1] = Absence(mine_so_far[-1].since, parse_instant(data["traced_at"]))
    return found
