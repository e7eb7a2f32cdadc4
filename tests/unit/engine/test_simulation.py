"""`tocsin simulate`: the same engine, a world in memory, a virtual clock."""

import argparse
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from service.simulation import Options, run_simulation, simulate
from service.simulation.run import BEGINS
from service.simulation.surroundings import Surroundings, read_files
from service.simulation.world import Line

DIAGRAMS = Path(__file__).with_name("diagrams")
SHIPPED = sorted(path.name for path in Settings().workflows_dir.iterdir() if any(path.glob("*.bpmn")))


@cache
def around() -> Surroundings:
    return Surroundings.load(Settings())


def run(name: str, **options: Any) -> list[Line]:
    return list(simulate(read_files(DIAGRAMS / f"{name}.bpmn"), Options(**options), around()))


def of(lines: list[Line], type_: str) -> list[Line]:
    return [line for line in lines if line.get("type") == type_]


def path(lines: list[Line], instance: str = "s1") -> list[str]:
    return [line["element"] for line in of(lines, "element_completed") if line["instance"] == instance]


def test_every_completed_node_is_a_line_and_the_outcome_is_last() -> None:
    lines = run("alarm", inputs={"level": 3})
    assert path(lines) == ["start", "look", "which", "alarm", "wait", "end"]
    assert lines[-1] == {"outcome": "completed", "at": (BEGINS + timedelta(hours=2)).isoformat(), "instances": 1}
    assert [line["seq"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert {"seq", "type", "at", "instance", "process", "element"} <= set(lines[0])


def test_time_is_virtual_and_stands_still_between_waits() -> None:
    lines = run("alarm", inputs={"level": 3})
    at = {line["element"]: line["at"] for line in of(lines, "element_completed")}
    assert at["alarm"] == BEGINS.isoformat()
    assert at["wait"] == (BEGINS + timedelta(hours=2)).isoformat()


def test_it_ends_at_the_end_of_its_time() -> None:
    last = run("alarm", inputs={"level": 3}, until="PT1H")[-1]
    assert (last["outcome"], last["elements"], last["reason"]) == ("stuck", ["wait"], "until")


@pytest.mark.parametrize(("level", "node"), [(1, "calm"), (3, "alarm")])
def test_inputs_decide_and_count_as_declared(level: int, node: str) -> None:
    assert node in path(run("alarm", inputs={"level": level}))


def test_what_nobody_gives_is_refused_and_names_its_element() -> None:
    *findings, last = run("alarm")
    assert last == {"outcome": "refused"}
    assert ("name_undeclared", "f_which_alarm") in {(line["rule"], line["element"]) for line in findings}


def test_answers_come_later_one_per_opening() -> None:
    answers = {"tasks": {"check": [{"after": "PT1H", "data": {"again": True}}, {"again": False}]}}
    lines = run("rounds", answers=answers)
    assert path(lines).count("check") == 2
    assert lines[-1]["outcome"] == "completed"
    done = [line["at"] for line in of(lines, "element_completed") if line["element"] == "check"]
    assert done == [(BEGINS + timedelta(hours=1)).isoformat()] * 2


def test_a_loop_that_takes_no_time_fails_by_name() -> None:
    last = run("rounds", answers={"tasks": {"check": {"again": True}}})[-1]
    assert last["outcome"] == "failed"
    assert "takes no time" in last["cause"]


def test_a_late_answer_meets_its_boundary_timer_first() -> None:
    answers = {"tasks": {"check": {"after": "PT3H", "data": {"again": False}}}}
    lines = run("rounds", answers=answers)
    assert path(lines) == ["start", "merge", "late", "remind", "end_late", "check", "which", "end"]


def test_a_form_takes_valid_answers_and_makes_up_the_rest() -> None:
    given = {"tasks": {"report": {"place": "lab"}}}
    lines = run("forms", seed=1)
    assert lines[-1]["outcome"] == "completed"
    assert run("forms", seed=1) == lines
    refused = run("forms", answers={"tasks": {"report": {"sign_decision": 5}}})[-1]
    assert (refused["outcome"], refused["element"]) == ("failed", "report")
    ended = of(run("forms", answers=given), "instance_ended")[-1]
    assert ended["result"]["place"] == "lab"  # a name the form does not know is process data


def test_a_thrown_message_starts_a_process_and_the_answer_comes_back() -> None:
    lines = run("talk", inputs={"number": 7})
    assert lines[-1] == {"outcome": "completed", "at": BEGINS.isoformat(), "instances": 2}
    started = of(lines, "instance_started")
    assert [line["process"] for line in started] == ["asks", "replies"]
    assert path(lines) == ["a_start", "a_ask", "a_wait", "a_end"]
    assert path(lines, "s2") == ["r_start", "r_work", "r_answer", "r_end"]
    ended = {line["instance"]: line["result"] for line in of(lines, "instance_ended")}
    assert ended["s1"]["doubled"] == 14


def test_letters_from_outside_find_their_wait_by_all_keys() -> None:
    letter = {"at": "PT10M", "name": "reply", "keys": {"person": "c1"}, "payload": {"doubled": 1}}
    wrong = {**letter, "keys": {"person": "c2"}}
    inputs = {"number": 7, "person": "c1"}
    right = run("talk", process="asks_only", inputs=inputs, answers={"messages": [letter]})
    assert right[-1]["outcome"] == "completed"
    assert right[-1]["at"] == (BEGINS + timedelta(minutes=10)).isoformat()
    stuck = run("talk", process="asks_only", inputs=inputs, answers={"messages": [wrong]})[-1]
    assert (stuck["outcome"], stuck["elements"]) == ("stuck", ["o_wait"])


def test_an_early_letter_is_kept_until_somebody_waits() -> None:
    letter = {"at": "PT0S", "name": "reply", "payload": {"doubled": 1}}
    answers = {"messages": [letter], "tasks": {"o_prepare": {"after": "P1D", "data": {}}}}
    lines = run("talk", process="asks_only", inputs={"number": 7}, answers=answers)
    assert lines[-1]["outcome"] == "completed"
    assert lines[-1]["at"] == (BEGINS + timedelta(days=1)).isoformat()


def test_a_collection_starts_a_child_for_each_person() -> None:
    lines = run("people", inputs={"cases": ["c1", "c2", "c3"]})
    assert lines[-1]["outcome"] == "completed"
    started = of(lines, "instance_started")[1:]
    assert [(line["process"], line["parent_element"], line["person"]) for line in started] == [
        ("person_page", "each", person) for person in ("c1", "c2", "c3")
    ]
    assert path(lines)[-2:] == ["each", "end"]


def test_a_fact_nobody_gave_is_noted_once_and_does_not_hold() -> None:
    lines = run("people", inputs={"cases": ["c1"]})
    notes = [line["fact"] for line in of(lines, "note")]
    assert notes == ["any_positive"]
    assert "quiet" in path(lines)


def test_an_unknown_procedure_is_where_it_sticks() -> None:
    last = run("elsewhere")[-1]
    assert (last["outcome"], last["elements"]) == ("stuck", ["call"])


def test_an_inputs_deadline_runs_on_the_virtual_clock() -> None:
    lines = run("deadline", answers={"tasks": {"report": {"after": "PT3H", "data": {}}}})
    kinds = [line["type"] for line in lines[:-1] if line["type"].startswith("deadline")]
    assert kinds == ["deadline_started", "deadline_met"]
    assert path(lines)[:4] == ["start", "overdue", "tell", "end_overdue"]
    met = of(lines, "deadline_met")[0]
    assert met["late_minutes"] == 60


def test_a_refused_file_prints_its_findings() -> None:
    bad = {"bad.bpmn": (DIAGRAMS / "alarm.bpmn").read_bytes().replace(b"userTask", b"task")}
    lines = list(simulate(bad, Options(inputs={"level": 1}), around()))
    assert "unsupported_abstract_task" in {line.get("rule") for line in lines}
    assert all(line["type"] == "finding" for line in lines[:-1])
    assert lines[-1] == {"outcome": "refused"}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_procedure_can_be_simulated_with_the_same_result(name: str) -> None:
    files = read_files(Settings().workflows_dir / name)
    given: Mapping[str, Any] = {
        "person": "c1", "report_kind": "initial", "scope": "spot", "vehicle_present": True, "certificate_filed": True,
        "observation_finished": True, "ppe_done": True, "event": "person", "deadline_rule": "T02",
        "deadline_subject": "c1", "deadline_start": "2026-03-02T08:00:00+08:00", "cases": ["c1"],
    }  # fmt: skip

    def lines() -> list[Line]:
        return list(simulate(files, Options(inputs=given, seed=3), around()))

    once = lines()
    assert once == lines()
    assert once[-1]["outcome"] in {"completed", "stuck"}, once[-1]
    assert path(once)


def test_the_command_line_gets_json(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"tasks": {"look": {"after": "PT1H", "data": {}}}}), "utf-8")
    options = argparse.Namespace(
        file=str(DIAGRAMS / "alarm.bpmn"), process="", inputs='{"level": 1}', answers=str(answers), until="P1D", seed=0
    )
    lines = [json.loads(line) for line in run_simulation(Settings(), options)]
    assert lines[-1] == {"outcome": "completed", "at": (BEGINS + timedelta(hours=1)).isoformat(), "instances": 1}
