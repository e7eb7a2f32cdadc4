"""Scenarios of drills: what a file says, and every fault of one with its line."""

from datetime import timedelta

import pytest

from service.domain import scenario_files
from service.domain.errors import ScenarioRefused
from service.domain.scenarios import Scenario

SMALL = """\
id: small
title: {zh: 小情景, en: Small scenario}
procedure: small_alarm
starts_at: "2026-03-02T08:10"
roles: {teacher: human, "*": simulated}
answers:
  t_small_check: [{after: PT4M, data: {a: 1}}, {after: {mean: PT5M, spread: 0.5}, error_rate: 0.2}]
  "*": {after: PT2M}
absent: [{role: nurse, from: PT1H, to: PT3H}]
objectives:
  - id: o_report
    title: {zh: 首报, en: First report}
    expectations:
      - {id: x_written, element: t_small_written, kind: in_time, within: PT2H}
injects:
  - id: i01
    kind: cue
    title: {zh: 提示, en: Cue}
    text: {zh: 请看表, en: Look}
    trigger: {after: t_small_check, by: PT10M}
    expects: [x_written]
"""


def _refused(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ScenarioRefused) as refused:
        scenario_files.parse(text, "small.yaml").scenario()
    return [(fault.line, fault.path) for fault in refused.value.faults]


def test_a_file_is_read_into_its_parts() -> None:
    made = scenario_files.parse(SMALL).scenario()
    assert made.starts_at.isoformat() == "2026-03-02T08:10:00+08:00"
    (objective,) = made.objectives
    assert objective.expectations[0].within == timedelta(hours=2)
    inject = made.injects[0]
    assert (inject.trigger.kind, inject.trigger.element, inject.trigger.offset) == (
        "after", "t_small_check", timedelta(minutes=10),
    )  # fmt: skip
    assert made.is_away("nurse", timedelta(hours=2)) is not None
    assert made.is_away("nurse", timedelta(hours=3)) is None


def test_the_nth_visit_takes_the_nth_answer_and_the_last_is_repeated() -> None:
    made = scenario_files.parse(SMALL).scenario()
    first, second = made.answer_of("t_small_check", 0), made.answer_of("t_small_check", 7)
    assert first.data == {"a": 1}
    assert second.after is not None
    assert (second.after.spread, second.error_rate) == (0.5, 0.2)
    assert made.answer_of("t_other", 0).after == made.answers["*"][0].after


def test_every_fault_is_told_with_its_line() -> None:
    text = SMALL.replace("PT4M", "soon").replace("kind: cue", "kind: cues").replace("lasts", "x")
    text = text.replace("from: PT1H, to: PT3H", "from: PT3H, to: PT1H") + "procedur: x\n"
    assert _refused(text) == [
        (7, "answers.t_small_check.0.after"), (9, "absent.0.to"), (17, "injects.0.kind"), (22, "procedur"),
    ]  # fmt: skip


def test_a_fault_names_the_nearest_word_there_is() -> None:
    with pytest.raises(ScenarioRefused) as refused:
        Scenario.of(scenario_files.parse(SMALL.replace("kind: cue", "kind: rumor")).document)
    (fault,) = refused.value.faults
    assert "rumour" in fault.text("zh")
    assert "nearest is rumour" in fault.text("en")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "id: [", "just words"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert _refused(text)


def test_ids_stand_once_and_a_trigger_is_one() -> None:
    twice = SMALL + SMALL[SMALL.index("  - id: i01") :].replace(
        "after: t_small_check, by: PT10M", "at: PT1H, reserve: true"
    )
    assert [path for _, path in _refused(twice)] == ["injects", "injects.1.trigger"]


def test_what_is_written_is_read_back() -> None:
    document = scenario_files.parse(SMALL).document
    assert scenario_files.parse(scenario_files.dump(document)).document == document
