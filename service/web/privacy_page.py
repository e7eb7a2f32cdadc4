"""Showing a person in full on purpose, emergency access, and finding somebody."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import person_search, revealing
from service.application.person_search import FindPersons
from service.application.queries.found_persons import FoundPerson, found_persons
from service.application.queries.reader import Reader
from service.application.revealing import BreakGlassEnding, BreakGlassOpening, RevealPersons
from service.domain.access import Action, require
from service.domain.blind_index import KINDS
from service.domain.errors import ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.security import safe_next
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class BreakGlassPage:
    """Opening access without a task: what was typed, what is wrong with it, how long it may last."""

    incident: str
    number: str
    back: str
    reason: str
    minutes: str
    most: int
    errors: dict[str, str]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Looking for a person; `found` is None before anybody was looked for."""

    by: str
    ways: tuple[tuple[str, str], ...]
    error: str
    found: tuple[FoundPerson, ...] | None


@router.post("/incidents/{incident}/people/{person}/reveal")
def reveal(visit: Visiting, incident: str, person: str, posted: Form) -> Response:
    """Show what was ticked, and go back to where it was asked for."""
    visit.run(revealing.reveal, RevealPersons(incident, (person,), tuple(posted.all("fields"))))
    back = posted.get("next")
    return go(safe_next(back) if back else f"/incidents/{incident}/people/{person}", said="revealed")


@router.get("/incidents/{incident}/break-glass")
def break_glass_page(visit: Visiting, incident: str, person: str = "") -> Response:
    """Why, and for how long?"""
    with visit.reader() as reader:
        page = _glass(reader, incident, person, ("", "15"), {})
        return visit.page(reader, "incidents/break_glass.html", page)


@router.post("/incidents/{incident}/break-glass")
def open_break_glass(visit: Visiting, incident: str, posted: Form) -> Response:
    """Open it."""
    reason, minutes, person = posted.get("reason"), posted.get("minutes"), posted.get("person")
    length = int(minutes) if minutes.isascii() and minutes.isdigit() else 0
    try:
        visit.run(revealing.open_break_glass, BreakGlassOpening(incident, reason, length))
    except ValueRefused as refused:
        with visit.reader() as reader:
            page = _glass(reader, incident, person, (reason, minutes), {refused.name: _said(visit, refused)})
            return visit.page(reader, "incidents/break_glass.html", page, status=422)
    return go(f"/incidents/{incident}/people{f'/{person}' if person else ''}", said="glass_opened")


@router.post("/incidents/{incident}/break-glass/{grant}/end")
def end_break_glass(visit: Visiting, incident: str, grant: str, posted: Form) -> Response:  # noqa: ARG001 - its CSRF value was checked
    """End it before its time."""
    visit.run(revealing.end_break_glass, BreakGlassEnding(incident, grant))
    return go(f"/incidents/{incident}/people", said="glass_ended")


@router.get("/people/search")
def search_page(visit: Visiting) -> Response:
    """Whom?"""
    require(visit.principal, Action.PERSON_SEARCH)
    with visit.reader() as reader:
        return visit.page(reader, "incidents/search.html", _search(reader, "name", "", None))


@router.post("/people/search")
def search(visit: Visiting, posted: Form) -> Response:
    """Whoever was found; the words travel in the body, so that no address holds a name."""
    by = posted.get("by") if posted.get("by") in KINDS else "name"
    try:
        ids = visit.run(person_search.find, FindPersons(by, posted.get("text"))).persons
    except ValueRefused as refused:
        with visit.reader() as reader:
            page = _search(reader, by, _said(visit, refused), None)
            return visit.page(reader, "incidents/search.html", page, status=422)
    with visit.reader() as reader:
        return visit.page(reader, "incidents/search.html", _search(reader, by, "", found_persons(reader, ids)))


# --- inside -----------------------------------------------------------------------------------


def _glass(
    reader: Reader, incident: str, person: str, typed: tuple[str, str], errors: dict[str, str]
) -> BreakGlassPage:  # fmt: skip
    row = reader.incident(incident, Action.BREAK_GLASS)
    known = person if person.isalnum() else ""
    most = int(reader.services.privacy.break_glass.total_seconds() // 60)
    back = f"/incidents/{incident}/people{f'/{known}' if known else ''}"
    return BreakGlassPage(incident, row["number"], back, *typed, most, errors)


def _search(reader: Reader, by: str, error: str, found: tuple[FoundPerson, ...] | None) -> SearchPage:
    ways = tuple((kind, reader.label("search_by", kind)) for kind in KINDS)
    return SearchPage(by, ways, error, found)


def _said(visit: Visit, refused: ValueRefused) -> str:
    return refused.reason_en if visit.locale.startswith("en") else refused.reason
