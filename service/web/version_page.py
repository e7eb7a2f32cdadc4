"""A version of a procedure: in use or not, its history, and moving running incidents to it after a look at that."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import definition_versions, upgrades
from service.application.queries import procedures, versions
from service.application.queries import upgrades as queries
from service.application.queries.procedures import ProcedureRow, VersionRow
from service.application.queries.upgrades import Candidate, IncidentShown, UpgradeRow
from service.application.queries.versions import VersionEventRow
from service.application.rehearsal import rehearse
from service.application.upgrades import IncidentOutlook
from service.domain import commands as cmd
from service.domain.access import Action, may, require
from service.domain.errors import NoSuch
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_PREVIEWED = 50


@dataclass(frozen=True, slots=True)
class VersionPage:
    """One version; what may be done with it is there for an administrator only."""

    procedure: ProcedureRow
    version: VersionRow
    is_newest: bool
    history: tuple[VersionEventRow, ...]
    candidates: tuple[Candidate, ...]
    may_switch: bool
    reason: str
    error: str
    upgrade_error: str


@dataclass(frozen=True, slots=True)
class UpgradePreview:
    """What moving incidents would do; `left_out` more are not shown, and moved all the same where nothing speaks
    against it."""  # noqa: D205, D209 - one sentence

    procedure: ProcedureRow
    version: int
    reason: str
    incidents: tuple[str, ...]
    found: tuple[IncidentShown, ...]
    left_out: int
    movable: int


@dataclass(frozen=True, slots=True)
class ProgressPage:
    """How far an upgrade is."""

    upgrade: UpgradeRow
    name: str


@router.get("/procedures/{procedure}/versions/{version}")
def version_page(visit: Visiting, procedure: str, version: int) -> Response:
    """One version of a procedure."""
    require(visit.principal, Action.DEFINITION_READ)
    return _version_page(visit, procedure, version)


@router.post("/procedures/{procedure}/versions/{version}")
def switch(visit: Visiting, procedure: str, version: int, posted: Form) -> Response:
    """Put the version into use, or retire it, with a reason."""
    require(visit.principal, Action.DEFINITION_DEPLOY)
    reason = posted.get("reason")
    if not reason:
        return _version_page(visit, procedure, version, error=visit.words.gettext("请写明理由"), status=422)
    if posted.get("do") == "retire":
        visit.run(definition_versions.retire, cmd.RetireVersion(procedure, version, reason))
        return go(f"/procedures/{procedure}/versions/{version}", said="retired")
    visit.run(definition_versions.activate, cmd.ActivateVersion(procedure, version, reason))
    return go(f"/procedures/{procedure}/versions/{version}", said="activated")


@router.post("/procedures/{procedure}/versions/{version}/upgrade/preview")
def preview(visit: Visiting, procedure: str, version: int, posted: Form) -> Response:
    """Look at what moving the chosen incidents would do; it is confirmed on the page that answers."""
    require(visit.principal, Action.DEFINITION_UPGRADE)
    reason, chosen = posted.get("reason"), _chosen(posted)
    if not reason or not chosen:
        text = visit.words.gettext("请选择事件，并写明理由")
        return _version_page(visit, procedure, version, reason=reason, upgrade_error=text, status=422)
    shown = [
        _looked_at(visit, cmd.UpgradeIncident(each, procedure, version, reason)) for each in chosen[:MOST_PREVIEWED]
    ]
    with visit.reader() as reader:
        row = procedures.page(reader, procedure, version).row
        found = tuple(queries.told(reader, procedure, version, each) for each in shown)
        left_out, movable = len(chosen) - len(found), sum(each.can_move for each in found)
        page = UpgradePreview(row, version, reason, chosen, found, left_out, movable)
        return visit.page(reader, "procedures/upgrade_preview.html", page)


@router.post("/procedures/{procedure}/versions/{version}/upgrade")
def upgrade(visit: Visiting, procedure: str, version: int, posted: Form) -> Response:
    """Move them as previewed; the page of the upgrade tells how far it is."""
    command = cmd.UpgradeIncidents(procedure, version, posted.get("reason"), _chosen(posted))
    return go(f"/upgrades/{visit.run(upgrades.start, command)}")


@router.get("/upgrades/{upgrade}")
def progress(visit: Visiting, upgrade: str) -> Response:
    """How far an upgrade is; while it runs the page looks again by itself where scripts run."""
    require(visit.principal, Action.DEFINITION_UPGRADE)
    with visit.reader() as reader:
        row = queries.upgrade(reader, upgrade)
        page = ProgressPage(row, reader.procedure_names.get(row.procedure, row.procedure))
        if visit.is_fragment:
            return visit.fragment("procedures/_progress.html", page)
        return visit.page(reader, "procedures/progress.html", page)


# --- inside -----------------------------------------------------------------------------------


def _chosen(posted: Posted) -> tuple[str, ...]:
    return tuple(dict.fromkeys(posted.all("incident")))


def _looked_at(visit: Visit, command: cmd.UpgradeIncident) -> IncidentOutlook:
    tocsin, principal = visit.site.tocsin, visit.principal
    return rehearse(tocsin.writer, lambda uow: upgrades.look(uow, tocsin.services, principal, command))


def _version_page(
    visit: Visit, procedure: str, version: int, *, reason: str = "", error: str = "", upgrade_error: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    with visit.reader() as reader:
        found = procedures.page(reader, procedure, version)
        row = next((each for each in found.versions if each.version == version), None)
        if row is None:
            raise NoSuch("procedure", f"{procedure} {version}")
        may_switch = may(visit.principal, Action.DEFINITION_UPGRADE)
        page = VersionPage(
            found.row, row, version == max(each.version for each in found.versions),
            versions.history(reader, procedure),
            queries.candidates(reader, procedure, version) if may_switch else (), may_switch, reason, error,
            upgrade_error,
        )  # fmt: skip
        return visit.page(reader, "procedures/version.html", page, status=status)
