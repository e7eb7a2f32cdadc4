"""What a page needs to show a form before it is answered: the context of the check, and what can be chosen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service.application import organisations
from service.application.fill_contexts import Target, context_for
from service.application.incident_view import IncidentView
from service.application.queries import people, reports
from service.application.queries.names import opened
from service.application.queries.reader import Reader, tasks
from service.application.queries.task_rows import TaskRow
from service.domain.access import TRAINER, Action, is_within
from service.domain.drill_players import playing
from service.domain.errors import NoSuch
from service.domain.forms import FillContext, View
from service.persistence import tables as t

instances = t.table_of(t.Instance)
memberships = t.table_of(t.Membership)
persons = t.table_of(t.Person)


@dataclass(frozen=True, slots=True)
class Named:
    """Something that can be chosen, with its name."""

    id: str
    name: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen in the forms of an incident; names of persons by the reader's rights."""

    persons: tuple[Named, ...]
    cases: tuple[Named, ...]
    accounts: tuple[Named, ...]
    places: tuple[Named, ...]
    organisations: tuple[Named, ...]
    reports: tuple[Named, ...]
    neighbours: tuple[str, ...]  # persons who sat beside a case


def of_task(reader: Reader, row: TaskRow) -> FillContext:
    """The context in which the answer to a task will be checked."""
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, row.incident)
    stored = reader.rows(select(tasks).where(tasks.c.id == row.id))[0]
    target = Target(
        _instance(reader, row.instance), row.id, row.element, row.form_key, row.person, row.created_at, row.due_at,
        stored,
    )  # fmt: skip
    held = reader.principal.roles_in([row.organisation])
    is_stranger = not held & {row.role, *row.also} and TRAINER in reader.principal.roles
    if row.incident_kind == "drill" and is_stranger:
        return context_for(view, target, playing(reader.principal, row.organisation, {row.role, *row.also}))
    return context_for(view, target, reader.principal)


def of_wait(reader: Reader, incident: str, wait: Mapping[str, str]) -> FillContext:
    """The context of a waiting message event: `instance`, `element`, `form_key`, `person` of it."""
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, incident)
    instance = _instance(reader, wait["instance"])
    target = Target(instance, "", wait["element"], wait["form_key"], wait["person"], view.now, None)
    return context_for(view, target, reader.principal)


def choices(reader: Reader, incident: str, organisation: str, *, form_key: str = "") -> Choices:
    """What the forms of an incident offer to choose from.

    `form_key` is the form of a task the reader may answer: one that lists several persons shows their
    full names, because nobody can measure or register persons without knowing who they are.
    """
    if not is_within(reader.principal, Action.INCIDENT_READ):
        return _least(reader, organisation)
    row = reader.incident(incident)
    full = _full_names(reader, incident) if form_key and lists_persons(reader.services.forms.view(form_key)) else {}
    known = people.people(reader, incident).items if reader.may_with(Action.PEOPLE_READ, row) else ()
    listed = reports.listing(reader, incident) if reader.may_with(Action.REPORT_READ, row) else ()
    held = select(memberships.c.role).where(memberships.c.organisation_id == organisation).distinct()
    staff = organisations.candidates(
        reader.connection, organisation, [each["role"] for each in reader.rows(held)], now=reader.now
    )
    live = [each for each in known if not each.is_revoked]
    named = [Named(each.id, full.get(each.id, each.name), each.kind_label) for each in live]
    return Choices(
        persons=tuple(named),
        cases=tuple(choice for each, choice in zip(live, named, strict=True) if each.kind == "case"),
        accounts=tuple(Named(each.account_id, each.name) for each in staff),
        places=tuple(Named(each.id, each.name) for each in organisations.places(reader.connection, organisation)),
        organisations=tuple(Named(each, name) for each, name in reader.organisation_names.items()),
        reports=tuple(Named(each.id, f"{each.kind_label} {each.number}".strip()) for each in listed),
        neighbours=tuple(each.id for each in known if each.is_neighbour and not each.is_revoked),
    )


def _least(reader: Reader, organisation: str) -> Choices:
    """What somebody with an emergency pass may choose: himself, and the places of the organisation."""
    me = Named(reader.principal.account_id, reader.principal.name)
    places = tuple(Named(each.id, each.name) for each in organisations.places(reader.connection, organisation))
    return Choices(persons=(), cases=(), accounts=(me,), places=places, organisations=(), reports=(), neighbours=())


def lists_persons(view: View) -> bool:
    """Whether a form lists several persons of the incident."""
    items = [field.item for field in view.fields if field.item is not None]
    named = [part.type for item in items for part in item.parts] + [item.type for item in items]
    return "person" in named or (view.is_list and view.field("person") is not None)


def _full_names(reader: Reader, incident: str) -> dict[str, str]:
    """Name and code of everybody registered, by person."""
    statement = select(persons.c.id, persons.c.code, persons.c.sealed).where(persons.c.incident_id == incident)
    found = {row["id"]: row for row in reader.rows(statement)}
    values = opened(reader, {key: row["sealed"] for key, row in found.items()})
    return {
        key: " · ".join(part for part in (str(values[key].get("name") or ""), reader.person_code(row["code"])) if part)
        for key, row in found.items()
    }


def _instance(reader: Reader, instance: str) -> dict[str, Any]:
    found = reader.rows(select(instances).where(instances.c.id == instance))
    if not found:
        raise NoSuch("instance", instance)
    return found[0]
