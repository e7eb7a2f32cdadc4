"""Deadline rules, due times, the escalation ladder and lateness."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendar import CalendarDuration, local
from service.domain.deadlines import DeadlineRule, Level, due_at, ladder, lateness, load_rules, remaining
from service.domain.policies import PolicyCatalogue, typed
from service.domain.policy_overrides import snapshot

WORKFLOWS = Path(__file__).parents[2] / "workflows"
RULES = load_rules(WORKFLOWS / "deadlines.yaml")
CATALOGUE = PolicyCatalogue.load(WORKFLOWS / "policies.yaml")
POLICIES = typed(CATALOGUE, snapshot(CATALOGUE, "school", []))
START = datetime(2021, 3, 2, 1, 50, tzinfo=UTC)  # 09:50 in Shanghai
MINUTE = timedelta(minutes=1)


def rungs(rule: DeadlineRule, start: datetime = START) -> list[timedelta]:
    due = due_at(rule, POLICIES, start)
    return [step.at - due for step in ladder(rule, POLICIES, start, due)]


def test_all_rules_the_diagrams_use_are_there() -> None:
    used = (
        "T01 T02 T03 T04 T04b T05 T06 T06x T07 T08 T09 T11 T33 T37x T44 T47 X01 X02 X03 X04 X05 X06 X07 X13 clue_verify"
    )
    assert set(used.split()) <= set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_has_its_value_its_names_and_its_source(rule: DeadlineRule) -> None:
    assert set(rule.policies) <= set(CATALOGUE)
    assert rule.label("zh_CN") != rule.label("en")
    assert rule.cite or rule.is_inferred
    if rule.kind != "none":
        assert due_at(rule, POLICIES, START) != START


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        ("T01", "03-02 10:05"),
        ("T02", "03-02 11:50"),
        ("T03", "03-02 10:50"),
        ("T04", "03-02 17:00"),
        ("T04b", "03-05 09:50"),
        ("T05", "03-03 09:50"),
        ("T06", "03-04 09:50"),
        ("T07", "03-05 09:50"),
        ("T08", "03-16 09:50"),
        ("T11", "03-02 20:00"),
        ("T33", "02-16 09:50"),
        ("T44", "03-02 20:00"),
        ("T47", "03-05 09:50"),
        ("X01", "03-02 09:55"),
        ("X02", "03-02 10:20"),
        ("X03", "03-02 10:50"),
        ("X04", "03-02 13:50"),
        ("X05", "03-02 10:20"),
        ("X06", "03-02 10:50"),
        ("X07", "03-02 10:20"),
        ("X13", "03-02 10:00"),
        ("clue_verify", "03-03 09:50"),
    ],
)
def test_due_times(rule: str, due: str) -> None:
    assert local(due_at(RULES[rule], POLICIES, START)).strftime("%m-%d %H:%M") == due


def test_a_clock_deadline_that_has_passed_is_due_the_next_day() -> None:
    late = START.replace(hour=9, minute=1)  # 17:01 in Shanghai
    assert local(due_at(RULES["T04"], POLICIES, late)).strftime("%m-%d %H:%M") == "03-03 17:00"
    exact = START.replace(hour=9, minute=0)
    assert due_at(RULES["T04"], POLICIES, exact) == exact


@pytest.mark.parametrize("rule", ["T06x", "T37x", "T38x"])
def test_a_standing_state_has_no_due_time(rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        due_at(RULES[rule], POLICIES, START)


def test_a_value_of_the_wrong_kind_is_an_error() -> None:
    with pytest.raises(TypeError):
        due_at(RULES["T02"], {"written_report": "PT2H"}, START)
    with pytest.raises(TypeError):
        due_at(RULES["T02"], {"written_report": True}, START)
    with pytest.raises(TypeError):
        due_at(RULES["T04"], {"progress_due": timedelta(hours=2)}, START)
    with pytest.raises(LookupError):
        due_at(RULES["T02"], {}, START)
    with pytest.raises(TypeError):
        ladder(RULES["T02"], {**POLICIES, "ladder_superior_max": CalendarDuration(1)}, START, START)
    with pytest.raises(TypeError):
        ladder(RULES["T02"], {**POLICIES, "ladder_superior_pct": "50"}, START, START)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("T01", [-3.75, 0, 7.5, 15]),
        ("T02", [-30, 0, 60, 120]),
        ("T04", [-30, 0, 60, 120]),
        ("T04b", [-30, 0, 60, 24 * 60]),
        ("T05", [-30, 0, 60, 24 * 60]),
        ("X01", [-1.25, 0, 2.5]),
        ("X02", [-7.5, 0, 15]),
        ("T44", [-30, 0, 60]),
        ("T47", [-30, 0, 60]),
    ],
)
def test_the_ladder_in_minutes_around_the_due_time(rule: str, expected: list[float]) -> None:
    assert rungs(RULES[rule]) == [timedelta(minutes=n) for n in expected]


@pytest.mark.parametrize("rule", ["T06", "T07", "T33", "T34", "X03", "X07"])
def test_waiting_times_and_look_backs_have_no_ladder(rule: str) -> None:
    assert rungs(RULES[rule]) == []


def test_only_reporting_deadlines_become_a_clue() -> None:
    reporting = {
        "T01",
        "T02",
        "T03",
        "T04",
        "T04b",
        "T05",
        "T11r",
        "T20",
        "T21",
        "T22",
        "T23",
        "T24z",
        "T25r",
        "T26d",
        "T27d",
    }
    assert {rule.id for rule in RULES.values() if rule.ladder == "reporting"} == reporting


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kind: week, policies: [a], ladder: none", "unknown kind"),
        ("kind: duration, policies: [a], ladder: tall", "unknown ladder"),
        ("kind: duration, policies: [], ladder: none", "a value comes from a policy"),
        ("kind: duration, policies: [a, b], ladder: none", "one policy"),
        ("kind: none, policies: [], ladder: reporting", "no ladder without"),
        ("kind: duration, policies: [a], ladder: reporting, direction: back", "look-back"),
        ("kind: duration, policies: [a], ladder: none, cite: []", "no source"),
    ],
)
def test_a_broken_rule_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "deadlines.yaml"
    source = "" if "cite" in text else ", cite: [x]"
    path.write_text(f"rules:\n  - {{id: T99, {text}, label_zh: 甲, label_en: a{source}}}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=reason):
        load_rules(path)


def test_a_rule_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "deadlines.yaml"
    line = "  - {id: T99, kind: duration, policies: [a], ladder: none, label_zh: 甲, label_en: a, cite: [x]}\n"
    path.write_text("rules:\n" + line * 2, encoding="utf-8")
    with pytest.raises(ValueError, match="twice"):
        load_rules(path)


@pytest.mark.parametrize(
    ("after", "minutes"),
    [(-60, 0), (0, 0), (1, 1), (59, 1), (60, 1), (61, 2), (3600, 60), (3601, 61)],
)
def test_lateness_counts_begun_minutes(after: int, minutes: int) -> None:
    assert lateness(START, START + timedelta(seconds=after)) == minutes


def test_remaining_turns_negative() -> None:
    assert remaining(START, START - MINUTE) == MINUTE
    assert remaining(START, START + MINUTE) == -MINUTE


starts = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware here
lengths = st.timedeltas(timedelta(seconds=1), timedelta(days=30))
percents = st.integers(1, 400)


@given(starts, lengths, st.tuples(percents, percents, percents), st.tuples(lengths, lengths, lengths))
def test_rungs_are_in_order_and_the_second_is_the_due_time(
    start: datetime, length: timedelta, pct: tuple[int, int, int], caps: tuple[timedelta, timedelta, timedelta]
) -> None:
    names = ("remind", "superior", "clue")
    policies: dict[str, object] = {"written_report": length}
    policies |= {f"ladder_{name}_pct": value for name, value in zip(names, pct, strict=True)}
    policies |= {f"ladder_{name}_max": value for name, value in zip(names, caps, strict=True)}
    due = due_at(RULES["T02"], policies, start)
    steps = ladder(RULES["T02"], policies, start, due)
    assert [step.level for step in steps] == [Level.REMIND, Level.DUE, Level.SUPERIOR, Level.CLUE]
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps[1].at == due == start + length
    assert steps[0].at >= start
    assert due - steps[0].at <= min(caps[0], length)
    assert steps[2].at - due <= caps[1]


@given(starts, st.times())
def test_a_clock_deadline_lies_within_a_day_at_the_policy_time(start: datetime, clock: time) -> None:
    due = due_at(RULES["T04"], {"progress_due": clock}, start)
    assert timedelta() <= due - start < timedelta(days=1)
    assert local(due).time() == clock


@given(starts, lengths)
def test_a_look_back_is_the_opposite_of_a_wait(start: datetime, length: timedelta) -> None:
    rule = replace(RULES["T06"], is_lookback=True)
    policies = {"symptom_free_fever": length}
    assert due_at(RULES["T06"], policies, due_at(rule, policies, start)) == start


@given(starts, st.timedeltas(timedelta(days=-3), timedelta(days=3)))
def test_late_is_what_is_after_the_due_time(due: datetime, offset: timedelta) -> None:
    minutes = lateness(due, due + offset)
    assert (minutes > 0) == (offset > timedelta())
    assert minutes == 0 or (minutes - 1) * MINUTE < offset <= minutes * MINUTE
