"""Persons who were searched for, as lists show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.application.queries.names import Names
from service.application.queries.reader import Reader, incidents
from service.domain.access import Action
from service.persistence.tables import sql


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody of an incident; the name is masked unless he was revealed."""

    person: str
    name: str
    kind_label: str
    status_label: str
    incident: str
    incident_number: str
    organisation_name: str
    registered_at: datetime


def found_persons(reader: Reader, persons: Sequence[str]) -> tuple[FoundPerson, ...]:
    """The persons of these ids whom the reader may see, in this order."""
    table = sql.persons.c
    columns = (
        table.id.label("person_id"), table.code.label("person_code"), table.sealed.label("person_sealed"),
        table.incident_id, table.org_unit, table.kind.label("person_kind"), table.case_status, table.registered_at,
        incidents,
    )  # fmt: skip
    joined = sql.persons.join(incidents, incidents.c.id == table.incident_id)
    statement = select(*columns).select_from(joined).where(table.id.in_(list(persons)), reader.in_scope)
    rows = [row for row in reader.rows(statement) if reader.may_with(Action.PEOPLE_READ, row)]
    shown, places = Names(reader, rows), reader.place_names([row["org_unit"] for row in rows])
    by_id = {
        row["person_id"]: FoundPerson(
            row["person_id"], shown.shown(row["person_id"], places), reader.label("person_kind", row["person_kind"]),
            reader.label("status", row["case_status"]) if row["case_status"] else "", row["incident_id"],
            row["number"], reader.organisation_names.get(row["organisation_id"], ""), row["registered_at"],
        )
        for row in rows
    }  # fmt: skip
    return tuple(by_id[person] for person in persons if person in by_id)
