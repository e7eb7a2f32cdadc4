"""SC04: the written report misses its two hours; the ladder climbs, nothing is blocked."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school as s
from tests.paths.world import World, at

T02 = "T02"
LATE_REASON = "网络中断，电话先报"


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """Detection at 13:00, accepted at 13:03; everything but the written report is under way."""
    world = World(tmp_path, at("13:00"))
    world.open("teacher", s.quick())
    world.go("13:02")
    s.detection(world)
    world.go("13:03")
    world.do("coordinator", "t_office_accept")
    s.call_120(world)
    world.do("nurse", "t_isolation_room")
    world.go("13:08")
    s.draft(world)
    s.sign(world)
    yield world
    world.close()


def levels(w: World, rule: str = T02) -> list[tuple[int, str]]:
    """Ladder levels on record, with the due time each event carries."""
    found = [row for row in w.events("deadline_escalated") if f":{rule}:" in row["data"]["deadline"]]
    return [(row["data"]["level"], w.local(datetime.fromisoformat(row["data"]["due"]))) for row in found]


def told(w: World, code: str, rule: str = T02) -> list[tuple[str, str]]:
    """Role and time of the notices of a ladder level."""
    rows = [row for row in w.rows(t.Notice, code=code) if row["data"].get("rule") == rule]
    return [(row["role"], w.local(row["at"])) for row in rows]


def written_task(w: World) -> dict[str, Any]:
    """The drafting task of B8."""
    return w.rows(t.Task, element="t_written_report_2h")[-1]


def due(w: World, rule: str = T02) -> dict[str, Any]:
    """The deadline row, which exists."""
    row = w.deadline(rule)
    assert row is not None
    return row


def send_written(w: World) -> None:
    """R01w with the reason of its lateness."""
    s.written_report(w, late_reason=LATE_REASON)
    s.sign(w, "t_sign_written_report")


def sent(w: World) -> dict[str, Any]:
    """R01w as it was sent."""
    (report,) = w.rows(t.Report, document="R01w")
    assert report["state"] == "sent"
    return report


def test_the_written_report_is_due_two_hours_after_detection(w: World) -> None:
    assert w.local(due(w)["due_at"]) == "03-02 15:00"
    assert w.local(written_task(w)["due_at"]) == "03-02 15:00"


def test_half_an_hour_before_the_office_is_reminded(w: World) -> None:
    w.go("14:29")
    assert levels(w) == []
    w.go("14:30")
    assert levels(w) == [(0, "03-02 14:30")]
    assert told(w, "deadline_remind") == [("epi_office", "03-02 14:30")]


def test_at_the_due_time_the_leaders_know_and_nothing_is_cancelled(w: World) -> None:
    w.go("15:00")
    assert levels(w) == [(0, "03-02 14:30"), (1, "03-02 15:00")]
    assert told(w, "deadline_due") == [
        ("epi_office", "03-02 15:00"), ("school_leader", "03-02 15:00"), ("duty_principal", "03-02 15:00"),
    ]  # fmt: skip
    assert w.clock.now() >= written_task(w)["due_at"], "the task shows red"
    assert "t_written_report_2h" in w.open_tasks()
    (fired,) = [row for row in w.events("element_completed") if row["data"]["element"] == "e_written_due"]
    assert w.local(fired["at"]) == "03-02 15:00"


def test_variant_a_sent_47_minutes_late_needs_a_reason(w: World) -> None:
    w.go("15:47")
    with pytest.raises(FormRefused) as refused:
        s.written_report(w)
    assert [error.path for error in refused.value.errors] == ["late_reason"]
    send_written(w)
    assert due(w)["late_minutes"] == 47
    assert due(w)["reason"] == LATE_REASON
    assert sent(w)["is_late"]
    assert written_task(w)["is_late"]
    assert written_task(w)["late_reason"] == LATE_REASON


def test_variant_a_signed_late_what_was_drafted_in_time_needs_a_reason_too(w: World) -> None:
    w.go("14:50")
    s.written_report(w)
    w.go("15:47")
    with pytest.raises(FormRefused) as refused:
        s.sign(w, "t_sign_written_report")
    assert [error.path for error in refused.value.errors] == ["late_reason"]
    w.do("principal", "t_sign_written_report", s.SIGN, late_reason=LATE_REASON)
    assert (due(w)["late_minutes"], due(w)["reason"]) == (47, LATE_REASON)


def test_a_duty_met_by_word_of_mouth_is_not_late_on_paper(tmp_path: Path) -> None:
    world = World(tmp_path, at("13:00"))
    world.open("teacher", s.quick())
    world.do("coordinator", "t_office_accept")
    world.go("13:10")
    oral = {"oral_at": s.now(world), "oral_to": ["学区"], "oral_by": {"id": world.who("principal").account_id}}
    world.act("principal", "msg_oral_report", oral)
    first = world.deadline("T01", "detected")
    assert first is not None
    assert world.local(first["met_at"]) == "03-02 13:10"
    world.go("13:40")
    assert world.rows(t.Task, element="t_draft_initial")[0]["due_at"] is None
    s.draft(world)
    s.sign(world)
    assert [row["is_late"] for row in world.rows(t.Report, document="R01")] == [False]
    assert not [row for row in world.events("deadline_escalated") if "T01" in row["data"]["deadline"]]
    world.close()


def test_variant_a_climbs_no_further(w: World) -> None:
    w.go("15:47")
    send_written(w)
    w.go("19:00")
    assert [level for level, _ in levels(w)] == [0, 1]
    assert w.rows(t.Instance, procedure="accountability_inspection") == []


def test_variant_b_an_hour_over_the_superior_knows(w: World) -> None:
    w.go("16:00")
    assert levels(w)[-1] == (2, "03-02 16:00")
    assert told(w, "deadline_superior") == [("district_office", "03-02 16:00"), ("duty_principal", "03-02 16:00")]


def test_variant_b_the_notice_lies_in_the_superior_organisations_inbox(w: World) -> None:
    w.go("16:00")
    notices = w.rows(t.Notice, code="deadline_superior", role="district_office")
    (inbox,) = {notice["organisation_id"] for notice in notices}
    assert "district_office" in w.who("manager").memberships[inbox]
    assert inbox != w.row()["organisation_id"]


def test_variant_b_two_hours_over_a_clue_is_opened(w: World) -> None:
    w.go("16:59")
    assert w.rows(t.Instance, procedure="accountability_inspection") == []
    w.go("17:00")
    assert levels(w)[-1] == (3, "03-02 17:00")
    (inspection,) = w.rows(t.Instance, procedure="accountability_inspection")
    assert inspection["parent_id"] is None, "nobody waits for it"
    w.do("principal", "t_register_clue", {"description": "成文报告逾期两小时未报"})
    (clue,) = w.rows(t.Record, form="F40")
    assert (clue["data"]["source"], clue["data"]["breach"]) == ("系统逾期", "迟报")
    assert w.passed("e_written_due") == w.passed("ee_written_overdue") == ["03-02 15:00"]
    assert w.passed("s_tell_duty_late") == ["03-02 13:33"]


def test_variant_b_two_missed_reports_are_two_clues(tmp_path: Path) -> None:
    world = World(tmp_path, at("13:00"))
    world.open("teacher", s.quick())
    world.do("coordinator", "t_office_accept")
    world.go("17:00")
    clues = world.rows(t.Instance, procedure="accountability_inspection")
    assert sorted(row["inputs"]["deadline"] for row in clues) == ["T01", "T02"]
    for _ in clues:
        world.do("principal", "t_register_clue", {"description": "逾期未报"})
    verified = [world.local(row["due_at"]) for row in world.rows(t.Task, element="t_verify_clue")]
    assert len(verified) == 2
    assert all(verified)
    world.do("principal", "t_verify_clue", {"verified": "不属实"})
    running = [row for row in world.rows(t.Deadline, rule="clue_verify") if row["met_at"] is None]
    assert len(running) == 1, "each clue has its own clock"
    world.close()


def test_variant_b_sent_130_minutes_late_and_the_clue_goes_on(w: World) -> None:
    w.go("17:10")
    send_written(w)
    assert due(w)["late_minutes"] == 130
    assert sent(w)["is_late"]
    (inspection,) = w.rows(t.Instance, procedure="accountability_inspection")
    assert inspection["status"] == "active"
    assert "t_register_clue" in w.open_tasks()


def test_variant_b_lateness_blocks_nothing(w: World) -> None:
    w.go("17:10")
    s.arrived(w)
    s.recheck(w)
    s.start_plan(w)
    assert w.row()["status"] == "responding"
    assert "t_written_report_2h" in w.open_tasks(), "late, and still to be done"


def test_after_a_restart_both_levels_are_on_record_once_with_their_due_times(w: World) -> None:
    w.go("14:20")
    w.clock.set(at("15:05"))
    w.restart()
    w.go("15:05")
    w.go("15:10")
    assert levels(w) == [(0, "03-02 14:30"), (1, "03-02 15:00")]
    rows = [row for row in w.events("deadline_escalated") if f":{T02}:" in row["data"]["deadline"]]
    assert [(w.local(row["at"]), w.local(row["real_at"])) for row in rows] == [
        ("03-02 14:30", "03-02 15:05"), ("03-02 15:00", "03-02 15:05"),
    ]  # fmt: skip
    assert due(w)["level"] == 1
