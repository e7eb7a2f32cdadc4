"""SC12 with several persons of one incident: some are withdrawn, the incident goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.application import accounts, incidents
from service.domain import commands as cmd
from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school as s
from tests.paths.world import SCHOOL, World, at

FAULTY = {"cancel_kind": "设备故障", "cancel_scope": "部分人员", "reason": "测温枪故障"}
MERGED = {"cancel_kind": "并案", "cancel_scope": "全部", "reason": "与另一事件同源"}


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """A school on a Monday at 08:00, one pupil stopped at the gate."""
    world = World(tmp_path, at("08:00"))
    world.open("teacher", s.quick("学生卯", 37.9, source_kind="gate"))
    yield world
    world.close()


def add(w: World, time: str, name: str) -> str:
    """A further pupil of the incident; returns the person id."""
    w.go(time)
    rest = {"mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["佩戴口罩"], "epi_history": False}
    command = cmd.AddCase(w.incident, {**s.quick(name, 37.9, source_kind="gate"), **rest})
    return w.app.run(lambda uow: incidents.add_case(uow, w.app.services, w.who("coordinator"), command))


def three(w: World) -> list[str]:
    """08:00, 08:01, 08:02: three persons; all in isolation rooms at 08:05."""
    persons = [w.rows(t.Person, kind="case")[0]["id"], add(w, "08:01", "学生午"), add(w, "08:02", "学生亥")]
    w.go("08:05")
    s.detection(w)
    w.do("coordinator", "t_office_accept")
    s.call_120(w)
    for task in w.open_tasks()["t_isolation_room"]:
        w.do("nurse", "t_isolation_room", task=task)
    return persons


def withdraw(w: World, persons: list[str]) -> None:
    """H5 for some persons, asked and approved."""
    w.act("coordinator", "msg_cancel_request", {**FAULTY, "cancel_persons": [{"id": person} for person in persons]})
    s.sign(w, "t_approve_cancel")


def cases(w: World) -> dict[str, str]:
    """Status of the instance of each person."""
    return {row["person_id"]: row["status"] for row in w.rows(t.Instance, parent_element="ca_cases")}


def started(w: World, element: str) -> list[str]:
    """Status of the instances a call started."""
    return [row["status"] for row in w.rows(t.Instance, parent_element=element)]


def test_their_cases_and_tasks_end_and_the_rest_goes_on(w: World) -> None:
    first, second, third = three(w)
    assert len(w.open_tasks()["r_120_arrived"]) == 3
    w.go("08:10")
    withdraw(w, [first, third])
    assert cases(w) == {first: "cancelled", second: "active", third: "cancelled"}
    (task,) = w.open_tasks()["r_120_arrived"]
    assert w.rows(t.Task, id=task)[0]["person_id"] == second
    assert w.row()["closed_at"] is None
    assert s.fact(w, "cluster_count") == 1
    running = {row["subject"] for row in w.rows(t.Deadline, rule="X02") if row["cancelled_at"] is None}
    assert running == {second}
    course = {
        "start_cluster": ["03-02 08:02"],
        "t_revoke_cases": ["03-02 08:10"],
        "e_cluster_gone": ["03-02 08:10"],
        "ee_cancel_asked": ["03-02 08:10"],
    }
    assert {step: w.passed(step) for step in course} == course


def test_a_direct_report_not_sent_falls_away_with_the_number(w: World) -> None:
    first, _, third = three(w)
    assert started(w, "ca_direct_report") == ["active"]
    w.go("08:10")
    withdraw(w, [first, third])
    assert started(w, "ca_direct_report") == ["cancelled"]
    assert "t_draft_direct" not in w.open_tasks()
    direct = w.deadline("T01", "cluster")
    assert direct is not None
    assert w.local(direct["cancelled_at"]) == "03-02 08:10"
    w.go("09:30")
    assert not [row for row in w.rows(t.Instance) if row["inputs"].get("clue") == "T01:cluster"], "nobody is late"


def test_who_was_reported_directly_is_corrected_when_withdrawn(w: World) -> None:
    first, second, third = three(w)
    s.draft(w, "t_draft_direct")
    s.sign(w)
    assert s.fact(w, "direct_report_count") == 3
    w.go("08:10")
    withdraw(w, [third])
    assert started(w, "ca_revoke_correction") == ["active"]
    s.draft(w, "t_draft_correction")
    s.sign(w)
    (correction,) = w.rows(t.Report, kind="correction")
    assert correction["corrects"] == [w.rows(t.Report, document="R04")[0]["id"]]
    assert {row["recipient"] for row in w.rows(t.Delivery, report_id=correction["id"])} == {"edu_bureau"}
    text = w.view().facts.rows.latest("F08", instance=correction["instance_id"])
    assert (text["person_count"], text["correction_reason"]) == (2, "误报撤销")
    assert "其中1例经核实为误报，予以撤销，现为2例" in text["correction_text"]
    assert cases(w) == {first: "active", second: "active", third: "cancelled"}
    assert s.fact(w, "direct_report_count") == 2
    w.go("08:20")
    add(w, "08:20", "学生申")
    assert started(w, "ca_direct_supplement") == ["active"], "the superior was told of two, now there are three again"


def test_nothing_is_corrected_that_was_not_reported(w: World) -> None:
    _, _, third = three(w)
    w.go("08:10")
    withdraw(w, [third])
    assert started(w, "ca_revoke_correction") == []


def test_a_direct_report_falls_away_when_another_incident_is_withdrawn(w: World) -> None:
    w.go("08:01")
    second = w.open("teacher", s.quick("学生午", 37.9, source_kind="gate"))
    w.go("08:02")
    third = w.open("teacher", s.quick("学生亥", 37.9, source_kind="gate"))
    assert started(w, "ca_direct_report") == ["active"]
    w.go("08:10")
    w.incident = second
    everybody = {**FAULTY, "cancel_scope": "全部"}
    w.act("coordinator", "msg_cancel_request", everybody)
    s.sign(w, "t_approve_cancel")
    w.go("08:11")
    w.incident = third
    assert started(w, "ca_direct_report") == ["cancelled"]


def test_when_the_last_one_is_cleared_the_incident_ends(w: World) -> None:
    first, _, third = three(w)
    s.draft(w)
    s.sign(w)
    s.approve_notice(w)
    s.tell_parents(w, "理解配合", 1)
    w.go("08:10")
    withdraw(w, [first, third])
    s.start_disinfection(w)
    w.go("08:45")
    s.end_disinfection(w)
    s.arrived(w)
    s.recheck(w, 36.6)
    advice = {"advice": "return", "advice_at": s.now(w), "info_source": "phone"}
    w.do("coordinator", "r_hospital_advice", advice)
    for _ in ("of those withdrawn", "of the one who is cleared"):
        s.draft(w, "t_draft_correction")
        s.sign(w)
    assert w.row()["result"] == "false_alarm"
    assert w.rows(t.Person, hold_leave=True) == []
    course = {
        "s_clear_notice": ["03-02 08:45"],
        "ee_recheck_cleared": ["03-02 08:45"],
        "ee_case_cleared": ["03-02 08:45"],
        "e_all_cleared": ["03-02 08:45"],
        "ca_correct_cleared": ["03-02 08:45"],
        "e_dispatch_settled": ["03-02 08:45"],
        "ca_dispatch": ["03-02 08:45"],
        "ee_false_alarm": ["03-02 08:45"],
    }
    assert {step: w.passed(step) for step in course} == course
    assert w.decided("br_recheck") == [[6]]


def test_who_is_withdrawn_cannot_be_withdrawn_again(w: World) -> None:
    first, _, _ = three(w)
    w.go("08:10")
    withdraw(w, [first])
    with pytest.raises(FormRefused) as refused:
        w.act("coordinator", "msg_cancel_request", {**FAULTY, "cancel_persons": [{"id": first}]})
    assert refused.value.errors[0].path.startswith("cancel_persons")


def test_when_nobody_is_left_the_whole_incident_is_withdrawn(w: World) -> None:
    persons = three(w)
    w.go("08:10")
    withdraw(w, persons)
    assert (w.row()["status"], w.row()["result"]) == ("false_alarm", "false_alarm")
    assert w.open_tasks() == {}


def test_who_asks_for_a_withdrawal_does_not_approve_it(w: World) -> None:
    both = accounts.NewAccount("deputy", "办公室兼值班", "x", [(SCHOOL, "epi_office"), (SCHOOL, "duty_principal")])
    w.app.run(lambda uow: accounts.create_account(uow, both))
    w.act("deputy", "msg_cancel_request", {**FAULTY, "cancel_scope": "全部"})
    with pytest.raises(FormRefused) as refused:
        w.do("deputy", "t_approve_cancel", s.SIGN)
    assert [error.path for error in refused.value.errors] == ["signer"]
    s.sign(w, "t_approve_cancel")
    assert w.row()["result"] == "false_alarm"


def test_it_is_merged_only_into_another_open_incident(w: World) -> None:
    for target in (w.incident, "nowhere"):
        with pytest.raises(FormRefused) as refused:
            w.send("msg_merge_order", {**MERGED, "merge_into": {"id": target}})
        assert [error.path for error in refused.value.errors] == ["merge_into.id"]
    assert w.row()["closed_at"] is None


def test_merged_by_order_of_the_superior_everything_ends(w: World) -> None:
    three(w)
    other = w.incident
    w.open("teacher", s.quick("学生未", 37.9, source_kind="gate"))
    w.send("msg_merge_order", {**MERGED, "merge_into": {"id": other}})
    assert (w.row()["status"], w.row()["result"]) == ("merged", "merged")
    assert w.open_tasks() == {}
    w.incident = other
    assert w.row()["closed_at"] is None
