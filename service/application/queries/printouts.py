"""Lists and records of an incident as documents to print: contacts, disinfection, handovers, letters to others.

Nobody signs or sends them here, so they are no reports; they show what stands now, masked as the reader may see it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_

from service.application.documents import Document, DocumentLibrary, DocumentMeta
from service.application.incident_view import IncidentView
from service.application.queries.contacts import contacts
from service.application.queries.letters import letter, listed
from service.application.queries.names import Names
from service.application.queries.reader import Reader
from service.domain.access import Action, may
from service.domain.errors import NoSuch
from service.persistence import tables as t

records = t.table_of(t.Record)
persons = t.table_of(t.Person)
incidents = t.table_of(t.Incident)
LETTER = "R27"
ANSWERED = {("F15", "work"): "R10", ("F05", "depart"): "R11"}  # one for each instance that answered the view


@dataclass(frozen=True, slots=True)
class Printout:
    """What can be printed: the document, about what, and the key that asks for it."""

    document: str
    name: str
    subject: str
    key: str
    at: datetime | None = None


def available(reader: Reader, library: DocumentLibrary, incident: str) -> tuple[Printout, ...]:
    """Everything there is to print; for another organisation the letter to it. Raises NoSuch, NotAllowed."""
    rows = contacts(reader, incident).items
    cases = {row.case: row.case_code for row in rows}
    others = {row.other_org: row.other_org_name for row in rows if row.other_org and row.stage != "removed"}

    def of(document: str, found: Mapping[str, str]) -> list[Printout]:
        name = library.name(document, locale=reader.locale)
        return [Printout(document, name, subject, key) for key, subject in found.items()]

    if not is_ours(reader, incident):
        return tuple(each for each in of(LETTER, others) if each.key in reader.principal.memberships)
    return (*of("R09", cases), *of(LETTER, others), *_by_instance(reader, library, incident))


def is_ours(reader: Reader, incident: str) -> bool:
    """Whether the reader may read the incident; somebody else sees his own organisation's contacts alone."""
    row = next(iter(reader.rows(select(incidents).where(incidents.c.id == incident))), None)
    return row is not None and may(reader.principal, Action.INCIDENT_READ, reader.incident_subject(row))


def number_of(reader: Reader, incident: str) -> str:
    """The number of an incident something is printed of; the caller has checked that it may be read."""
    return str(reader.rows(select(incidents.c.number).where(incidents.c.id == incident))[0]["number"])


def _by_instance(reader: Reader, library: DocumentLibrary, incident: str) -> list[Printout]:
    columns = (records.c.instance_id, records.c.form, records.c.view, records.c.person_id, records.c.at)
    mine = (records.c.incident_id == incident) & records.c.is_revoked.is_(False)
    is_answered = tuple_(records.c.form, records.c.view).in_(ANSWERED)
    latest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in reader.rows(select(*columns).where(mine, is_answered).order_by(records.c.at)):
        latest[ANSWERED[row["form"], row["view"]], row["instance_id"]] = row
    codes = _codes(reader, incident)
    return [
        Printout(
            document, library.name(document, locale=reader.locale), codes.get(row["person_id"], ""), instance, row["at"]
        )
        for (document, instance), row in latest.items()
    ]  # fmt: skip


def _codes(reader: Reader, incident: str) -> dict[str, str]:
    found = reader.rows(select(persons.c.id, persons.c.code).where(persons.c.incident_id == incident))
    return {row["id"]: reader.person_code(row["code"]) for row in found}


def page(
    reader: Reader, library: DocumentLibrary, incident: str, document: str, key: str, *, by_task: bool = False
) -> Document:
    """One of them laid out; another organisation gets the letter to it; `by_task` as for Names.

    Raises NoSuch, NotAllowed.
    """
    if document != LETTER or key not in reader.principal.memberships:
        reader.incident(incident, Action.PEOPLE_READ)
    if document not in RECORDS:
        raise NoSuch("document", document)
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, incident)
    record = RECORDS[document](reader, view, key, by_task)
    if not record:
        raise NoSuch("document", key)
    return library.compose(document, record=record, meta=_meta(reader, view, document, key), locale=reader.locale)


def letters(reader: Reader, library: DocumentLibrary, incident: str, case: str) -> list[Document]:
    """The letters about the contacts of a case, one to each organisation they belong to."""
    found = contacts(reader, incident, case=case).items
    others = dict.fromkeys(row.other_org for row in found if row.other_org and row.stage == "final")
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, incident)
    return [
        library.compose(
            LETTER, record=letter(reader, incident, each, case=case, by_task=True),
            meta=_meta(reader, view, LETTER, each),
            locale=reader.locale,
        )
        for each in others
    ]  # fmt: skip


def _meta(reader: Reader, view: IncidentView, document: str, key: str) -> DocumentMeta:
    organisation = reader.organisation_names[view.incident["organisation_id"]]
    others = (reader.organisation_names.get(key, key),) if document == LETTER else ()
    return DocumentMeta(
        organisation=organisation, now=view.now, recipients=others, incident_number=view.incident["number"],
        is_drill=view.incident["kind"] == "drill", labels=_labels(reader, view),
    )  # fmt: skip


def _labels(reader: Reader, view: IncidentView) -> dict[str, str]:
    """Names of organisations, of those who signed, and of persons as the reader may see them."""
    columns = (
        persons.c.id.label("person_id"), persons.c.incident_id, persons.c.code.label("person_code"),
        persons.c.org_unit, persons.c.sealed.label("person_sealed"),
    )  # fmt: skip
    found = reader.rows(select(*columns).where(persons.c.incident_id == view.incident["id"], persons.c.kind == "case"))
    shown, places = Names(reader, found), reader.place_names([row["org_unit"] for row in found])
    named = {row["person_id"]: shown.shown(row["person_id"], places) for row in found}
    actors = {record["actor"] for record in view.facts.rows.records}
    return {**reader.organisation_names, **reader.account_names(actors), **named}


def persons_of(reader: Reader, incident: str, document: str, key: str) -> tuple[str, ...]:
    """Whom a document names."""
    if document in ("R09", LETTER):
        found = contacts(reader, incident, case=key if document == "R09" else "").items
        named = [row.person for row in found if document == "R09" or (row.other_org == key and row.stage != "removed")]
    else:
        mine = (records.c.incident_id == incident) & (records.c.instance_id == key)
        rows = reader.rows(select(records.c.person_id).where(mine, records.c.person_id.is_not(None)))
        named = [row["person_id"] for row in rows]
    return tuple(dict.fromkeys(named))


def _contact_list(reader: Reader, view: IncidentView, case: str, by_task: bool) -> dict[str, Any]:
    """R09: everybody on the list of a case, those who were removed too."""
    found = contacts(reader, view.incident["id"], case=case, by_task=by_task).items
    return {"rows": [{**listed(row), "case": row.case_code, "stage": row.stage_label} for row in found]}


def _letter(reader: Reader, view: IncidentView, organisation: str, by_task: bool) -> dict[str, Any]:
    """R27: the contacts another organisation is asked to see to, and no others."""
    return letter(reader, view.incident["id"], organisation, by_task=by_task)


def _answers(form: str) -> Callable[[Reader, IncidentView, str, bool], dict[str, Any]]:
    return lambda _reader, view, instance, _by_task: view.facts.rows.latest(form, instance=instance)


RECORDS: Mapping[str, Callable[[Reader, IncidentView, str, bool], dict[str, Any]]] = {
    "R09": _contact_list, "R10": _answers("F15"), "R11": _answers("F05"), LETTER: _letter,
}  # fmt: skip
