"""The expression language: what it computes, what it refuses, what it says about it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendar import CalendarDuration, at_local
from service.engine.cycles import Cycle
from service.engine.expressions import (
    ExpressionError,
    MissingDeadline,
    MissingName,
    Scope,
    compile_expression,
    evaluate,
    resolve,
    to_json,
)

NOW = datetime(2021, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai


def a_scope(**names: object) -> Scope:
    return Scope(
        names={
            "F01": {"found_at": "2021-03-02T09:50:00+08:00", "temperature": 37.3, "symptoms": ["cough"]},
            "F00.sign_decision": "签发",
            "病例数": 3,
            "person": "p1",
            **names,
        },
        now=NOW,
        policies={"fever_threshold": Decimal("37.3"), "progress_open": time(16), "written_report": timedelta(hours=2)},
        facts={"on_site": True, "cases": ["p1", "p2"], "empty": None},
        deadlines={("T02", ""): NOW, ("X02", "p1"): NOW + timedelta(hours=1), ("T06", "p1"): NOW},
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("7 // 2", 3),
        ("-7 % 3", 2),
        ("7 / 2", Decimal("3.5")),
        ("6 / 2", 3),
        ("0.1 + 0.2 == 0.3", True),
        ("1 < 2 < 3 <= 3", True),
        ("1 < 3 < 2", False),
        ("not true or false", False),
        ('"a" + "b"', "ab"),
        ("[1, 2] + [3]", [1, 2, 3]),
        ('"cough" in F01.symptoms', True),
        ('"x" not in ["a", "b"]', True),
        ('F01.temperature >= policy("fever_threshold")', True),
        ('F01.temperature > policy("fever_threshold")', False),
        ('F01["temperature"]', Decimal("37.3")),
        ("F01.symptoms[0]", "cough"),
        ("F01.symptoms[-1]", "cough"),
        ('F00.sign_decision == "签发"', True),
        ("病例数 >= 3", True),
        ('fact("on_site") and not false', True),
        ('F01.found_at + policy("written_report")', datetime(2021, 3, 2, 3, 50, tzinfo=UTC)),
        ('F01.found_at == "2021-03-02T01:50:00Z"', True),
        ("now() - F01.found_at", timedelta(minutes=10)),
        ('now() - F01.found_at < duration(15, "minutes")', True),
        ('duration(2, "小时")', timedelta(hours=2)),
        ('duration(1, "hours") * 1.5', timedelta(minutes=90)),
        ('duration(1, "days") / duration(1, "hours")', 24),
        ('deadline("T02")', NOW),
        ('deadline("X02", person)', NOW + timedelta(hours=1)),
        ('deadline("X02", subject="p1")', NOW + timedelta(hours=1)),
        ('max_deadline(person, "T06", "T07")', NOW),
        ("today()", "2021-03-02"),
        ('"day:" + today()', "day:2021-03-02"),
        ('date(2021, 2, 28) + duration(1, "days")', date(2021, 3, 1)),
        ('date("2021-03-02") - date(2021, 3, 1)', timedelta(days=1)),
        ("date(now())", date(2021, 3, 2)),
        ("time(now())", time(10)),
        ('at(date(now()), time("08:30"))', datetime(2021, 3, 2, 0, 30, tzinfo=UTC)),
        ("time(8, 30) < time(9, 0)", True),
        ('len(fact("cases"))', 2),
        ("max(1, 3, 2)", 3),
        ("max([1, null, 2])", 2),
        ("min([])", None),
        ("sum([0.1, 0.2])", Decimal("0.3")),
        ("sum([])", 0),
        ('sum([duration(1, "hours"), duration(30)])', timedelta(minutes=90)),
        ("any([false, true])", True),
        ("all([true, null])", False),
        ("all(1 < 2, 2 < 3)", True),
        ('overlap(F01.symptoms, ["cough", "fever"])', True),
        ('subset(["a"], ["a", "b"])', True),
        ('subset(["c"], ["a", "b"])', False),
        ("1 if false else 2", 2),
        ('if 病例数 >= 3 then "直报" else "不报"', "直报"),
        ("if false then 1 else if false then 2 else 3", 3),
        ("if true then (if false then 1 else 2) else 3", 2),
        ("if true then if false then 1 else 2 else 3", 2),
        ("if true then 1 if false else 2 else 3", 2),
        ("[if true then 1 else 2, 3 if false else 4]", [1, 4]),
        ("1 + (if true then 1 else 2)", 2),
        ('"if a then b else c"', "if a then b else c"),
        ("given(F01.temperature)", True),
        ("given(F17.certificate)", False),
        ('given(fact("empty"))', False),
        ('given(fact("unknown"))', False),
        ('given(deadline("T99"))', False),
        ("given(false)", True),
        ('given("")', False),
        ("given(F17.certificate) and F17.certificate > 3", False),
        ("null == null", True),
        ("  1\n +\t2 ", 3),
    ],
)
def test_values(text: str, expected: object) -> None:
    result = evaluate(text, a_scope())
    assert result == expected
    assert type(result) is type(expected) or isinstance(expected, bool) == isinstance(result, bool)


def test_cycles_are_values() -> None:
    assert evaluate('daily(policy("progress_open"))', a_scope()) == Cycle(daily=(time(16),))
    assert evaluate('daily(time("08:00"), "2021-03-05", date(2021, 3, 7))', a_scope()) == Cycle(
        daily=(time(8),), first=at_local(date(2021, 3, 5), time()), until=at_local(date(2021, 3, 8), time())
    )
    assert evaluate('daily(["17:00", "06:00"], since, null)', a_scope(since=NOW)) == Cycle(
        daily=(time(6), time(17)), first=NOW
    )
    assert evaluate('every(duration(4, "hours"))', a_scope()) == Cycle(interval=timedelta(hours=4))


def test_months_are_counted_in_the_shanghai_calendar() -> None:
    scope = replace(a_scope(start="2021-01-31T00:00:00+08:00"), policies={"month": CalendarDuration(1)})
    assert evaluate('start + policy("month")', scope) == datetime(2021, 2, 27, 16, tzinfo=UTC)  # 28 February, 00:00


def test_a_flat_dotted_name_wins_over_a_nested_one() -> None:
    assert evaluate("F01.temperature", a_scope(**{"F01.temperature": 36.5})) == Decimal("36.5")
    assert evaluate("F01.symptoms", a_scope(**{"F01.temperature": 36.5})) == ["cough"]


def test_what_an_expression_reads() -> None:
    expression = compile_expression(
        'F01.found_at + policy("a") > now() and fact("b") and given(person) and deadline("T02") < '
        'max_deadline(person, "T06", "T07") and deadline(rule) > now() and true'
    )
    assert expression.names == {"F01.found_at", "person", "rule"}
    assert expression.policies == {"a"}
    assert expression.facts == {"b"}
    assert expression.deadlines == {"T02", "T06", "T07", "*"}


def test_compiling_is_cached() -> None:
    assert compile_expression("1 + 1") is compile_expression("1 + 1")


def test_resolve_takes_literals_and_expressions() -> None:
    assert resolve("initial", a_scope()) == "initial"
    assert resolve("=病例数 + 1", a_scope()) == 4
    assert resolve("", a_scope()) == ""


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("missing", "missing_name", "missing"),
        ("F17.certificate", "missing_name", "F17.certificate"),
        ("F01.nothing", "missing_name", "F01.nothing"),
        ("F01.nothing.below", "missing_name", "F01.nothing.below"),
        ('F01["nothing"]', "missing_name", "F01.nothing"),
        ("F01.symptoms[3]", "missing_item", "3"),
        ('fact("nobody")', "missing_fact", "nobody"),
        ('policy("nothing")', "missing_policy", "nothing"),
    ],
)
def test_a_missing_name_is_named_in_both_languages(text: str, code: str, name: str) -> None:
    with pytest.raises(MissingName) as caught:
        evaluate(text, a_scope())
    error = caught.value
    assert (error.code, error.name) == (code, name)
    assert name in error.zh
    assert name in error.en
    assert text in error.zh
    assert text in error.en


@pytest.mark.parametrize("text", ['deadline("T99")', 'deadline("X02", "p2")', 'max_deadline(person, "T98", "T99")'])
def test_a_missing_deadline_is_of_its_own_kind(text: str) -> None:
    with pytest.raises(MissingDeadline) as caught:
        evaluate(text, a_scope())
    assert caught.value.code == "missing_deadline"


def test_only_decisions_see_missing_records_as_null() -> None:
    expression = compile_expression("F17.certificate")
    assert expression.evaluate(a_scope(), missing_records_are_null=True) is None
    with pytest.raises(MissingName):
        compile_expression("somebody").evaluate(a_scope(), missing_records_are_null=True)
    with pytest.raises(MissingName):
        compile_expression("Fxx.certificate").evaluate(a_scope(), missing_records_are_null=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("person + 1", "wrong_type"),
        ("person < 1", "wrong_type"),
        ("null < 1", "wrong_type"),
        ("true < 2", "wrong_type"),
        ("true + 1", "wrong_type"),
        ('"%s" % 1', "wrong_type"),
        ('"a" * 1000000', "wrong_type"),
        ("[1] * 1000000", "wrong_type"),
        ("1 in 2", "wrong_type"),
        ("len(1)", "wrong_type"),
        ("max(1)", "wrong_type"),
        ("max(1, person)", "wrong_type"),
        ("now() + now()", "wrong_type"),
        ("now() - date(2021, 1, 1)", "wrong_type"),
        ("now() + 1", "wrong_type"),
        ("person.name", "wrong_type"),
        ("F01.found_at.year", "wrong_type"),
        ("F01[0]", "wrong_type"),
        ("F01.symptoms[true]", "wrong_type"),
        ("- person", "wrong_type"),
        ('duration("a")', "wrong_type"),
        ("every(1)", "wrong_type"),
        ("date(1.5, 1, 1)", "wrong_type"),
        ("all(null)", "wrong_type"),
        ('overlap("a", ["a"])', "wrong_type"),
        ("1 / 0", "division_by_zero"),
        ("1 // 0", "division_by_zero"),
        ("1 % 0.0", "division_by_zero"),
        ("999999999999999 * 999999999999999", "number_too_high"),
        ('duration(999999999999, "weeks")', "failed"),
        ("date(2021, 2, 30)", "failed"),
        ("time(25, 0)", "failed"),
        ('duration(1, "years")', "unknown_unit"),
        ("every(duration(0))", "too_short"),
        ("big + big", "too_large"),
        ("huge", "too_large"),
        ("deep", "too_large"),
        ("naive", "naive_time"),
        ("thing", "not_plain"),
        ("thing.__class__", "private_name"),
        ("infinite", "number_too_high"),
    ],
)
def test_what_fails_at_run_time(text: str, code: str) -> None:
    deep: object = 1
    for _ in range(50):
        deep = [deep]
    names = {
        "big": "x" * 9_000,
        "huge": [0] * 100_000,
        "deep": deep,
        "naive": NOW.replace(tzinfo=None),
        "thing": object(),
        "infinite": float("inf"),
    }
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, a_scope(**names))
    assert caught.value.code == code
    assert caught.value.zh.startswith("表达式「")
    assert caught.value.en.startswith("expression “")


def test_a_full_width_sign_is_named_with_its_place() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression('fact（"x"）')
    assert "（" in caught.value.zh
    assert caught.value.position == 5


def test_long_lists_cost_one_conversion_and_no_square() -> None:
    many = list(range(15_000))
    text = " + ".join(["len(many)"] * 30)
    assert evaluate(text, a_scope(many=many)) == 450_000
    with pytest.raises(ExpressionError) as caught:
        evaluate("overlap(many, many)", a_scope(many=many))
    assert caught.value.code == "too_large"


def test_evaluation_changes_nothing() -> None:
    symptoms = ["cough"]
    scope = a_scope(symptoms=symptoms)
    result = evaluate('symptoms + ["fever"]', scope)
    assert symptoms == ["cough"]
    assert result == ["cough", "fever"]


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_decimals_compare_as_written(a: int, b: int) -> None:
    text = f"x {'<' if a < b else '>='} y"
    assert evaluate(text, a_scope(x=a / 10, y=b / 10)) is True


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("x", "x"),
        (Decimal("37.3"), 37.3),
        (Decimal("37.0"), 37.0),
        (Decimal(3), 3),
        (NOW, "2021-03-02T02:00:00+00:00"),
        (date(2021, 3, 2), "2021-03-02"),
        (time(16), "16:00"),
        (timedelta(hours=2), "PT2H"),
        (CalendarDuration(1), "P1M"),
        ([Decimal("0.5"), {"at": NOW}], [0.5, {"at": "2021-03-02T02:00:00+00:00"}]),
    ],
)
def test_results_have_a_json_form(value: object, expected: object) -> None:
    assert to_json(value) == expected


def test_a_cycle_has_no_json_form() -> None:
    with pytest.raises(ExpressionError) as caught:
        to_json(Cycle(daily=(time(16),)))
    assert caught.value.code == "not_plain"
