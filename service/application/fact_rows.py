"""The rows facts are computed from, read once per state of the incident."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, bindparam, select

from service.application import clusters, contact_rows
from service.domain import events as ev
from service.domain.gateways import REPORT_MESSAGES
from service.persistence import tables as t
from service.persistence.sealing import Sealer
from service.persistence.tables import sql

READINGS = "F14"  # so many records that they are read person by person, never all of them
SUPPLEMENT, WITHDRAWN = "人数增加", "误报撤销"  # correction_reason of a supplement, and of a withdrawal
LIVE_VISIT = {"active", "waiting"}

_one_person = select(sql.persons).where(
    sql.persons.c.incident_id == bindparam("incident"), sql.persons.c.id == bindparam("person")
)
_readings_of_one = (
    select(sql.records)
    .where(sql.records.c.incident_id == bindparam("incident"), sql.records.c.person_id == bindparam("person"))
    .where(sql.records.c.form == READINGS, sql.records.c.is_revoked.is_(False))
    .order_by(sql.records.c.at, sql.records.c.id)
)


class PersonFacts:
    """One person of the incident: identity and answers are decrypted when first asked for."""

    def __init__(self, row: Mapping[str, Any], rows: "FactRows") -> None:
        self.id: str = row["id"]
        self.status: str = row["case_status"]
        self.instance: str = row["instance_id"] or ""
        self.registered_at: datetime = row["registered_at"]
        self.code: str = row["code"]
        self.org_unit: str = row["org_unit"]
        self._sealed: str = row["sealed"]
        self._rows = rows

    @property
    def identity(self) -> dict[str, Any]:
        """The sealed person block."""
        return self._rows.opened(self._sealed).get(self.id, {})

    def records(self, form: str) -> list[dict[str, Any]]:
        """Answers of a form about this person, oldest first: {"id", "view", "at", "values"}."""
        return [self._rows.answers(r) for r in self._rows.records_about(form, self.id)]

    def form(self, form: str) -> dict[str, Any]:
        """The latest value of each field of a form about this person."""
        merged: dict[str, Any] = {}
        for record in self.records(form):
            merged.update(record["values"])
        return merged

    def decision_history(self, decision: str, output: str) -> list[object]:
        """Every outcome of a decision about this person, oldest first."""
        rows = self._rows.decided_about(decision, self.id)
        return [self._rows.outcome(row).get(output) for row in rows]

    def decision(self, decision: str) -> dict[str, Any]:
        """The latest outcome of a decision about this person."""
        rows = self._rows.decided_about(decision, self.id)
        return self._rows.outcome(rows[-1]) if rows else {}


# Which parts of a snapshot an event makes stale; events that are not named change none of them.
CONTACTS = ("contacts", "_contacts_by_person", "_contacts_asked")
PEOPLE = ("_people", "_others", "cases", "known", "first_case", "school_cases", "neighbours", *CONTACTS)
REPORTS = ("_reports", "sent_reports")
STALE: Mapping[str, tuple[str, ...]] = {
    "record_saved": ("records",),
    "decision_made": ("decisions", "decided"),
    "person_registered": PEOPLE,
    "person_linked": PEOPLE,
    "case_status_changed": PEOPLE,
    "case_revoked": (*PEOPLE, "records", "_readings"),
    "contact_listed": CONTACTS,
    "contact_removed": CONTACTS,
    "contact_judged": CONTACTS,
    "contact_status_changed": CONTACTS,
    "contact_linked": CONTACTS,
    "contact_handed_over": CONTACTS,
    "contact_observed": CONTACTS,
    "element_entered": ("_visits",),
    "element_completed": ("_visits", "final_lists"),
    "element_cancelled": ("_visits",),
    "instance_started": ("_inputs",),
    "instance_ended": REPORTS,
    "report_drafted": REPORTS,
    "report_signed": REPORTS,
    "report_sent": REPORTS,
}


class FactRows:
    """A snapshot of the rows of one incident (and the case count of its school), part by part.

    A part is read when it is first asked for, and again after an event that changes it (`forget`).
    """

    def __init__(self, connection: Connection, sealer: Sealer, incident: Mapping[str, Any]) -> None:
        self._connection, self._sealer, self._incident = connection, sealer, incident
        self.incident_id: str = incident["id"]
        self._opened: dict[str, dict[str, dict[str, Any]]] = {}

    def forget(self, event: ev.Event) -> None:
        """Drop the parts an event has made stale."""
        if isinstance(event, ev.RecordSaved) and event.form == READINGS:
            self._readings.pop(event.person, None)
            return
        for part in STALE.get(event.type, ()):
            self.__dict__.pop(part, None)

    @cached_property
    def records(self) -> list[Mapping[str, Any]]:
        """Answered form views that were not revoked, oldest first; without the readings of observations."""
        where = sql.records.c.is_revoked.is_(False) & (sql.records.c.form != READINGS)
        return self._all(t.Record, sql.records.c.at, sql.records.c.id, where=where)

    def records_about(self, form: str, person: str) -> list[Mapping[str, Any]]:
        """Answered views of a form about a person, oldest first."""
        if form != READINGS:
            return [r for r in self.records if r["form"] == form and r["person_id"] == person]
        if person not in self._readings:
            self._readings[person] = self._about(_readings_of_one, person)
        return self._readings[person]

    @cached_property
    def _readings(self) -> dict[str, list[Mapping[str, Any]]]:
        return {}

    @cached_property
    def decisions(self) -> list[Mapping[str, Any]]:
        """Outcomes of decisions, oldest first."""
        return self._all(t.DecisionRow, sql.decision_results.c.at, sql.decision_results.c.id)

    @cached_property
    def decided(self) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
        """Outcomes by decision and person, oldest first."""
        found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for row in self.decisions:
            found.setdefault((row["decision"], row["person_id"] or ""), []).append(row)
        return found

    def decided_about(self, decision: str, person: str) -> list[Mapping[str, Any]]:
        """Outcomes of a decision about one person, oldest first; all are read only where somebody asked for all."""
        if "decisions" in self.__dict__:
            return self.decided.get((decision, person), [])
        table = sql.decision_results.c
        where = (table.decision == decision) & (table.person_id == person)
        return self._all(t.DecisionRow, table.at, table.id, where=where)

    @cached_property
    def contacts(self) -> list[contact_rows.Contact]:
        """Contacts of all cases, case by case."""
        return contact_rows.contacts_of(self._connection, self.incident_id)

    @cached_property
    def _contacts_by_person(self) -> dict[str, list[contact_rows.Contact]]:
        found: dict[str, list[contact_rows.Contact]] = {}
        for row in self.contacts:
            found.setdefault(row.person, []).append(row)
        return found

    def contacts_about(self, person: str) -> list[contact_rows.Contact]:
        """The rows of one contact, one per case; all are read only where somebody asked for all."""
        if "contacts" in self.__dict__:
            return self._contacts_by_person.get(person, [])
        if person not in self._contacts_asked:
            self._contacts_asked[person] = contact_rows.contacts_of(self._connection, self.incident_id, person=person)
        return self._contacts_asked[person]

    @cached_property
    def _contacts_asked(self) -> dict[str, list[contact_rows.Contact]]:
        return {}

    def read_everybody(self) -> None:
        """Read people and contacts at once, for a command that goes through many of them one by one."""
        self._others.update({row["id"]: PersonFacts(row, self) for row in self._all(t.Person)})
        self._contacts_asked.update(self._contacts_by_person)

    @cached_property
    def final_lists(self) -> frozenset[str]:
        """Cases whose final contact list is entered."""
        return contact_rows.cases_with_final_list(self._connection, self.incident_id)

    @cached_property
    def neighbours(self) -> list[str]:
        """Who sat around a case."""
        person = sql.persons.c
        mine = (person.incident_id == self.incident_id) & person.is_neighbour & person.is_revoked.is_(False)
        return list(self._connection.execute(select(person.id).where(mine)).scalars())

    @cached_property
    def _people(self) -> list[Mapping[str, Any]]:
        return self._all(t.Person, sql.persons.c.case_no, where=sql.persons.c.kind == "case")

    @cached_property
    def cases(self) -> list[PersonFacts]:
        """Cases that were not revoked, in order of registration."""
        return [PersonFacts(row, self) for row in self._people if not row["is_revoked"]]

    @cached_property
    def known(self) -> dict[str, PersonFacts]:
        """Every case by id, revoked or not."""
        return {row["id"]: PersonFacts(row, self) for row in self._people}

    @cached_property
    def first_case(self) -> str | None:
        """Id of the case registered first."""
        return str(self._people[0]["id"]) if self._people else None

    @cached_property
    def _reports(self) -> list[Mapping[str, Any]]:
        return self._all(t.Report, sql.reports.c.sent_at)

    @cached_property
    def sent_reports(self) -> list[Mapping[str, Any]]:
        """Reports that went out, oldest first; notices and certificates are none."""
        return [row for row in self._reports if row["state"] == "sent" and row["kind"] in REPORT_MESSAGES]

    def _all(self, table: Any, *order: Any, where: Any = None) -> list[Mapping[str, Any]]:
        statement = select(t.table_of(table)).where(table.incident_id == self._incident["id"]).order_by(*order)
        if where is not None:
            statement = statement.where(where)
        return [dict(row) for row in self._connection.execute(statement).mappings()]

    def _about(self, statement: Any, person: str) -> list[Mapping[str, Any]]:
        rows = self._connection.execute(statement, {"incident": self.incident_id, "person": person})
        return [dict(row) for row in rows.mappings()]

    @cached_property
    def _visits(self) -> dict[str, list[tuple[str, str]]]:
        columns = select(sql.element_visits.c.element, sql.element_visits.c.instance_id, sql.element_visits.c.state)
        found: dict[str, list[tuple[str, str]]] = {}
        rows = self._connection.execute(columns.where(sql.element_visits.c.incident_id == self._incident["id"]))
        for element, instance, state in rows:
            found.setdefault(element, []).append((instance, state))
        return found

    @cached_property
    def _others(self) -> dict[str, PersonFacts | None]:
        return {}

    def find(self, person: str) -> PersonFacts | None:
        """Anybody of the incident by id: a case, a contact, somebody on site; revoked or not."""
        if person in self.known:
            return self.known[person]
        if person not in self._others:
            self._others[person] = next((PersonFacts(row, self) for row in self._about(_one_person, person)), None)
        return self._others[person]

    def person(self, person: str) -> PersonFacts:
        """The same. Raises KeyError."""
        found = self.find(person)
        if found is None:
            raise KeyError(person)
        return found

    def opened(self, sealed: str) -> dict[str, dict[str, Any]]:
        """Sealed text in clear, by subject."""
        if sealed not in self._opened:
            self._opened[sealed] = self._sealer.open_text(self._connection, sealed)
        return self._opened[sealed]

    def answers(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A record with its public and sealed answers together."""
        values = dict(record["data"])
        for part in self.opened(record["sealed"]).values():
            values.update(part)
        return {"id": record["id"], "view": record["view"], "at": record["at"], "values": values}

    def outcome(self, decision: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs of a decision, public and sealed."""
        values = dict(decision["data"])
        for part in self.opened(decision["sealed"]).values():
            values.update(part)
        return values

    def answers_of(self, form: str) -> list[dict[str, Any]]:
        """The answers of every record of a form, about whomever, oldest first."""
        return [self.answers(record)["values"] for record in self.records if record["form"] == form]

    @cached_property
    def _inputs(self) -> list[Mapping[str, Any]]:
        columns = select(sql.instances.c.id, sql.instances.c.process, sql.instances.c.inputs)
        mine = columns.where(sql.instances.c.incident_id == self._incident["id"])
        return [dict(row) for row in self._connection.execute(mine.order_by(sql.instances.c.started_at)).mappings()]

    def inputs_of(self, process: str) -> dict[str, dict[str, Any]]:
        """What each instance of a process was given, by instance."""
        return {row["id"]: row["inputs"] for row in self._inputs if row["process"] == process}

    def latest(self, form: str, *, person: str | None = None, instance: str | None = None) -> dict[str, Any]:
        """The latest value of each field of a form; narrowed to a person or an instance if given."""
        merged: dict[str, Any] = {}
        records = self.records_about(form, person) if form == READINGS and person else self.records
        for record in records:
            is_other_person = person is not None and record["person_id"] not in (None, person)
            is_other_instance = instance is not None and record["instance_id"] != instance
            if record["form"] == form and not is_other_person and not is_other_instance:
                merged.update(self.answers(record)["values"])
        return merged

    def record_names(self, person: str | None) -> dict[str, dict[str, Any]]:
        """Latest answers by form and field, about this person or about nobody in particular."""
        merged: dict[str, dict[str, Any]] = {}
        for record in self.records:
            if record["person_id"] in (None, person):
                merged.setdefault(record["form"], {}).update(self.answers(record)["values"])
        return merged

    def answered_last(self, instance: str) -> list[Mapping[str, Any]]:
        """The records of the answer given last in an instance; several of a list view."""
        here = [record for record in self.records if record["instance_id"] == instance]
        return [record for record in here if record["task_id"] == here[-1]["task_id"]]

    def has_form(self, form: str) -> bool:
        """A view of the form was answered."""
        return any(record["form"] == form for record in self.records)

    @property
    def sends(self) -> list[dict[str, Any]]:
        """Confirmed phone and manual sends: element, person, at, outcome."""
        found = []
        for record in self.records:
            if record["form"] == "F00" and record["view"] == "send":
                outcome = self.answers(record)["values"].get("outcome")
                found.append({
                    "element": record["element"], "person": record["person_id"], "at": record["at"], "outcome": outcome,
                })  # fmt: skip
        return found

    def is_waiting(self, element: str, instance: str = "") -> bool:
        """A token waits at the element, in the given instance or in any."""
        visits = self._visits.get(element, ())
        return any(state in LIVE_VISIT and instance in ("", found) for found, state in visits)

    def has_completed(self, element: str, instance: str = "") -> bool:
        """The element was completed, in the given instance or in any."""
        visits = self._visits.get(element, ())
        return any(state == "completed" and instance in ("", found) for found, state in visits)

    def has_record(self, form: str, view: str, person: str) -> bool:
        """A view of a form was answered about this person."""
        return any(r["form"] == form and r["view"] == view and r["person_id"] == person for r in self.records)

    @cached_property
    def organisation_type(self) -> str:
        """Type of the incident's organisation."""
        statement = select(sql.organisations.c.type).where(sql.organisations.c.id == self._incident["organisation_id"])
        return str(self._connection.execute(statement).scalar_one())

    @cached_property
    def school_cases(self) -> list[clusters.SchoolCase]:
        """Cases of this school over all its incidents, each person once, in order of registration."""
        return clusters.school_cases(self._connection, self._incident)

    def of_school(self, query: Callable[[Connection, Mapping[str, Any]], Any]) -> Any:
        """What a query finds over the incidents of the school."""
        return query(self._connection, self._incident)

    @property
    def last_withdrawn(self) -> frozenset[str]:
        """Persons the last request to withdraw names; the request may have been revoked with one of them."""
        table = sql.records.c
        is_request = (table.form == "F00") & (table.view == "cancel")
        asked = self._all(t.Record, table.at, table.id, where=is_request)
        persons = self.answers(asked[-1])["values"].get("cancel_persons") if asked else None
        return frozenset(entry["id"] for entry in persons or [])

    @property
    def direct_count(self) -> int | None:
        """Person count stated in the last direct report or its supplement that was sent."""
        sent = [report for report in self.sent_reports if report["kind"] in {"direct", "correction"}]
        counts = [self._stated_count(report) for report in sent]
        known = [count for count in counts if count is not None]
        return known[-1] if known and any(report["kind"] == "direct" for report in sent) else None

    def _restates_direct(self, correction: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """A supplement, or the withdrawal of persons who were reported directly: its number is the known one."""
        direct = {report["id"] for report in self.sent_reports if report["kind"] == "direct"}
        reason = values.get("correction_reason")
        return reason == SUPPLEMENT or (reason == WITHDRAWN and bool(direct & set(correction["corrects"])))

    def _stated_count(self, report: Mapping[str, Any]) -> int | None:
        record = next((r for r in self.records if r["id"] == report["record_id"]), None)
        if record is None:
            return None
        values = self.answers(record)["values"]
        if report["kind"] == "correction" and not self._restates_direct(report, values):
            return None
        count = values.get("suspected_count") or values.get("person_count")
        return int(count) if count is not None else None
