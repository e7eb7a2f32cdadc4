"""Drills of the trainer: the list, the control page of one, the word that stops all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import drills as use_cases
from service.application import organisations
from service.application.organisations import OrganisationView
from service.application.queries import drill_bands, drills, inbox, timeline, waiting
from service.application.queries.drill_bands import DrillBand
from service.application.queries.drills import DrillPage, DrillRole
from service.application.queries.incident_pages import IncidentList
from service.application.queries.reader import Reader
from service.application.queries.task_rows import TaskRow
from service.application.queries.timeline import Timeline
from service.application.queries.waiting import ActionRow, PartnerWait
from service.domain import commands as cmd
from service.domain.access import Action, may, require
from service.domain.errors import NoSuch, ValueRefused
from service.web.diagram_page import Board, Picture, StepRow
from service.web.drill_start_page import number_of
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SPEEDS = ((1, "1"), (10, "2"), (60, "3"), (360, "4"))  # speed and its key
UNITS = {"minute": "PT{}M", "hour": "PT{}H", "day": "P{}D"}
_FED, _FEED = ("assessment", "curated", "participant"), 12  # kinds and number of entries of the live feed


@dataclass(frozen=True, slots=True)
class DrillsPage:
    """Drills the reader may see; `may_begin` where he is trainer somewhere."""

    found: IncidentList
    cursor: str
    may_begin: bool


@dataclass(frozen=True, slots=True)
class CastRole:
    """A role with its open tasks."""

    role: DrillRole
    tasks: tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True)
class ControlPage:
    """One drill in the hands of its trainer; `error` is what a change of the clock was refused for."""

    drill: DrillPage
    speeds: tuple[tuple[int, str], ...]
    busy: tuple[CastRole, ...]
    idle: tuple[DrillRole, ...]
    waits: tuple[PartnerWait, ...]
    actions: tuple[ActionRow, ...]
    steps: tuple[StepRow, ...]
    picture: Picture
    feed: Timeline
    error: str


@dataclass(frozen=True, slots=True)
class StopPage:
    """Where somebody says the code word."""

    organisation: OrganisationView
    error: str


@dataclass(frozen=True, slots=True)
class BandPage:
    """The band alone."""

    band: DrillBand


@router.get("/drills")
def drills_page(visit: Visiting, cursor: str = "") -> Response:
    """The list, newest first."""
    require(visit.principal, Action.SELF_READ)
    with visit.reader() as reader:
        subjects = [organisations.subject(reader.connection, each) for each in visit.principal.memberships]
        may_begin = any(may(visit.principal, Action.DRILL_CREATE, subject) for subject in subjects)
        page = DrillsPage(drills.listing(reader, cursor=cursor), cursor, may_begin)
        return visit.page(reader, "drills/list.html", page)


@router.get("/drills/stop")
def stop_page(visit: Visiting, organisation: str) -> Response:
    """The code word: anybody of the organisation may say it."""
    with visit.reader() as reader:
        return visit.page(reader, "drills/stop.html", _stop(visit, reader, organisation, ""))


@router.post("/drills/stop")
def stop(visit: Visiting, posted: Form) -> Response:
    """Stop every drill of the organisation."""
    organisation = posted.get("organisation")
    try:
        visit.run(use_cases.stop_all, cmd.StopDrills(organisation, posted.get("word")))
    except ValueRefused as refused:
        with visit.reader() as reader:
            page = _stop(visit, reader, organisation, refused.text(visit.locale))
            return visit.page(reader, "drills/stop.html", page, status=422)
    return go("/inbox", said="stopped")


@router.get("/drills/{drill}")
def control_page(visit: Visiting, drill: str) -> Response:
    """The control page; who sees the drill and does not lead it gets its page as an incident."""
    with visit.reader() as reader:
        row = reader.incident(drill, Action.INCIDENT_READ)
        if row["kind"] == "drill" and not reader.may_with(Action.DRILL_CONTROL, row):
            return go(f"/incidents/{drill}")
        page = _control(visit, reader, drill, "")
        if visit.is_fragment:
            return visit.fragment("drills/_control.html", page, shell=visit.shell(reader))
        return visit.page(reader, "drills/control.html", page)


@router.get("/drills/{drill}/band")
def band(visit: Visiting, drill: str) -> Response:
    """The band of a drill, as its clock stands now."""
    with visit.reader() as reader:
        reader.incident(drill, Action.INCIDENT_READ)
        found = drill_bands.of_incident(reader, drill)
        if found is None:
            raise NoSuch("drill", drill)
        return visit.fragment("drills/_band.html", BandPage(found), shell=visit.shell(reader))


@router.post("/drills/{drill}/seen")
def seen(visit: Visiting, drill: str) -> Response:
    """The control page is open."""
    visit.run(use_cases.seen, drill)
    return Response(status_code=204)


@router.post("/drills/{drill}/clock")
def clock(visit: Visiting, drill: str, posted: Form) -> Response:
    """A button of the clock."""
    return _changed(visit, drill, "clock", lambda: visit.run(use_cases.control, _control_of(drill, posted)))


@router.post("/drills/{drill}/settings")
def settings(visit: Visiting, drill: str, posted: Form) -> Response:
    """Other settings."""

    def work() -> None:
        changes = {
            "slow_to": 1.0 if posted.get("slow") else None,
            "floor_seconds": int(number_of("floor_seconds", posted.get("floor"))),
            "on_loss": posted.get("on_loss") or "run",
            "code_word": posted.get("code_word").strip(),
        }
        visit.run(use_cases.settle_settings, cmd.ChangeDrill(drill, changes))

    return _changed(visit, drill, "drill_settings", work)


@router.post("/drills/{drill}/roles")
def cast(visit: Visiting, drill: str, posted: Form) -> Response:
    """Take a role over, or hand it to the service."""
    command = cmd.CastRole(drill, posted.get("role"), posted.get("played_by"))
    return _changed(visit, drill, "cast", lambda: visit.run(use_cases.cast, command))


@router.post("/drills/{drill}/finish")
def finish(visit: Visiting, drill: str) -> Response:
    """End it."""
    return _changed(visit, drill, "drill_ended", lambda: visit.run(use_cases.end, cmd.EndDrill(drill)))


# --- inside -----------------------------------------------------------------------------------


def _changed(visit: Visit, drill: str, said: str, work: Callable[[], object]) -> Response:
    try:
        work()
    except ValueRefused as refused:
        with visit.reader() as reader:
            page = _control(visit, reader, drill, refused.text(visit.locale))
            return visit.page(reader, "drills/control.html", page, status=422)
    return go(f"/drills/{drill}", said=said)


def _control_of(drill: str, posted: Posted) -> cmd.ControlClock:
    """What a button asks for; the speed of a speed button stands in its value."""
    action, _, speed = posted.get("do").partition(":")
    if action == "speed":
        return cmd.ControlClock(drill, action, number_of("speed", speed or posted.get("speed")))
    by = posted.get("by")
    if action == "advance" and not by:
        number = int(number_of("by", posted.get("number")))
        by = UNITS.get(posted.get("unit"), UNITS["minute"]).format(number)
    return cmd.ControlClock(drill, action, None, by)


def _control(visit: Visit, reader: Reader, drill: str, error: str) -> ControlPage:
    found = drills.page(reader, drill)
    board = Board(visit, reader, drill, "", "").model()
    tasks = inbox.listing(reader, inbox.TaskFilter(incident=drill, state="open"), limit=200).items
    waits = tuple(each for each in waiting.partner_desk(reader) if each.incident == drill)
    by_role = {role.role: tuple(task for task in tasks if task.role == role.role) for role in found.roles}
    return ControlPage(
        drill=found,
        speeds=SPEEDS,
        busy=tuple(CastRole(role, by_role[role.role]) for role in found.roles if by_role[role.role]),
        idle=tuple(role for role in found.roles if not by_role[role.role]),
        waits=waits,
        actions=tuple(waiting.action_menu(reader, drill)) if found.ended_at is None else (),
        steps=board.now,
        picture=board.picture,
        feed=timeline.timeline(reader, drill, kinds=_FED, limit=_FEED),
        error=error,
    )


def _stop(visit: Visit, reader: Reader, organisation: str, error: str) -> StopPage:
    require(visit.principal, Action.DRILL_STOP, organisations.subject(reader.connection, organisation))
    found = organisations.organisations(reader.connection, [organisation])
    if not found:
        raise NoSuch("organisation", organisation)
    return StopPage(found[0], error)
