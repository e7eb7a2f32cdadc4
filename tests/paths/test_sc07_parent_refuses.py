"""SC07: the parents refuse; nothing waits for them, and a refusal is on record where it belongs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application import tasks
from service.domain import commands as cmd
from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school as s
from tests.paths.world import World, at


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """Registered at 09:00, dispatched at 09:03, R01 sent at 09:06, the notice to parents approved at 09:08."""
    world = World(tmp_path, at("09:00"))
    world.open("teacher", s.quick(temperature=37.9))
    world.go("09:02")
    s.detection(world)
    world.go("09:03")
    world.do("coordinator", "t_office_accept")
    world.go("09:05")
    s.call_120(world)
    world.do("nurse", "t_isolation_room")
    world.go("09:06")
    s.draft(world)
    s.sign(world)
    world.go("09:08")
    s.approve_notice(world)
    yield world
    world.close()


def not_reached(w: World) -> None:
    """09:10: nobody answers."""
    w.go("09:10")
    s.tell_parents(w, "未联系上", 1)


def refuse(w: World) -> None:
    """09:20: they come and want to drive the child away."""
    not_reached(w)
    w.go("09:20")
    s.tell_parents(w, "拒绝", 2)


def refusal(w: World, outcome: str) -> None:
    """M2r: explained, others asked for help."""
    w.do(
        "principal", "t_parent_refusal",
        {"refusal_outcome": outcome, "explained_at": s.now(w), "assist_asked": ["卫健部门", "派出所"]},
    )  # fmt: skip


def plan_started(w: World) -> None:
    """09:35 and 09:38: 120 measures 37.8, the plan starts."""
    w.go("09:35")
    s.arrived(w)
    s.recheck(w, 37.8)
    w.go("09:38")
    s.start_plan(w)


def agree(w: World) -> None:
    """09:45: they agree to come along; M2 is told the same."""
    w.go("09:45")
    s.tell_parents(w, "理解配合", 3)
    s.tell_parents(w, "理解配合", 1, "t_parent_transfer")


def done_at(w: World, element: str) -> list[str]:
    """When an element was completed, each time."""
    return [w.local(row["at"]) for row in w.events("element_completed") if row["data"]["element"] == element]


def waiting(w: World, element: str) -> list[str]:
    """Due times of the waits at an element."""
    return [w.local(row["due_at"]) for row in w.rows(t.Wait, element=element)]


def test_the_clocks_start_at_detection(w: World) -> None:
    (first, written) = (w.deadline("T01", "detected"), w.deadline("T02"))
    assert first is not None
    assert written is not None
    assert w.local(first["due_at"]) == "03-02 09:15"
    assert w.local(written["due_at"]) == "03-02 11:00"


def test_not_reached_they_are_called_again_after_ten_minutes(w: World) -> None:
    not_reached(w)
    assert waiting(w, "e_parent_retry") == ["03-02 09:20"]
    assert "t_inform_parents" not in w.open_tasks()
    assert "t_parent_refusal" not in w.open_tasks(), "not reached is no refusal"
    assert {"r_120_arrived", "t_written_report_2h", "t_mark_places", "t_evacuate_class"} <= set(w.open_tasks())
    w.go("09:20")
    assert "t_inform_parents" in w.open_tasks()


def test_a_refusal_goes_to_the_duty_principal_and_the_next_call_is_due(w: World) -> None:
    refuse(w)
    (task,) = w.rows(t.Task, element="t_parent_refusal")
    assert (task["state"], task["role"], w.local(task["created_at"])) == ("open", "duty_principal", "03-02 09:20")
    assert waiting(w, "e_parent_retry") == ["03-02 09:30"]


def test_a_draft_of_the_refusal_leaves_its_task_open(w: World) -> None:
    refuse(w)
    w.go("09:25")
    (task,) = w.open_tasks()["t_parent_refusal"]
    draft = cmd.SaveDraft(task, {"explained_at": s.now(w), "assist_asked": ["卫健部门", "派出所"]})
    w.app.run(lambda uow: tasks.save_draft(uow, w.app.services, w.who("principal"), draft))
    assert w.open_tasks()["t_parent_refusal"] == [task]


def test_after_the_recheck_the_transfer_is_prepared_all_the_same(w: World) -> None:
    refuse(w)
    plan_started(w)
    assert s.fact(w, "recheck_outcome") == "start_plan"
    assert {"s_notify_hospital", "t_parent_transfer", "t_ppe_escort", "t_parent_refusal"} <= set(w.open_tasks())


def test_no_vehicle_is_a_private_car(w: World) -> None:
    refuse(w)
    plan_started(w)
    agree(w)
    w.do("coordinator", "s_notify_hospital", {"send_channel": "电话", "outcome": "已接通", "answered_by": "分诊台"})
    w.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]})
    (task,) = w.open_tasks()["t_hand_over"]
    handed = {"vehicle_no": "私1", "depart_at": s.now(w), "temp_at_transfer": 37.8, "handed_by": True}
    with pytest.raises(FormRefused) as refused:
        w.do("nurse", "t_hand_over", {**handed, "severity": "mild", "vehicle_kind": "私家车"})
    assert [error.path for error in refused.value.errors] == ["vehicle_kind"]
    assert w.open_tasks()["t_hand_over"] == [task]
    kinds = w.app.services.forms.view("F05#depart").field("vehicle_kind")
    assert kinds is not None
    assert {option.value for option in kinds.options} == {"120救护车", "负压救护车", "指挥部专用车"}


def test_when_they_agree_the_branch_is_done_and_the_transfer_goes_on(w: World) -> None:
    refuse(w)
    plan_started(w)
    agree(w)
    assert done_at(w, "g_parent_agrees")[-1] == "03-02 09:45"
    assert "t_inform_parents" not in w.open_tasks()
    w.go("09:46")
    refusal(w, "已同意")
    assert "t_parent_refusal" not in w.open_tasks()
    w.go("09:50")
    w.do("coordinator", "s_notify_hospital", {"send_channel": "电话", "outcome": "已接通", "answered_by": "分诊台"})
    w.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]})
    s.transfer(w)
    s.received(w)
    s.clean_vehicle(w)
    assert "r_diagnosis" in w.open_tasks()
    w.go("10:10")
    assert "t_inform_parents" not in w.open_tasks(), "agreed, so nobody calls again"


def test_variant_b_a_final_refusal_ends_the_open_call(w: World) -> None:
    refuse(w)
    plan_started(w)
    w.go("10:00")
    assert "t_inform_parents" in w.open_tasks(), "open since the retry of 09:30"
    refusal(w, "仍拒绝")
    assert done_at(w, "e_refusal_recorded") == ["03-02 10:00"]
    assert "t_inform_parents" not in w.open_tasks()


def test_variant_b_a_final_refusal_ends_the_wait_for_the_next_call(w: World) -> None:
    refuse(w)
    w.go("09:27")
    refusal(w, "仍拒绝")
    assert done_at(w, "e_refusal_final") == ["03-02 09:27"]
    assert waiting(w, "e_parent_retry") == []
    w.go("09:45")
    assert "t_inform_parents" not in w.open_tasks()


def test_variant_b_the_transfer_stays_with_120(w: World) -> None:
    refuse(w)
    plan_started(w)
    w.go("10:00")
    refusal(w, "仍拒绝")
    s.tell_parents(w, "拒绝", 4, "t_parent_transfer")
    w.do("coordinator", "s_notify_hospital", {"send_channel": "电话", "outcome": "已接通", "answered_by": "分诊台"})
    w.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]})
    assert "t_hand_over" in w.open_tasks(), "any answer lets the transfer go on"
    assert "t_parent_refusal" in w.open_tasks(), "every further refusal is handled again"
    assert w.passed("start_parent_refusal") == ["03-02 09:20", "03-02 10:00"]
    assert w.passed("ee_refusal_done") == ["03-02 10:00"]
    assert w.decided("br_destination") == [[5]]


def test_variant_b_the_police_event_is_logged_and_the_written_report_states_it(w: World) -> None:
    refuse(w)
    plan_started(w)
    w.go("10:00")
    refusal(w, "仍拒绝")
    (logged,) = [row for row in w.events("record_saved") if row["element"] == "t_parent_refusal"]
    assert "派出所" in logged["data"]["answers"]["assist_asked"]
    first, written = w.deadline("T01", "detected"), w.deadline("T02")
    assert first is not None
    assert written is not None
    assert w.local(first["met_at"]) == "03-02 09:06", "R01 went out before"
    assert (written["cancelled_at"], w.local(written["due_at"])) == (None, "03-02 11:00"), "no deadline is suspended"
    w.go("10:20")
    s.written_report(w)
    s.sign(w, "t_sign_written_report")
    (report,) = w.rows(t.Report, document="R01w")
    (record,) = w.rows(t.Record, id=report["record_id"])
    assert "仍拒绝" in record["data"]["measures"]


def test_variant_b_nobody_may_leave(w: World) -> None:
    refuse(w)
    w.go("10:00")
    held = {row["id"] for row in w.rows(t.Person, hold_leave=True)}
    assert held
    refusal(w, "仍拒绝")
    assert {row["id"] for row in w.rows(t.Person, hold_leave=True)} == held
