"""Joining a drill: the way in the trainer shows, the waiting room, and the tasks of somebody without an account."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Form as FormField
from fastapi.responses import Response
from markupsafe import Markup

from service.application import drill_join, tasks
from service.application.drill_join import Arrival
from service.application.drill_join import Guest as Joined
from service.application.queries import (
    drill_guests,
    drill_injects,
    drills,
    form_contexts,
    inbox,
    incident_pages,
    task_pages,
)
from service.application.queries.drill_guests import Door, GuestRow
from service.application.queries.drill_injects import InjectCard
from service.application.queries.drills import DrillRole
from service.application.queries.reader import Reader
from service.application.queries.task_rows import TaskRow
from service.domain import commands as cmd
from service.domain.devices import device_of
from service.domain.errors import Conflict, FormRefused, NoSuch, TooManyAttempts, ValueRefused
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

GUEST_COOKIE = "tocsin_guest"


@dataclass(frozen=True, slots=True)
class DoorPage:
    """The way in, for its trainer: PIN, QR code, who waits and who plays what."""

    drill: str
    number: str
    door: Door
    qr: Markup
    address: str
    guests: tuple[GuestRow, ...]
    roles: tuple[DrillRole, ...]
    is_over: bool


@dataclass(frozen=True, slots=True)
class JoinPage:
    """Asking for the PIN, or with the right one for name and wish."""

    pin: str
    drill: str
    name: str
    wish: str
    error: str
    field: str


@dataclass(frozen=True, slots=True)
class RoomPage:
    """What a guest sees: that he waits (no role yet), or his tasks and what came to him."""

    number: str
    name: str
    role: str
    now: datetime
    tasks: tuple[TaskRow, ...]
    cards: tuple[InjectCard, ...]


@dataclass(frozen=True, slots=True)
class GuestTaskPage:
    """One task of a guest; `error` where it could not be done."""

    number: str
    name: str
    role: str
    task: TaskRow
    csrf: str
    form: FormModel
    error: str


@dataclass(frozen=True, slots=True)
class JoinOverPage:
    """Nothing to see: nobody joined from this browser, or the drill is over."""

    is_refused: bool


# --- the trainer ------------------------------------------------------------------------------


@router.get("/drills/{drill}/join")
def door_page(visit: Visiting, drill: str) -> Response:
    """The way in."""
    with visit.reader() as reader:
        door = drill_guests.door(reader, drill)
        found = drills.page(reader, drill)
        address = f"{visit.site.tocsin.settings.public_url}/join?pin={door.pin}" if door.pin else ""
        page = DoorPage(
            drill, found.number, door, qr_svg(address) if address else Markup(), address,
            drill_guests.guests(reader, drill), found.roles, found.ended_at is not None,
        )  # fmt: skip
        if visit.is_fragment:
            return visit.fragment("drills/_guests.html", page, shell=visit.shell(reader))
        return visit.page(reader, "drills/join.html", page)


@router.post("/drills/{drill}/join")
def open_door(visit: Visiting, drill: str, posted: Form) -> Response:
    """Open it with a new PIN, or shut it."""
    visit.run(drill_join.open_door, cmd.OpenDoor(drill, posted.get("do") != "shut"))
    return go(f"/drills/{drill}/join")


@router.post("/drills/{drill}/guests")
def decide(visit: Visiting, drill: str, posted: Form) -> Response:
    """Give somebody a role, or refuse him."""
    role = "" if posted.get("do") == "refuse" else posted.get("role")
    if posted.get("do") != "refuse" and not role:
        return go(f"/drills/{drill}/join")
    visit.run(drill_join.decide, cmd.DecideGuest(drill, posted.get("guest"), role))
    return go(f"/drills/{drill}/join")


# --- coming in --------------------------------------------------------------------------------


@router.get("/join")
def join_page(guest: Arriving, pin: str = "") -> Response:
    """The PIN, then the name."""
    if not pin:
        return guest.plain("entry/join.html", JoinPage("", "", "", "", "", ""))
    number = _number(guest, pin)
    if isinstance(number, Response):
        return number
    return guest.plain("entry/join.html", JoinPage(pin, number, "", "", "", ""))


@router.post("/join")
def join(
    guest: Arriving,
    pin: Annotated[str, FormField(max_length=20)] = "",
    name: Annotated[str, FormField(max_length=200)] = "",
    wish: Annotated[str, FormField(max_length=200)] = "",
) -> Response:
    """Ask to take part."""
    check_origin(guest.request.headers.get("origin"), guest.request.headers.get("host", ""))
    number = _number(guest, pin)
    if isinstance(number, Response):
        return number
    device = device_of(guest.request.headers.get("user-agent", ""))
    try:
        begun = guest.site.tocsin.run(lambda uow: drill_join.ask(uow, pin, Arrival(name, wish, device, guest.locale)))
    except ValueRefused as error:
        page = JoinPage(pin, number, name, wish, error.text(guest.locale), "name")
        return guest.plain("entry/join.html", page, status=422)
    response = go("/join/room")
    guest.put_cookie(response, GUEST_COOKIE, begun.secret, int(drill_join.LENGTH.total_seconds()))
    return response


def _number(guest: Guest, pin: str) -> str | Response:
    """The number of the drill of a PIN; the page that says it is wrong."""
    tocsin = guest.site.tocsin
    try:
        with tocsin.read() as connection:
            drill = drill_join.drill_of_pin(connection, pin, now=guest.now)
            return drill_guests.number_of(connection, drill)
    except NoSuch:
        wrong = guest.words.gettext("口令不对，或者已经失效")
    try:
        tocsin.run(lambda uow: drill_join.refused(uow, address=guest.address))
    except TooManyAttempts as error:
        page = JoinPage("", "", "", "", error.text(guest.locale), "pin")
        return guest.plain("entry/join.html", page, status=status_of(error))
    return guest.plain("entry/join.html", JoinPage("", "", "", "", wrong, "pin"), status=422)


# --- taking part ------------------------------------------------------------------------------


@dataclass
class Playing:
    """A request of a guest whose drill runs: who he is there, and a visit with the rights of his role."""

    joined: Joined
    visit: Visit


def playing_of(request: Request) -> Playing | None:
    """The request of a guest; his cookie opens nothing but the pages below."""
    guest = guest_of(request)
    tocsin, secret = guest.site.tocsin, guest.cookie(GUEST_COOKIE)
    session = tocsin.sessions.find(secret, now=guest.now) if secret else None
    if session is None:
        return None
    with tocsin.read() as connection:
        joined = drill_join.guest_of(connection, session)
    if joined is None:
        return None
    narrowed = replace(session, principal=drill_join.principal_of(joined, session))
    return Playing(joined, Visit(request, guest.site, narrowed))


TakingPart = Annotated[Playing | None, Depends(playing_of)]


async def posted_by_guest(request: Request, playing: TakingPart) -> Posted | None:
    """The form a guest sent. Raises CsrfMissing."""
    if playing is None:
        return None
    async with request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=MOST_BYTES) as form:
        posted = await read(form)
    check_csrf(playing.visit.session, posted.get(CSRF_FIELD))
    return posted


@router.get("/join/room")
def room(guest: Arriving, playing: TakingPart) -> Response:
    """The waiting room, or the tasks of the role."""
    is_fragment = "hx-request" in guest.request.headers
    if is_fragment and (playing is None or playing.joined.state == drill_join.REFUSED):
        return Response(status_code=204, headers={"hx-redirect": "/join/room"})
    if playing is None:
        return guest.plain("entry/join_over.html", JoinOverPage(is_refused=False), status=401)
    template, joined = f"entry/{'_' if is_fragment else ''}join_room.html", playing.joined
    if joined.state == drill_join.REFUSED:
        return guest.plain("entry/join_over.html", JoinOverPage(is_refused=True), status=403)
    if joined.state != drill_join.IN:
        page = RoomPage(joined.number, joined.name, "", guest.now, (), ())
        return guest.plain(template, page)
    with playing.visit.reader() as reader:
        row = reader.incident(joined.drill)
        page = RoomPage(
            joined.number, joined.name, reader.label("role", joined.role),
            incident_pages.one(reader, joined.drill).clock.now, _tasks(reader, joined),
            drill_injects.cards(reader, row),
        )  # fmt: skip
        return guest.plain(template, page)


@router.get("/join/count")
def open_count(guest: Arriving, playing: TakingPart) -> Response:
    """How many tasks of his drill wait for the guest: what his alarm listens to."""
    if playing is None:
        return guest.plain("entry/join_over.html", JoinOverPage(is_refused=False), status=401)
    with playing.visit.reader() as reader:
        count = len(_tasks(reader, playing.joined)) if playing.joined.state == drill_join.IN else 0
        return Response(str(count), media_type="text/plain")


def _tasks(reader: Reader, joined: Joined) -> tuple[TaskRow, ...]:
    wanted = inbox.TaskFilter(incident=joined.drill, state="open", whose="group")
    return inbox.listing(reader, wanted, limit=100).items


@router.get("/join/tasks/{task}")
def task_page(guest: Arriving, playing: TakingPart, task: str) -> Response:
    """The form of one task of the role."""
    if playing is None:
        return guest.plain("entry/join_over.html", JoinOverPage(is_refused=False), status=401)
    return _task(guest, playing, task, None, "")


@router.post("/join/tasks/{task}")
def answer(
    guest: Arriving, playing: TakingPart, posted: Annotated[Posted | None, Depends(posted_by_guest)], task: str
) -> Response:
    """Do it, or change the rows of a list."""
    if playing is None or posted is None:
        return guest.plain("entry/join_over.html", JoinOverPage(is_refused=False), status=401)
    flat, do = flat_of(posted), posted.get("do")
    with playing.visit.reader() as reader:
        drill_join.require_task(reader.connection, playing.joined, task)
        view = reader.services.forms.view(task_pages.page(reader, task).row.form_key)
    if do.startswith(form_rows.CHANGES):
        return _task(guest, playing, task, form_rows.with_rows(do, flat), "")
    flat = form_rows.renumbered(view, flat)
    try:
        form_rows.require_reasons(view, flat)
        answers = gather(view, flat, stored_files(playing.visit, posted))
        playing.visit.run(tasks.complete, cmd.CompleteTask(task, answers))
    except FormRefused as refused:
        return _task(guest, playing, task, Filled(flat, tuple(refused.errors)), "")
    except Conflict as error:  # somebody else with the role was first
        return _task(guest, playing, task, Filled(flat, ()), error.text(guest.locale))
    return go("/join/room")


def _task(guest: Guest, playing: Playing, task: str, filled: Filled | None, error: str) -> Response:
    joined = playing.joined
    with playing.visit.reader() as reader:
        drill_join.require_task(reader.connection, joined, task)
        found = task_pages.page(reader, task)
        if found.form is None:
            raise NoSuch("task", task)
        view = reader.services.forms.view(found.row.form_key)
        context = form_contexts.of_task(reader, found.row)
        choices = form_contexts.choices(reader, found.row.incident, found.row.organisation)
        form = FormWriter(view, context, directory_of(choices), guest.locale).write(
            filled or Filled(beginning(found, view))
        )
        role = reader.label("role", joined.role)
        page = GuestTaskPage(joined.number, joined.name, role, found.row, playing.visit.session.csrf, form, error)
        is_refused = bool(error) or (filled is not None and bool(filled.errors))
        return guest.plain("entry/join_task.html", page, status=422 if is_refused else 200)
