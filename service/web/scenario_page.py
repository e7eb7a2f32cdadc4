"""Scenarios for the trainer: the list, one with its events list, beginning a drill, workbooks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import organisations, scenario_books, scenario_copies, scenario_drills
from service.application.organisations import OrganisationView
from service.application.queries import scenarios
from service.application.queries.reader import Reader
from service.application.queries.scenarios import ScenarioLine, ScenarioPage
from service.application.scenario_copies import CopyScenario, DropScenario, KeepScenario
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.domain.calendar import parse_instant
from service.domain.errors import AlreadyExists, FormRefused, ScenarioFault, ScenarioRefused, TooLarge, ValueRefused
from service.domain.jurisdiction import drill_organisations
from service.web.drill_start_page import SPEEDS, number_of
from service.web.errors import PageRoute
from service.web.form_values import as_json_instant
from service.web.navigation import home_of
from service.web.posted import Form, Posted
from service.web.sheet_page import workbook
from service.web.shown import local_input
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Refused = (ScenarioRefused, ValueRefused, AlreadyExists, TooLarge, FormRefused)


@dataclass(frozen=True, slots=True)
class ListPage:
    """All scenarios of the trainer."""

    lines: tuple[ScenarioLine, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the forms of a scenario's page."""

    organisation: str = ""
    starts: str = ""
    speed: str = "0"
    seed: str = ""
    trial: bool = False
    new_id: str = ""


@dataclass(frozen=True, slots=True)
class OnePage:
    """One scenario with the forms to begin and to copy it; `error` and `faults` are why something was refused."""

    scenario: ScenarioPage
    organisations: tuple[OrganisationView, ...]
    speeds: tuple[int, ...]
    typed: Typed
    error: str = ""
    faults: Sequence[ScenarioFault] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class ImportPage:
    """Where a workbook is brought; with faults in it nothing was imported."""

    organisations: tuple[OrganisationView, ...]
    typed: Typed
    error: str = ""
    faults: Sequence[ScenarioFault] = field(default_factory=tuple)


@router.get("/scenarios")
def list_page(visit: Visiting) -> Response:
    """Shipped scenarios and own ones."""
    with visit.reader() as reader:
        return visit.page(reader, "scenarios/list.html", ListPage(scenarios.listing(reader)))


@router.get("/scenarios/import")
def import_form(visit: Visiting) -> Response:
    """Where a workbook is brought."""
    return _import(visit, Typed(home_of(visit.principal)))


@router.post("/scenarios/import")
def bring(visit: Visiting, posted: Form) -> Response:
    """Take a workbook over as an own scenario; where one row is wrong, nothing is imported and all faults are told."""
    typed = Typed(organisation=posted.get("organisation"), new_id=posted.get("new_id").strip())
    upload = posted.files.get("file")
    require(visit.principal, Action.SCENARIO_READ)
    try:
        document, places = scenario_books.read(upload.content if upload else b"")
        command = KeepScenario(typed.organisation, typed.new_id or str(document.get("id") or ""), document, 0)
        try:
            made = visit.run(scenario_copies.keep, command)
        except ScenarioRefused as refused:
            raise scenario_books.with_places(refused, places) from None
    except Refused as refused:
        return _import(visit, typed, refused)
    return go(f"/scenarios/{made}", organisation=typed.organisation, said="scenario_kept")


@router.get("/scenarios/{scenario}.xlsx")
def export(visit: Visiting, scenario: str, organisation: str = "") -> Response:
    """The scenario as a workbook."""
    with visit.reader() as reader:
        file, _ = scenarios.find(reader, scenario, organisation)
        return workbook(f"{visit.words.gettext('演练情景')}-{scenario}.xlsx", scenario_books.write(file.document))


@router.get("/scenarios/{scenario}")
def one_page(visit: Visiting, scenario: str, organisation: str = "") -> Response:
    """One scenario."""
    return _one(visit, scenario, organisation, Typed())


