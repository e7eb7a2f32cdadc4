"""The lines of the matrix, from the files that are shipped: diagrams, decision tables, deadline rules, forms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from service.domain.deadlines import load_rules
from service.domain.forms import FormLibrary
from service.engine.decisions import Decision, load_decisions
from service.engine.model import Kind, Node, Trigger
from service.settings import ROOT
from tests.paths.coverage.diagrams import processes

WORKFLOWS = ROOT / "workflows"
NO_STEPS = frozenset({Kind.XOR, Kind.AND, Kind.OR, Kind.EVENT_GATEWAY, Kind.EVENT_SUBPROCESS})


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a test may assert; `shows` are the steps of diagrams it shows in, of a step its form or table."""

    section: str
    id: str
    name: str
    shows: tuple[str, ...] = ()


@cache
def forms() -> FormLibrary:
    """The shipped forms."""
    return FormLibrary.load(ROOT / "forms")


@cache
def nodes() -> Mapping[str, Node]:
    """Every node of every diagram; ids are unique over all of them."""
    return {node.id: node for page in processes().values() for node in page.nodes.values()}


@cache
def decisions() -> Mapping[str, Decision]:
    """Every decision table."""
    paths = sorted((WORKFLOWS / "decisions").glob("*.dmn"))
    return {key: table for path in paths for key, table in load_decisions(path.read_text("utf-8")).items()}


def lines() -> list[Line]:
    """Every line: steps page by page, decision rows, deadline rules, form fields."""
    return [*_steps(), *_rows(), *_rules(), *_fields()]


def _steps() -> Iterator[Line]:
    for page in sorted(processes().values(), key=lambda page: page.id):
        for node in page.nodes.values():
            if node.kind not in NO_STEPS and not (node.kind is Kind.START and node.trigger is Trigger.NONE):
                shows = tuple(each for each in (node.form, node.decision, node.message, node.called) if each)
                yield Line(f"{page.name} `{page.id}`", node.id, node.name, shows)


def _rows() -> Iterator[Line]:
    for decision in decisions().values():
        used = tuple(node.id for node in nodes().values() if node.decision == decision.id)
        for number in range(1, len(decision.rules) + 1):
            yield Line("判定表 Decision tables", f"{decision.id}:{number}", decision.name, used)


def _rules() -> Iterator[Line]:
    for rule in load_rules(WORKFLOWS / "deadlines.yaml").values():
        yield Line("时限 Deadlines", rule.id, rule.label_zh, (*_marked(rule.id), *timed_by().get(rule.id, ())))


def _marked(rule: str) -> tuple[str, ...]:
    return tuple(node.id for node in nodes().values() if any(mark.rule == rule for mark in node.deadlines))


@cache
def timed_by() -> Mapping[str, tuple[str, ...]]:
    """The timers that keep a rule no element is marked with: those that read its value."""
    found = {}
    for rule in load_rules(WORKFLOWS / "deadlines.yaml").values():
        reads = [f'policy("{key}")' for key in rule.policies]
        timers = tuple(node.id for node in nodes().values() if any(each in node.timer for each in reads))
        if timers and not _marked(rule.id):
            found[rule.id] = timers
    return found


def _fields() -> Iterator[Line]:
    for form in forms().forms():
        shown: dict[str, tuple[str, list[str]]] = {}
        for view in form.views.values():
            used = [node.id for node in nodes().values() if node.form == view.key]
            for field in view.fields:
                if not field.is_auto:
                    shown.setdefault(field.key, (field.label.zh, []))[1].extend(used)
        for key, (label, used) in shown.items():
            yield Line("表单字段 Form fields", f"{form.id}.{key}", label, tuple(dict.fromkeys(used)))
