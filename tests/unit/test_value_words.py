"""Every value a decision table names is said in words, in both languages, and a row reads as a sentence."""

import ast
import re
from collections.abc import Iterator

import pytest

from service.application.queries.expression_words import said
from service.application.queries.value_words import ValueWords
from service.domain.deadlines import load_rules
from service.domain.forms import FormLibrary
from service.engine.decisions import Decision, handed_on
from service.engine.expressions import Expression, compile_expression
from service.settings import ROOT
from tests.unit.test_decision_tables import CATALOGUE, TABLES

FORMS = FormLibrary.load(ROOT / "forms")
RULES = load_rules(ROOT / "workflows" / "deadlines.yaml")
PROCEDURES = {path.parent.name: path.parent.name for path in (ROOT / "workflows").glob("*/*.bpmn")}
WORDS = {locale: ValueWords(FORMS, CATALOGUE, RULES, locale, PROCEDURES) for locale in ("zh_CN", "en")}
HAN = re.compile(r"[\u3400-\u9fff]")


def codes(cell: Expression | None) -> Iterator[str]:
    """The texts a cell names, but for keys of policies and facts."""
    if cell is None:
        return
    calls = [node for node in ast.walk(cell.tree) if isinstance(node, ast.Call)]
    keys = {id(each) for node in calls if ast.unparse(node.func) in ("policy", "fact") for each in node.args}
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            yield node.value


def columns(decision: Decision) -> Iterator[tuple[str, str]]:
    """Each value with what it is about."""
    for rule in decision.rules:
        for clause, test in zip(decision.inputs, rule.tests, strict=True):
            yield from ((code, handed_on(clause.expression)) for code in codes(test))
        for output, result in zip(decision.outputs, rule.results, strict=True):
            yield from ((code, output.name) for code in codes(result))


@pytest.mark.parametrize("decision", TABLES.values(), ids=lambda decision: decision.id)
def test_every_value_of_a_table_has_a_word(decision: Decision) -> None:
    found = set(columns(decision))
    assert [each for each in found if not WORDS["zh_CN"].is_known(*each) and not HAN.search(each[0])] == []
    assert [each for each in found if not WORDS["en"].is_known(*each) or HAN.search(WORDS["en"].code(*each))] == []


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ('value == ("red")', "红码", "red"),
        ('(value == ("red")) or (value == ("yellow"))', "红码 或 黄码", "red or yellow"),
        ('not (value == ("red"))', "≠ 红码", "≠ red"),
        ("value != null and value >= (38)", "≥ 38", "≥ 38"),
        ("value == (true)", "是", "yes"),
        ("value == (null)", "未填写", "not filled in"),
        ('overlap(value, ["cough", "diarrhoea"])', "含 咳嗽、腹泻 之一", "has one of cough, diarrhoea"),
        ("if given(F03.cough) then F03.cough else false", "咳嗽", "cough"),
        ("now() - value < policy(\"symptom_free_fever\")", "现在 − 该值 <", "now − the value <"),
    ],
)  # fmt: skip
def test_a_cell_is_said_in_words(text: str, zh: str, en: str) -> None:
    cell = compile_expression(text)
    assert said(cell, WORDS["zh_CN"], "F20.health_code").startswith(zh)
    assert said(cell, WORDS["en"], "F20.health_code").startswith(en)
