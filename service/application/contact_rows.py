"""Rows of contacts as facts and list checks read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from service.persistence.tables import sql

OPEN = frozenset({"待转运", "隔离中", "失联"})  # the contact still has to be, or is, observed
NO_CASE = frozenset({"excluded", "cleared"})
CONTROLLED = frozenset({"close", "secondary"})  # classes that are observed


@dataclass(frozen=True, slots=True)
class Contact:
    """A row of `contacts` with the sealed texts of the contact and of the person.

    `is_case`: he is a case of the incident himself, and not excluded.
    """

    case: str
    person: str
    is_case: bool
    is_neighbour: bool
    stage: str
    status: str
    mode: str
    other_org: str
    instance: str
    observed_from: datetime | None
    observed_until: datetime | None
    registered_at: datetime
    sealed: str
    person_sealed: str

    @property
    def is_open(self) -> bool:
        """On the final list, and neither released nor a case."""
        return self.stage == "final" and self.status in OPEN


_table, _known = sql.contacts.c, sql.persons.c
_of_incident = (
    select(
        _table.case_id, _table.person_id, _known.kind, _known.case_status, _known.is_neighbour, _table.stage,
        _table.status, _table.mode, _table.other_org, _table.instance_id, _table.observed_from,
        _table.observed_until, _table.registered_at, _table.sealed, _known.sealed.label("person_sealed"),
    )
    .join(sql.persons, _known.id == _table.person_id)
    .where(_table.incident_id == bindparam("incident"))
    .order_by(_table.case_id, _table.registered_at, _table.id)
)  # fmt: skip
_of_person = _of_incident.where(_table.person_id == bindparam("person"))


def contacts_of(connection: Connection, incident: str, *, person: str = "") -> list[Contact]:
    """The contact rows of an incident, or of one person, case by case in order of registration."""
    statement = _of_person if person else _of_incident
    found = connection.execute(statement, {"incident": incident, "person": person})
    return [_contact(dict(row)) for row in found.mappings()]


def _contact(row: Mapping[str, Any]) -> Contact:
    return Contact(
        case=row["case_id"], person=row["person_id"],
        is_case=row["kind"] == "case" and row["case_status"] not in NO_CASE, is_neighbour=row["is_neighbour"],
        stage=row["stage"], status=row["status"], mode=row["mode"], other_org=row["other_org"],
        instance=row["instance_id"] or "", observed_from=row["observed_from"], observed_until=row["observed_until"],
        registered_at=row["registered_at"], sealed=row["sealed"], person_sealed=row["person_sealed"],
    )  # fmt: skip


def cases_with_final_list(connection: Connection, incident: str) -> frozenset[str]:
    """Cases for which the final list was taken by their contact tracing."""
    visit, instance = sql.element_visits, sql.instances
    is_taken = (visit.c.element == "r_final_list") & (visit.c.state == "completed")
    joined = select(instance.c.person_id).join(visit, visit.c.instance_id == instance.c.id)
    statement = joined.where(visit.c.incident_id == incident, is_taken)
    return frozenset(str(person) for person in connection.execute(statement).scalars() if person)
