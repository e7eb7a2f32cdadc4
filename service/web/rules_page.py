"""The rule book of the linter, and a page that checks the files of a bundle before they are deployed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import definitions
from service.application.queries import rule_book
from service.application.queries.reader import Reader
from service.application.queries.rule_book import Example, RuleGroup, RuleRow
from service.domain.access import Action, may, require
from service.domain.errors import DefinitionRefused
from service.engine import drawn_findings
from service.engine.model import Finding
from service.persistence.unit_of_work import UnitOfWork
from service.web.diagram_page import drawn
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SHOWN = 100  # findings on one page
PICTURES = 5


@dataclass(frozen=True, slots=True)
class RulesPage:
    """Every rule."""

    groups: tuple[RuleGroup, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An example as it is shown."""

    excerpt: str
    svg: Markup
    said: str


@dataclass(frozen=True, slots=True)
class RuleModel:
    """One rule with its examples."""

    rule: RuleRow
    bad: Shown | None
    good: Shown | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding with its picture where it tells a way."""

    file: str
    element: str
    rule: str
    is_error: bool
    said: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class CheckPage:
    """The files that were sent and what is wrong with them; `checked` is empty before anything was sent."""

    checked: tuple[str, ...]
    procedure: str
    findings: tuple[FindingRow, ...]
    left_out: int
    is_accepted: bool
    may_deploy: bool


@router.get("/rules")
def rules_page(visit: Visiting) -> Response:
    """The rule book."""
    require(visit.principal, Action.DEFINITION_READ)
    groups = rule_book.groups(visit.locale)
    with visit.reader() as reader:
        model = RulesPage(groups, sum(len(group.rules) for group in groups))
        return visit.page(reader, "rules/list.html", model)


@router.get("/rules/check")
def check_page(visit: Visiting) -> Response:
    """Where files are checked."""
    require(visit.principal, Action.DEFINITION_READ)
    with visit.reader() as reader:
        model = CheckPage((), "", (), 0, is_accepted=False, may_deploy=_may_deploy(visit))
        return visit.page(reader, "rules/check.html", model)


@router.post("/rules/check")
def check(visit: Visiting, posted: Form) -> Response:
    """Check files, and deploy them where that was asked for and nothing is wrong."""
    content = {upload.name: upload.content for upload in posted.uploads if upload.content}
    procedure = posted.get("procedure") or _entry(content)
    texts = {name: text.decode("utf-8", errors="replace") for name, text in content.items()}
    require(visit.principal, Action.DEFINITION_READ)
    if posted.get("act") == "deploy":
        require(visit.principal, Action.DEFINITION_DEPLOY)
        try:
            visit.site.tocsin.run(lambda uow: _deploy(visit, uow, procedure, texts))
        except DefinitionRefused as refused:
            return _answer(visit, content, procedure, refused.findings)
        return go(f"/procedures/{procedure}")
    with visit.reader() as reader:
        found = _lint(reader, procedure, texts)
    return _answer(visit, content, procedure, found)


@router.get("/rules/{rule}")
def rule_page(visit: Visiting, rule: str) -> Response:
    """One rule with its examples."""
    require(visit.principal, Action.DEFINITION_READ)
    found = rule_book.page(rule, visit.locale)
    with visit.reader() as reader:
        model = RuleModel(found.rule, _shown(found.bad, visit.locale), _shown(found.good, visit.locale))
        return visit.page(reader, "rules/rule.html", model)


def _deploy(visit: Visit, uow: UnitOfWork, procedure: str, texts: dict[str, str]) -> None:
    store = visit.site.tocsin.services.definitions
    definitions.deploy(uow, store, procedure, texts, actor=visit.principal.account_id)


def _lint(reader: Reader, procedure: str, texts: dict[str, str]) -> list[Finding]:
    known = definitions.ProceduresInUse(reader.connection)
    return reader.services.definitions.read(procedure, texts, known_procedures=known)[1]


def _may_deploy(visit: Visit) -> bool:
    return may(visit.principal, Action.DEFINITION_DEPLOY)


def _entry(content: dict[str, bytes]) -> str:
    """The procedure of the files: the name of the first diagram."""
    return min((name.removesuffix(".bpmn") for name in content if name.endswith(".bpmn")), default="")


def _answer(visit: Visit, content: dict[str, bytes], procedure: str, found: Sequence[Finding]) -> Response:
    is_accepted = not any(each.severity == "error" for each in found)
    rows = tuple(_rows(content, found[:SHOWN], visit.locale))
    model = CheckPage(
        tuple(content), procedure, rows, max(len(found) - SHOWN, 0), is_accepted=is_accepted,
        may_deploy=_may_deploy(visit),
    )  # fmt: skip
    with visit.reader() as reader:
        return visit.page(reader, "rules/check.html", model, status=200 if is_accepted else 422)


def _rows(content: dict[str, bytes], found: Sequence[Finding], locale: str) -> Iterator[FindingRow]:
    """Errors first; the first ones that tell a way are drawn."""
    left = PICTURES
    for each in sorted(found, key=lambda one: one.severity != "error"):
        svg = Markup("")
        if each.path and left and each.file in content:
            left -= 1
            svg = _drawn(drawn_findings.drawable(content[each.file]), drawn_findings.marks(each), locale)
        said = each.message_en if locale.startswith("en") else each.message
        yield FindingRow(each.file, each.element, each.rule, each.severity == "error", said, svg)


def _shown(example: Example | None, locale: str) -> Shown | None:
    if example is None:
        return None
    return Shown(example.excerpt, _drawn(example.drawing, example.marks, locale), example.said)


def _drawn(xml: str, marks: dict[str, str], locale: str) -> Markup:
    return drawn(xml, marks, locale) if xml else Markup("")
