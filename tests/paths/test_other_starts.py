"""The other ways an incident begins, and what the dispatch leaves out then."""

import pytest

from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.world import World


@pytest.mark.parametrize(
    ("kind", "start"), [("self", "start_self_report"), ("gate", "start_temp_abnormal"), ("seen", "start_symptom_seen")]
)
def test_the_source_kind_chooses_the_start_event(world: World, kind: str, start: str) -> None:
    world.go("08:10")
    world.open("teacher", school.quick(source_kind=kind))
    assert variants.visited_between(world, start, "t_register_abnormal")
    assert {row["element"] for row in world.rows(t.ElementVisit) if row["element"].startswith("start_")} >= {start}
    assert "t_office_accept" in world.open_tasks()


def test_where_seats_are_not_fixed_those_present_are_registered(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick(place="demo-school-canteen"))
    assert "t_register_onsite" in w.open_tasks()
    assert "t_remind_protection" not in w.open_tasks()
    rows = [{"name": name, "person_type": "student", "org_unit": {"id": school.CLASS}} for name in ("学生乙", "学生丙")]
    w.do("teacher", "t_register_onsite", {"rows": rows, "source": "现场登记"})
    w.do("teacher", "t_remind_protection")
    onsite = [row for row in w.rows(t.Person) if row["kind"] == "onsite"]
    assert len(onsite) == 2
    assert all(row["hold_leave"] for row in onsite)


def test_a_sick_teacher_has_no_parents_to_tell_and_the_class_may_stay(world: World) -> None:
    w = world
    variants.change_policy(w, "classmates_mode", "stay_in_place")
    w.go("08:10")
    teacher = {"name": "教师寅", "person_type": "teacher", "org_unit": {"id": "demo-school-canteen"}}
    w.open("teacher", school.quick(person=teacher))
    w.do("coordinator", "t_office_accept")
    assert not {"t_approve_parent_notice", "t_evacuate_class"} & set(w.open_tasks())
    assert variants.visited_between(w, "g_classmates", "ee_dispatch")

    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:38")
    school.arrived(w)
    school.recheck(w)
    school.start_plan(w)
    assert variants.visited_between(w, "g_is_student", "g_student_done")
    assert "t_parent_transfer" not in w.open_tasks()
    assert {"s_notify_hospital", "t_ppe_escort"} <= set(w.open_tasks())


def test_with_the_phone_channel_the_reporter_confirms_that_the_office_knows(world: World) -> None:
    w = world
    variants.change_policy(w, "office_report_channel", "phone")
    w.go("08:10")
    w.open("teacher", school.quick())
    assert "s_report_office" in w.open_tasks()
    assert "t_office_accept" not in w.open_tasks()
    w.do("teacher", "s_report_office", {**variants.CALLED, "answered_by": "办公室丙"})
    assert "t_office_accept" in w.open_tasks()


def test_an_external_notice_needs_no_120_and_starts_the_plan(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("coordinator", variants.external(w))
    assert variants.visited_between(w, "start_external_notice", "t_register_external")
    assert {"t_start_plan", "t_draft_initial", "t_written_report_2h", "t_approve_parent_notice"} <= set(w.open_tasks())
    assert not {"s_call_120", "t_isolation_room", "t_observe_neighbours", "t_mark_places"} & set(w.open_tasks())

    school.start_plan(w)
    assert variants.visited_between(w, "g_on_site", "ee_case_transfer")
    assert "r_diagnosis" in w.open_tasks()
    school.diagnosis(w, "pending")
    assert variants.visited_between(w, "g_diagnosis", "r_diagnosis")
    school.diagnosis(w, "excluded")
    assert w.row()["status"] == "excluded"


def test_an_external_notice_of_a_confirmed_case_goes_straight_to_control(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("coordinator", variants.external(w, "confirmed"))
    assert variants.visited_between(w, "g_case_entry", "br_case_class")
    assert {"t_inform_family", "t_start_plan"} <= set(w.open_tasks())
    assert "r_diagnosis" not in w.open_tasks()
    started = {row["parent_element"] for row in w.rows(t.Instance)}
    assert {"ca_report_bureau", "ca_epi", "ca_contacts", "ca_terminal"} <= started


def test_a_second_notice_adds_a_case_to_the_incident(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("coordinator", variants.external(w))
    assert w.send("msg_external_notice", variants.external(w, name="学生乙丑")) == "delivered"
    first, second = variants.cases(w)
    assert first != second
    assert variants.instance_of(w, second) != variants.instance_of(w, first)
    assert variants.visited_between(w, "start_notice_again", "ee_notice_added")
