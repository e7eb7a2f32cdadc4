"""The index persons are found by: keyed digests beside their sealed values, written as they are registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select

from service.domain.blind_index import BlindIndex
from service.persistence.sealing import Sealer
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance


def follow(on: Advance, sealed: Mapping[str, Mapping[str, Any]]) -> None:
    """Index a person who was just registered."""
    for person, values in sealed.items():
        for digest, kind in on.services.index.digests(values).items():
            row = {"person_id": person, "digest": digest, "incident_id": on.incident_id, "kind": kind}
            on.rows.add_unread(sql.person_index, f"{person}:{digest}", row)


def index_anew(connection: Connection, sealer: Sealer, index: BlindIndex) -> int:
    """Make the index again of the persons as they are stored, as after another key; returns how many there are."""
    connection.execute(delete(sql.person_index))
    persons = sql.persons.c
    found = connection.execute(select(persons.id, persons.incident_id, persons.sealed)).all()
    for row in found:
        opened = sealer.open_text(connection, row.sealed)
        values = {key: value for part in opened.values() for key, value in part.items()}
        entries = [
            {"person_id": row.id, "digest": digest, "incident_id": row.incident_id, "kind": kind}
            for digest, kind in index.digests(values).items()
        ]
        if entries:
            connection.execute(insert(sql.person_index), entries)
    return len(found)
