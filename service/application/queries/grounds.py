"""On what grounds a reader may have a person's values shown, and which he has had shown.

Nothing is shown in full but what was revealed on purpose, and only as long as the grounds stand: an open task
that needs the person, such a task just done (a short tail), or a break-glass. Rank is no ground. Whom a letter asks
another organisation to see to, those may have shown there who see to letters: the name, for the letter carries no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select

from service.application.papers import LETTER_KINDS, LETTERS
from service.application.queries.reader import OPEN_STATES, Reader, incidents, tasks
from service.domain.access import Action, OrganisationSubject, TaskSubject, may
from service.domain.forms import View
from service.persistence.tables import sql

# What can be shown of a person, and the parts of the person block each of them stands for.
GROUPS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"name", "sex", "age", "seat_no"}),
    "contact": frozenset({"phone", "guardian_name", "guardian_phone"}),
    "id_no": frozenset({"id_no"}),
    "address": frozenset({"home_address", "registered_address"}),
    "health": frozenset(),  # what was answered about him
}


LETTER = "letter"
IN_LETTERS = frozenset({"name"})  # the groups a letter (R27) carries
SEEN_TO = frozenset({"转阳", "解除"})  # states of a contact in which a letter asks for nothing any more


@dataclass(frozen=True, slots=True)
class Ground:
    """Why somebody may see a person: `basis` is task, tail, break_glass or letter."""

    basis: str
    task: str = ""
    grant: str = ""


def grounds(reader: Reader, incident: str, *, about: Iterable[str]) -> dict[str, Ground]:
    """The ground for each of some persons of an incident; who has none is left out."""
    grant = active_grant(reader, incident)
    needed = {**_needed_for(reader, [incident], is_open=False), **_needed_for(reader, [incident], is_open=True)}
    named = named_to(reader, incident)
    found = {}
    for person in about:
        ground = needed.get(person) or needed.get(incident)
        if ground is None and grant:
            ground = Ground("break_glass", grant=grant)
        if ground is None and person in named:
            ground = Ground(LETTER)
        if ground is not None:
            found[person] = ground
    return found


def needed_persons(reader: Reader, incident_ids: Iterable[str]) -> frozenset[str]:
    """Persons, and incidents as a whole, that an open task of the reader needs to know.

    A task about a person needs that person; one about nobody in particular whose form asks for
    personal values (the register of those on site) needs all persons of its incident.
    """
    return frozenset(_needed_for(reader, incident_ids, is_open=True))


def revealed(reader: Reader, incident_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Person -> groups the reader has had shown and may still see."""
    table = sql.person_reveals.c
    mine = (table.account_id == reader.principal.account_id) & (table.until > reader.now)
    found = reader.rows(select(sql.person_reveals).where(mine, table.incident_id.in_(sorted(set(incident_ids)))))
    shown: dict[str, frozenset[str]] = {}
    for incident in {row["incident_id"] for row in found}:
        rows = {row["person_id"]: frozenset(row["fields"]) for row in found if row["incident_id"] == incident}
        standing = grounds(reader, incident, about=rows)
        shown.update(
            {
                person: fields & IN_LETTERS if standing[person].basis == LETTER else fields
                for person, fields in rows.items()
                if person in standing
            }
        )
    return shown


def named_to(reader: Reader, incident: str) -> dict[str, str]:
    """Persons a letter names to an organisation whose letters the reader sees to, while it has to: person -> it."""
    mine = [
        each for each in reader.principal.memberships
        if may(reader.principal, Action.LETTER_REVEAL, OrganisationSubject(each))
    ]  # fmt: skip
    if not mine:
        return {}
    table, sent = sql.contacts.c, sql.reports.c
    columns = (table.person_id, table.other_org, sent.id, sent.persons)
    letters = (sent.kind.in_(sorted(LETTER_KINDS))) & (sent.state == "sent") & (sent.incident_id == incident)
    is_theirs = table.other_org.in_(sorted(mine)) & (table.stage == "final") & table.status.not_in(sorted(SEEN_TO))
    joined = sql.contacts.join(sql.reports, sent.incident_id == table.incident_id)
    joined = joined.join(incidents, incidents.c.id == table.incident_id)
    rows = reader.rows(select(*columns).select_from(joined).where(letters, is_theirs, incidents.c.closed_at.is_(None)))
    return {
        row["person_id"]: row["other_org"]
        for row in rows
        if row["id"].endswith(f"-{row['other_org']}") and row["person_id"] in row["persons"]
    }


def active_grant(reader: Reader, incident: str) -> str:
    """The break-glass the reader has open in an incident, "" if none."""
    return next((row["id"] for row in active_grants(reader) if row["incident_id"] == incident), "")


def active_grants(reader: Reader) -> list[dict[str, Any]]:
    """The break-glasses the reader has open now, with the number of their incident."""
    table = sql.break_glass.c
    mine = and_(
        table.account_id == reader.principal.account_id, table.ended_at.is_(None), table.until > reader.now
    )  # fmt: skip
    joined = sql.break_glass.join(incidents, incidents.c.id == table.incident_id)
    columns = (sql.break_glass, incidents.c.number)
    return reader.rows(select(*columns).select_from(joined).where(mine).order_by(table.until))


# --- inside -----------------------------------------------------------------------------------


def _needed_for(reader: Reader, incident_ids: Iterable[str], *, is_open: bool) -> dict[str, Ground]:
    wanted = sorted(set(incident_ids))
    if not wanted:
        return {}
    me = reader.principal.account_id
    statement = select(tasks, incidents.c.kind.label("incident_kind"), incidents.c.clock).join(
        incidents, incidents.c.id == tasks.c.incident_id
    )
    if is_open:
        mine = or_(tasks.c.assignee == me, tasks.c.assignee.is_(None) & reader.is_candidate)
        statement = statement.where(tasks.c.state.in_(OPEN_STATES), mine)
    else:
        statement = statement.where(tasks.c.state == "completed", tasks.c.completed_by == me)
    found: dict[str, Ground] = {}
    for row in reader.rows(statement.where(tasks.c.incident_id.in_(wanted)).order_by(tasks.c.id)):
        if may(reader.principal, Action.PERSON_REVEAL, _subject(reader, row, is_open=is_open)):
            for each in _about(reader, row):
                found.setdefault(each, Ground("task" if is_open else "tail", task=row["id"]))
    return found


def _subject(reader: Reader, row: Mapping[str, Any], *, is_open: bool) -> TaskSubject:
    tail = reader.services.privacy.tail
    is_recent = not is_open and row["ended_at"] is not None and reader.now_of(row["clock"]) - row["ended_at"] <= tail
    return TaskSubject(
        row["organisation_id"], row["role"], tuple(row["also"]), row["assignee"], (),
        row["incident_kind"] == "drill", is_open, done_by=row["completed_by"] if is_recent else None,
    )  # fmt: skip


def _about(reader: Reader, row: Mapping[str, Any]) -> Sequence[str]:
    if row["person_id"]:
        return [row["person_id"], *(_named_in_letters(reader, row["person_id"]) if row["element"] in LETTERS else ())]
    forms = reader.services.forms
    is_about_all = forms.has(row["form_key"]) and asks_identity(forms.view(row["form_key"]))
    return [row["incident_id"]] if is_about_all else []


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
