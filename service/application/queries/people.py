"""People of an incident; names by the reader's rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.queries import names
from service.application.queries.grounds import GROUPS, Ground, grounds, revealed
from service.application.queries.reader import Reader
from service.domain.access import Action
from service.domain.errors import NoSuch
from service.domain.field_access import may_see_field
from service.domain.fields import FieldClass, mask_value
from service.domain.forms import Field, FormLibrary, masked
from service.domain.retention import MARK
from service.persistence import tables as t
from service.persistence.sealing import tokens_of

persons = t.table_of(t.Person)
records = t.table_of(t.Record)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person of an incident. `name` is surname, class and code, the full name only while a task needs it."""

    id: str
    code: str
    name: str
    is_full_name: bool
    kind: str
    kind_label: str
    place: str
    place_name: str
    case_no: int
    status: str
    status_label: str
    instance: str
    registered_at: datetime
    hold_leave: bool
    held_by: tuple[str, ...]
    is_neighbour: bool
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class PeopleList:
    """Persons of an incident: cases first, then the neighbours, then the others on site."""

    items: tuple[PersonRow, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PersonPage:
    """One person with what is known of him; `values` masked but for what was revealed, in `shown`.

    `erased` names the classes whose time is over: what was there is destroyed. `ground` is why the reader may have
    more shown, None if he may not.
    """

    row: PersonRow
    values: Mapping[str, Any]
    records: tuple["RecordRow", ...]
    erased: tuple[str, ...]
    shown: frozenset[str]
    ground: Ground | None


@dataclass(frozen=True, slots=True)
class RecordRow:
    """An answered form view, its values masked by the reader's rights."""

    id: str
    form_key: str
    name: str
    element: str
    at: datetime
    actor_name: str
    is_revoked: bool
    values: Mapping[str, Any]


def people(reader: Reader, incident: str) -> PeopleList:
    """Everybody registered in an incident. Raises NotAllowed where only the incident may be seen."""
    reader.incident(incident, Action.PEOPLE_READ)
    statement = select(persons).where(persons.c.incident_id == incident)
    order = (persons.c.kind != "case", persons.c.is_neighbour.is_(False), persons.c.case_no, persons.c.id)
    found = [_as_named(row) for row in reader.rows(statement.order_by(*order))]
    shown = _rows(reader, found)
    counts = {"held": sum(row.hold_leave for row in shown), "neighbours": sum(row.is_neighbour for row in shown)}
    for kind in ("case", "onsite", "contact", "returning"):
        counts[kind] = sum(row.kind == kind and not row.is_revoked for row in shown)
    return PeopleList(shown, counts)


def person(reader: Reader, incident: str, person_id: str) -> PersonPage:
    """One person of an incident with the answers about him. Raises NoSuch, NotAllowed."""
    reader.incident(incident, Action.PEOPLE_READ)
    statement = select(persons).where(persons.c.incident_id == incident, persons.c.id == person_id)
    found = [_as_named(row) for row in reader.rows(statement)]
    if not found:
        raise NoSuch("person", person_id)
    row = _rows(reader, found)[0]
    identity = names.opened(reader, {person_id: found[0]["person_sealed"]})[person_id]
    gone = reader.sealer.erased(reader.connection, tokens_of(found[0]["person_sealed"]))
    classes = [each.partition(MARK)[2] or FieldClass.PERSONAL for each in sorted(gone)]
    erased = tuple(reader.label("retention_class", each) for each in classes)
    shown = revealed(reader, [incident]).get(person_id, frozenset())
    ground = grounds(reader, incident, about=[person_id]).get(person_id)
    listed = records_of(reader, incident, person_id, has_open_task="health" in shown)
    return PersonPage(row, _block(reader, identity, shown), listed, erased, shown, ground)


# --- inside -----------------------------------------------------------------------------------


def _as_named(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "person_id": row["id"], "person_code": row["code"], "person_sealed": row["sealed"]}


def _rows(reader: Reader, found: list[dict[str, Any]]) -> tuple[PersonRow, ...]:
    shown = names.Names(reader, found)
    place_names = reader.place_names([row["org_unit"] for row in found])
    return tuple(
        PersonRow(
            id=row["id"],
            code=row["code"],
            name=shown.shown(row["id"], place_names),
            is_full_name=shown.is_full(row["id"]),
            kind=row["kind"],
            kind_label=reader.label("person_kind", row["kind"]),
            place=row["org_unit"],
            place_name=place_names.get(row["org_unit"], row["org_unit"]),
            case_no=row["case_no"],
            status=row["case_status"],
            status_label=reader.label("status", row["case_status"]) if row["case_status"] else "",
            instance=row["instance_id"] or "",
            registered_at=row["registered_at"],
            hold_leave=row["hold_leave"],
            held_by=tuple(row["held_by"]),
            is_neighbour=row["is_neighbour"],
            is_revoked=row["is_revoked"],
        )
        for row in found
    )


def _block(reader: Reader, identity: Mapping[str, Any], shown: frozenset[str]) -> dict[str, Any]:
    """The identity block, each part masked unless its group was revealed."""
    view = reader.services.forms.view("F01#quick")
    field = view.field("person")
    parts = field.parts if field is not None else ()
    return {
        part.key: _by_right(reader, part, identity[part.key], shown) for part in parts if part.key in identity
    }  # fmt: skip


def _by_right(reader: Reader, field: Field, value: Any, shown: frozenset[str]) -> Any:
    is_shown = any(field.key in GROUPS[group] for group in shown)
    may_see = may_see_field(
        reader.principal, str(field.field_class), has_open_task=is_shown, is_revealed=is_shown
    )  # fmt: skip
    return value if may_see else mask_value(value, field.mask)


def records_of(reader: Reader, incident: str, person_id: str, *, has_open_task: bool) -> tuple[RecordRow, ...]:
    """The answers about a person, oldest first, values by the reader's rights."""
    statement = select(records).where(records.c.incident_id == incident, records.c.person_id == person_id)
    found = reader.rows(statement.order_by(records.c.at, records.c.id))
    actors = reader.account_names({row["actor"] for row in found})
    return tuple(_record(reader, row, actors, has_open_task) for row in found)


def _record(reader: Reader, row: Mapping[str, Any], actors: Mapping[str, str], has_open_task: bool) -> RecordRow:
    key = f"{row['form']}#{row['view']}"
    values = dict(row["data"])
    for part in reader.sealer.open_text(reader.connection, row["sealed"]).values():
        values.update(part)
    shown = record_values(reader, key, values, has_open_task=has_open_task)
    return RecordRow(
        row["id"], key, _view_name(reader.services.forms, key, reader.locale), row["element"], row["at"],
        actors.get(row["actor"], ""), row["is_revoked"], shown,
    )  # fmt: skip


def record_values(reader: Reader, key: str, values: Mapping[str, Any], *, has_open_task: bool) -> dict[str, Any]:
    """Stored answers by the reader's rights: sealed ones masked, those he may see in full."""
    if not reader.services.forms.has(key):
        return {}
    fields = reader.services.forms.view(key).fields
    hidden = masked(fields, values)
    by_key = {field.key: field for field in fields}
    return {
        name: values[name]
        if may_see_field(reader.principal, str(by_key[name].field_class), has_open_task=has_open_task)
        else value
        for name, value in hidden.items()
        if name in by_key
    }


def _view_name(forms: FormLibrary, key: str, locale: str) -> str:
    return forms.view(key).name.of(locale) if forms.has(key) else key
