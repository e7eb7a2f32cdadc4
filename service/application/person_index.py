"""The index persons are found by: keyed digests beside their sealed values, written as they are registered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, true

from service.domain.blind_index import BlindIndex
from service.domain.retention import merged, subject_of
from service.persistence.sealing import Sealer
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance


def follow(on: Advance, sealed: Mapping[str, Mapping[str, Any]]) -> None:
    """Index a person who was just registered; his values may be sealed in several parts, a class each."""
    persons: dict[str, dict[str, Any]] = {}
    for key, values in sealed.items():
        person = subject_of(key)
        persons[person] = merged(persons.get(person, {}), values)
    entries = sql.person_index.c
    known = select(entries.person_id, entries.digest).where(entries.person_id.in_(sorted(persons)))
    there = {(row.person_id, row.digest) for row in on.uow.connection.execute(known)}  # a contact may become a case
    for person, values in persons.items():
        for digest, kind in on.services.index.digests(values).items():
            if (person, digest) in there:
                continue
            row = {"person_id": person, "digest": digest, "incident_id": on.incident_id, "kind": kind}
            on.rows.add_unread(sql.person_index, f"{person}:{digest}", row)


def index_anew(
    connection: Connection, sealer: Sealer, index: BlindIndex, *, only: Collection[str] | None = None
) -> int:
    """Make the index again of the persons as they can be opened now; returns how many there are.

    After another key of all of them, after an erasure of `only` those it is about.
    """
    entries, persons = sql.person_index, sql.persons.c
    which = true() if only is None else persons.id.in_(sorted(only))
    connection.execute(delete(entries).where(true() if only is None else entries.c.person_id.in_(sorted(only))))
    found = connection.execute(select(persons.id, persons.incident_id, persons.sealed).where(which)).all()
    for row in found:
        values: dict[str, Any] = {}
        for part in sealer.open_text(connection, row.sealed).values():
            values = merged(values, part)
        rows = [
            {"person_id": row.id, "digest": digest, "incident_id": row.incident_id, "kind": kind}
            for digest, kind in index.digests(values).items()
        ]
        if rows:
            connection.execute(insert(entries), rows)
    return len(found)
