"""The letter about contacts of another organisation (R27): those who belong to it, and what it needs to know."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.queries.contacts import ContactRow, contacts
from service.application.queries.reader import Reader
from service.persistence.tables import sql

REMOVED = "removed"


def listed(row: ContactRow) -> dict[str, str]:
    """A contact as lists and letters print him."""
    return {"name": row.name, "class": row.class_label, "mode": row.mode_label, "status": row.status_label}


def letter(
    reader: Reader, incident: str, organisation: str, *, case: str = "", by_task: bool = False
) -> dict[str, Any]:
    """What the letter says now, of a case or of all; empty where nobody of the organisation is a contact."""
    found = contacts(reader, incident, case=case, by_task=by_task).items
    mine = [row for row in found if row.other_org == organisation and row.stage != REMOVED]
    return {"rows": [listed(row) for row in mine]} if mine else {}


def sent_letter(reader: Reader, incident: str, case: str, persons: Collection[str], at: datetime) -> dict[str, Any]:
    """What the letter of a case said when it was sent: those it named, in the state they had then."""
    found = [row for row in contacts(reader, incident, case=case).items if row.person in persons]
    states = _states(reader, incident, case, at)
    rows = [listed(row) | {"status": _label(reader, states.get(row.person, ""))} for row in found]
    return {"rows": rows}


def _label(reader: Reader, status: str) -> str:
    return reader.label("contact_status", status) if status else ""


def _states(reader: Reader, incident: str, case: str, at: datetime) -> dict[str, str]:
    """Person -> status at an instant, from the log."""
    log = sql.events.c
    changes = (log.stream == incident) & (log.type == "contact_status_changed") & (log.at <= at)
    rows = reader.rows(select(log.data).where(changes).order_by(log.seq))
    return {row["data"]["person"]: row["data"]["status"] for row in rows if row["data"]["case"] == case}
