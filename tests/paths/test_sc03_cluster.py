"""SC03: three cases within an hour and a half: reported directly before any diagnosis, then judged one by one."""

from typing import Any

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.world import World

TEACHER = {"name": "教师丙", "person_type": "teacher", "org_unit": {"id": school.CLASS}, "phone": "13800000003"}
REACHED = {"send_channel": "电话", "outcome": "已接通", "answered_by": "分诊台"}


def task_of(w: World, element: str, person: str) -> str:
    """The open task of an element about one person."""
    found = [task for task in w.open_tasks().get(element, []) if w.rows(t.Task, id=task)[0]["person_id"] == person]
    assert len(found) == 1, f"{element} is not open for this person"
    return found[0]


def rules(w: World, decision: str, person: str = "") -> list[list[int]]:
    """The rows of a decision that fired, oldest first; about one person if given."""
    rows = w.rows(t.DecisionRow, decision=decision, **({"person_id": person} if person else {}))
    return [row["rules"] for row in rows]


def first_pupil(w: World) -> str:
    """08:05 to 08:41: the first pupil, as in SC01, re-checked in room 101."""
    w.go("08:05")
    w.open("teacher", school.quick("学生甲", 38.0))
    school.detection(w)
    w.do("coordinator", "t_office_accept")
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:15")
    school.draft(w)
    w.go("08:18")
    school.sign(w)
    w.go("08:30")
    school.arrived(w)
    school.recheck(w, 37.9, room_no="101")
    w.go("08:35")
    school.start_plan(w)
    return variants.cases(w)[0]


def second_pupil(w: World) -> str:
    """08:40: a second pupil is added to the incident."""
    w.go("08:40")
    return variants.add_case(w, "学生乙", temperature=37.8, symptoms=["cough"])


def teacher(w: World) -> str:
    """09:30: a teacher of the same class is the third."""
    w.go("09:30")
    return variants.add_case(w, "教师丙", temperature=37.5, symptoms=["fatigue"], person=TEACHER)


def rechecked(w: World, person: str, room: str, **more: Any) -> None:
    """A further person waits in a room of his own, 120 is told, arrives and re-checks."""
    w.do("nurse", "t_isolation_room", task=task_of(w, "t_isolation_room", person))
    w.do("coordinator", "s_call_120_added", {**REACHED, "answered_by": "120调度员"})
    values = {"arrive_120_at": school.now(w), "info_source": "visit"}
    w.do("nurse", "r_120_arrived", values, task=task_of(w, "r_120_arrived", person))
    recheck = {
        "axillary_temp": 37.6, "thermometer": "mercury_axillary", "cough": True, "diarrhoea": False,
        "epi_history": False, "determined_by": "start_plan", "info_source": "visit", "room_no": room, **more,
    }  # fmt: skip
    w.do("nurse", "r_recheck", recheck, task=task_of(w, "r_recheck", person))


def transferred(w: World, person: str) -> None:
    """M1 to M4 for one person; a teacher's parents are nobody's business."""
    w.do("coordinator", "s_notify_hospital", REACHED, task=task_of(w, "s_notify_hospital", person))
    if "t_parent_transfer" in w.open_tasks():
        school.tell_parents(w, "理解配合", 1, "t_parent_transfer")
    w.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]}, task=task_of(w, "t_ppe_escort", person))
    school.transfer(w)
    school.received(w)
    school.clean_vehicle(w)


def diagnosed(w: World, person: str, result: str) -> None:
    """M5 for one person, keyed in by the office."""
    values = {"result": result, "result_at": school.now(w), "hospital": {"id": "demo-clinic"}, "info_source": "phone"}
    w.do("coordinator", "r_diagnosis", values, task=task_of(w, "r_diagnosis", person))


def nothing_is_suspended(w: World) -> None:
    """P17.1: the principal asks what to suggest while there is neither an order nor a result."""
    incident = w.incident
    wish = {"order_source": "学校建议", "adjust": "class_suspend", "scope": [{"id": school.CLASS}]}
    w.open("principal", wish, procedure="class_suspension")
    assert rules(w, "D13") == [[7]]
    assert variants.visited_between(w, "g_suspension", "ee_no_suspension")
    assert not w.rows(t.Record, form="F18", view="decide")
    w.incident = incident
    assert "msg_superior_order" in w.offered("principal"), "a later order comes by the Actions menu"


def reported_directly(w: World) -> list[str]:
    """Everything until 09:40, when the direct report goes out; returns the three persons."""
    persons = [first_pupil(w), second_pupil(w)]
    w.go("08:50")
    rechecked(w, persons[1], "102")
    persons.append(teacher(w))
    w.go("09:38")
    school.draft(w, "t_draft_direct")
    w.go("09:40")
    school.sign(w)
    return persons


