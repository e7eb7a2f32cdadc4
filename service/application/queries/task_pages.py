"""One task with everything its page needs: form, prefilled values, draft, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import observations, organisations
from service.application.fill_contexts import Target, context_for
from service.application.incident_view import IncidentView
from service.application.queries.assignment_words import Assignments
from service.application.queries.grounds import revealed
from service.application.queries.people import PersonRow, RecordRow, people, records_of
from service.application.queries.reader import Reader, tasks
from service.application.queries.task_rows import TaskRow, rows_of, statement
from service.domain.access import Action, is_within, may, require
from service.domain.deadlines import ladder
from service.domain.errors import NoSuch
from service.domain.form_answers import default_rows, default_value
from service.domain.forms import FillContext, View, json_schema, ui_hints
from service.domain.sessions import MORNING
from service.persistence import tables as t

instances = t.table_of(t.Instance)
drafts = t.table_of(t.Draft)


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody the task can be handed to."""

    account: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LadderRow:
    """What happens at an instant if nothing is done."""

    level: int
    label: str
    at: datetime
    is_reached: bool


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form ready to be shown: schema, hints, and the values the service fills in."""

    key: str
    name: str
    schema: Mapping[str, Any]
    ui: tuple[Mapping[str, Any], ...]
    values: Mapping[str, Any]
    is_list: bool
    is_one_tap: bool


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A task's page. `draft` is the reader's own unfinished input, None if he saved none.

    `missing` names the sessions without a reading where a contact's release is prepared or issued.
    """

    row: TaskRow
    form: FormPage | None
    draft: Mapping[str, Any] | None
    draft_saved_at: datetime | None
    person: PersonRow | None
    earlier: tuple[RecordRow, ...]
    colleagues: tuple[Colleague, ...]
    if_nothing: tuple[LadderRow, ...]
    may_release: bool
    may_delegate: bool
    needs_late_reason: bool
    missing: tuple[str, ...]


def page(reader: Reader, task_id: str, action: Action = Action.TASK_READ) -> TaskPage:
    """One task. Raises NoSuch where the reader may not see it, NotAllowed where he may not do the `action` with it."""
    found = reader.rows(statement().where(tasks.c.id == task_id))
    offered = Assignments(reader, [task_id]).offered(task_id)
    if not found or not may(reader.principal, Action.TASK_READ, reader.task_subject(found[0], offered)):
        raise NoSuch("task", task_id)
    stored = found[0]
    require(reader.principal, action, reader.task_subject(stored))
    row = rows_of(reader, found)[0]
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, row.incident)
    draft, saved_at = _draft(reader, row)
    subject = reader.task_subject(stored, offered)
    person = _person(reader, row)
    return TaskPage(
        row=row,
        form=_form(reader, view, stored) if row.may_complete else _bare_form(reader, row.form_key),
        draft=draft,
        draft_saved_at=saved_at,
        person=person,
        earlier=_earlier(reader, row, person),
        colleagues=_colleagues(reader, row),
        if_nothing=_if_nothing(reader, view, stored),
        may_release=bool(row.assignee) and may(reader.principal, Action.TASK_RELEASE, subject),
        may_delegate=row.state in ("open", "claimed") and may(reader.principal, Action.TASK_DELEGATE, subject),
        needs_late_reason=row.late and row.state in ("open", "claimed"),
        missing=_missing(reader, view, stored) if row.may_complete else (),
    )


def action_form(reader: Reader, incident: str, *, element: str, instance: str, form_key: str, person: str) -> FormPage:
    """The form of a waiting message event (Actions menu) or of a receive task played by hand."""
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, incident)
    target = Target(_instance(reader, instance), "", element, form_key, person, view.now, None)
    return form_page(reader, form_key, context_for(view, target, reader.principal))


def opening_form(reader: Reader, organisation: str, form_key: str) -> FormPage:
    """The form an incident is opened with, before there is an incident."""
    kind = organisations.organisation(reader.connection, organisation).type
    context = FillContext(
        now=reader.now, account_id=reader.principal.account_id, account_name=reader.principal.name,
        organisation_type=kind,
    )  # fmt: skip
    return form_page(reader, form_key, context)


