"""Puts the pages together."""

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import FileResponse, Response

from service.domain.errors import NoSuch
from service.web import (
    account_page,
    account_safety_page,
    action_page,
    api_page,
    audit_page,
    channel_page,
    code_page,
    diagram_page,
    drill_page,
    drill_start_page,
    duty_page,
    duty_settings_page,
    engine_page,
    evaluation_page,
    export_page,
    grid_page,
    identity_page,
    import_page,
    improvement_page,
    inbox_page,
    incident_page,
    invitation_page,
    library_page,
    organisation_page,
    pass_page,
    people_page,
    policy_page,
    printout_page,
    privacy_page,
    procedure_page,
    report_page,
    resume_page,
    retention_page,
    role_page,
    roster_page,
    rules_page,
    scenario_editor_page,
    scenario_page,
    sheet_page,
    sign_in,
    staff_page,
    task_page,
    version_page,
)
from service.web.assets import STATIC
from service.web.errors import PageRoute
from service.web.site import Site, Tocsin

PAGES = (
    sign_in,
    code_page,
    identity_page,
    inbox_page,
    report_page,
    task_page,
    sheet_page,
    incident_page,
    people_page,
    grid_page,
    policy_page,
    duty_settings_page,
    duty_page,
    channel_page,
    printout_page,
    scenario_editor_page,
    scenario_page,
    privacy_page,
    export_page,
    diagram_page,
    action_page,
    drill_start_page,
    drill_page,
    evaluation_page,
    improvement_page,
    procedure_page,
    version_page,
    engine_page,
    rules_page,
    account_page,
    account_safety_page,
    api_page,
    resume_page,
    pass_page,
    invitation_page,
    import_page,
    staff_page,
    roster_page,
    organisation_page,
    role_page,
    library_page,
    audit_page,
    retention_page,
)
_FOREVER = "public, max-age=31536000, immutable"


def build_web(app: FastAPI, tocsin: Tocsin) -> None:
    """Add the pages to an application; every path no other door has is answered by a page that says so."""
    site = Site(tocsin)

    async def remember(request: Request) -> None:
        request.state.site = site

    with_site = [Depends(remember)]
    for module in PAGES:
        app.include_router(module.router, dependencies=with_site)
    app.include_router(files, dependencies=with_site)
    app.include_router(rest, dependencies=with_site)


files = APIRouter(route_class=PageRoute, include_in_schema=False)
rest = APIRouter(route_class=PageRoute, include_in_schema=False)


@files.get("/static/{path:path}")
def static_file(request: Request, path: str) -> Response:
    """A style sheet, script or picture; its name changes with its content, so it may be kept for ever."""
    site: Site = request.state.site
    headers = {"cache-control": _FOREVER}
    bundle = site.assets.bundle(path)
    if bundle is not None:
        return Response(bundle.content, media_type=bundle.media_type, headers=headers)
    file = (STATIC / path).resolve()
    if path.startswith("vendor/") and file.is_relative_to(STATIC / "vendor") and file.is_file():
        return FileResponse(file, headers=headers)
    raise NoSuch("file", path)


@rest.get("/{path:path}")
def nowhere(path: str) -> Response:
    """No such page."""
    raise NoSuch("page", path)
