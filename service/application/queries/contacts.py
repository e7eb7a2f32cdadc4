"""Contacts of the cases of an incident; names and classes by the reader's rights.

Somebody of the organisation a contact belongs to, who has nothing to do with the incident otherwise,
sees the contacts of his organisation and no others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true

from service.application.queries import names
from service.application.queries.reader import Reader
from service.domain.access import Action, may
from service.domain.errors import NoSuch
from service.domain.fields import mask_value
from service.persistence.tables import sql

STATUSES = ("待转运", "隔离中", "转阳", "解除", "失联")


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A person on the contact list of a case. `contact_class` is stars where the reader may not see it."""

    id: str
    case: str
    case_code: str
    person: str
    code: str
    name: str
    is_full_name: bool
    is_health_shown: bool
    place: str
    place_name: str
    stage: str
    stage_label: str
    status: str
    status_label: str
    contact_class: str
    class_label: str
    mode: str
    mode_label: str
    other_org: str
    other_org_name: str
    instance: str
    observed_from: datetime | None
    observed_until: datetime | None
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class ContactList:
    """Contacts case by case in order of registration; `counts` by status, and by stage under its name."""

    items: tuple[ContactRow, ...]
    counts: Mapping[str, int]


def contacts(reader: Reader, incident: str, *, case: str = "", by_task: bool = False) -> ContactList:
    """The contacts of an incident, or of one of its cases; `by_task` as for Names.

    Raises NoSuch for a reader who may see none.
    """
    table, person, sick = sql.contacts, sql.persons, sql.persons.alias("sick")
    statement = (
        select(
            table, person.c.id.label("person_row"), person.c.code.label("person_code"), person.c.org_unit,
            person.c.sealed.label("person_sealed"), sick.c.code.label("case_code"),
        )
        .join(person, person.c.id == table.c.person_id)
        .join(sick, sick.c.id == table.c.case_id)
        .where(table.c.incident_id == incident, _within(reader, incident))
        .order_by(sick.c.case_no, table.c.registered_at, person.c.code)
    )  # fmt: skip
    if case:
        statement = statement.where(table.c.case_id == case)
    items = _rows(reader, reader.rows(statement), by_task=by_task)
    counts = {code: sum(item.status == code for item in items) for code in STATUSES}
    counts |= {code: sum(item.stage == code for item in items) for code in ("initial", "final", "removed")}
    return ContactList(items, counts)


def _within(reader: Reader, incident: str) -> ColumnElement[bool]:
    row = next(iter(reader.rows(select(sql.incidents).where(sql.incidents.c.id == incident))), None)
    if row is not None and may(reader.principal, Action.INCIDENT_READ, reader.incident_subject(row)):
        reader.incident(incident, Action.PEOPLE_READ)
        return true()
    own = sql.contacts.c.other_org.in_(sorted(reader.principal.memberships))
    mine = select(sql.contacts.c.id).where(sql.contacts.c.incident_id == incident, own)
    if not reader.rows(mine.limit(1)):
        raise NoSuch("incident", incident)
    return own


def _rows(reader: Reader, found: list[dict[str, Any]], *, by_task: bool) -> tuple[ContactRow, ...]:
    shown = names.Names(reader, found, by_task=by_task)
    classes = names.opened(reader, {row["id"]: row["sealed"] for row in found})
    place_names = reader.place_names([row["org_unit"] for row in found])
    return tuple(_row(reader, row, shown, classes[row["id"]], place_names) for row in found)


def _row(
    reader: Reader, row: Mapping[str, Any], shown: names.Names, sealed: Mapping[str, Any], places: Mapping[str, str]
) -> ContactRow:
    person = row["person_id"]
    may_see = shown.shows_health(person)
    group = str(sealed.get("contact_class") or "")
    return ContactRow(
        id=row["id"], case=row["case_id"], case_code=reader.person_code(row["case_code"]), person=person,
        code=row["person_code"],
        name=shown.shown(person, places), is_full_name=shown.is_full(person),
        is_health_shown=may_see, place=row["org_unit"],
        place_name=places.get(row["org_unit"], row["org_unit"]),
        stage=row["stage"], stage_label=reader.label("contact_stage", row["stage"]),
        status=row["status"], status_label=reader.label("contact_status", row["status"]) if row["status"] else "",
        contact_class=group if may_see else str(mask_value(group, None)),
        class_label=reader.label("contact_class", group) if may_see and group else str(mask_value(group, None)),
        mode=row["mode"], mode_label=reader.label("quarantine_mode", row["mode"]) if row["mode"] else "",
        other_org=row["other_org"], other_org_name=reader.organisation_names.get(row["other_org"], row["other_org"]),
        instance=row["instance_id"] or "", observed_from=row["observed_from"], observed_until=row["observed_until"],
        registered_at=row["registered_at"],
    )  # fmt: skip
