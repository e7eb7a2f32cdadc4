"""How long personal values are kept: what is due, holding back, erasing after a look at what goes, the certificate."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import erasing
from service.application.documents_docx import to_docx
from service.application.erasing import EraseDue, HoldData, LiftHold
from service.application.queries import retention as queries
from service.application.queries.export_files import DOCX
from service.application.queries.retention import RetentionRow, RunRow
from service.domain.errors import HeldBack, IncidentOpen, NothingToErase, RetentionRuns
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

REFUSALS = (HeldBack, IncidentOpen, RetentionRuns, NothingToErase)


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """Closed incidents by what is due, and the runs there were."""

    rows: tuple[RetentionRow, ...]
    runs: tuple[RunRow, ...]
    error: str


@dataclass(frozen=True, slots=True)
class PlanPage:
    """One incident person by person; `person` narrows it to somebody who asked for it."""

    row: RetentionRow
    person: str
    error: str


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What would be erased, before anything is; `error` where it was not confirmed."""

    rows: tuple[RetentionRow, ...]
    person: str
    error: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """How far a run is; its certificate once it ended."""

    run: RunRow
    html: Markup


@router.get("/retention")
def retention_page(visit: Visiting) -> Response:
    """What is due when."""
    return _list(visit)


@router.get("/retention/incidents/{incident}")
def plan_page(visit: Visiting, incident: str, person: str = "") -> Response:
    """One incident, or one person of it."""
    return _plan(visit, incident, person)


@router.post("/retention/incidents/{incident}/hold")
def hold(visit: Visiting, incident: str, posted: Form) -> Response:
    """Keep its data whatever their time, with a reason."""
    reason, person = posted.get("reason"), posted.get("person")
    if not reason:
        return _plan(visit, incident, person, error=visit.words.gettext("请写明理由"), status=422)
    visit.run(erasing.hold, HoldData(incident, reason, person))
    return go(f"/retention/incidents/{incident}", said="held")


@router.post("/retention/incidents/{incident}/lift")
def lift(visit: Visiting, incident: str, posted: Form) -> Response:
    """End a hold, with a reason."""
    reason = posted.get("reason")
    if not reason:
        return _plan(visit, incident, "", error=visit.words.gettext("请写明理由"), status=422)
    visit.run(erasing.lift, LiftHold(incident, posted.get("hold"), reason))
    return go(f"/retention/incidents/{incident}", said="lifted")


@router.post("/retention/preview")
def preview(visit: Visiting, posted: Form) -> Response:
    """Which persons, which classes, why, and what stays; it is confirmed on the page that answers."""
    chosen, person = posted.all("incident"), posted.get("person")
    if not chosen:
        return _list(visit, error=visit.words.gettext("请选择事件"), status=422)
    return _preview(visit, chosen, person)


@router.post("/retention/erase")
def erase(visit: Visiting, posted: Form) -> Response:
    """Erase as previewed; the page of the run tells how far it is."""
    chosen, person = posted.all("incident"), posted.get("person")
    if posted.get("sure") != "true":
        text = visit.words.gettext("删除后不能恢复。请确认。")
        return _preview(visit, chosen, person, error=text, status=422)
    try:
        run = visit.run(erasing.start, EraseDue(tuple(chosen), person))
    except REFUSALS as refused:
        return _list(visit, error=refused.text(visit.locale), status=409)
    return go(f"/retention/runs/{run}")


@router.get("/retention/runs/{run}.docx")
def certificate(visit: Visiting, run: str) -> Response:
    """The certificate as a file."""
    with visit.reader() as reader:
        document = queries.certificate(reader, visit.site.documents, queries.run(reader, run))
    disposition = f"attachment; filename*=UTF-8''{quote(f'{document.title}.docx')}"
    return Response(to_docx(document), media_type=DOCX, headers={"content-disposition": disposition})


@router.get("/retention/runs/{run}")
def run_page(visit: Visiting, run: str) -> Response:
    """How far a run is, then its certificate; while it runs the page looks again by itself where scripts run."""
    with visit.reader() as reader:
        found, html = queries.run(reader, run), ""
        if found.ended_at:
            html = visit.site.documents.to_html(queries.certificate(reader, visit.site.documents, found))
        page = RunPage(found, Markup(html))  # noqa: S704 - rendered with autoescape
        if visit.is_fragment and not found.ended_at:
            return visit.fragment("retention/_run.html", page)
        shown = visit.page(reader, "retention/run.html", page)
        if visit.is_fragment:
            shown.headers["hx-refresh"] = "true"
        return shown


# --- inside -----------------------------------------------------------------------------------


def _list(visit: Visit, *, error: str = "", status: int = 200) -> Response:
    with visit.reader() as reader:
        page = RetentionPage(queries.listed(reader), queries.runs(reader), error)
        return visit.page(reader, "retention/list.html", page, status=status)


def _plan(visit: Visit, incident: str, person: str, *, error: str = "", status: int = 200) -> Response:
    with visit.reader() as reader:
        page = PlanPage(queries.incident(reader, incident, person), person, error)
        return visit.page(reader, "retention/plan.html", page, status=status)


def _preview(visit: Visit, chosen: list[str], person: str, *, error: str = "", status: int = 200) -> Response:
    with visit.reader() as reader:
        rows = tuple(queries.incident(reader, each, person) for each in dict.fromkeys(chosen))
        return visit.page(reader, "retention/preview.html", PreviewPage(rows, person, error), status=status)
