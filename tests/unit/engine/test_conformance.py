"""Every case of the conformance corpus runs as BPMN 2.0 says, or is refused by the rule it names."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance.running import cases, fits, refusals, run, trace

CASES = cases()


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_case(case: Mapping[str, Any]) -> None:
    lines = run(case)
    if "refused" in case:
        assert lines[-1] == {"outcome": "refused"}
        assert case["refused"] in refusals(lines)
        return
    assert lines[-1]["outcome"] == case.get("outcome", "completed"), lines[-1]
    if "cause" in case:  # it went on for long before it was stopped: why says more than its trace
        assert case["cause"] in lines[-1]["cause"]
        return
    assert fits(case["trace"], trace(lines)), trace(lines)
    ended = [line for line in lines if line.get("type") == "instance_ended"]
    for name, value in case.get("result", {}).items():
        assert ended[-1]["result"].get(name) == value, ended[-1]["result"]
    if "error" in case:
        assert ended[-1]["error"] == case["error"]


def test_no_name_stands_twice() -> None:
    names = [name for name, _ in CASES]
    assert len(names) == len(set(names))
