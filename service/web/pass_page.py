"""One task for somebody without an account: showing the QR code, scanning it, and the only page it opens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Form as FormField
from fastapi.responses import Response
from markupsafe import Markup

from service.application import emergency_pass, organisations, pass_end, tasks
from service.application.emergency_pass import Holder, PassView
from service.application.queries import form_contexts, task_pages
from service.application.queries.reader import Reader
from service.application.queries.task_pages import TaskPage
from service.domain import commands as cmd
from service.domain.access import Action
from service.domain.devices import device_of
from service.domain.errors import FormRefused, NoSuch, NotAllowed, TaskNotOpen, TooManyAttempts, ValueRefused
from service.web import form_rows
from service.web.action_page import flat_of
from service.web.errors import PageRoute, status_of
from service.web.form_choices import directory_of
from service.web.form_models import Filled, FormModel
from service.web.form_pages import FormWriter
from service.web.form_values import gather
from service.web.posted import MOST_BYTES, MOST_FIELDS, MOST_FILES, Form, Posted, read
from service.web.qr import qr_svg
from service.web.security import CSRF_FIELD, check_csrf, check_origin
from service.web.site import Arriving, Guest, Visit, Visiting, go, guest_of
from service.web.task_page import beginning
from service.web.uploads import stored_files

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PASS_COOKIE = "tocsin_pass"  # noqa: S105 - the name of a cookie


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Handing a task out by QR code: the reason, the code just made, and the codes that are good for something."""

    task: TaskPage
    reason: str
    error: str
    qr: Markup
    address: str
    until: datetime | None
    passes: tuple[PassView, ...]


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """What a scanned code is for, and the input for a name."""

    task: str
    organisation: str
    name: str
    error: str


@dataclass(frozen=True, slots=True)
class PassOverPage:
    """A code that opens nothing any more, or a task that is done."""

    is_done: bool


@dataclass(frozen=True, slots=True)
class PassTaskPage:
    """The one task, its form, and until when."""

    name: str
    organisation: str
    person: str
    holder: str
    until: datetime
    csrf: str
    form: FormModel


# --- handing out ------------------------------------------------------------------------------


@router.get("/tasks/{task}/pass")
def issue_page(visit: Visiting, task: str) -> Response:
    """Why, and to whom it was handed already."""
    with visit.reader() as reader:
        return visit.page(reader, "tasks/pass.html", _issue(reader, task))


@router.post("/tasks/{task}/pass")
def issue(visit: Visiting, task: str, posted: Form) -> Response:
    """Make a code and show it this once."""
    try:
        secret = visit.run(emergency_pass.issue, cmd.IssuePass(task, posted.get("reason")))
    except ValueRefused as refused:
        error = refused.reason if visit.locale == "zh_CN" else refused.reason_en
        with visit.reader() as reader:
            page = _issue(reader, task, reason=posted.get("reason"), error=error)
            return visit.page(reader, "tasks/pass.html", page, status=422)
    with visit.reader() as reader:
        address = f"{visit.site.tocsin.settings.public_url}/pass/{secret}"
        return visit.page(reader, "tasks/pass.html", _issue(reader, task, address=address))


@router.post("/tasks/{task}/pass/revoke")
def revoke(visit: Visiting, task: str, posted: Form) -> Response:
    """Let a code count no more."""
    visit.run(emergency_pass.revoke, cmd.RevokePass(posted.get("pass")))
    return go(f"/tasks/{task}/pass", said="pass_revoked")


def _issue(reader: Reader, task: str, *, reason: str = "", error: str = "", address: str = "") -> IssuePage:
    found = task_pages.page(reader, task)
    if not found.may_delegate:  # the same people; asked again when the code is made
        raise NotAllowed(Action.TASK_PASS.value)
    qr = qr_svg(address) if address else Markup()
    until = reader.now + emergency_pass.SCAN_WITHIN if address else None
    return IssuePage(found, reason, error, qr, address, until, tuple(emergency_pass.of_task(reader, task)))


# --- scanning ---------------------------------------------------------------------------------


@router.get("/pass/{secret}")
def scanned_page(guest: Arriving, secret: str) -> Response:
    """What the code is for; nothing is begun yet."""
    page = _scanned(guest, secret)
    return guest.plain("entry/pass.html", page) if isinstance(page, ScannedPage) else page


