"""SC12: false alarms: cleared on site, entered twice, a faulty device, and the point of no return."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.domain.errors import NothingWaits
from service.persistence import queue
from service.persistence import tables as t
from service.persistence.chain import verify
from tests.paths import school as s
from tests.paths.world import World, at

CANCEL = {"cancel_kind": "重复登记", "cancel_scope": "全部", "reason": "同一人登记了两次"}
FAULTY = {"cancel_kind": "设备故障", "cancel_scope": "全部", "reason": "测温枪故障"}


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """A school on a Monday at 08:00."""
    world = World(tmp_path, at("08:00"))
    yield world
    world.close()


# --- what happens, by time ------------------------------------------------------------------------


def gate(w: World, time: str, name: str, temperature: float = 37.9) -> str:
    """A pupil is stopped at the gate: an incident of its own; returns its id."""
    w.go(time)
    return w.open("teacher", s.quick(name, temperature, source_kind="gate", symptoms=["fever"]))


def report_out(w: World) -> None:
    """R01 is drafted and signed now."""
    s.draft(w)
    s.sign(w)


def dispatched(w: World, time: str) -> None:
    """Led away, accepted, 120 called, in the isolation room."""
    w.go(time)
    s.detection(w)
    w.do("coordinator", "t_office_accept")
    s.call_120(w)
    w.do("nurse", "t_isolation_room")


def running(w: World) -> None:
    """(a) 学生午 after running, 08:05; R01 out at 08:12, 36.7 at 08:35."""
    gate(w, "08:05", "学生午", 37.6)
    dispatched(w, "08:10")
    w.go("08:12")
    report_out(w)
    w.go("08:35")
    s.arrived(w)
    s.recheck(w, 36.7)


def parents_told(w: World) -> None:
    """B5."""
    s.approve_notice(w)
    s.tell_parents(w, "理解配合", 1)


def disinfected(w: World, from_: str, to: str) -> None:
    """B7."""
    w.go(from_)
    s.start_disinfection(w)
    w.go(to)
    s.end_disinfection(w)


def cleared(w: World) -> None:
    """(a) 08:50: back to class, says the hospital."""
    w.go("08:50")
    advice = {"advice": "return", "advice_at": s.now(w), "info_source": "phone"}
    w.do("coordinator", "r_hospital_advice", advice)


def corrected(w: World) -> None:
    """The correction is drafted and signed."""
    w.do("coordinator", "t_draft_correction", {"drafter": True})
    s.sign(w)


def withdraw(w: World, reason: dict[str, Any], decision: str = "签发") -> None:
    """H5: asked by the office, decided by the duty principal."""
    w.act("coordinator", "msg_cancel_request", reason)
    s.sign(w, "t_approve_cancel", decision)


def direct_report(w: World, **more: Any) -> None:
    """R04 is drafted and signed now."""
    w.do("coordinator", "t_draft_direct", {"drafter": True, **more})
    s.sign(w)


# --- what is looked at ------------------------------------------------------------------------------


def recipients(w: World, document: str) -> list[str]:
    """Whom the sent reports of a kind went to."""
    sent = {row["id"] for row in w.rows(t.Report, document=document) if row["state"] == "sent"}
    return sorted(row["recipient"] for row in w.rows(t.Delivery) if row["report_id"] in sent)


def task_states(w: World, element: str) -> list[str]:
    """State of each task of an element."""
    return [row["state"] for row in w.rows(t.Task, element=element)]


def end(w: World) -> tuple[str, str]:
    """Status and result of the incident."""
    return w.row()["status"], w.row()["result"]


def started(w: World, element: str) -> list[str]:
    """Status of the instances a call started."""
    return [row["status"] for row in w.rows(t.Instance, parent_element=element)]


# --- (a) cleared on site ---------------------------------------------------------------------------


def test_a_low_after_running_the_hospital_is_asked(w: World) -> None:
    running(w)
    assert s.fact(w, "recheck_outcome") == "low"
    assert "r_hospital_advice" in w.open_tasks()
    assert "t_start_plan" not in w.open_tasks()
    written = w.deadline("T02")
    assert written is not None
    assert w.local(written["due_at"]) == "03-02 10:05"


def test_a_cleared_everybody_is_told_and_free(w: World) -> None:
    running(w)
    held = [row["id"] for row in w.rows(t.Person, hold_leave=True)]
    assert held
    cleared(w)
    assert w.rows(t.Person, hold_leave=True) == []
    told = {row["recipient"] for row in w.rows(t.Delivery, message="msg_exclusion_notice")}
    assert told == {f"person:{person}" for person in held}
    (case,) = w.rows(t.Person, kind="case")
    assert case["case_status"] == "cleared"


def test_a_observation_evacuation_and_written_report_are_cancelled_the_rest_finishes(w: World) -> None:
    running(w)
    cleared(w)
    assert task_states(w, "t_observe_neighbours") == ["cancelled"]
    assert task_states(w, "t_evacuate_class") == ["cancelled"]
    assert task_states(w, "t_written_report_2h") == ["cancelled"]
    done = {row["data"]["element"] for row in w.events("element_completed")}
    assert {"e_observe_over", "e_evacuate_over", "e_written_cancelled"} <= done
    assert {"t_approve_parent_notice", "t_mark_places"} <= set(w.open_tasks()), "B5 and B7 finish"
    written = w.deadline("T02")
    assert written is not None
    assert w.local(written["cancelled_at"]) == "03-02 08:50"


def test_a_who_already_observes_is_released_too(w: World) -> None:
    running(w)
    s.observe_neighbours(w)
    cleared(w)
    done = {row["data"]["element"] for row in w.events("element_completed")}
    assert "e_observe_wait" in done


def test_a_a_correction_of_the_first_report_goes_to_the_district(w: World) -> None:
    running(w)
    cleared(w)
    (first,) = w.rows(t.Report, document="R01")
    corrected(w)
    (correction,) = w.rows(t.Report, document="R01c")
    assert correction["corrects"] == [first["id"]]
    assert recipients(w, "R01c") == ["district_office", "duty_principal"]
    (record,) = w.rows(t.Record, id=correction["record_id"])
    assert record["data"]["correction_reason"] == "现场排除"


def test_a_ends_as_a_false_alarm_when_the_branches_are_done(w: World) -> None:
    running(w)
    parents_told(w)
    cleared(w)
    corrected(w)
    assert w.row()["closed_at"] is None, "the disinfection is not done"
    disinfected(w, "09:00", "09:30")
    assert end(w) == ("false_alarm", "false_alarm")
    assert w.open_tasks() == {}
    assert [row for row in w.rows(t.Instance) if row["status"] == "active"] == []


# --- (b) entered twice -------------------------------------------------------------------------------


def twice(w: World) -> tuple[str, str]:
    """The same pupil at 08:05 and 08:07; the second incident is the current one."""
    first = gate(w, "08:05", "学生午", 37.6)
    return first, gate(w, "08:07", "学生午", 37.6)


def test_b_the_person_counts_once(w: World) -> None:
    first, _ = twice(w)
    assert s.fact(w, "cluster_count") == 1
    withdraw(w, CANCEL)
    w.incident = first
    assert s.fact(w, "cluster_count") == 1


def test_b_the_duplicate_is_withdrawn_and_its_log_is_kept(w: World) -> None:
    twice(w)
    dispatched(w, "08:09")
    before = len(w.events())
    withdraw(w, CANCEL)
    assert end(w) == ("false_alarm", "false_alarm")
    assert w.open_tasks() == {}
    assert started(w, "ca_cases") == ["cancelled"]
    assert {row["status"] for row in w.rows(t.Instance) if row["parent_id"]} == {"cancelled"}
    written = w.deadline("T02")
    assert written is not None
    assert w.local(written["cancelled_at"]) == "03-02 08:09"
    assert all(row["met_at"] or row["cancelled_at"] for row in w.rows(t.Deadline))
    assert len(w.events()) > before
    with w.app.read() as connection:
        assert queue.open_rows(connection, w.incident) == [], "nothing is due any more"
        assert verify(connection, w.incident).ok
    assert w.rows(t.Report, document="R01c") == [], "nothing was reported, so nothing is corrected"
    assert w.rows(t.Person, hold_leave=True) == []


def test_b_every_role_that_had_a_task_is_told(w: World) -> None:
    twice(w)
    dispatched(w, "08:09")
    roles = {role for row in w.rows(t.Task) for role in [row["role"], *row["also"]]}
    withdraw(w, CANCEL)
    assert {row["role"] for row in w.rows(t.Notice, code="incident_cancelled")} >= roles


def test_b_the_first_incident_is_not_touched(w: World) -> None:
    first, second = twice(w)
    w.incident = first
    before, tasks = len(w.events()), w.open_tasks()
    w.incident = second
    withdraw(w, CANCEL)
    w.incident = first
    assert (len(w.events()), w.open_tasks()) == (before, tasks)
    written = w.deadline("T02")
    assert written is not None
    assert (written["cancelled_at"], w.local(written["due_at"])) == (None, "03-02 10:05")


def test_b_sent_back_the_incident_goes_on(w: World) -> None:
    twice(w)
    withdraw(w, CANCEL, "退回")
    assert w.row()["closed_at"] is None
    assert "t_office_accept" in w.open_tasks()
    assert "msg_cancel_request" in w.offered("coordinator"), "it may be asked again"


def test_b_only_the_office_may_ask(w: World) -> None:
    twice(w)
    assert "msg_cancel_request" in w.offered("coordinator")
    assert "msg_cancel_request" not in w.offered("teacher")


# --- (c) a faulty device --------------------------------------------------------------------------------


def faulty(w: World) -> list[str]:
    """Three pupils at the gate within two minutes, an incident each; the third is the current one."""
    return [gate(w, f"08:0{minute}", name) for minute, name in enumerate(("学生卯", "学生午", "学生亥"))]


def test_c1_withdrawn_before_the_third_there_is_no_cluster(w: World) -> None:
    first, second = gate(w, "08:00", "学生卯"), gate(w, "08:01", "学生午")
    w.go("08:01:30")
    for incident in (first, second):
        w.incident = incident
        withdraw(w, FAULTY)
    gate(w, "08:02", "学生亥")
    assert s.fact(w, "cluster_count") == 1
    w.go("08:30")
    assert started(w, "ca_direct_report") == []
    assert w.rows(t.Report, document="R04") == []


def test_c2_the_third_registration_starts_one_direct_report_of_the_school(w: World) -> None:
    incidents = faulty(w)
    assert s.fact(w, "cluster_count") == 3
    direct = w.deadline("T01", "cluster")
    assert direct is not None
    assert (w.local(direct["started_at"]), w.local(direct["due_at"])) == ("03-02 08:02", "03-02 08:17")
    assert started(w, "ca_direct_report") == ["active"]
    for incident in incidents[:2]:
        w.incident = incident
        dispatched(w, "08:03")
        assert started(w, "ca_direct_report") == [], "only where the number was reached"


def test_c2_a_fourth_elsewhere_makes_the_reporting_incident_supplement(w: World) -> None:
    third = faulty(w)[2]
    w.go("08:10")
    direct_report(w)
    assert s.fact(w, "direct_report_count") == 3
    gate(w, "08:12", "学生寅")
    assert started(w, "ca_direct_report") == [], "one direct report per school and window"
    w.go("08:13")
    w.incident = third
    assert started(w, "ca_direct_supplement") == ["active"]


def test_c2_withdrawn_before_r04_went_out_only_r01_is_corrected(w: World) -> None:
    faulty(w)
    dispatched(w, "08:04")
    w.go("08:06")
    report_out(w)
    w.do("coordinator", "t_draft_direct", {"drafter": True})
    w.go("08:10")
    withdraw(w, FAULTY)
    assert started(w, "ca_direct_report") == ["cancelled"]
    assert {"t_draft_direct", "t_sign_report"}.isdisjoint(w.open_tasks())
    corrected(w)
    assert [row["state"] for row in w.rows(t.Report, document="R04")] == ["cancelled"]
    (first,) = w.rows(t.Report, document="R01")
    (correction,) = w.rows(t.Report, document="R01c")
    assert correction["corrects"] == [first["id"]]
    assert recipients(w, "R01c") == ["district_office", "duty_principal"]
    assert end(w) == ("false_alarm", "false_alarm")
    steps = ("e_cancel_thrown", "start_cancelled", "s_cancel_notice", "ca_cancel_correction", "ee_cancelled")
    assert [w.passed(step) for step in (*steps, "ee_cancel_asked")] == [["03-02 08:10"]] * 6


def test_c2_withdrawn_before_any_report_there_is_no_correction(w: World) -> None:
    faulty(w)
    w.go("08:10")
    withdraw(w, FAULTY)
    assert end(w) == ("false_alarm", "false_alarm")
    assert [row for row in w.rows(t.Report) if row["state"] == "sent"] == []


def test_c2_withdrawn_after_r04_every_recipient_is_told(w: World) -> None:
    faulty(w)
    dispatched(w, "08:04")
    w.go("08:06")
    report_out(w)
    w.go("08:15")
    direct_report(w, copy_ministry=True)
    assert recipients(w, "R04") == ["edu_bureau", "moe_office"]
    w.go("08:16")
    assert {row["state"] for row in w.rows(t.Delivery, message="msg_direct_report")} == {"acknowledged"}
    w.go("08:20")
    withdraw(w, FAULTY)
    corrected(w)
    (correction,) = w.rows(t.Report, document="R01c")
    sent = {row["id"] for row in w.rows(t.Report) if row["document"] in {"R01", "R04"}}
    assert set(correction["corrects"]) == sent
    assert recipients(w, "R01c") == ["district_office", "duty_principal", "edu_bureau", "moe_office"]
    assert end(w) == ("false_alarm", "false_alarm")


# --- (d) after the plan was started ------------------------------------------------------------------------


def measured(w: World) -> None:
    """37.9 at the re-check of 08:36."""
    gate(w, "08:05", "学生午")
    dispatched(w, "08:10")
    w.go("08:36")
    s.arrived(w)
    s.recheck(w)


def test_d_after_the_plan_a_withdrawal_is_neither_offered_nor_taken(w: World) -> None:
    measured(w)
    assert "msg_cancel_request" in w.offered("coordinator")
    w.go("08:41")
    s.start_plan(w)
    assert "msg_cancel_request" not in w.offered("coordinator")
    with pytest.raises(NothingWaits):
        w.act("coordinator", "msg_cancel_request", CANCEL)


def test_d_asked_before_the_plan_and_decided_after_it_is_refused(w: World) -> None:
    measured(w)
    w.act("coordinator", "msg_cancel_request", CANCEL)
    w.go("08:41")
    s.start_plan(w)
    s.sign(w, "t_approve_cancel")
    ended = [row["data"]["element"] for row in w.events("element_completed")]
    assert "ee_cancel_refused" in ended
    assert "e_cancel_thrown" not in ended
    assert w.row()["status"] == "responding"
