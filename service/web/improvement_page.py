"""Improvement actions: one's own, and those of organisations whose drills one reviews; saying that one is done."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import improvements as use_cases
from service.application.queries import improvements
from service.application.queries.improvements import ImprovementRow
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.domain.errors import ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ImprovementsPage:
    """The list; `refused` is the action that could not be ended, with what was typed and why."""

    rows: tuple[ImprovementRow, ...]
    refused: str
    note: str
    error: str


@router.get("/improvements")
def improvements_page(visit: Visiting) -> Response:
    """The list."""
    require(visit.principal, Action.SELF_READ)
    return _shown(visit)


@router.post("/improvements/{improvement}/end")
def end(visit: Visiting, improvement: str, posted: Form) -> Response:
    """It is done, or dropped."""
    command = cmd.EndImprovement(improvement, posted.get("state"), posted.get("note"))
    try:
        visit.run(use_cases.end, command)
    except ValueRefused as refused:
        return _shown(visit, improvement, command.note, refused.text(visit.locale), status=422)
    return go("/improvements", said="saved")


def _shown(visit: Visit, refused: str = "", note: str = "", error: str = "", *, status: int = 200) -> Response:
    with visit.reader() as reader:
        page = ImprovementsPage(improvements.listing(reader), refused, note, error)
        return visit.page(reader, "drills/improvements.html", page, status=status)