@router.post("/scenarios/{scenario}/start")
def start(visit: Visiting, scenario: str, posted: Form, organisation: str = "") -> Response:
    """Begin a drill; what is refused is shown with what was typed."""
    typed = _typed(posted)
    try:
        drill = visit.run(scenario_drills.begin, _begin_of(scenario, typed))
    except Refused as refused:
        return _one(visit, scenario, organisation, typed, refused)
    return go(f"/drills/{drill}")


@router.post("/scenarios/{scenario}/copy")
def copy(visit: Visiting, scenario: str, posted: Form, organisation: str = "") -> Response:
    """Copy it to edit."""
    typed = _typed(posted)
    try:
        made = visit.run(scenario_copies.copy, CopyScenario(typed.organisation, scenario, typed.new_id))
    except Refused as refused:
        return _one(visit, scenario, organisation, typed, refused)
    return go(f"/scenarios/{made}/edit", organisation=typed.organisation)


@router.post("/scenarios/{scenario}/drop")
def drop(visit: Visiting, scenario: str, organisation: str = "") -> Response:
    """Give an own scenario up."""
    visit.run(scenario_copies.drop, DropScenario(organisation, scenario))
    return go("/scenarios", said="scenario_dropped")


# --- inside -----------------------------------------------------------------------------------


def _typed(posted: Posted) -> Typed:
    return Typed(
        posted.get("organisation"), posted.get("starts"), posted.get("speed") or "0", posted.get("seed").strip(),
        bool(posted.get("trial")), posted.get("new_id").strip(),
    )  # fmt: skip


def _begin_of(scenario: str, typed: Typed) -> cmd.BeginScenario:
    """The command. Raises ValueRefused for a seed or speed that is no number."""
    if typed.seed and not (typed.seed.isascii() and typed.seed.isdigit() and len(typed.seed) < 10):
        raise ValueRefused(
            "seed", "须为不超过9位的整数，或留空", "must be a whole number of at most 9 digits, or empty"
        )
    return cmd.BeginScenario(
        scenario, typed.organisation, number_of("speed", typed.speed), int(typed.seed) if typed.seed else None,
        _instant(typed.starts), slow_to=1.0, floor_seconds=20, trial=typed.trial,
    )  # fmt: skip


def _instant(text: str) -> datetime | None:
    try:
        return parse_instant(as_json_instant(text)) if text else None
    except ValueError:
        raise ValueRefused("starts_at", "不是有效的时间", "is no time") from None


def _one(visit: Visit, scenario: str, organisation: str, typed: Typed, refused: Exception | None = None) -> Response:
    with visit.reader() as reader:
        shown = scenarios.page(reader, scenario, organisation)
        given = typed if refused else Typed(organisation or home_of(reader.principal), local_input(shown.starts_at))
        page = OnePage(shown, here(reader), SPEEDS, given, *told(refused, visit))
        return visit.page(reader, "scenarios/one.html", page, status=422 if refused else 200)


def _import(visit: Visit, typed: Typed, refused: Exception | None = None) -> Response:
    with visit.reader() as reader:
        require(reader.principal, Action.SCENARIO_READ)
        page = ImportPage(here(reader), typed, *told(refused, visit))
        return visit.page(reader, "scenarios/import.html", page, status=422 if refused else 200)


def here(reader: Reader) -> tuple[OrganisationView, ...]:
    """Where the reader is trainer."""
    found = sorted(drill_organisations(reader.principal, reader.hierarchy))
    return tuple(organisations.organisations(reader.connection, found))


def told(refused: Exception | None, visit: Visit) -> tuple[str, Sequence[ScenarioFault]]:
    """Why something was refused, and every fault of a scenario."""
    if refused is None:
        return "", ()
    faults = refused.faults if isinstance(refused, ScenarioRefused) else ()
    return refused.text(visit.locale) if hasattr(refused, "text") else str(refused), faults
