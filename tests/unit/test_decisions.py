"""The DMN reader, hit policies and cells, on small tables made here."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.decision_tables import compile_cell, split_cells
from service.engine.decisions import DecisionError, DecisionResult, evaluate, load_decisions
from service.engine.expressions import ExpressionError, Scope
from tests.unit.dmn_tables import OVERLAPPING, Row, a_file, a_table, table

NOW = datetime(2021, 3, 2, 2, 0, tzinfo=UTC)


def decide(xml: str, name: str = "D99", **names: object) -> DecisionResult:
    scope = Scope(names=names, now=NOW, policies={"limit": Decimal("37.3"), "flag": True}, facts={"count": 3})
    return evaluate(name, load_decisions(a_file(xml)), scope)


def refusal(xml: str) -> str:
    with pytest.raises(DecisionError) as caught:
        load_decisions(xml)
    assert caught.value.zh
    assert caught.value.en
    return caught.value.code


# --- cells ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "hits", "misses"),
    [
        ("", [1, None, "x"], []),
        ("-", [1, None, "x"], []),
        (">= 37.3", [37.3, 38], [37.2, None]),
        ("> 37.3", [37.4], [37.3, None]),
        ("< 3", [2], [3, None]),
        ("<=3", [3], [4, None]),
        ("!= 3", [4, None], [3]),
        ("== 3", [3], [4, None]),
        ("3", [3], [4, None]),
        ('"a"', ["a"], ["b", None, ""]),
        ('"a", "b"', ["a", "b"], ["c", None]),
        ('"a,b"', ["a,b"], ["a"]),
        ("< 1, > 5, 3", [0, 6, 3], [1, 5, 4, None]),
        ('not("a")', ["b", None], ["a"]),
        ('not("a", "b")', ["c"], ["a", "b"]),
        ("not(> 3)", [3, None], [4]),
        ("= not (value > 3)", [3], [4]),
        ("[1..5]", [1, 3, 5], [0, 6, None]),
        ("(1..5)", [2], [1, 5, None]),
        ("(1..5], 9", [5, 9], [1, 6]),
        ('in ["a", "b"]', ["a"], ["c", None]),
        ("true", [True], [False, None]),
        ("false", [False], [True, None]),
        ("null", [None], [0, "", False]),
        ('null, "a"', [None, "a"], ["b"]),
        ('>= policy("limit")', [37.3], [37.2]),
        ("< other", [1], [2]),
        ("= value > 3 and value < 5", [4], [3, 5]),
        ('= overlap(value, ["a"])', [["a", "b"]], [["b"], []]),
        ('= fact("count") == value', [3], [4]),
    ],
)
def test_cells(cell: str, hits: list[object], misses: list[object]) -> None:
    test = compile_cell(cell)
    scope = {"other": 2}

    def matches(value: object) -> bool:
        names = {**scope, "value": value}
        inside = Scope(names=names, now=NOW, policies={"limit": Decimal("37.3")}, facts={"count": 3})
        return test is None or bool(test.evaluate(inside))

    assert [value for value in hits if not matches(value)] == []
    assert [value for value in misses if matches(value)] == []


@pytest.mark.parametrize(
    "cell",
    ["> ", '"a', "[1..", "a b", "__import__('os')", "= lambda: 1", ",", "value > 3", "not(value)", "> value", '"a",'],
)
def test_cells_that_cannot_be_read(cell: str) -> None:
    with pytest.raises(ExpressionError):
        compile_cell(cell)


def test_cells_are_split_outside_brackets_and_quotes() -> None:
    assert split_cells('"a,b", in [1,2], f(3,4)') == ['"a,b"', " in [1,2]", " f(3,4)"]


# --- hit policies ---------------------------------------------------------------------------


def test_first_takes_the_first_row() -> None:
    assert decide(a_table(OVERLAPPING), x=5) == DecisionResult({"y": "a"}, (1,))


def test_unique_is_checked() -> None:
    xml = a_table(OVERLAPPING, policy="UNIQUE")
    assert decide(xml, x=2) == DecisionResult({"y": "a"}, (1,))
    with pytest.raises(DecisionError) as caught:
        decide(xml, x=3)
    assert caught.value.code == "not_unique"
    assert "1, 2" in caught.value.zh


def test_unique_is_the_default() -> None:
    xml = a_table(OVERLAPPING).replace('hitPolicy="FIRST"', "")
    with pytest.raises(DecisionError, match="rows 1, 2, 3"):
        decide(xml, x=5)


def test_any_wants_equal_results() -> None:
    xml = a_table([(["> 1"], ['"a"']), (["> 2"], ['"a"']), (["> 3"], ['"b"'])], policy="ANY")
    assert decide(xml, x=3).values == {"y": "a"}
    with pytest.raises(DecisionError) as caught:
        decide(xml, x=4)
    assert caught.value.code == "not_same"


def test_priority_follows_the_order_of_the_output_values() -> None:
    xml = a_table(OVERLAPPING, policy="PRIORITY", outputs=['y:string:"b", "a"'])
    assert decide(xml, x=2) == DecisionResult({"y": "a"}, (1,))
    assert decide(xml, x=4) == DecisionResult({"y": "b"}, (2,))


@pytest.mark.parametrize("policy", ["COLLECT", "RULE ORDER"])
def test_lists_hold_every_matching_row_in_order(policy: str) -> None:
    xml = a_table(OVERLAPPING, policy=policy)
    assert decide(xml, x=5) == DecisionResult({"y": ["a", "b", "a"]}, (1, 2, 3))
    assert decide(xml, x=0) == DecisionResult({"y": []}, ())


@pytest.mark.parametrize(
    ("aggregation", "at_five", "at_zero"),
    [("SUM", Decimal("6.5"), 0), ("MIN", 1, None), ("MAX", Decimal("3.5"), None), ("COUNT", 3, 0)],
)
def test_collect_aggregates(aggregation: str, at_five: object, at_zero: object) -> None:
    rows: list[Row] = [(["> 1"], ["1"]), (["> 2"], ["3.5"]), (["> 3"], ["2"])]
    xml = a_table(rows, policy="COLLECT", outputs=["y:number"], attributes=f'aggregation="{aggregation}"')
    assert decide(xml, x=5).values == {"y": at_five}
    assert decide(xml, x=0).values == {"y": at_zero}


def test_an_aggregate_of_text_is_an_error() -> None:
    rows: list[Row] = [(["> 1"], ["1"]), (["> 2"], ['"b"'])]
    with pytest.raises(DecisionError) as caught:
        decide(a_table(rows, policy="COLLECT", outputs=["y:"], attributes='aggregation="MAX"'), x=5)
    assert caught.value.code == "not_a_number"


def test_no_match_is_an_error_unless_there_is_a_default() -> None:
    xml = a_table(OVERLAPPING)
    with pytest.raises(DecisionError) as caught:
        decide(xml, x=0)
    assert caught.value.code == "no_match"
    usual = xml.replace("</output>", '<defaultOutputEntry><text>"c"</text></defaultOutputEntry></output>')
    assert decide(usual, x=0) == DecisionResult({"y": "c"}, ())


# --- evaluation -----------------------------------------------------------------------------


def test_outputs_are_expressions_and_empty_ones_null() -> None:
    xml = a_table(
        [(["-"], ["x + 1", "", '= if x > 1 then "a" else "b"'])], outputs=["a:number", "b:string", "c:string"]
    )
    assert decide(xml, x=2).values == {"a": 3, "b": None, "c": "a"}


def test_a_required_decision_is_visible_by_its_id() -> None:
    below = a_table(
        [(["> 1"], ['"a"', "x"]), (["> 2"], ['"b"', "x + 1"])], policy="COLLECT", outputs=["k:string", "n:number"]
    )
    link = '<informationRequirement><requiredDecision href="#D99"/></informationRequirement>'
    above = a_table(
        [(["= len(value) == 0"], ["0"]), (["-"], ["max(D99.n)"])],
        inputs=["D99.k:"],
        outputs=["top:number"],
        name="D100",
        extra=link,
    )
    assert decide(below + above, "D100", x=0).values == {"top": 0}
    assert decide(below + above, "D100", x=7).values == {"top": 8}


def test_missing_record_fields_are_null_and_other_names_are_not() -> None:
    assert decide(a_table([(["null"], ['"none"'])], inputs=["F17.certificate:"])).values == {"y": "none"}
    with pytest.raises(DecisionError) as caught:
        decide(a_table([(["null"], ['"none"'])], inputs=["certificate:"]))
    assert caught.value.code == "cell_failed"
    assert "certificate" in caught.value.zh


def test_a_value_outside_the_listed_ones_is_an_error() -> None:
    xml = a_table([(['"a"'], ['"1"']), (["-"], ['"2"'])], inputs=['x:string:"a", "b"'])
    assert decide(xml, x="b").values == {"y": "2"}
    for value in ("c", None):
        with pytest.raises(DecisionError) as caught:
            decide(xml, x=value)
        assert caught.value.code == "input_not_allowed"
    optional = a_table([(["-"], ['"2"'])], inputs=['x:string:"a", "b"?'])
    assert decide(optional, x=None).values == {"y": "2"}
    with pytest.raises(DecisionError) as caught:
        decide(a_table([(["-"], ["x"])], outputs=['y:string:"a"']), x="b")
    assert caught.value.code == "output_not_allowed"


def test_an_unknown_decision_is_named() -> None:
    with pytest.raises(DecisionError) as caught:
        evaluate("D42", {}, Scope(names={}, now=NOW))
    assert (caught.value.code, caught.value.decision) == ("unknown_decision", "D42")


def test_what_a_table_says() -> None:
    decision = table(a_table(OVERLAPPING))
    assert (decision.id, decision.name, len(decision.rules), decision.rules[0].cite) == ("D99", "测试", 3, "[S0§5]")


# --- the reader -----------------------------------------------------------------------------

GOOD = a_file(a_table(OVERLAPPING))


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("", "dmn_xml"),
        ("<definitions", "dmn_xml"),
        ("\x00", "dmn_xml"),
        ("<a/>", "dmn_namespace"),
        (GOOD.replace("20191111", "20151101"), "dmn_namespace"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]>" + GOOD, "dmn_doctype"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd">' + GOOD, "dmn_doctype"),
        (GOOD + " " * 1_000_001, "dmn_too_large"),
        (a_file(), "dmn_empty"),
        (a_file('<decision id="D1" name="x"/>'), "dmn_empty"),
        (a_file('<decision id="D1"><literalExpression><text>1</text></literalExpression></decision>'), "dmn_element"),
        (a_file('<businessKnowledgeModel id="b"/>'), "dmn_element"),
        (a_file('<decision id="D1"><x:script xmlns:x="urn:x"/></decision>'), "dmn_element"),
        (a_file(a_table(OVERLAPPING, name="a b")), "dmn_id"),
        (a_file(a_table(OVERLAPPING), a_table(OVERLAPPING)), "dmn_id"),
        (a_file(a_table(OVERLAPPING, outputs=["class x:string"])), "dmn_id"),
        (a_file(a_table(OVERLAPPING, policy="OUTPUT ORDER")), "dmn_hit_policy"),
        (a_file(a_table(OVERLAPPING, policy="COLLECT", attributes='aggregation="AVG"')), "dmn_aggregation"),
        (a_file(a_table(OVERLAPPING, attributes='aggregation="SUM"')), "dmn_aggregation"),
        (
            a_file(
                a_table([(["-"], ["1", "2"])], policy="COLLECT", outputs=["a:", "b:"], attributes='aggregation="SUM"')
            ),
            "dmn_aggregation",
        ),
        (a_file(a_table(OVERLAPPING, policy="PRIORITY")), "dmn_priority"),
        (a_file(a_table([(["-", "-"], ['"a"'])])), "dmn_cells"),
        (a_file(a_table([(["-"], [])])), "dmn_cells"),
        (a_file(a_table([])), "dmn_empty"),
        (a_file(a_table([(["-"], ["1"])], outputs=[])), "dmn_empty"),
        (a_file(a_table([(["> ("], ['"a"'])])), "dmn_expression"),
        (a_file(a_table([(["-"], ["open('x')"])])), "dmn_expression"),
        (a_file(a_table(OVERLAPPING, inputs=["__x:number"])), "dmn_expression"),
        (a_file(a_table(OVERLAPPING, inputs=["x:colour"])), "dmn_type"),
        (a_file(a_table([(["-"], ["1"])] * 501)), "dmn_too_large"),
        (
            a_file(
                a_table(
                    OVERLAPPING, extra='<informationRequirement><requiredDecision href="#D1"/></informationRequirement>'
                )
            ),
            "dmn_requires",
        ),
        (
            a_file(
                a_table(
                    OVERLAPPING,
                    extra='<informationRequirement><requiredDecision href="#D99"/></informationRequirement>',
                )
            ),
            "dmn_requires",
        ),
    ],
)
def test_files_are_refused_by_rule(xml: str, code: str) -> None:
    assert refusal(xml) == code


def test_a_declared_encoding_does_not_matter_to_text() -> None:
    assert load_decisions('<?xml version="1.0" encoding="GB2312"?>' + GOOD)["D99"].name == "测试"


def test_drawing_and_vendor_data_are_left_alone() -> None:
    xml = GOOD.replace("<decisionTable", '<extensionElements><x:y xmlns:x="urn:x"/></extensionElements><decisionTable')
    xml = xml.replace("</definitions>", '<d:DMNDI xmlns:d="urn:d"><d:DMNDiagram/></d:DMNDI></definitions>')
    assert list(load_decisions(xml)) == ["D99"]


@given(st.text(max_size=200) | st.integers(0, len(GOOD)).map(lambda cut: GOOD[:cut] + GOOD[cut + 7 :]))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(xml: str) -> None:
    try:
        found = load_decisions(xml)
    except DecisionError:
        return
    assert list(found) == ["D99"] or found
