"""The examples that decision tables carry: each holds, and together they reach every row."""

import pytest

from service.domain.policies import typed
from service.domain.policy_overrides import snapshot
from service.engine.decision_tables import Example
from service.engine.decisions import Decision, DecisionError, columns_of, decide_columns, evaluate, handed_on
from service.engine.expression_values import plain
from service.engine.expressions import Scope, compile_expression
from tests.unit.dmn_tables import a_table, table
from tests.unit.test_decision_tables import CATALOGUE, TABLES

EXAMPLES = [(decision, example) for decision in TABLES.values() for example in decision.examples]


def scope_of(example: Example) -> Scope:
    organisation = str(example.names.get("org_type", "school"))
    policies = typed(CATALOGUE, {**snapshot(CATALOGUE, organisation, []), **example.policies})
    return Scope(names=example.names, now=example.now, policies=policies, facts=example.facts)


@pytest.mark.parametrize(("decision", "example"), EXAMPLES, ids=lambda each: getattr(each, "id", ""))
def test_an_example_holds(decision: Decision, example: Example) -> None:
    result = evaluate(decision.id, TABLES, scope_of(example))
    assert {name: result.values[name] for name in example.expected} == plain(example.expected)
    assert result.matched == example.rows


@pytest.mark.parametrize(("decision", "example"), EXAMPLES, ids=lambda each: getattr(each, "id", ""))
def test_the_columns_alone_reach_the_same_rows(decision: Decision, example: Example) -> None:
    scope = scope_of(example)
    values = columns_of(decision.id, TABLES, scope)
    organisation = Scope(names={}, now=scope.now, policies=scope.policies, facts={"org_type": "school"})
    assert decide_columns(decision.id, TABLES, values, organisation).matched == example.rows


@pytest.mark.parametrize("decision", [each for each in TABLES.values() if each.examples], ids=lambda each: each.id)
def test_the_examples_reach_every_row(decision: Decision) -> None:
    assert {row for example in decision.examples for row in example.rows} == set(range(1, len(decision.rules) + 1))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"expect": 1}', '{"expect": {}, "typo": {}}', '{"expect": {}, "now": "today"}']
)
def test_an_example_that_cannot_be_read_is_refused(text: str) -> None:
    extra = f'<extensionElements><tocsin:example rows="1">{text}</tocsin:example></extensionElements>'
    with pytest.raises(DecisionError) as caught:
        table(a_table([(["1"], ['"a"'])], extra=extra))
    assert caught.value.code == "dmn_example"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("F03.cough", "F03.cough"),
        ("report_kind", "report_kind"),
        ('if given(org_type) then org_type else fact("org_type")', "org_type"),
        ("if given(F01.symptoms) then F01.symptoms else []", "F01.symptoms"),
        ('if given(org_type) then F01.place else ""', ""),
        ("F03.cough == true", ""),
        ('fact("diagnosis")', ""),
    ],
)
def test_what_a_column_hands_on(text: str, name: str) -> None:
    assert handed_on(compile_expression(text)) == name
