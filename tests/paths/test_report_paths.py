"""Reports where SC01 does not go: sent back, told by mouth first, the daily report; and the small procedure."""

from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.variants import visited_between
from tests.paths.world import World


def test_a_report_sent_back_is_drafted_again_and_is_still_the_same_report(world: World) -> None:
    w = world
    variants.accepted(w)
    school.draft(w)
    school.sign(w, decision="退回")
    assert visited_between(w, "g_report_signed", "g_report_kind")
    (report,) = w.rows(t.Report, document="R01")
    assert (report["state"], report["signer"]) == ("draft", "")
    assert not w.rows(t.Delivery, report_id=report["id"])
    school.draft(w)
    school.sign(w)
    assert [row["state"] for row in w.rows(t.Report, document="R01")] == ["sent"]


def test_the_written_report_sent_back(world: World) -> None:
    w = world
    variants.accepted(w)
    school.written_report(w)
    school.sign(w, "t_sign_written_report", "退回")
    assert visited_between(w, "g_written_signed", "t_written_report_2h")
    school.written_report(w)
    school.sign(w, "t_sign_written_report")
    assert [row["state"] for row in w.rows(t.Report, document="R01w")] == ["sent"]


def test_told_by_mouth_first_meets_the_deadline(world: World) -> None:
    w = world
    variants.accepted(w)
    oral = {"oral_at": school.now(w), "oral_to": ["学区", "值班校长"], "oral_by": {"name": "办公室丙"}}
    w.act("coordinator", "msg_oral_report", oral)
    assert visited_between(w, "start_oral", "ee_oral_logged")
    first = w.deadline("T01", "detected")
    assert first is not None
    assert w.local(first["met_at"]) == "03-02 08:13"
    assert "t_draft_initial" in w.open_tasks()


def test_the_daily_progress_report(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("16:00")
    school.draft(w, "t_draft_progress")
    school.sign(w)
    assert [row["state"] for row in w.rows(t.Report, document="R02")] == ["sent"]
    assert visited_between(w, "ca_progress", "ee_branch_done")
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_progress_time")] == ["03-03 16:00"]


def test_the_small_procedure_goes_end_to_end(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick(), procedure="small_alarm")
    assert set(w.open_tasks()) == {"t_small_check", "t_small_written"}
    due = w.deadline("T02")
    assert due is not None
    assert w.local(due["due_at"]) == "03-02 10:10"
    w.do("nurse", "t_small_check")
    w.go("10:10")
    assert visited_between(w, "e_small_due", "ee_small_overdue")
    school.draft(w, "t_small_written", late_reason="网络中断")
    assert (w.row()["status"], w.row()["result"]) == ("closed", "completed")
    assert [row["status"] for row in w.rows(t.Instance)] == ["completed", "completed"]
