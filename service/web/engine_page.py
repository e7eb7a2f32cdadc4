"""Processes that stopped: the list, trying again, and the page on which an operator passes over or cancels."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import engine_incidents
from service.application.queries import stopped
from service.application.queries.reader import Reader
from service.application.queries.stopped import EngineIncidentRow, Ways
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.domain.errors import EngineFailed, ResolutionRefused
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SKIP, INSTANCE, INCIDENT = "skip", engine_incidents.INSTANCE, engine_incidents.INCIDENT


@dataclass(frozen=True, slots=True)
class EnginePage:
    """Processes that stopped: those that still stand, or all; of every incident, or of one."""

    rows: tuple[EngineIncidentRow, ...]
    is_all: bool
    incident: str
    number: str
    error: str


@dataclass(frozen=True, slots=True)
class ResolvePage:
    """What can be done about one of them; `way` and `reason` as typed."""

    row: EngineIncidentRow
    ways: Ways
    way: str
    reason: str
    error: str


@router.get("/engine-incidents")
def engine_page(visit: Visiting, state: str = "open", incident: str = "") -> Response:
    """Processes that stopped, with what an operator can do."""
    require(visit.principal, Action.ENGINE_RETRY)
    with visit.reader() as reader:
        return visit.page(reader, "engine/list.html", _list(reader, state, incident))


def _list(reader: Reader, state: str = "open", incident: str = "", error: str = "") -> EnginePage:
    is_all = state == "all"
    rows = stopped.engine_incidents(reader, state="" if is_all else "open", incident=incident)
    number = reader.incident(incident)["number"] if incident else ""
    return EnginePage(rows, is_all, incident, number, error)


@router.post("/engine-incidents/retry")
def retry(visit: Visiting, posted: Form) -> Response:
    """Run what failed again; where it fails again the page says so."""
    require(visit.principal, Action.ENGINE_RETRY)
    try:
        visit.run(engine_incidents.retry, cmd.RetryEngineIncident(posted.get("id")))
    except EngineFailed as error:
        with visit.reader() as reader:
            return visit.page(reader, "engine/list.html", _list(reader, error=error.text(visit.locale)), status=409)
    return go("/engine-incidents", said="retried")


@router.get("/engine-incidents/resolve")
def resolve_page(visit: Visiting, id: str) -> Response:
    """One of them, with what can be done beside trying again."""
    require(visit.principal, Action.ENGINE_RESOLVE)
    return _resolve_page(visit, id)


@router.post("/engine-incidents/resolve")
def resolve(visit: Visiting, posted: Form) -> Response:
    """Pass over what failed, or cancel, with a reason."""
    require(visit.principal, Action.ENGINE_RESOLVE)
    id_, way, reason = posted.get("id"), posted.get("way"), posted.get("reason")
    if way not in (SKIP, INSTANCE, INCIDENT) or not reason:
        text = visit.words.gettext("请选择怎样处理，并写明理由")
        return _resolve_page(visit, id_, way=way, reason=reason, error=text, status=422)
    try:
        if way == SKIP:
            visit.run(engine_incidents.skip, cmd.SkipFailedElement(id_, reason))
        else:
            visit.run(engine_incidents.cancel, cmd.CancelFailed(id_, way, reason))
    except (ResolutionRefused, EngineFailed) as error:
        return _resolve_page(visit, id_, way=way, reason=reason, error=error.text(visit.locale), status=409)
    return go("/engine-incidents", said="skipped" if way == SKIP else "cancelled")


def _resolve_page(
    visit: Visit, id_: str, *, way: str = "", reason: str = "", error: str = "", status: int = 200
) -> Response:
    with visit.reader() as reader:
        row = stopped.engine_incident(reader, id_)
        page = ResolvePage(row, stopped.ways(reader, row), way, reason, error)
        return visit.page(reader, "engine/resolve.html", page, status=status)
