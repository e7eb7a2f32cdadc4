"""The page of one task: its form, drafts, handing over, and saying that it cannot be done."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import tasks
from service.application.papers import LETTERS
from service.application.queries import form_contexts, outlook, printouts, reports, sheets, situation, task_pages
from service.application.queries.people import RecordRow
from service.application.queries.reader import Reader
from service.application.queries.task_pages import TaskPage
from service.domain import commands as cmd
from service.domain.access import Action
from service.domain.calendar import parse_instant
from service.domain.errors import FieldError, FormRefused, NoSuch
from service.domain.forms import View
from service.engine.model import Kind
from service.web import form_rows
from service.web.errors import PageRoute
from service.web.form_choices import directory_of
from service.web.form_models import Filled, FormModel
from service.web.form_pages import FormWriter
from service.web.form_values import Flat, as_json_instant, flatten_view, gather
from service.web.posted import Form, Posted
from service.web.report_page import Step
from service.web.shown import local_input
from service.web.site import Visit, Visiting, go
from service.web.uploads import stored_files

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Fields the page itself adds to a form; their names cannot be those of a form's fields.
SIGNING = "F00#sign"
OWN_FIELDS = frozenset({"csrf", "do", "_late_reason", "_done_at"})


@dataclass(frozen=True, slots=True)
class DoneStep:
    """A step before this one, by whom and when."""

    name: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TaskModel:
    """A task with its form as it is to be filled in; `form` is None where the reader may not answer."""

    task: TaskPage
    form: FormModel | None
    late_reason: str
    late_error: str
    done_at: str
    following: tuple[Step, ...]
    earlier: tuple[DoneStep, ...]
    document: Markup
    has_sheet: bool
    saved_at: datetime | None


@dataclass(frozen=True, slots=True)
class SavedPage:
    """When the draft was kept."""

    saved_at: datetime


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """Saying that a task cannot be done."""

    task: TaskPage
    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class HandoverPage:
    """Handing a task to a colleague."""

    task: TaskPage
    error: str


@dataclass(frozen=True, slots=True)
class _Entered:
    """What the page's own inputs hold."""

    late_reason: str = ""
    late_error: str = ""
    done_at: str = ""


@router.get("/tasks/{task}")
def task_page(visit: Visiting, task: str) -> Response:
    """A task: prefilled, or with the draft where one was kept."""
    with visit.reader() as reader:
        found = task_pages.page(reader, task)
        return visit.page(reader, "tasks/task.html", _model(visit, reader, found, None, _Entered()))


@router.post("/tasks/{task}")
def answer(visit: Visiting, task: str, posted: Form) -> Response:
    """Submit, keep as draft, or change the rows of a list, by the button that was pressed."""
    flat = _flat(posted)
    entered = _Entered(posted.get("_late_reason"), "", posted.get("_done_at"))
    do = posted.get("do")
    with visit.reader() as reader:
        found = task_pages.page(reader, task)
        view = reader.services.forms.view(found.row.form_key)
        if do.startswith(form_rows.CHANGES):
            kept = form_rows.known_rows(view, found.form.values if found.form else {})
            model = _model(visit, reader, found, form_rows.with_rows(do, flat, kept), entered)
            return visit.page(reader, "tasks/task.html", model)
        needs_reason = found.needs_late_reason and not entered.late_reason and view.field("late_reason") is None
    flat = form_rows.renumbered(view, flat)
    data = gather(view, flat, stored_files(visit, posted))
    if do == "draft":
        visit.run(tasks.save_draft, cmd.SaveDraft(task, data))
        return go(f"/tasks/{task}", said="draft")
    if needs_reason:
        return _again(visit, task, flat, _Entered("", _late_error(visit), entered.done_at), ())
    try:
        form_rows.require_reasons(view, flat)
        outcome = visit.run(
            tasks.complete, cmd.CompleteTask(task, data, _done_at(entered.done_at), entered.late_reason)
        )
    except FormRefused as refused:
        return _again(visit, task, flat, entered, tuple(refused.errors))
    return _onward(visit, outcome)


