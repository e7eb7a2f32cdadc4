"""Gaps, overlaps, dead rows and types, found on small tables."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.decisions import DecisionError, check, evaluate
from service.engine.expressions import Scope
from tests.unit.dmn_tables import OVERLAPPING, Row, a_table, table

NOW = datetime(2021, 3, 2, 2, 0, tzinfo=UTC)


def rules_of(xml: str, policies: dict[str, object] | None = None) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in check(table(xml), policies)]


def test_a_complete_table_has_no_finding() -> None:
    assert rules_of(a_table([(["< 3"], ['"a"']), ([">= 3"], ['"b"'])], policy="UNIQUE")) == []
    assert rules_of(a_table([(["true"], ['"a"']), (["false"], ['"b"'])], policy="UNIQUE", inputs=["x:boolean"])) == []
    assert rules_of(a_table([(['"a"'], ['"1"']), (['"b"'], ['"2"'])], inputs=['x:string:"a", "b"'])) == []


def test_a_gap_is_shown_with_a_value() -> None:
    (finding,) = check(table(a_table([(["< 3"], ['"a"']), (["> 3"], ['"b"'])])))
    assert (finding.rule, finding.severity, finding.element) == ("decision_gap", "warning", "D99")
    assert "x=3" in finding.message
    assert "x=3" in finding.message_en


def test_null_is_a_gap_only_where_it_may_occur() -> None:
    rows: list[Row] = [(["< 3"], ['"a"']), ([">= 3"], ['"b"'])]
    assert rules_of(a_table(rows, inputs=["x:number"])) == []
    assert rules_of(a_table(rows, inputs=["x:number?"])) == [("decision_gap", "warning")]


def test_other_text_is_a_gap_when_no_values_are_listed() -> None:
    assert rules_of(a_table([(['"a"'], ['"1"'])], inputs=["x:string"])) == [("decision_gap", "warning")]


def test_an_overlap_is_an_error_for_unique_and_for_differing_any() -> None:
    assert ("decision_overlap", "error") in rules_of(a_table(OVERLAPPING, policy="UNIQUE"))
    assert ("decision_overlap", "error") in rules_of(a_table(OVERLAPPING, policy="ANY"))
    same: list[Row] = [(["> 1"], ['"a"']), (["<= 3"], ['"a"'])]
    assert rules_of(a_table(same, policy="ANY")) == []
    assert rules_of(a_table(same, policy="FIRST")) == []


def test_a_row_behind_a_wider_one_is_never_reached() -> None:
    found = check(table(a_table([(["-"], ['"a"']), (["> 3"], ['"b"'])])))
    assert [(f.rule, f.message_en) for f in found] == [("decision_unreachable", "decision D99: row 2 is never reached")]


def test_policies_make_a_column_transparent() -> None:
    rows: list[Row] = [(['>= policy("limit")'], ['"a"']), (['< policy("limit")'], ['"b"'])]
    assert rules_of(a_table(rows)) == [("decision_gap", "warning")]  # nothing proves it complete
    assert rules_of(a_table(rows), {"limit": Decimal("37.3")}) == []


def test_wrong_types_are_errors() -> None:
    assert ("decision_type", "error") in rules_of(a_table([(["-"], ["1"])]))
    assert ("decision_type", "error") in rules_of(a_table([(["-"], ['"c"'])], outputs=['y:string:"a", "b"']))
    assert ("decision_type", "error") in rules_of(a_table([(['"warm"'], ['"a"']), (["-"], ['"b"'])]))
    assert ("decision_type", "error") in rules_of(
        a_table([(['"c"'], ['"1"']), (["-"], ['"2"'])], inputs=['x:string:"a"'])
    )
    assert rules_of(a_table([(["-"], ["true"])], outputs=["y:number"])) == [("decision_type", "error")]


def test_a_list_may_have_gaps() -> None:
    assert rules_of(a_table([(["> 3"], ['"a"'])], policy="COLLECT")) == []


def test_too_many_combinations_are_said_not_hidden() -> None:
    columns = [f"x{n}:number" for n in range(12)]
    rows: list[Row] = [([f"> {n}"] * 12, ['"a"']) for n in range(5)]
    assert ("decision_not_checked", "warning") in rules_of(a_table(rows, inputs=columns))


@given(st.lists(st.tuples(st.sampled_from(["<", "<=", ">", ">=", "=="]), st.integers(0, 4)), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_checker_agrees_with_evaluation(cells: list[tuple[str, int]]) -> None:
    xml = a_table([([f"{sign} {bound}"], ['"a"']) for sign, bound in cells], policy="UNIQUE", outputs=["y:string"])
    found = {finding.rule for finding in check(table(xml))}
    failures = set()
    for half in range(-2, 12):
        try:
            evaluate("D99", {"D99": table(xml)}, Scope(names={"x": half / 2}, now=NOW))
        except DecisionError as error:
            failures.add(error.code)
    assert ("decision_gap" in found) == ("no_match" in failures)
    assert ("decision_overlap" in found) == ("not_unique" in failures)
