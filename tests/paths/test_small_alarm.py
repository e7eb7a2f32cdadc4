"""The small procedure end to end: two lanes, a deadline, a child, an automatic report."""

from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import World, at


def test_small_alarm_with_its_child_and_deadline(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick(), "small_alarm")
    assert set(w.open_tasks()) == {"t_small_check", "t_small_written"}
    assert w.local(w.deadline("T02")["due_at"]) == "03-02 10:10"

    w.do("nurse", "t_small_check")
    assert [row["status"] for row in w.rows(t.Instance, procedure="small_check")] == ["completed"]
    assert w.row()["closed_at"] is None

    w.go("10:10")
    assert [row["element"] for row in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["ee_small_overdue"]
    w.go("10:20")
    school.draft(w, "t_small_written", late_reason="电话占线")
    written = w.deadline("T02")
    assert (w.local(written["met_at"]), written["late_minutes"]) == ("03-02 10:20", 10)
    assert [row["recipient"] for row in w.rows(t.Delivery)] == ["edu_bureau"]
    assert w.row()["status"] == "closed"
    course = {
        "t_small_report": ["03-02 08:10"],
        "ca_small_check": ["03-02 08:10"],
        "ee_small_check": ["03-02 08:10"],
        "s_small_send": ["03-02 10:20"],
        "ee_small": ["03-02 10:20"],
    }
    assert {step: w.passed(step) for step in course} == course


def test_the_ladder_of_the_small_alarm_also_after_downtime(world: World) -> None:
    w = world
    w.go("13:00")
    w.open("teacher", school.quick(), "small_alarm")
    w.go("14:20")
    w.clock.set(at("15:05"))  # the server was down meanwhile
    w.restart()
    w.app.worker.tick()
    levels = [(row["data"]["level"], row["data"]["due"]) for row in w.events("deadline_escalated")]
    assert levels == [(0, "2026-03-02T06:30:00+00:00"), (1, "2026-03-02T07:00:00+00:00")]
    assert [w.local(row["at"]) for row in w.events("deadline_escalated")] == ["03-02 14:30", "03-02 15:00"]
    w.go("17:00")
    assert [row["data"]["level"] for row in w.events("deadline_escalated")] == [0, 1, 2, 3]
    assert [row["status"] for row in w.rows(t.Instance, procedure="accountability_inspection")] == ["active"]
    w.do("nurse", "t_small_check")
    school.draft(w, "t_small_written", late_reason="停电")
    assert w.row()["status"] == "closed"


def test_it_survives_a_restart_between_any_two_steps(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick(), "small_alarm")
    w.restart()
    w.do("nurse", "t_small_check")
    w.restart()
    w.go("10:05")
    school.draft(w, "t_small_written")
    w.restart()
    assert w.row()["status"] == "closed"
    assert w.deadline("T02")["late_minutes"] == 0
