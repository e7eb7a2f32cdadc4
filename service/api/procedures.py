"""Procedures: the deployed definitions, their XML, and deploying."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile

from service.api import problems
from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import FormAnswer, Page, page_of
from service.application import definitions
from service.application.definitions import Deployed
from service.application.queries import Reader, decision_pages, procedure_changes, procedures
from service.application.services import Services
from service.domain.access import Action, Principal
from service.domain.errors import ValueRefused
from service.persistence.unit_of_work import UnitOfWork

router = APIRouter(route_class=ProblemRoute, prefix="/procedures", tags=["procedures"])

Reading = Annotated[Door, permit(Action.DEFINITION_READ)]
XML = "application/xml"
SUFFIXES = (".bpmn", ".dmn")


class StartAnswer(FormAnswer):
    """A start event with the form an incident is opened with."""

    element: str
    name: str


class ProcedureItem(Answer):
    """A procedure; `start` is its first start event with a form, null if no person can open it."""

    id: str
    version: int
    name: str
    organisation_types: list[str]
    start: StartAnswer | None


class PageAnswer(Answer):
    """A process page."""

    process: str
    name: str
    file: str
    steps: int


class ProcedureAnswer(ProcedureItem):
    """One procedure."""

    starts: list[StartAnswer]
    pages: list[PageAnswer]
    decisions: list[str]
    versions: list[int]


class ColumnAnswer(Answer):
    """A column of a decision table; `read` is where it takes its value from, "" for a result."""

    id: str
    label: str
    read: str


class RowAnswer(Answer):
    """A row in words, and where it comes from."""

    number: int
    inputs: list[str]
    outputs: list[str]
    sentence: str
    note: str
    cite: str


class ExampleAnswer(Answer):
    """An example with the rows that fire now, and whether the table says what is expected."""

    inputs: list[str]
    expected: list[str]
    rows: list[int]
    holds: bool
    error: str


class DecisionAnswer(Answer):
    """A decision table as people read it."""

    id: str
    name: str
    note: str
    hit_policy: str
    inputs: list[ColumnAnswer]
    outputs: list[ColumnAnswer]
    rules: list[RowAnswer]
    requires: list[str]
    policies: list[str]
    examples: list[ExampleAnswer]


class AspectAnswer(Answer):
    """What reads differently."""

    label: str
    before: str
    after: str


class ChangeAnswer(Answer):
    """A difference: `how` is added, removed or changed."""

    how: str
    what: str
    id: str
    name: str
    aspects: list[AspectAnswer]


class PlaceAnswer(Answer):
    """The differences of a page or a decision table."""

    id: str
    name: str
    is_page: bool
    rows: list[ChangeAnswer]


class ComparisonAnswer(Answer):
    """What changed from a version to another."""

    before: int
    after: int
    count: int
    places: list[PlaceAnswer]


class DeployAnswer(Answer):
    """A deployed bundle; the same files again are the same version."""

    id: str
    version: int
    is_new: bool
    findings: list[dict[str, str]]


@router.get("")
def listed(door: Reading) -> Page[ProcedureItem]:
    """Deployed procedures with the form an incident is opened with."""

    def query(reader: Reader) -> list[ProcedureItem]:
        return [_item(procedures.page(reader, row.id)) for row in procedures.listing(reader)]

    return page_of(door.read(query))


@router.get("/{procedure}")
def one(procedure: str, door: Reading) -> ProcedureAnswer:
    """One procedure in its active version."""
    page = door.read(lambda reader: procedures.page(reader, procedure))
    return ProcedureAnswer(
        **{name: getattr(_item(page), name) for name in ProcedureItem.model_fields},
        starts=_starts(page),
        pages=[PageAnswer.model_validate(each) for each in page.pages],
        decisions=[each.id for each in page.decisions],
        versions=[each.version for each in page.versions],
    )


@router.get("/{procedure}/versions/{version}/bpmn", response_class=Response)
def bpmn(procedure: str, version: int, door: Reading, page: str = "") -> Response:
    """The XML of a page, of the entry page without `page`."""
    text = door.read(lambda reader: procedures.xml(reader, procedure, version, page))
    return Response(text, media_type=XML)


@router.get("/{procedure}/versions/{version}/dmn/{decision}", response_class=Response)
def dmn(procedure: str, version: int, decision: str, door: Reading) -> Response:
    """The XML of a decision."""
    text = door.read(lambda reader: procedures.xml(reader, procedure, version, decision, suffix=".dmn"))
    return Response(text, media_type=XML)


@router.get("/{procedure}/versions/{version}/decisions/{decision}")
def decision(procedure: str, version: int, decision: str, door: Reading) -> DecisionAnswer:
    """A decision table in words, with its examples run."""

    def query(reader: Reader) -> DecisionAnswer:
        tables = reader.services.definitions.get(reader.connection, procedure, version).decisions
        page = decision_pages.page(reader, tables, decision, {})
        shown = {name: getattr(page.view, name) for name in DecisionAnswer.model_fields if name != "examples"}
        return DecisionAnswer.model_validate({**shown, "examples": page.examples})

    return door.read(query)


@router.get("/{procedure}/differences")
def differences(procedure: str, before: int, after: int, door: Reading) -> ComparisonAnswer:
    """What changed from one version to another; drawings do not count."""
    found = door.read(lambda reader: procedure_changes.compare(reader, procedure, before, after))
    return ComparisonAnswer.model_validate(found)


@router.post("", status_code=201, response_model=DeployAnswer)
def deploy(
    door: Annotated[Door, permit(Action.DEFINITION_DEPLOY)],
    files: Annotated[list[UploadFile], File()],
    procedure: Annotated[str, Form()] = "",
) -> Response:
    """Lint a bundle (pages and decision tables) and store it as the next version; 422 with findings.

    `procedure` is the entry process; without it the page that no other page of the bundle calls.
    """
    content = {_file_name(file): _text(file) for file in files}
    name = procedure or _entry(content)

    def work(uow: UnitOfWork, services: Services, principal: Principal, _: object, *, request_id: str) -> Deployed:
        del request_id
        return definitions.deploy(uow, services.definitions, name, content, actor=principal.account_id)

    def answer(reader: Reader, done: Deployed) -> DeployAnswer:
        found = [problems.finding(each, is_english=reader.locale == "en") for each in done.findings]
        return DeployAnswer(id=done.procedure, version=done.version, is_new=done.is_new, findings=found)

    return door.change(work, {"procedure": name, "content": content}, answer, status=201)


def _item(page: procedures.ProcedurePage) -> ProcedureItem:
    row, starts = page.row, _starts(page)
    return ProcedureItem(
        id=row.id,
        version=row.version,
        name=row.name,
        organisation_types=list(row.organisation_types),
        start=starts[0] if starts else None,
    )


def _starts(page: procedures.ProcedurePage) -> list[StartAnswer]:
    return [
        StartAnswer(
            element=each.element, name=each.name, form_key=each.form_key, form_name=each.form_name,
            schema_=dict(each.schema), ui=[dict(hint) for hint in each.ui], values={},
        )
        for each in page.starts
        if each.form_key
    ]  # fmt: skip


def _file_name(file: UploadFile) -> str:
    name = PurePosixPath((file.filename or "").replace("\\", "/")).name
    if not name.endswith(SUFFIXES):
        raise ValueRefused("files", f"只接受{'、'.join(SUFFIXES)}文件", f"only {', '.join(SUFFIXES)} files are taken")
    return name


def _text(file: UploadFile) -> str:
    try:
        return file.file.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueRefused(file.filename or "files", "不是UTF-8文本", "is not UTF-8 text") from error


def _entry(content: dict[str, str]) -> str:
    """The page no other page calls; "" lets the linter say that the entry is missing."""
    pages = {name.removesuffix(".bpmn") for name in content if name.endswith(".bpmn")}
    called: set[Any] = {each for text in content.values() for each in re.findall(r'calledElement="([^"]+)"', text)}
    found = sorted(pages - called)
    return found[0] if len(found) == 1 else ""
