"""Names of persons by the reader's rights: in full only while he has an open task that needs them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select

from service.application.papers import LETTERS
from service.application.queries.reader import OPEN_STATES, Reader, tasks
from service.domain.access import may_see_field
from service.domain.fields import list_name
from service.domain.forms import View
from service.persistence.tables import sql


class Names:
    """Names of the persons of some rows (`person_id`, `incident_id`, `person_code`, `org_unit`, `person_sealed`)."""

    def __init__(self, reader: Reader, rows: Iterable[Mapping[str, Any]], *, is_masked: bool = False) -> None:
        """`is_masked`: never in full, whatever the reader's tasks."""
        self._reader = reader
        self._rows = {row["person_id"]: row for row in rows if row["person_id"] and row["person_sealed"] is not None}
        self._opened = opened(reader, {key: row["person_sealed"] for key, row in self._rows.items()})
        asked = {row["incident_id"] for row in self._rows.values()}
        self._needed = frozenset[str]() if is_masked else needed_persons(reader, asked)

    def is_full(self, person: str) -> bool:
        """Whether the reader may read this person's values in full now."""
        row = self._rows.get(person)
        has_task = row is not None and (person in self._needed or row["incident_id"] in self._needed)
        return may_see_field(self._reader.principal, "personal", has_open_task=has_task)

    def shown(self, person: str | None, places: Mapping[str, str]) -> str:
        """`学**· 七2班 · 病例1`, with the full name where the reader may see it; "" for no person."""
        row = self._rows.get(person or "")
        if row is None or person is None:
            return ""
        name = str(self._opened.get(person, {}).get("name") or "")
        unit = places.get(row["org_unit"], row["org_unit"])
        code = self._reader.person_code(row["person_code"])
        if not name and json.loads(row["person_sealed"] or "{}"):  # there was one: its key is destroyed
            name = self._reader.pick("已删除", "erased")
            return " · ".join(part for part in (name, unit, code) if part)
        if name and self.is_full(person):
            return " · ".join(part for part in (name, unit, code) if part)
        return list_name(name, unit, code)

    def identity(self, person: str) -> dict[str, Any]:
        """The opened identity block; only for callers that mask it."""
        return self._opened.get(person, {})


def opened(reader: Reader, sealed: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Sealed texts by person, opened with one look-up of keys."""
    tokens = {person: json.loads(text or "{}") for person, text in sealed.items()}
    reader.sealer.preload(reader.connection, [subject for each in tokens.values() for subject in each])
    values: dict[str, dict[str, Any]] = {}
    for person, each in tokens.items():
        parts = reader.sealer.open_all(reader.connection, each)
        values[person] = {key: value for part in parts.values() for key, value in part.items()}
    return values


def needed_persons(reader: Reader, incident_ids: Iterable[str]) -> frozenset[str]:
    """Persons, and incidents as a whole, that an open task of the reader needs to know.

    A task about a person needs that person; one about nobody in particular whose form asks for
    personal values (the register of those on site) needs all persons of its incident.
    """
    wanted = sorted(set(incident_ids))
    if not wanted:
        return frozenset()
    me = reader.principal.account_id
    statement = (
        select(tasks.c.person_id, tasks.c.incident_id, tasks.c.form_key, tasks.c.element)
        .where(tasks.c.incident_id.in_(wanted), tasks.c.state.in_(OPEN_STATES))
        .where(or_(tasks.c.assignee == me, tasks.c.assignee.is_(None) & reader.is_candidate))
    )
    return frozenset(_needed(reader, reader.rows(statement)))


def _needed(reader: Reader, rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for row in rows:
        if row["person_id"]:
            yield row["person_id"]
            if row["element"] in LETTERS:
                yield from _named_in_letters(reader, row["person_id"])
        elif reader.services.forms.has(row["form_key"]) and asks_identity(reader.services.forms.view(row["form_key"])):
            yield row["incident_id"]


def _named_in_letters(reader: Reader, case: str) -> list[str]:
    """Contacts of a case a letter goes out about: an organisation has to know whom to look for."""
    table = sql.contacts.c
    away = (table.case_id == case) & (table.other_org != "") & (table.stage == "final")
    return [row["person_id"] for row in reader.rows(select(table.person_id).where(away))]


def asks_identity(view: View) -> bool:
    """Whether a view names persons of the incident: one, or a list or row of them; staff are none."""
    items = [field.item for field in view.fields if field.item is not None]
    parts = [part for field in (*view.fields, *items) for part in field.parts]
    return any(each.type == "person" and each.known != "accounts" for each in (*view.fields, *items, *parts))
