"""The rows facts are computed from, kept from command to command and followed event by event."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from service.application import clusters, contact_rows
from service.application.observation_course import Course
from service.application.person_facts import PersonFacts
from service.domain import events as ev
from service.domain.gateways import REPORT_MESSAGES
from service.persistence.pending import Row
from service.persistence.sealing import Sealer
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import Connecting, IncidentRows

T = TypeVar("T")
READINGS = "F14"  # so many records that they are read person by person, never all of them

# Which parts an event makes stale; events that are not named change none of them.
CONTACTS = ("contacts", "_contacts_by_person", "_contacts_asked", "_of_contacts")
PEOPLE = ("_people", "_others", "cases", "known", "first_case", "neighbours", *CONTACTS)
RECORDS = ("records", "_of_form", "_of_person", "_names", "_latest", "_courses")
REPORTS = ("_reports", "sent_reports")
OF_OTHERS = ("school_cases",)  # what other incidents change: never kept beyond a command
STALE: Mapping[str, tuple[str, ...]] = {
    "person_registered": (*PEOPLE, *OF_OTHERS),
    "person_linked": PEOPLE,
    "case_status_changed": PEOPLE,
    "case_revoked": (*PEOPLE, *OF_OTHERS, *RECORDS),
    "contact_listed": CONTACTS,
    "contact_removed": CONTACTS,
    "contact_judged": CONTACTS,
    "contact_status_changed": CONTACTS,
    "contact_linked": CONTACTS,
    "contact_handed_over": CONTACTS,
    "contact_observed": CONTACTS,
    "element_completed": ("final_lists",),
    "instance_ended": REPORTS,
    "incident_closed": REPORTS,
    "report_drafted": REPORTS,
    "report_signed": REPORTS,
    "report_sent": REPORTS,
}


class FactRows:
    """What facts read of one incident (and the case count of its school), part by part.

    A part is made when it is first asked for; `follow` adds to it what an event brings, or drops it.
    """

    def __init__(self, source: Connecting, sealer: Sealer, incident: Mapping[str, Any], rows: IncidentRows) -> None:
        self._source, self._sealer, self._incident, self._rows = source, sealer, incident, rows
        self.incident_id: str = incident["id"]
        self._opened: dict[str, dict[str, dict[str, Any]]] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    def go_on(self, source: Connecting, incident: Mapping[str, Any], rows: IncidentRows) -> None:
        """A further command begins: what other incidents may have changed is not known any more."""
        self._source, self._incident, self._rows = source, incident, rows
        for part in OF_OTHERS:
            self.__dict__.pop(part, None)

    def follow(self, event: ev.Event, stored: StoredEvent) -> None:
        """Take in what an event just projected has brought, drop what it has made stale."""
        if isinstance(event, ev.RecordSaved):
            self._take_record(self._rows.get(sql.records, f"{stored.stream}:{stored.seq:07d}"))
        elif isinstance(event, ev.DecisionMade):
            self._take_decision(self._rows.get(sql.decision_results, f"{stored.stream}:{stored.seq:07d}"))
        for part in STALE.get(event.type, ()):
            self.__dict__.pop(part, None)

    def _take_record(self, record: Row | None) -> None:
        if record is None:
            return
        if record["form"] == READINGS:
            if record["person_id"] in self._courses:
                self._courses[record["person_id"]].records.append(record)
            return
        if "records" not in self.__dict__:
            return
        self.records.append(record)
        if "_of_form" in self.__dict__:
            self._of_form.setdefault(record["form"], []).append(record)
        if "_of_person" in self.__dict__:
            self._of_person.setdefault((record["form"], record["person_id"]), []).append(record)
        for person, names in self._names.items():
            if record["person_id"] in (None, person):
                names.setdefault(record["form"], {}).update(self.answers(record)["values"])

    def _take_decision(self, decision: Row | None) -> None:
        if decision is not None and "decisions" in self.__dict__:
            self.decisions.append(decision)
            if "decided" in self.__dict__:
                self.decided.setdefault((decision["decision"], decision["person_id"] or ""), []).append(decision)

    @cached_property
    def records(self) -> list[Row]:
        """Answered form views that were not revoked, oldest first; without the readings of observations."""
        table = sql.records
        wanted = (table.c.incident_id == self.incident_id) & table.c.is_revoked.is_(False) & (table.c.form != READINGS)
        statement = select(table).where(wanted).order_by(table.c.at, table.c.id)
        return [dict(row) for row in self._source.connection.execute(statement).mappings()]

    @cached_property
    def _of_form(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for record in self.records:
            found.setdefault(record["form"], []).append(record)
        return found

    @cached_property
    def _of_person(self) -> dict[tuple[str, str | None], list[Row]]:
        found: dict[tuple[str, str | None], list[Row]] = {}
        for record in self.records:
            found.setdefault((record["form"], record["person_id"]), []).append(record)
        return found

    def records_of(self, form: str) -> list[Row]:
        """Answered views of a form, about whomever, oldest first."""
        return self._of_form.get(form, [])

    def records_about(self, form: str, person: str) -> list[Row]:
        """Answered views of a form about a person, oldest first."""
        return self._of_person.get((form, person), []) if form != READINGS else self._course(person).records

    def course(self, person: str) -> Course:
        """What the readings of a person come to; each is opened once, and what it said is not kept."""
        for record in (course := self._course(person)).records[course.taken :]:
            course.take(record["view"], self.answers(record)["values"])
        return course

    def _course(self, person: str) -> Course:
        if person not in self._courses:
            found = self._rows.where(sql.records, incident_id=self.incident_id, form=READINGS, person_id=person)
            self._courses[person] = Course(sorted((row for row in found if not row["is_revoked"]), key=_when))
        return self._courses[person]

    @cached_property
    def _courses(self) -> dict[str, Course]:
        return {}

    @cached_property
    def decisions(self) -> list[Row]:
        """Outcomes of decisions, oldest first."""
        return sorted(self._rows.where(sql.decision_results, incident_id=self.incident_id), key=_when)

    @cached_property
    def decided(self) -> dict[tuple[str, str], list[Row]]:
        """Outcomes by decision and person, oldest first."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.decisions:
            found.setdefault((row["decision"], row["person_id"] or ""), []).append(row)
        return found

    def decided_about(self, decision: str, person: str) -> list[Row]:
        """Outcomes of a decision about one person, oldest first; all are read only where somebody asked for all."""
        if "decisions" in self.__dict__:
            return self.decided.get((decision, person), [])
        found = self._rows.where(
            sql.decision_results, incident_id=self.incident_id, decision=decision, person_id=person
        )
        return sorted(found, key=_when)

    @cached_property
    def contacts(self) -> list[contact_rows.Contact]:
        """Contacts of all cases, case by case."""
        return contact_rows.contacts_of(self._rows, self.incident_id)

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
            self._contacts_asked[person] = contact_rows.contacts_of(self._rows, self.incident_id, person=person)
        return self._contacts_asked[person]

    @cached_property
    def _contacts_asked(self) -> dict[str, list[contact_rows.Contact]]:
        return {}

    def of_contacts(self, name: str, compute: Callable[[], T]) -> T:
        """What follows from nothing but the rows of contacts, computed once while they stay; not to be changed."""
        if name not in self._of_contacts:
            self._of_contacts[name] = compute()
        found: T = self._of_contacts[name]
        return found

    @cached_property
    def _of_contacts(self) -> dict[str, Any]:
        return {}

    def read_everybody(self) -> None:
        """Read people and contacts at once, for a command that goes through many of them one by one."""
        self._rows.where(sql.persons, incident_id=self.incident_id)
        self._contacts_asked.update(self._contacts_by_person)

    @cached_property
    def final_lists(self) -> frozenset[str]:
        """Cases whose final contact list is entered."""
        return contact_rows.cases_with_final_list(self._rows, self.incident_id)

    @cached_property
    def neighbours(self) -> list[str]:
        """Who sat around a case."""
        found = self._rows.where(sql.persons, incident_id=self.incident_id, is_neighbour=True)
        return [row["id"] for row in found if not row["is_revoked"]]

    @cached_property
    def _people(self) -> list[Row]:
        found = self._rows.where(sql.persons, incident_id=self.incident_id, kind="case")
        return sorted(found, key=lambda row: row["case_no"])

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
    def _reports(self) -> list[Row]:
        return self._rows.where(sql.reports, incident_id=self.incident_id)

    @cached_property
    def sent_reports(self) -> list[Row]:
        """Reports that went out, oldest first; notices and certificates are none."""
        sent = [row for row in self._reports if row["state"] == "sent" and row["kind"] in REPORT_MESSAGES]
        return sorted(sent, key=lambda row: (row["sent_at"], row["record_id"] or ""))

    @cached_property
    def _others(self) -> dict[str, PersonFacts | None]:
        return {}

    def find(self, person: str) -> PersonFacts | None:
        """Anybody of the incident by id: a case, a contact, somebody on site; revoked or not."""
        if person in self.known:
            return self.known[person]
        if person not in self._others:
            row = self._rows.get(sql.persons, person)
            is_ours = row is not None and row["incident_id"] == self.incident_id
            self._others[person] = PersonFacts(row, self) if row is not None and is_ours else None
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
            self._opened[sealed] = self._sealer.open_text(self._source, sealed)
        return self._opened[sealed]

    def answers(self, record: Row) -> dict[str, Any]:
        """A record with its public and sealed answers together; not to be changed."""
        known = self._answers.get(record["id"])
        if known is None:
            values = dict(record["data"])
            for part in self._sealer.open_text(self._source, record["sealed"]).values():
                values.update(part)
            known = {"id": record["id"], "view": record["view"], "at": record["at"], "values": values}
            if record["form"] != READINGS:  # a course keeps what they come to
                self._answers[record["id"]] = known
        return known

    def outcome(self, decision: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs of a decision, public and sealed."""
        values = dict(decision["data"])
        for part in self.opened(decision["sealed"]).values():
            values.update(part)
        return values

    def answers_of(self, form: str) -> list[dict[str, Any]]:
        """The answers of every record of a form, about whomever, oldest first."""
        return [self.answers(record)["values"] for record in self.records_of(form)]

    def inputs_of(self, process: str) -> dict[str, dict[str, Any]]:
        """What each instance of a process was given, by instance."""
        found = self._rows.where(sql.instances, incident_id=self.incident_id, process=process)
        return {row["id"]: row["inputs"] for row in sorted(found, key=lambda row: row["started_at"])}

    def latest(self, form: str, *, person: str | None = None, instance: str | None = None) -> dict[str, Any]:
        """The latest value of each field of a form; narrowed to a person or an instance if given."""
        records = self.records_about(form, person) if form == READINGS and person else self.records_of(form)
        read, merged = self._latest.get((form, person, instance), (0, {}))
        for record in records[read:]:  # those before were taken in when it was asked last
            is_other_person = person is not None and record["person_id"] not in (None, person)
            is_other_instance = instance is not None and record["instance_id"] != instance
            if not is_other_person and not is_other_instance:
                merged.update(self.answers(record)["values"])
        self._latest[form, person, instance] = (len(records), merged)
        return dict(merged)

    @cached_property
    def _latest(self) -> dict[tuple[str, str | None, str | None], tuple[int, dict[str, Any]]]:
        return {}

    @cached_property
    def _names(self) -> dict[str | None, dict[str, dict[str, Any]]]:
        return {}

    def record_names(self, person: str | None) -> Mapping[str, dict[str, Any]]:
        """Latest answers by form and field, about this person or about nobody in particular."""
        if person not in self._names:
            merged: dict[str, dict[str, Any]] = {}
            for record in self.records:
                if record["person_id"] in (None, person):
                    merged.setdefault(record["form"], {}).update(self.answers(record)["values"])
            self._names[person] = merged
        return self._names[person]

    def answered_last(self, instance: str) -> list[Mapping[str, Any]]:
        """The records of the answer given last in an instance; several of a list view."""
        here = [record for record in self.records if record["instance_id"] == instance]
        return [record for record in here if record["task_id"] == here[-1]["task_id"]]

    def has_form(self, form: str) -> bool:
        """A view of the form was answered."""
        return bool(self.records_of(form))

    @property
    def sends(self) -> list[dict[str, Any]]:
        """Confirmed phone and manual sends: element, person, at, outcome."""
        found = []
        for record in self.records_of("F00"):
            if record["view"] == "send":
                outcome = self.answers(record)["values"].get("outcome")
                found.append({
                    "element": record["element"], "person": record["person_id"], "at": record["at"], "outcome": outcome,
                })  # fmt: skip
        return found

    def is_waiting(self, element: str, instance: str = "") -> bool:
        """A token waits at the element, in the given instance or in any."""
        return self._is_visited(element, instance, "active")

    def has_completed(self, element: str, instance: str = "") -> bool:
        """The element was completed, in the given instance or in any."""
        return self._is_visited(element, instance, "completed")

    def _is_visited(self, element: str, instance: str, state: str) -> bool:
        table = sql.element_visits
        if instance:
            return bool(self._rows.ids(table, instance_id=instance, element=element, state=state))
        return bool(self._rows.ids(table, incident_id=self.incident_id, element=element, state=state))

    def has_record(self, form: str, view: str, person: str) -> bool:
        """A view of a form was answered about this person."""
        return any(record["view"] == view for record in self.records_about(form, person))

    @cached_property
    def organisation_type(self) -> str:
        """Type of the incident's organisation."""
        statement = select(sql.organisations.c.type).where(sql.organisations.c.id == self._incident["organisation_id"])
        return str(self._source.connection.execute(statement).scalar_one())

    @cached_property
    def school_cases(self) -> list[clusters.SchoolCase]:
        """Cases of this school over all its incidents, each person once, in order of registration."""
        return clusters.school_cases(self._source.connection, self._incident)

    def of_school(self, query: Callable[[Connection, Mapping[str, Any]], Any]) -> Any:
        """What a query finds over the incidents of the school."""
        return query(self._source.connection, self._incident)

    @property
    def last_withdrawn(self) -> frozenset[str]:
        """Persons the last request to withdraw names; the request may have been revoked with one of them."""
        found = self._rows.where(sql.records, incident_id=self.incident_id, form="F00", view="cancel")
        asked = sorted(found, key=_when)
        persons = self.answers(asked[-1])["values"].get("cancel_persons") if asked else None
        return frozenset(entry["id"] for entry in persons or [])


def _when(row: Row) -> tuple[datetime, str]:
    return row["at"], row["id"]
