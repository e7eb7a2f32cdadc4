"""Beginning a drill: which procedure where, when it plays and how its clock runs, then its opening form."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from service.application import drills, organisations
from service.application.organisations import MemberView, OrganisationView
from service.application.queries import procedures
from service.application.queries.drills import DrillRole
from service.application.queries.procedures import ProcedureRow
from service.application.queries.reader import Reader
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.domain.calendar import parse_instant
from service.domain.errors import FormRefused, NotAllowed, ValueRefused
from service.domain.jurisdiction import drill_organisations
from service.domain.standing import OUTSIDE_PARTIES
from service.web import form_rows
from service.web.errors import PageRoute
from service.web.form_models import Filled, FormModel
from service.web.form_pages import FormWriter
from service.web.form_values import Flat, as_json_instant, gather
from service.web.posted import Form
from service.web.report_page import CASE_PROCEDURE, Asking, Wish
from service.web.shown import local_input
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

OWN_FIELDS = frozenset(
    {"csrf", "do", "procedure", "organisation", "starts", "speed", "slow", "floor", "on_loss", "code_word", "simulated"}
)
SPEEDS = (0, 1, 10, 60, 360)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a drill begins with, as the address or the form says it."""

    procedure: str = ""
    organisation: str = ""
    starts: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the clock runs and who plays, as it was typed."""

    speed: str = "0"
    slow: str = "true"
    floor: str = "20"
    on_loss: str = "pause"
    code_word: str = ""
    simulated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StartPage:
    """The choices, and once they are made the settings with the opening form; `error` is about a setting."""

    procedures: tuple[ProcedureRow, ...]
    organisations: tuple[OrganisationView, ...]
    procedure: str
    organisation: str
    starts: str
    settings: Settings
    roles: tuple[DrillRole, ...]
    form: FormModel
    error: str


class DrillAsking(Asking):
    """The opening form of a drill: no list of real people, and the time of the drill."""

    action = Action.DRILL_CREATE

    def __init__(self, reader: Reader, visit: Visit, beginning: Beginning) -> None:
        self.starts_at = _instant(beginning.starts) or reader.now
        super().__init__(reader, visit, Wish(beginning.procedure, beginning.organisation))

    @property
    def now(self) -> datetime:
        """When the drill begins."""
        return self.starts_at

    def choice_of_organisations(self) -> tuple[OrganisationView, ...]:
        """Where the reader is trainer."""
        here = drill_organisations(self.reader.principal, self.reader.hierarchy)
        return tuple(organisations.organisations(self.reader.connection, sorted(here)))

    def members(self) -> list[MemberView]:
        """Nobody: a drill has invented people only."""
        return []

    def written(self, filled: Filled) -> FormModel:
        """The opening form."""
        return FormWriter(self.view, self.context(), self.directory([]), self.visit.locale).write(filled)

    def roles(self) -> tuple[DrillRole, ...]:
        """Roles of the procedure, outside parties last."""
        nodes = [node for page in self.bundle.processes.values() for node in page.nodes.values() if node.role]
        found = [
            DrillRole(role, self.reader.label("role", role), "human", 0, role in OUTSIDE_PARTIES)
            for role in sorted({node.role for node in nodes})
        ]
        return tuple(sorted(found, key=lambda each: (each.is_outside, each.label)))


@router.get("/drills/new")
def new_page(visit: Visiting, beginning: Annotated[Beginning, Depends()]) -> Response:
    """The choices, and the opening form of the first procedure."""
    with visit.reader() as reader:
        asking = DrillAsking(reader, visit, _chosen(reader, beginning))
        return visit.page(reader, "drills/new.html", _page(asking, Settings(), Filled(asking.beginning()), ""))


@router.post("/drills/new")
def begin(visit: Visiting, posted: Form) -> Response:
    """Begin it; what breaks a rule is shown with what was typed."""
    beginning = Beginning(posted.get("procedure"), posted.get("organisation"), posted.get("starts"))
    settings = Settings(
        posted.get("speed"), posted.get("slow"), posted.get("floor"), posted.get("on_loss"), posted.get("code_word"),
        frozenset(posted.all("simulated")),
    )  # fmt: skip
    flat: Flat = {
        name: [value for key, value in posted.fields if key == name] for name in posted.names if name not in OWN_FIELDS
    }
    with visit.reader() as reader:
        asking = DrillAsking(reader, visit, beginning)
        if posted.get("do").startswith(form_rows.CHANGES):
            filled = form_rows.with_rows(posted.get("do"), flat)
            return visit.page(reader, "drills/new.html", _page(asking, settings, filled, ""))
        flat = form_rows.renumbered(asking.view, flat)
        data = gather(asking.view, flat, {})
    if asking.is_case:
        data.setdefault("source_kind", "check")
    try:
        drill = visit.run(drills.create, _command(asking, settings, data))
    except FormRefused as refused:
        return _again(visit, beginning, settings, Filled(flat, tuple(refused.errors)), "")
    except ValueRefused as refused:
        return _again(visit, beginning, settings, Filled(flat), refused.text(visit.locale))
    return go(f"/drills/{drill}")


def _command(asking: DrillAsking, settings: Settings, data: dict[str, object]) -> cmd.CreateDrill:
    return cmd.CreateDrill(
        procedure=asking.wish.procedure, organisation=asking.organisation.id, data=data,
        speed=number_of("speed", settings.speed), start=asking.start_id, starts_at=asking.starts_at,
        slow_to=1.0 if settings.slow else None, floor_seconds=int(number_of("floor_seconds", settings.floor)),
        on_loss=settings.on_loss or "run", code_word=settings.code_word, roles=tuple(sorted(settings.simulated)),
    )  # fmt: skip


def number_of(name: str, text: str) -> float:
    """A number as it was typed. Raises ValueRefused."""
    try:
        return float(text)
    except ValueError:
        raise ValueRefused(name, "须为数字", "must be a number") from None


def _again(visit: Visit, beginning: Beginning, settings: Settings, filled: Filled, error: str) -> Response:
    with visit.reader() as reader:
        page = _page(DrillAsking(reader, visit, beginning), settings, filled, error)
        return visit.page(reader, "drills/new.html", page, status=422)


def _chosen(reader: Reader, beginning: Beginning) -> Beginning:
    """What is chosen, with a procedure of the organisation's kind where none is."""
    if not drill_organisations(reader.principal, reader.hierarchy):
        raise NotAllowed(Action.DRILL_CREATE.value)
    return Beginning(beginning.procedure or CASE_PROCEDURE, beginning.organisation, beginning.starts)


def _page(asking: DrillAsking, settings: Settings, filled: Filled, error: str) -> StartPage:
    reader = asking.reader
    require(reader.principal, Action.DEFINITION_READ)
    found = tuple(each for each in procedures.listing(reader) if each.is_startable)
    return StartPage(
        procedures=found, organisations=asking.organisations, procedure=asking.wish.procedure,
        organisation=asking.organisation.id, starts=local_input(asking.starts_at), settings=settings,
        roles=asking.roles(), form=asking.written(filled), error=error,
    )  # fmt: skip


def _instant(text: str) -> datetime | None:
    """A time as an input of type datetime-local gives it. None for what is none."""
    try:
        return parse_instant(as_json_instant(text)) if text else None
    except ValueError:
        return None
