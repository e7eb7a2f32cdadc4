"""The directory from a workbook: the template, checking, a last look, progress, and the codes of invited people."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import directory_import, directory_workbook
from service.application.directory_import import ConfirmImport, Importing, StartImport
from service.application.queries import directory, imports
from service.application.queries.imports import ImportShown
from service.domain.access import Action, OrganisationSubject, require
from service.domain.errors import TooLarge, ValueRefused
from service.web.errors import PageRoute, status_of
from service.web.posted import Form
from service.web.sheet_page import workbook
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ImportFormPage:
    """Where a workbook is brought."""

    organisation: str
    organisation_name: str
    error: str


@dataclass(frozen=True, slots=True)
class ImportPage:
    """What a workbook would change, what is wrong with it, or how far it is."""

    shown: ImportShown


@router.get("/imports/template.xlsx")
def template(visit: Visiting) -> Response:
    """An empty workbook with explanations and drop-down lists."""
    require(visit.principal, Action.DEFINITION_READ)
    catalogue = visit.site.tocsin.services.organisations
    name = visit.words.gettext("单位与人员导入模板")
    return workbook(f"{name}.xlsx", directory_workbook.template(catalogue, visit.locale))


@router.get("/imports/new")
def form_page(visit: Visiting, organisation: str = "") -> Response:
    """Where a workbook is brought."""
    return _form(visit, organisation)


@router.post("/imports/new")
def bring(visit: Visiting, posted: Form, organisation: str = "") -> Response:
    """Check a workbook; a large one in the background."""
    upload = posted.files.get("file")
    command = StartImport(organisation, upload.name if upload else "", upload.content if upload else b"")
    try:
        made = visit.run(directory_import.start, command)
    except (TooLarge, ValueRefused) as error:
        return _form(visit, organisation, error.text(visit.locale), status=status_of(error))
    if len(command.content) <= directory_import.SMALL:
        tocsin = visit.site.tocsin
        directory_import.check(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer, made, by=visit.principal)
    return go(f"/imports/{made}")


@router.get("/imports/{import_id}")
def import_page(visit: Visiting, import_id: str) -> Response:
    """What was found, or how far it is; while it runs the page looks again by itself where scripts run."""
    require(visit.principal, Action.SELF_READ)
    with visit.reader() as reader:
        page = ImportPage(imports.shown(reader, import_id))
        if visit.is_fragment:
            return visit.fragment("organisations/_import.html", page, shell=visit.shell(reader))
        status = 422 if page.shown.state == directory_import.REFUSED else 200
        return visit.page(reader, "organisations/import.html", page, status=status)


@router.post("/imports/{import_id}")
def confirm(visit: Visiting, import_id: str, posted: Form) -> Response:
    """Write it as seen, or give it up."""
    if posted.get("do") == "drop":
        visit.run(directory_import.drop, import_id)
        return go("/organisations")
    count = visit.run(directory_import.confirm, ConfirmImport(import_id, bool(posted.get("remove"))))
    if count <= directory_import.FEW:
        tocsin = visit.site.tocsin
        working = Importing(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer)
        working.finish(import_id, lambda _done, _total: None)
    return go(f"/imports/{import_id}")


def _form(visit: Visit, organisation: str, error: str = "", *, status: int = 200) -> Response:
    with visit.reader() as reader:
        if organisation:
            subject = directory.subject_of(reader, organisation)
            name = directory.names_of(reader, [organisation])[organisation]
        else:
            subject, name = OrganisationSubject(""), visit.words.gettext("全部单位")
        require(visit.principal, Action.ORGANISATION_CHANGE, subject)
        page = ImportFormPage(organisation, name, error)
        return visit.page(reader, "organisations/import_form.html", page, status=status)