def test_a_second_case_has_a_child_and_a_room_of_his_own_and_is_no_cluster(world: World) -> None:
    w = world
    first_pupil(w)
    assert w.local(w.deadline("T02")["due_at"]) == "03-02 10:05"
    assert school.fact(w, "cluster_count") == 1
    second = second_pupil(w)
    assert len(w.rows(t.Instance, parent_element="ca_cases")) == 2
    assert school.fact(w, "cluster_count") == 2
    assert not w.rows(t.Instance, parent_element="ca_direct_report")
    assert "t_draft_direct" not in w.open_tasks()
    w.go("08:50")
    with pytest.raises(FormRefused) as refused:
        rechecked(w, second, "101")
    assert [error.path for error in refused.value.errors] == ["room_no"], "the first pupil still waits in 101"
    with pytest.raises(FormRefused) as refused:
        w.do("nurse", "r_recheck", {"info_source": "visit"}, task=task_of(w, "r_recheck", second))
    assert "room_no" in {error.path for error in refused.value.errors}, "with several persons the room is asked"


def test_the_third_registration_is_reported_directly_before_any_diagnosis(world: World) -> None:
    w = world
    persons = [first_pupil(w), second_pupil(w)]
    w.go("08:50")
    rechecked(w, persons[1], "102")
    persons.append(teacher(w))
    assert len(w.rows(t.Instance, parent_element="ca_cases")) == 3
    assert school.fact(w, "cluster_count") == 3
    assert {case["case_status"] for case in w.rows(t.Person, kind="case")} <= {"responding", "observing", "detected"}
    direct = w.deadline("T01", "cluster")
    assert w.local(direct["due_at"]) == "03-02 09:45"
    w.go("09:38")
    school.draft(w, "t_draft_direct")
    w.go("09:40")
    school.sign(w)
    direct = w.deadline("T01", "cluster")
    assert (w.local(direct["met_at"]), direct["late_minutes"]) == ("03-02 09:40", 0)
    (report,) = w.rows(t.Report, document="R04")
    assert (report["state"], set(report["persons"])) == ("sent", set(persons))
    sent = {row["recipient"] for row in w.rows(t.Delivery, report_id=report["id"])}
    assert sent == {"edu_bureau"}, "the copy to the Ministry is the school's choice"


def test_a_fourth_person_is_a_supplement_without_a_deadline_of_its_own(world: World) -> None:
    w = world
    reported_directly(w)
    w.go("09:45")
    variants.add_case(w, "学生丁", temperature=37.9)
    assert len(w.rows(t.Instance, parent_element="ca_direct_report")) == 1
    (supplement,) = w.rows(t.Instance, parent_element="ca_direct_supplement")
    assert supplement["inputs"]["corrects"] == "last_direct_report"
    assert {row["subject"] for row in w.rows(t.Deadline, rule="T01")} == {"detected", "cluster"}
    school.draft(w, "t_draft_correction")
    school.sign(w)
    (correction,) = w.rows(t.Report, kind="correction")
    assert correction["corrects"] == [w.rows(t.Report, document="R04")[0]["id"]]
    assert {row["recipient"] for row in w.rows(t.Delivery, report_id=correction["id"])} == {"edu_bureau"}
    assert school.fact(w, "direct_report_count") == 4


def test_sc03_three_persons_to_the_progress_report_of_the_day(world: World) -> None:
    w = world
    persons = reported_directly(w)
    first, second, third = persons
    w.go("09:50")
    school.written_report(w)
    w.go("09:55")
    school.sign(w, "t_sign_written_report")
    written = w.deadline("T02")
    assert (w.local(written["met_at"]), written["late_minutes"]) == ("03-02 09:55", 0)
    (report,) = w.rows(t.Report, document="R01w")
    assert set(report["persons"]) == set(persons)
    assert w.view().facts.rows.latest("F08", instance=report["instance_id"])["person_count"] == 3

    w.go("10:05")
    nothing_is_suspended(w)
    rechecked(w, third, "103")
    w.go("10:30")
    for person in persons:
        transferred(w, person)
    w.go("15:00")
    diagnosed(w, first, "suspected")
    diagnosed(w, second, "excluded")
    diagnosed(w, third, "suspected")
    assert [rules(w, "D23", person) for person in persons] == [[[2]], [[1]], [[2]]]
    assert w.row()["status"] == "suspected"
    assert w.rows(t.Report, document="R04")[0]["state"] == "sent"
    assert not w.rows(t.Report, kind="correction"), "what was reported directly is not withdrawn"

    w.go("16:00")
    drafting = w.rows(t.Instance, parent_element="ca_progress")[0]["id"]
    school.draft(w, "t_draft_progress")
    school.sign(w)
    stated = str(w.view().facts.rows.latest("F09", instance=drafting)["control_state"])
    assert "此前直报3例，其中经医疗机构诊断排除1例，现为2例。" in stated
    assert len(w.rows(t.Report, document="R04")) == 1


def test_two_persons_are_no_cluster_however_long_it_takes(world: World) -> None:
    w = world
    first_pupil(w)
    second_pupil(w)
    w.go("12:00")
    assert school.fact(w, "cluster_count") == 2
    assert not w.rows(t.Instance, parent_element="ca_direct_report")
    assert not w.rows(t.Deadline, rule="T01", subject="cluster")
