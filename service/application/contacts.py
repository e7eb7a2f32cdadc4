"""The contact lists of a case (F12): initial, reported by the contacts themselves, final, added later.

Whoever is on a list is a person of the incident, once, whatever lists he is on; the row of a case
and a person says how far he has come. The final list names every person of the initial one, or says
why he is taken off; there is one final list per case, and it is applied where contact tracing takes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import contact_sharing
from service.application.contact_facts import class_of
from service.application.contact_people import People
from service.domain import events as ev
from service.domain.errors import FieldError, FinalListAwaited, FinalListExists, FormRefused
from service.domain.form_messages import field_error
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.contact_rows import Contact
    from service.application.fill_contexts import Target
    from service.application.steps import Advance
    from service.domain.forms import Answers

TRACING, INVESTIGATION, OBSERVATION = "contact_tracing", "epi_investigation", "medical_observation"
STAGES = {"F12#initial": "initial", "F12#self": "initial", "F12#final": "final", "F12#added": "final"}
SINGLE = frozenset({"F12#self"})
FINAL_LIST, THROWN, JUDGED = "F12#final", "msg_contact_final", "msg_contact_judged"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of a list with the person it names, "" for somebody new."""

    path: str
    block: Mapping[str, Any]
    values: Mapping[str, Any]
    person: str

    @property
    def is_removed(self) -> bool:
        return bool(self.values.get("removed_reason"))


# --- checking ---------------------------------------------------------------------------------


def check(on: Advance, target: Target, answers: Answers) -> None:
    """Check a list against what is known of its case, before anything is recorded.

    Raises:
        FormRefused: Persons missing without a reason, removed though never listed, or the case himself.
        FinalListAwaited: Keyed in by hand while the investigation that gives the list still runs.
    """
    if target.form_key not in STAGES:
        return
    people = People(on)
    entries = _entries(answers, people)
    errors = [field_error(each.path, "contact_is_case") for each in entries if each.person == target.person]
    if target.form_key == FINAL_LIST:
        if target.instance["process"] == TRACING and _is_investigated(on, target.person):
            raise FinalListAwaited()
        errors += _against_initial(on, target, entries, people)
    if errors:
        raise FormRefused(errors)


def _entries(answers: Answers, people: People) -> list[_Entry]:
    is_list = "rows" in answers.values
    rows = answers.values["rows"] if is_list else [answers.values]
    found = []
    for place, values in enumerate(rows):
        block = values["person"]
        found.append(_Entry(f"rows.{place}.person" if is_list else "person", block, values, people.find(block)))
    return found


def _against_initial(on: Advance, target: Target, entries: Sequence[_Entry], people: People) -> list[FieldError]:
    listed = [row.person for row in _rows_of(on, target.person) if row.stage == "initial"]
    named = {each.person for each in entries}
    removed = [each for each in entries if each.is_removed]
    errors = [field_error(each.path, "contact_not_listed") for each in removed if each.person not in listed]
    missing = [person for person in listed if person not in named]
    if missing:
        errors.append(field_error("rows", "contacts_missing", names="、".join(map(people.shown, missing))))
    return errors


def _rows_of(on: Advance, case: str) -> list[Contact]:
    return [row for row in on.facts.rows.contacts if row.case == case]


def _is_investigated(on: Advance, case: str) -> bool:
    """The investigation of the case runs and has not given its list yet."""
    table = sql.instances
    mine = (table.c.incident_id == on.incident_id) & (table.c.person_id == case)
    running = mine & (table.c.process == INVESTIGATION) & (table.c.status == "active")
    return on.uow.connection.execute(select(table.c.id).where(running)).first() is not None


def refuse_second_list(on: Advance, case: str) -> None:
    """Raises FinalListExists where the CDC judged the contacts of the case already."""
    joined = select(sql.records.c.id).join(sql.instances, sql.instances.c.id == sql.records.c.instance_id)
    is_list = (sql.records.c.form == "F12") & (sql.records.c.view == "final")
    mine = is_list & (sql.records.c.incident_id == on.incident_id)
    if case:
        mine &= sql.instances.c.person_id == case
    if on.uow.connection.execute(joined.where(mine).limit(1)).first() is not None:
        raise FinalListExists()


