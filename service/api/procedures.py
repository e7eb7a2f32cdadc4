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
from service.application.queries import Reader, procedures
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