@router.post("/pass/{secret}")
def begin(guest: Arriving, secret: str, name: Annotated[str, FormField(max_length=200)] = "") -> Response:
    """Begin the hour."""
    check_origin(guest.request.headers.get("origin"), guest.request.headers.get("host", ""))
    page = _scanned(guest, secret)
    if not isinstance(page, ScannedPage):
        return page
    tocsin = guest.site.tocsin
    holder = Holder(name, device_of(guest.request.headers.get("user-agent", "")), guest.locale)
    try:
        begun = tocsin.run(lambda uow: emergency_pass.use(uow, tocsin.services, secret, holder))
    except ValueRefused:
        page = ScannedPage(page.task, page.organisation, name, guest.words.gettext("请写下您的姓名，30个字以内。"))
        return guest.plain("entry/pass.html", page, status=422)
    except (NoSuch, TaskNotOpen):
        return _refused(guest, secret)
    response = go("/pass")
    guest.put_cookie(response, PASS_COOKIE, begun.secret, int(emergency_pass.LENGTH.total_seconds()))
    return response


def _scanned(guest: Guest, secret: str) -> ScannedPage | Response:
    tocsin = guest.site.tocsin
    try:
        with tocsin.read() as connection:
            task = emergency_pass.find(connection, secret, now=guest.now)
            name, name_en, organisation = emergency_pass.named(connection, tocsin.services, task)
            shown = organisations.organisation(connection, organisation)
    except NoSuch:
        return _refused(guest, secret)
    is_english = guest.locale != "zh_CN"
    place = shown.name_en if is_english and shown.name_en else shown.name
    return ScannedPage(name_en if is_english and name_en else name, place, "", "")


def _refused(guest: Guest, secret: str) -> Response:
    try:
        guest.site.tocsin.run(lambda uow: emergency_pass.refused(uow, secret, address=guest.address))
    except TooManyAttempts as error:
        return guest.plain("entry/pass_over.html", PassOverPage(is_done=False), status=status_of(error))
    return guest.plain("entry/pass_over.html", PassOverPage(is_done=False), status=404)


# --- the one task -----------------------------------------------------------------------------


def holder_of(request: Request) -> Visit | None:
    """The request of somebody with a pass that is not over; the cookie opens nothing but the pages below."""
    guest = guest_of(request)
    secret = guest.cookie(PASS_COOKIE)
    session = guest.site.tocsin.sessions.find(secret, now=guest.now) if secret else None
    return Visit(request, guest.site, session) if session is not None and session.kind == "pass" else None


Holding = Annotated[Visit | None, Depends(holder_of)]


@router.get("/pass")
def pass_task_page(guest: Arriving, holder: Holding) -> Response:
    """The form of the task."""
    if holder is None:
        return guest.plain("entry/pass_over.html", PassOverPage(is_done=False), status=401)
    return _task(guest, holder, None, 200)


async def posted_by_holder(request: Request, holder: Holding) -> Posted | None:
    """The form a holder sent. Raises CsrfMissing."""
    if holder is None:
        return None
    async with request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=MOST_BYTES) as form:
        posted = await read(form)
    check_csrf(holder.session, posted.get(CSRF_FIELD))
    return posted


@router.post("/pass")
def answer(guest: Arriving, holder: Holding, posted: Annotated[Posted | None, Depends(posted_by_holder)]) -> Response:
    """Do the task, or change the rows of a list; doing it ends the pass."""
    if holder is None or posted is None:
        return guest.plain("entry/pass_over.html", PassOverPage(is_done=False), status=401)
    task, flat, do = holder.session.task, flat_of(posted), posted.get("do")
    with holder.reader() as reader:
        view = reader.services.forms.view(task_pages.page(reader, task).row.form_key)
    if do.startswith(form_rows.CHANGES):
        return _task(guest, holder, form_rows.with_rows(do, flat), 200)
    flat = form_rows.renumbered(view, flat)
    try:
        form_rows.require_reasons(view, flat)
        holder.run(tasks.complete, cmd.CompleteTask(task, gather(view, flat, stored_files(holder, posted))))
    except FormRefused as refused:
        return _task(guest, holder, Filled(flat, tuple(refused.errors)), 422)
    holder.site.tocsin.run(lambda uow: pass_end.switch_off(uow, holder.principal.account_id))
    response = guest.plain("entry/pass_over.html", PassOverPage(is_done=True))
    guest.put_cookie(response, PASS_COOKIE, "", 0)
    return response


def _task(guest: Guest, holder: Visit, filled: Filled | None, status: int) -> Response:
    with holder.reader() as reader:
        found = task_pages.page(reader, holder.session.task)
        if found.form is None or not found.row.may_complete:
            return guest.plain("entry/pass_over.html", PassOverPage(is_done=True), status=409)
        view = reader.services.forms.view(found.row.form_key)
        context = form_contexts.of_task(reader, found.row)
        choices = form_contexts.choices(reader, found.row.incident, found.row.organisation)
        form = FormWriter(view, context, directory_of(choices), holder.locale).write(
            filled or Filled(beginning(found, view))
        )
        page = PassTaskPage(
            found.row.name, found.row.organisation_name, found.row.person_name, holder.principal.name,
            holder.session.expires_at, holder.session.csrf, form,
        )  # fmt: skip
        return guest.plain("entry/pass_task.html", page, status=status)