@router.post("/tasks/{task}/draft")
def keep_draft(visit: Visiting, task: str, posted: Form) -> Response:
    """Keep what is typed so far; scripts send it every few seconds."""
    with visit.reader() as reader:
        view = reader.services.forms.view(task_pages.page(reader, task).row.form_key)
    visit.run(tasks.save_draft, cmd.SaveDraft(task, gather(view, _flat(posted), {})))
    return visit.fragment("tasks/_saved.html", SavedPage(visit.now))


@router.get("/tasks/{task}/not-executable")
def refusal_page(visit: Visiting, task: str) -> Response:
    """Why can it not be done?"""
    with visit.reader() as reader:
        return visit.page(
            reader, "tasks/refusal.html", RefusalPage(task_pages.page(reader, task, Action.TASK_REFUSE), "", "")
        )


@router.post("/tasks/{task}/not-executable")
def refuse(visit: Visiting, task: str, posted: Form) -> Response:
    """Tell the leaders that a task cannot be done."""
    reason = posted.get("reason")
    if not reason:
        with visit.reader() as reader:
            page = RefusalPage(task_pages.page(reader, task, Action.TASK_REFUSE), "", visit.words.gettext("请写明原因"))
            return visit.page(reader, "tasks/refusal.html", page, status=422)
    visit.run(tasks.not_executable, cmd.MarkNotExecutable(task, reason))
    return go("/inbox", said="refused")


@router.get("/tasks/{task}/delegate")
def handover_page(visit: Visiting, task: str) -> Response:
    """To whom?"""
    with visit.reader() as reader:
        return visit.page(
            reader, "tasks/handover.html", HandoverPage(task_pages.page(reader, task, Action.TASK_DELEGATE), "")
        )


@router.post("/tasks/{task}/delegate")
def hand_over(visit: Visiting, task: str, posted: Form) -> Response:
    """Hand a task to a colleague."""
    if not posted.get("to"):
        with visit.reader() as reader:
            page = HandoverPage(
                task_pages.page(reader, task, Action.TASK_DELEGATE), visit.words.gettext("请选择转给谁")
            )
            return visit.page(reader, "tasks/handover.html", page, status=422)
    visit.run(tasks.delegate, cmd.DelegateTask(task, posted.get("to"), posted.get("reason")))
    return go("/inbox", said="delegated")


# --- inside -----------------------------------------------------------------------------------


def _flat(posted: Posted) -> Flat:
    names = [name for name in posted.names if name not in OWN_FIELDS]
    return {name: [value for key, value in posted.fields if key == name] for name in names}


def _done_at(text: str) -> datetime | None:
    """The true time of a late paper entry, None where it is not said or cannot be read."""
    try:
        return parse_instant(as_json_instant(text)) if text else None
    except ValueError:
        return None


def _late_error(visit: Visit) -> str:
    return visit.words.gettext("已超过时限，请写明原因")


def _onward(visit: Visit, outcome: tasks.TaskOutcome) -> Response:
    """To the next step if there is one and it is mine, else to the inbox."""
    with visit.reader() as reader:
        mine = [task for task in outcome.opened if _is_for_me(reader, task)]
    return go(f"/tasks/{mine[0]}" if len(mine) == 1 else "/inbox", said="completed")


def _is_for_me(reader: Reader, task: str) -> bool:
    try:
        return task_pages.page(reader, task).row.may_complete
    except NoSuch:  # a task of another organisation
        return False


def _again(visit: Visit, task: str, flat: Flat, entered: _Entered, errors: tuple[FieldError, ...]) -> Response:
    with visit.reader() as reader:
        found = task_pages.page(reader, task)
        model = _model(visit, reader, found, Filled(flat, errors), entered)
        return visit.page(reader, "tasks/task.html", model, status=422)