def form_page(reader: Reader, form_key: str, context: FillContext | None) -> FormPage:
    """A view as a page shows it; with a context its conditions are decided and its values prefilled."""
    view = reader.services.forms.view(form_key)
    return FormPage(
        key=form_key,
        name=view.name.of(reader.locale),
        schema=json_schema(view, locale=reader.locale, context=context),
        ui=tuple(ui_hints(view, locale=reader.locale)),
        values=prefilled(view, context) if context else {},
        is_list=view.is_list,
        is_one_tap=view.is_one_tap,
    )


def prefilled(view: View, context: FillContext) -> dict[str, Any]:
    """Values a person finds in the form: defaults, what the service knows, drafted texts; of a list its rows."""
    if view.is_list:
        rows = default_rows(view, context)
        return {"rows": rows} if rows else {}
    values = {entry.field.key: default_value(entry.field, context) for entry in view.entries if not entry.field.is_auto}
    known = {field.key: context.defaults[field.key] for field in view.fields if field.key in context.defaults}
    return {key: value for key, value in {**values, **known}.items() if value not in (None, "", [])}


# --- inside -----------------------------------------------------------------------------------


def _bare_form(reader: Reader, form_key: str) -> FormPage | None:
    """The form without values, for readers who may look but not answer."""
    return form_page(reader, form_key, None) if reader.services.forms.has(form_key) else None


def _form(reader: Reader, view: IncidentView, stored: Mapping[str, Any]) -> FormPage | None:
    if not reader.services.forms.has(stored["form_key"]):
        return None
    target = Target(
        _instance(reader, stored["instance_id"]), stored["id"], stored["element"], stored["form_key"],
        stored["person_id"] or "", stored["created_at"], stored["due_at"], stored,
    )  # fmt: skip
    return form_page(reader, stored["form_key"], context_for(view, target, reader.principal))


def _missing(reader: Reader, view: IncidentView, stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Sessions of the contact that are over without a reading, in words and in order."""
    if not stored["form_key"].startswith("F24#"):
        return ()
    keys = (key.partition(":") for key in observations.missing_sessions(view.facts, stored["person_id"] or ""))
    return tuple(
        reader.pick(f"第{day}天{name}", f"day {day}, {'morning' if name == MORNING else 'evening'}")
        for day, _, name in keys
    )


def _instance(reader: Reader, instance: str) -> dict[str, Any]:
    found = reader.rows(select(instances).where(instances.c.id == instance))
    if not found:
        raise NoSuch("instance", instance)
    return found[0]


def _draft(reader: Reader, row: TaskRow) -> tuple[Mapping[str, Any] | None, datetime | None]:
    mine = (drafts.c.task_id == row.id) & (drafts.c.account_id == reader.principal.account_id)
    found = reader.rows(select(drafts).where(mine))
    if not found:
        return None, None
    opened = reader.sealer.open_text(reader.connection, found[0]["sealed"])
    return opened.get(row.incident, {}), found[0]["saved_at"]


def _person(reader: Reader, row: TaskRow) -> PersonRow | None:
    if not row.person or not is_within(reader.principal, Action.PEOPLE_READ):
        return None
    if not reader.may_with(Action.PEOPLE_READ, reader.incident(row.incident)):
        return None
    return next((each for each in people(reader, row.incident).items if each.id == row.person), None)


def _earlier(reader: Reader, row: TaskRow, person: PersonRow | None) -> tuple[RecordRow, ...]:
    """What is known of the person from the steps before, newest first; at most three."""
    if person is None:
        return ()
    shown = revealed(reader, [row.incident]).get(person.id, frozenset())
    found = records_of(reader, row.incident, person.id, has_open_task="health" in shown)
    return tuple(reversed(found[-3:]))


def _colleagues(reader: Reader, row: TaskRow) -> tuple[Colleague, ...]:
    found = organisations.candidates(reader.connection, row.organisation, [row.role, *row.also], now=reader.now)
    return tuple(
        Colleague(each.account_id, each.name, tuple(reader.label("role", role) for role in sorted(each.roles)))
        for each in found
        if each.account_id not in (row.assignee, reader.principal.account_id)
    )


def _if_nothing(reader: Reader, view: IncidentView, stored: Mapping[str, Any]) -> tuple[LadderRow, ...]:
    rule = reader.services.deadline_rules.get(stored["rule"] or "")
    if rule is None or stored["due_at"] is None:
        return ()
    steps = ladder(rule, view.policies, stored["deadline_started_at"], stored["due_at"])
    return tuple(
        LadderRow(int(step.level), reader.label("ladder", str(int(step.level))), step.at, step.at <= view.now)
        for step in steps
    )
