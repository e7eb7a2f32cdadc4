"""`tocsin simulate` sentence by sentence, as the contract of the command line says it."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.simulation.run import BEGINS
from service.simulation.world import Line
from tests.conformance.running import run, trace
from tests.conformance.writing import bpmn


def case(nodes: Mapping[str, Any], flows: str, **more: Any) -> dict[str, Any]:
    return {"nodes": nodes, "flows": flows, **more}


LINE = {"s": "start", "a": "user", "e": "end"}


def of(lines: Sequence[Line], kind: str) -> list[Line]:
    return [line for line in lines if line.get("type") == kind]


def test_one_event_a_line_as_json_and_the_outcome_last(tmp_path: Path) -> None:
    file = tmp_path / "p.bpmn"
    file.write_bytes(bpmn(case(LINE, "s a, a e")))
    command = [sys.executable, "-m", "service.cli", "simulate", str(file), "--inputs", "{}", "--seed", "4"]
    told = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert told[0] == told[1]
    lines = [json.loads(line) for line in told[0].splitlines()]
    assert lines[-1]["outcome"] == "completed"
    assert [line["seq"] for line in lines[:-1]] == list(range(1, len(lines)))


def test_lines_have_the_shape_of_the_timeline() -> None:
    for line in run(case(LINE, "s a, a e"))[:-1]:
        assert {"seq", "type", "at", "instance", "process", "element"} <= set(line)


def test_a_repeated_activity_prints_a_line_per_turn_and_one_for_the_whole() -> None:
    for marker in ("times 3", "par 3", "seq 3"):
        lines = run(case({**LINE, "a": f"user | {marker}"}, "s a, a e"))
        whole = [line for line in of(lines, "element_completed") if line["element"] == "a"]
        assert [line.get("iteration") for line in whole] == [1, 2, 3, None]


def test_names_given_by_inputs_count_as_declared() -> None:
    pages = {
        "p": case({"s": "start", "c": "call q", "e": "end"}, "s c, c e"),
        "q": case({"qs": "start", "g": "xor", "x": "end", "y": "end"}, "qs g, g x [level > 1], g y *"),
    }
    *findings, last = run({"processes": pages})
    assert (last, [line["rule"] for line in findings if line["severity"] == "error"]) == (
        {"outcome": "refused"}, ["name_undeclared"],
    )  # fmt: skip
    assert trace(run({"processes": pages, "inputs": {"level": 2}})) == ["s", "qs", "g", "x", "c", "e"]


def test_tasks_without_an_answer_get_data_at_once_others_when_they_say() -> None:
    lines = run(case(LINE, "s a, a e"))
    assert lines[-1]["at"] == BEGINS.isoformat()
    late = run(case(LINE, "s a, a e", answers={"tasks": {"a": {"after": "PT1H", "data": {"v": 1}}}}))
    assert late[-1]["at"] == "2026-03-02T01:00:00+00:00"
    assert of(late, "instance_ended")[0]["result"]["v"] == 1


def test_messages_come_at_their_time_by_all_their_keys() -> None:
    nodes = {"s": "start", "m": "catch.message hello", "e": "end"}
    message = {"at": "PT10M", "name": "hello", "keys": {"person": "c1"}, "payload": {"said": "yes"}}
    right = run(case(nodes, "s m, m e", inputs={"person": "c1"}, answers={"messages": [message]}))
    assert right[-1]["at"] == "2026-03-02T00:10:00+00:00"
    assert of(right, "instance_ended")[0]["result"] == {"said": "yes"}
    wrong = run(case(nodes, "s m, m e", inputs={"person": "c2"}, answers={"messages": [message]}))
    assert (wrong[-1]["outcome"], wrong[-1]["elements"]) == ("stuck", ["m"])


def test_a_thrown_message_or_signal_starts_an_instance_whose_lines_carry_its_process() -> None:
    for kind in ("message", "signal"):
        pages = {
            "p": case({"s": "start", "x": f"throw.{kind} go", "e": "end"}, "s x, x e"),
            "q": case({"qs": f"start.{kind} go", "qe": "end"}, "qs qe"),
        }
        lines = run({"processes": pages, "process": "p"})
        assert {line["process"] for line in of(lines, "element_completed")} == {"p", "q"}
        assert lines[-1]["instances"] == 2


def test_scripts_hold_assignments_only() -> None:
    lines = run(case({"s": "start", "a": "script import os", "e": "end"}, "s a, a e"))
    assert {line["rule"] for line in lines[:-1] if line["severity"] == "error"} == {"script_line"}


def test_until_ends_it_and_stuck_says_where() -> None:
    nodes = {"s": "start", "t": "catch.timer P40D", "e": "end"}
    last = run(case(nodes, "s t, t e"))[-1]
    assert (last["outcome"], last["elements"], last["reason"]) == ("stuck", ["t"], "until")
    assert run(case(nodes, "s t, t e", until="P50D"))[-1]["outcome"] == "completed"


def test_failed_names_element_and_cause() -> None:
    last = run(case({"s": "start", "a": "script x = [1][3]", "e": "end"}, "s a, a e"))[-1]
    assert (last["outcome"], last["element"]) == ("failed", "a")
    assert "[1][3]" in last["cause"]
