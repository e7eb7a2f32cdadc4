"""The procedures library: diagrams, decision tables, forms and versions, for reading and trying out."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application.queries import decision_pages, definition_uses, form_views, procedure_changes, procedures
from service.application.queries.decision_pages import DecisionPage
from service.application.queries.definition_uses import Remark, Uses
from service.application.queries.form_views import FormPage
from service.application.queries.procedure_changes import Comparison, PlaceRow
from service.application.queries.procedures import PageRow, ProcedurePage, ProcedureRow
from service.application.queries.reader import Reader
from service.domain.access import TRAINER, Action, require
from service.domain.errors import NoSuch
from service.domain.form_context import FillContext
from service.domain.standing import TRAINING
from service.web.diagram_page import PictureFile, drawn, picture_files
from service.web.errors import PageRoute
from service.web.form_models import Directory, Filled, FormModel
from service.web.form_pages import FormWriter
from service.web.navigation import may_report
from service.web.site import Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """All procedures, those that are retired too."""

    procedures: tuple[ProcedureRow, ...]


@dataclass(frozen=True, slots=True)
class ProcedureModel:
    """One procedure: the page that is shown with its drawing, and everything it needs and rests on."""

    found: ProcedurePage
    page: PageRow
    source: str
    svg: Markup
    files: tuple[PictureFile, ...]
    uses: Uses
    remarks: tuple[Remark, ...]
    may_open: bool


@dataclass(frozen=True, slots=True)
class DecisionModel:
    """A decision table of a procedure."""

    procedure: ProcedureRow
    found: DecisionPage
    organisation_type: str


@dataclass(frozen=True, slots=True)
class FormPreview:
    """A form of a procedure as the person who gets it sees it."""

    procedure: ProcedureRow
    found: FormPage
    form: FormModel


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page or table that changed, with its two drawings where it has them."""

    place: PlaceRow
    before: Markup
    after: Markup


@dataclass(frozen=True, slots=True)
class DifferencesModel:
    """Two versions beside each other."""

    procedure: ProcedurePage
    found: Comparison
    drawings: tuple[Drawn, ...]


@router.get("/procedures")
def library(visit: Visiting) -> Response:
    """The library."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        return visit.page(reader, "procedures/library.html", LibraryPage(procedures.listing(reader, retired=True)))


@router.get("/procedures/{procedure}")
def procedure_page(visit: Visiting, procedure: str, page: str = "", version: int = 0) -> Response:
    """One procedure, a page of it; an older version where one is named."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        found = procedures.page(reader, procedure, version or None)
        shown = next((each for each in found.pages if each.process == (page or procedure)), found.pages[0])
        xml = procedures.xml(reader, procedure, found.row.version, shown.process)
        address = f"/procedures/{procedure}/versions/{found.row.version}/pages/{shown.process}"
        model = ProcedureModel(
            found=found,
            page=shown,
            source=f"{address}.bpmn",
            svg=drawn(xml, {}, reader.locale),
            files=picture_files(xml, f"{address}.svg?", shown.name, reader.locale),
            uses=definition_uses.uses(reader, reader.bundle(procedure, found.row.version)),
            remarks=definition_uses.remarks(reader, procedure, found.row.version),
            may_open=found.row.is_startable and _may_open(reader, procedure),
        )
        return visit.page(reader, "procedures/procedure.html", model)


@router.get("/procedures/{procedure}/decisions/{decision}")
def decision_page(visit: Visiting, procedure: str, decision: str, version: int = 0, org_type: str = "") -> Response:
    """A decision table in words; what stands in the address is tried out."""
    require(visit.principal, Action.DEFINITION_READ)
    query = visit.request.query_params
    tried = {name: query.getlist(name) for name in query if name != "version"}
    with visit.reader() as reader:
        found = procedures.page(reader, procedure, version or None)
        tables = reader.services.definitions.get(reader.connection, procedure, found.row.version).decisions
        table = decision_pages.page(reader, tables, decision, tried)
        return visit.page(reader, "procedures/decision.html", DecisionModel(found.row, table, org_type or "school"))


@router.get("/procedures/{procedure}/forms/{form}")
def form_page(visit: Visiting, procedure: str, form: str, view: str = "", version: int = 0) -> Response:
    """A form as it will be asked, with the rules of each field."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        found = procedures.page(reader, procedure, version or None)
        shown = form_views.page(reader, reader.bundle(procedure, found.row.version), form, view)
        context = FillContext(now=reader.now, account_id=visit.principal.account_id, account_name=visit.principal.name)
        model = FormWriter(shown.view, context, Directory(), reader.locale).write(Filled({}))
        return visit.page(reader, "procedures/form.html", FormPreview(found.row, shown, model))


@router.get("/procedures/{procedure}/differences")
def differences_page(visit: Visiting, procedure: str, before: int = 0, after: int = 0) -> Response:
    """What changed from one version to another; without a choice from the one before the newest to the newest."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        found = procedures.page(reader, procedure, after or None)
        older = [each.version for each in found.versions if each.version < found.row.version]
        compared = procedure_changes.compare(reader, procedure, before or max(older, default=found.row.version),
                                             found.row.version)  # fmt: skip
        drawings = tuple(_drawn(reader, procedure, compared, place) for place in compared.places)
        return visit.page(reader, "procedures/differences.html", DifferencesModel(found, compared, drawings))


def _drawn(reader: Reader, procedure: str, compared: Comparison, place: PlaceRow) -> Drawn:
    if not place.is_page:
        return Drawn(place, Markup(""), Markup(""))
    return Drawn(
        place,
        _picture(reader, (procedure, compared.before, place.id), dict(place.marks_before)),
        _picture(reader, (procedure, compared.after, place.id), dict(place.marks_after)),
    )


def _picture(reader: Reader, page: tuple[str, int, str], marks: dict[str, str]) -> Markup:
    """The drawing of a page of a version with its marks; "" where the version has no such page."""
    try:
        return drawn(procedures.xml(reader, *page), marks, reader.locale)
    except NoSuch:
        return Markup("")


def _may_open(reader: Reader, procedure: str) -> bool:
    """Whether the reader may begin it somewhere: a training as trainer, everything else where cases are found."""
    return TRAINER in reader.principal.roles if procedure == TRAINING else may_report(reader)
