"""The JSON of lists, tasks and incidents, shared by several routes."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from service.api.dependencies import Answer
from service.application.queries.incident_pages import IncidentPage, IncidentRow
from service.application.queries.task_pages import FormPage, TaskPage
from service.application.queries.task_rows import TaskRow

T = TypeVar("T", bound=BaseModel)


class Page(BaseModel, Generic[T]):
    """A page of a list; `next` is the cursor of the following one."""

    items: list[T]
    next: str | None = None


class DeadlineAnswer(Answer):
    """A deadline with its source."""

    rule: str
    label: str
    subject: str = ""
    state: str = "running"
    started_at: datetime
    due_at: datetime
    met_at: datetime | None = None
    level: int
    late: bool
    late_minutes: int = 0
    cite: tuple[str, ...]
    text: str


class AssignmentAnswer(Answer):
    """A level a task reached: whom it came to, and until when it stays there unless somebody accepts it."""

    level: str
    label: str
    names: tuple[str, ...]
    at: datetime
    until: datetime | None


class TaskAnswer(Answer):
    """A task of a list. `assignments` is empty where the organisation keeps no duty roster."""

    id: str
    incident: str
    incident_number: str
    instance: str
    organisation: str
    procedure: str
    process: str
    element: str
    name: str
    cite: str
    kind: str
    role: str
    role_label: str
    also: tuple[str, ...]
    state: str
    assignee: str | None
    assignee_name: str
    candidates: tuple[str, ...]
    person: str
    person_name: str
    place: str
    created_at: datetime
    due_at: datetime | None
    late: bool
    ended_at: datetime | None
    done_at: datetime | None
    completed_by: str
    late_reason: str
    form_key: str
    one_tap: bool
    why: str
    assignments: tuple[AssignmentAnswer, ...]
    next: tuple[str, ...]
    deadline: DeadlineAnswer | None


class FormAnswer(Answer):
    """A form: JSON Schema 2020-12, hints for a page, and the values the service fills in."""

    form_key: str
    form_name: str
    schema_: dict[str, Any] = Field(serialization_alias="schema")
    ui: list[dict[str, Any]]
    values: dict[str, Any]


class TaskPageAnswer(TaskAnswer):
    """One task with its form, draft and surroundings."""

    schema_: dict[str, Any] | None = Field(serialization_alias="schema")
    ui: list[dict[str, Any]]
    values: dict[str, Any]
    draft: dict[str, Any] | None
    context: dict[str, Any]


class ClockAnswer(Answer):
    """The incident's time and how fast it runs."""

    now: datetime
    speed: float


class IncidentItem(Answer):
    """An incident of a list."""

    id: str
    number: str
    title: str
    procedure: str
    procedure_name: str
    version: int
    organisation: str
    organisation_name: str
    kind: str
    status: str
    status_label: str
    status_since: datetime
    result: str
    place: str
    opened_at: datetime
    closed_at: datetime | None
    clock: ClockAnswer
    open_tasks: int
    late: int


class StatusAnswer(Answer):
    """A status the incident went through."""

    status: str
    label: str
    at: datetime


class IncidentAnswer(IncidentItem):
    """One incident."""

    root_instance: str
    deadlines: list[DeadlineAnswer]
    counts: dict[str, int]
    statuses: list[StatusAnswer]
    engine_incidents: int


def page_of(items: list[T], following: str = "") -> Page[T]:
    """A page; an empty cursor is said as null."""
    return Page(items=items, next=following or None)


def task_answer(row: TaskRow) -> TaskAnswer:
    """A row of a task list as JSON."""
    return TaskAnswer(**_task(row))


def task_page_answer(page: TaskPage) -> TaskPageAnswer:
    """A task's page as JSON; `context` holds what a person should know besides the form."""
    form = page.form
    context = {
        "person": page.person,
        "earlier": page.earlier,
        "colleagues": page.colleagues,
        "if_nothing": page.if_nothing,
        "may_complete": page.row.may_complete,
        "may_claim": page.row.may_claim,
        "may_release": page.may_release,
        "may_delegate": page.may_delegate,
        "needs_late_reason": page.needs_late_reason,
    }
    return TaskPageAnswer(
        **_task(page.row),
        schema_=dict(form.schema) if form else None,
        ui=[dict(each) for each in form.ui] if form else [],
        values=dict(form.values) if form else {},
        draft=dict(page.draft) if page.draft is not None else None,
        context=context,
    )


def form_answer(form: FormPage) -> FormAnswer:
    """A form as JSON."""
    return FormAnswer(
        form_key=form.key,
        form_name=form.name,
        schema_=dict(form.schema),
        ui=[dict(each) for each in form.ui],
        values=dict(form.values),
    )


def incident_item(row: IncidentRow) -> IncidentItem:
    """An incident of a list as JSON."""
    return IncidentItem.model_validate(row)


def incident_answer(page: IncidentPage) -> IncidentAnswer:
    """One incident as JSON."""
    return IncidentAnswer(
        **IncidentItem.model_validate(page.row).model_dump(),
        root_instance=page.root_instance,
        deadlines=[DeadlineAnswer.model_validate(each) for each in page.deadlines],
        counts=dict(page.counts),
        statuses=[StatusAnswer.model_validate(each) for each in page.statuses],
        engine_incidents=page.engine_incidents,
    )


def _task(row: TaskRow) -> dict[str, Any]:
    deadline = row.deadline
    hint = None
    if deadline is not None:
        hint = DeadlineAnswer(
            rule=deadline.rule,
            label=deadline.label,
            started_at=deadline.started_at,
            due_at=deadline.due_at,
            level=deadline.level,
            late=deadline.is_late,
            cite=deadline.cite,
            text=deadline.text,
        )
    named = {name: getattr(row, name) for name in TaskAnswer.model_fields if hasattr(row, name)}
    return {**named, "assignee": row.assignee or None, "one_tap": row.is_one_tap, "deadline": hint}