# --- registering ------------------------------------------------------------------------------


def register(on: Advance, target: Target, answers: Answers) -> list[str]:
    """Register whom a list names and put them on the list of the case; returns the person of each row.

    The investigation only hands its final list on: it counts where contact tracing takes it.
    """
    people = People(on)
    counts = target.instance["process"] != INVESTIGATION
    listed = {row.person: row for row in _rows_of(on, target.person)}
    persons = []
    for entry in _entries(answers, people):
        person = people.find(entry.block) or people.register(target.instance, entry.block, _other_org(entry))
        persons.append(person)
        if counts:
            _list(on, target, entry, person, listed.get(person))
    if counts and target.form_key == FINAL_LIST:
        _settle_thrown(on, target)
    return persons


def _list(on: Advance, target: Target, entry: _Entry, person: str, known: Contact | None) -> None:
    if entry.is_removed:
        on.record(ev.ContactRemoved(target.person, person), row=target.instance)
        contact_sharing.taken_off(on, target.instance, person)
        return
    stage = STAGES[target.form_key]
    if known is not None and known.stage == "final":
        return  # an addition names somebody who is observed already
    other = _other_org(entry) or (known.other_org if known else "")
    group = entry.values.get("contact_class") or (class_of(on.facts, known) if known else "")
    event = ev.ContactListed(target.person, person, stage, other)
    on.record(event, row=target.instance, sealed={person: {"contact_class": group}})


def _other_org(entry: _Entry) -> str:
    return str((entry.values.get("other_org") or {}).get("id") or "")


def _settle_thrown(on: Advance, target: Target) -> None:
    """A list that was thrown, did not fit and was completed by hand waits for nobody any more."""
    table = sql.messages
    kept = (table.c.incident_id == on.incident_id) & (table.c.name == THROWN) & (table.c.state == "buffered")
    for row in on.uow.connection.execute(select(table).where(kept)).mappings().all():
        if row["keys"].get("person") == target.person:
            on.record(ev.MessageDelivered(row["id"], target.visit))


# --- judging ----------------------------------------------------------------------------------


def judged(on: Advance, row: Mapping[str, Any], person: str, values: Mapping[str, Any]) -> None:
    """D07 was applied to a contact: his mode is settled, the CDC's own word before the table's.

    Somebody who is observed already, as a contact of another case, stays where he is.
    """
    case = str(row["person_id"])
    about = on.facts.rows.person(person)
    group = about.decision("D06").get("contact_class")
    said = [each["values"] for each in about.records("F12") if each["values"].get("quarantine_mode")]
    mode = str(said[-1]["quarantine_mode"] if said else values.get("mode") or "none")
    on.record(ev.ContactJudged(case, person, mode), row=row, sealed={person: {"contact_class": group}})
    running = next((each for each in on.facts.rows.contacts_about(person) if is_observed(on, each)), None)
    if running is not None:
        share(on, row, running, case)
    elif mode != "none" and not _is_case(on, person):
        on.record(ev.ContactStatusChanged(case, person, "待转运"), row=row)


def _is_case(on: Advance, person: str) -> bool:
    return any(row.is_case for row in on.facts.rows.contacts_about(person))


def is_observed(on: Advance, row: Contact) -> bool:
    """An observation of the contact runs."""
    return bool(row.instance) and on.instance_row(row.instance)["status"] == "active"


def share(on: Advance, row: Mapping[str, Any], running: Contact, case: str) -> None:
    """The observation that runs serves the list of this case too."""
    on.record(ev.ContactLinked(case, running.person, running.instance), row=row)
    if running.observed_from is not None and running.observed_until is not None:
        since, until = running.observed_from.isoformat(), running.observed_until.isoformat()
        on.record(ev.ContactObserved(case, running.person, since, until), row=row)
    on.record(ev.ContactStatusChanged(case, running.person, running.status or "待转运"), row=row)
