"""Rows of contacts as facts and list checks read them."""

from dataclasses import dataclass
from datetime import datetime

from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.working_set import IncidentRows

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


def contacts_of(rows: IncidentRows, incident: str, *, person: str = "") -> list[Contact]:
    """The contact rows of an incident, or of one person, case by case in order of registration."""
    if person:
        found = rows.where(sql.contacts, incident_id=incident, person_id=person)
    else:
        found = rows.where(sql.contacts, incident_id=incident)
        rows.where(sql.persons, incident_id=incident)  # in one statement, not one by one
    in_order = sorted(found, key=lambda row: (row["case_id"], row["registered_at"], row["id"]))
    return [_contact(row, rows.get(sql.persons, row["person_id"]) or {}) for row in in_order]


def _contact(row: Row, known: Row) -> Contact:
    return Contact(
        case=row["case_id"], person=row["person_id"],
        is_case=known["kind"] == "case" and known["case_status"] not in NO_CASE, is_neighbour=known["is_neighbour"],
        stage=row["stage"], status=row["status"], mode=row["mode"], other_org=row["other_org"],
        instance=row["instance_id"] or "", observed_from=row["observed_from"], observed_until=row["observed_until"],
        registered_at=row["registered_at"], sealed=row["sealed"], person_sealed=known["sealed"],
    )  # fmt: skip


def cases_with_final_list(rows: IncidentRows, incident: str) -> frozenset[str]:
    """Cases for which the final list was taken by their contact tracing."""
    taken = rows.where(sql.element_visits, incident_id=incident, element="r_final_list", state="completed")
    tracings = [rows.get(sql.instances, visit["instance_id"]) for visit in taken]
    return frozenset(str(each["person_id"]) for each in tracings if each is not None and each["person_id"])
