"""Re-check and dispatch where SC01 does not go: 120 late or not reached, retest, getting worse, a second case."""

from datetime import datetime

from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.world import World


def test_120_not_reached_the_leader_asks_for_a_vehicle(world: World) -> None:
    w = world
    variants.accepted(w)
    school.call_120(w, outcome="未接通")
    assert "t_ask_dispatch" in w.open_tasks()
    assert w.rows(t.Delivery, element="s_call_120")[0]["state"] == "failed"
    w.do("nurse", "t_isolation_room")
    assert not {"r_120_arrived", "s_call_120_added"} <= set(w.open_tasks())
    w.do("principal", "t_ask_dispatch", {**variants.CALLED, "answered_by": "县指挥部"})
    assert "t_ask_dispatch" not in w.open_tasks()
    assert variants.visited_between(w, "t_ask_dispatch", "ee_dispatch")


def test_120_late_is_called_again_and_the_duty_principal_knows(world: World) -> None:
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:43")
    assert "s_recall_120" in w.open_tasks()
    assert [row["role"] for row in w.rows(t.Notice, code="ambulance_late")] == ["duty_principal"]
    assert "r_120_arrived" in w.open_tasks()
    school.call_120(w, "s_recall_120")
    assert variants.visited_between(w, "s_recall_120", "ee_recall_done")
    school.arrived(w)
    assert "r_recheck" in w.open_tasks()


def test_a_retest_and_a_low_result_are_followed_to_the_end(world: World) -> None:
    """A forehead thermometer counts for nothing; low means the hospital's advice, observation, and measuring again."""
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:35")
    school.arrived(w)
    school.recheck(w, 37.6, thermometer="ir_forehead", determined_by="low")
    assert variants.visited_between(w, "g_recheck", "r_recheck")
    school.recheck(w, 36.8)
    assert "r_hospital_advice" in w.open_tasks()
    assert "t_start_plan" not in w.open_tasks()
    w.do("nurse", "r_hospital_advice", {"advice": "observe", "advice_at": school.now(w), "info_source": "phone"})
    (wait,) = w.rows(t.Wait, element="e_reobserve")
    assert w.local(wait["due_at"]) == "03-02 09:35"
    w.go("09:35")
    assert "r_recheck" in w.open_tasks()
    school.recheck(w, 37.9)
    assert "t_start_plan" in w.open_tasks()


def test_a_patient_who_gets_worse_before_120_is_there(world: World) -> None:
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    assert "msg_deteriorated" in w.offered("nurse")
    w.act("nurse", "msg_deteriorated", {"severity": "severe", "changed_at": school.now(w)})
    assert [row["role"] for row in w.rows(t.Notice, code="patient_worse")] == ["duty_principal"]
    school.call_120(w, "s_recall_120_severe")
    assert variants.visited_between(w, "s_recall_120_severe", "ee_worse_done")
    school.arrived(w)
    assert "msg_deteriorated" not in w.offered("nurse")
    assert w.passed("s_alert_duty") == ["03-02 08:13"]


def test_a_second_pupil_after_the_call_gets_a_call_of_his_own(world: World) -> None:
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.go("08:20")
    second = variants.add_case(w, "学生乙")
    w.do("nurse", "t_isolation_room", task=_task_of(w, "t_isolation_room", second))
    call = _task_of(w, "s_call_120_added", second)
    w.do("coordinator", "s_call_120_added", variants.CALLED, task=call)
    assert {row["person_id"] for row in w.rows(t.Wait, element="r_120_arrived")} == {second}
    due = w.deadline("X02", second)
    assert due is not None
    assert isinstance(due["due_at"], datetime)


def _task_of(w: World, element: str, person: str) -> str:
    (row,) = [row for row in w.rows(t.Task, element=element, state="open") if row["person_id"] == person]
    return str(row["id"])


def test_the_class_is_out_before_everybody_is_cleared(world: World) -> None:
    """B2 and B6 are taken back when the pupil turns out well, though nobody did them."""
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    school.arrived(w)
    school.recheck(w, 36.6)
    assert {"t_observe_neighbours", "t_evacuate_class"} <= set(w.open_tasks())
    w.do("nurse", "r_hospital_advice", {"advice": "return", "advice_at": school.now(w), "info_source": "phone"})
    assert not {"t_observe_neighbours", "t_evacuate_class"} & set(w.open_tasks())
    assert variants.visited_between(w, "e_observe_over", "ee_dispatch")
    assert variants.visited_between(w, "e_evacuate_over", "ee_dispatch")