def _model(visit: Visit, reader: Reader, found: TaskPage, filled: Filled | None, entered: _Entered) -> TaskModel:
    form = None
    if found.form is not None and found.row.may_complete:
        view = reader.services.forms.view(found.row.form_key)
        context = form_contexts.of_task(reader, found.row)
        row = found.row
        choices = form_contexts.choices(reader, row.incident, row.organisation, form_key=row.form_key)
        writer = FormWriter(view, context, directory_of(choices), visit.locale)
        form = writer.write(filled or Filled(beginning(found, view) or one_row_each(view, choices, context.now)))
    return TaskModel(
        task=found,
        form=form,
        late_reason=entered.late_reason,
        late_error=entered.late_error,
        done_at=entered.done_at,
        following=following(reader, found),
        earlier=earlier(reader, found),
        document=document(visit, reader, found),
        has_sheet=form is not None and sheets.has_sheet(reader.services.forms.view(found.row.form_key)),
        saved_at=found.draft_saved_at,
    )


def beginning(found: TaskPage, view: View) -> Flat:
    """What the inputs begin with: what the service knows, and over it the draft."""
    given = {each.key for each in view.fields if each.default is None or each.default.source not in ("now",)}
    signs = {each.key for each in view.fields if each.type == "sign"}
    prefilled = found.form.values if found.form else {}
    values = prefilled if view.is_list else {key: prefilled[key] for key in prefilled if key in given - signs}
    flat = flatten_view(view, values)
    if found.draft is not None:
        drafted = flatten_view(view, found.draft)
        kept = {name for name in flat if name.split(".")[0] not in {key.split(".")[0] for key in drafted}}
        flat = {name: flat[name] for name in kept} | drafted
    return flat


def one_row_each(view: View, choices: form_contexts.Choices, now: datetime) -> Flat:
    """A list of measurements begins with a row for each of those who are watched beside a case, taken now."""
    person = view.field("person") if view.is_list else None
    if person is None:
        return {}
    times = [field.key for field in view.fields if field.type == "dt" and field.default is None]
    flat: Flat = {}
    for place, each in enumerate(choices.neighbours):
        flat[f"rows.{place}.person.id"] = [each]
        flat |= {f"rows.{place}.{key}": [local_input(now)] for key in times}
    return flat


def earlier(reader: Reader, found: TaskPage) -> tuple[DoneStep, ...]:
    """The last answers about the person, by the name of their step."""
    instances = situation.instance_rows(reader, found.row.incident)
    versions = dict.fromkeys((each.procedure, each.version) for each in instances)

    def name(record: RecordRow) -> str:
        nodes = (reader.node(procedure, version, record.element) for procedure, version in versions)
        return next((reader.named(node) for node in nodes if node is not None), record.name)

    return tuple(DoneStep(name(each), each.actor_name, each.at) for each in found.earlier)


def document(visit: Visit, reader: Reader, found: TaskPage) -> Markup:
    """The report this task signs, or the letters it sends, laid out; empty for any other task."""
    if found.row.element in LETTERS and found.row.may_complete:
        letters = printouts.letters(reader, visit.site.documents, found.row.incident, found.row.person)
        rendered = "".join(visit.site.documents.to_html(each) for each in letters)
        return Markup(rendered)  # noqa: S704 - rendered with autoescape
    if found.row.form_key != SIGNING or not reader.may_with(Action.REPORT_READ, reader.incident(found.row.incident)):
        return Markup("")
    listed = reports.listing(reader, found.row.incident)
    waiting = next((each.id for each in listed if each.sign_task == found.row.id), "")
    if not waiting:
        return Markup("")
    page = reports.page(reader, visit.site.documents, waiting)
    return Markup(visit.site.documents.to_html(page.document))  # noqa: S704 - rendered with autoescape


def following(reader: Reader, found: TaskPage) -> tuple[Step, ...]:
    """The steps the diagram shows after this one, with who does them."""
    row = found.row
    instances = situation.instance_rows(reader, row.incident)
    version = next((each.version for each in instances if each.id == row.instance), 0)
    steps = outlook.next_steps(reader.bundle(row.procedure, version), row.process, row.element) if version else ()
    icons = {Kind.RECEIVE: "wait", Kind.CALL: "flow", Kind.OPEN: "flow", Kind.END: "check"}
    return tuple(
        Step(icons.get(each.kind, "right"), reader.named(each), reader.label("role", each.role) if each.role else "")
        for each in steps
    )
