"""Would the path tests notice? A short scenario with its checks, run on diagrams, tables and timers that were spoilt.

Each spoiling is one small change on a copy of the workflows folder; the check that must fail is named.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.domain.errors import TocsinError
from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import WORKFLOWS, World, at

Change = Callable[[str], str]


def failed_checks(folder: Path, workflows: Path) -> list[str]:
    """Names of the checks that failed; what cannot even be deployed or answered fails as a whole."""
    done: list[str] = []
    failed: list[str] = []
    try:
        world = World(folder, at("08:10"), workflows=workflows)
    except TocsinError as error:
        return [error.code]
    try:
        for name, is_right in checks(world):
            done.append(name)
            if not is_right:
                failed.append(name)
    except (TocsinError, AssertionError):
        failed.append(f"after {done[-1]}" if done else "start")
    finally:
        world.close()
    return failed


def checks(w: World) -> Iterator[tuple[str, bool]]:
    """From the report at 08:10 to the start of the plan, as SC01 expects it."""
    w.open("teacher", school.quick())
    yield "T02 is due after two hours", _due(w, "T02") == "03-02 10:10"
    yield "the class is known by its seats", "t_register_onsite" not in w.open_tasks()
    w.go("08:13")
    w.do("coordinator", "t_office_accept")
    school.call_120(w)
    yield "120 was reached", "t_ask_dispatch" not in w.open_tasks()
    w.do("nurse", "t_isolation_room")
    school.draft(w)
    school.sign(w)
    sent = {row["recipient"] for row in w.rows(t.Delivery, element="s_send_report")}
    yield "the first report has its two recipients", sent == {"district_office", "duty_principal"}
    w.go("08:43")
    late = {"s_recall_120", "r_120_arrived"} <= set(w.open_tasks())
    yield "after 30 minutes 120 is called again and still awaited", late
    school.arrived(w)
    school.recheck(w, 37.3, determined_by="low")  # the table decides, not what 120 ticked
    yield "fever at the threshold asks for the plan", "t_start_plan" in w.open_tasks()


def _due(w: World, rule: str) -> str:
    row = w.deadline(rule)
    return w.local(row["due_at"]) if row else ""


def without(pattern: str) -> Change:
    """Cut out the one place that matches."""
    return replaced(pattern, "")


def replaced(pattern: str, by: str) -> Change:
    """Change the one place that matches."""

    def change(text: str) -> str:
        spoilt, count = re.subn(pattern, by, text, flags=re.DOTALL)
        assert count == 1, f"{pattern} matches {count} times"
        return spoilt

    return change


SPOILT: dict[str, tuple[str, Change, str]] = {
    "a decision row is dropped: the duty principal gets no report": (
        "decisions/D05.dmn",
        without(r'<rule id="D05_r2">.*?</rule>'),
        "the first report has its two recipients",
    ),
    "a decision row is dropped: fever leads nowhere": (
        "decisions/D03.dmn",
        without(r'<rule id="D03_table_r3">.*?</rule>'),
        "after after 30 minutes 120 is called again and still awaited",
    ),
    "a decision cell is shifted: the threshold itself is no fever": (
        "policies.yaml",
        replaced(r"(key: fever_threshold_inclusive\n(?:    [^\n]*\n)*?    org_defaults: {school: )true", r"\1false"),
        "fever at the threshold asks for the plan",
    ),
    "a deadline is shifted by an hour": (
        "policies.yaml",
        replaced(r'(key: written_report\n(?:    [^\n]*\n)*?    default: )"PT2H"', r'\1"PT3H"'),
        "T02 is due after two hours",
    ),
    "a timer is shifted by ten minutes": (
        "policies.yaml",
        replaced(r'(key: ambulance_wait\n(?:    [^\n]*\n)*?    default: )"PT30M"', r'\1"PT40M"'),
        "after 30 minutes 120 is called again and still awaited",
    ),
    "a boundary timer interrupts": (
        "school_suspected_case/school_case_recheck.bpmn",
        replaced(r'(<bpmn:boundaryEvent id="e_120_late"[^>]*?) cancelActivity="false"', r"\1"),
        "after 30 minutes 120 is called again and still awaited",
    ),
    "a branch is swapped: reached and not reached": (
        "school_suspected_case/school_dispatch.bpmn",
        replaced(
            r'(sequenceFlow id="f_g_120_reached_ee_dispatch"[^>]*>[^=]*?xsi:type="[^"]*">=F00\.outcome )==', r"\1!="
        ),
        "120 was reached",
    ),
    "a branch is swapped: fixed seats and free seats": (
        "school_suspected_case/school_detection.bpmn",
        replaced(r"(<bpmn:conditionExpression[^>]*>=)([^<]*positions_fixed[^<]*)<", r"\1not (\2)<"),
        "the class is known by its seats",
    ),
}


def test_the_checks_hold_on_what_is_shipped(tmp_path: Path) -> None:
    assert failed_checks(tmp_path, WORKFLOWS) == []


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_copy_is_noticed(name: str, tmp_path: Path) -> None:
    file, change, noticed = SPOILT[name]
    copy = tmp_path / "workflows"
    shutil.copytree(WORKFLOWS, copy)
    path = copy / file
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    assert noticed in failed_checks(tmp_path / "data", copy)
