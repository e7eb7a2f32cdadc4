"""P16 where SC01 does not go: started by the parents, documents missing, symptoms again, refused at the gate."""

from datetime import timedelta
from typing import Any

import pytest

from service.domain.errors import FormRefused, NoSuch
from service.persistence import tables as t
from tests.paths import school
from tests.paths.variants import visited_between
from tests.paths.world import World


def asked(w: World, situation: str, **more: Any) -> None:
    """The pupil was excluded, the certificate is filed, and on 5 March the parents ask for the return."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    w.go("03-05 09:00")
    w.do("teacher", "t_apply_return", {"situation": situation, "recovered": True, **more})


def review(w: World, decision: str) -> None:
    comment = {} if decision == "准予返校" else {"comment": "请补交"}
    w.do("coordinator", "t_review_return", {"decision": decision, "reviewer": True, **comment})


def enter(w: World, action: str, temperature: float = 36.6, *, mask: bool = True) -> None:
    w.do(
        "coordinator", "t_entry_check",
        {"time": school.now(w), "temperature": temperature, "mask_worn": mask, "action": action},
    )  # fmt: skip


def test_documents_that_are_missing_are_asked_for_until_they_are_there(world: World) -> None:
    w = world
    asked(w, "隔离期满")
    assert "t_add_documents" in w.open_tasks()
    w.do("teacher", "t_add_documents", {"certificate": school.CERTIFICATE, "health_verdict": "无传染性"})
    assert "t_review_return" in w.open_tasks()
    review(w, "补材料")
    assert visited_between(w, "g_review", "t_add_documents")
    w.do("teacher", "t_add_documents", {"certificate": school.CERTIFICATE, "health_verdict": "无传染性"})
    review(w, "暂缓")
    assert visited_between(w, "g_review", "ee_return_postponed")
    assert [row["status"] for row in w.rows(t.Instance, procedure="return_to_school")] == ["completed"]


def test_at_the_gate_without_a_mask_or_with_fever(world: World) -> None:
    w = world
    asked(w, "排除发热", symptom_end_at=school.at_time("03-02 20:00"))
    review(w, "准予返校")
    enter(w, "re_mask", mask=False)
    assert visited_between(w, "g_entry_ok", "t_entry_check")
    enter(w, "fever_clinic", 38.2)
    assert visited_between(w, "g_entry_ok", "br_return")
    assert "t_entry_check" not in w.open_tasks()
    assert w.passed("e_start_return") == w.passed("start_return_asked") == ["03-02 14:30"]
    (waited,) = w.rows(t.Deadline, rule="T06")
    assert waited["due_at"] - waited["started_at"] == timedelta(hours=48)


def test_symptoms_again_start_the_waiting_time_anew(world: World) -> None:
    w = world
    asked(w, "排除发热", symptom_end_at=school.at_time("03-04 20:00"))
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_return_wait")] == ["03-06 20:00"]
    again = {"symptom_at": school.at_time("03-05 08:00"), "symptom_end_at": school.now(w)}
    w.act("teacher", "msg_symptom_again", again)
    assert visited_between(w, "start_symptom_again", "ee_symptom_again")
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_return_wait")] == ["03-07 09:00"]


def test_symptoms_told_before_the_application_stop_nothing(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    assert "t_apply_return" in w.open_tasks()
    again = {"symptom_at": school.at_time("03-02 13:00"), "symptom_end_at": school.now(w)}
    w.act("teacher", "msg_symptom_again", again)
    assert visited_between(w, "start_symptom_again", "ee_symptom_again")
    w.do("teacher", "t_apply_return", {"situation": "排除发热", "recovered": True})
    assert [w.local(row["due_at"]) for row in w.rows(t.Deadline, rule="T06")] == ["03-04 14:30"]


def test_parents_ask_for_a_return_without_an_incident_of_the_school(world: World) -> None:
    w = world
    person = {"name": "学生乙", "person_type": "student", "org_unit": {"id": school.CLASS}}
    w.open(
        "teacher",
        {
            "person": person, "situation": "病假", "recovered": True, "certificate": school.CERTIFICATE,
            "health_verdict": "无传染性", "symptom_end_at": school.at_time("02-20 08:00"),
        },
        procedure="return_to_school",
    )  # fmt: skip
    assert visited_between(w, "start_return", "t_apply_return")
    assert [(row["kind"], row["case_status"]) for row in w.rows(t.Person)] == [("returning", "")]
    review(w, "准予返校")
    enter(w, "pass")
    assert w.row()["result"] == "completed"
    assert w.passed("s_tell_class") == w.passed("ee_returned") == ["03-02 08:00"]
    assert {row["rule"] for row in w.rows(t.Deadline, rule="T07")} == {"T07"}


def test_the_verdict_of_the_health_authority_is_kept_until_the_return_asks_for_it(world: World) -> None:
    w = world
    papers = {"certificate": school.CERTIFICATE, "symptom_end_at": school.at_time("02-20 08:00")}
    asked(w, "出院", **papers)
    assert "t_add_documents" in w.open_tasks()
    case = w.rows(t.Person, kind="case")[0]["id"]
    with pytest.raises(NoSuch):
        w.send("msg_non_infectious", {"health_verdict": "无传染性"}, person="nobody")
    with pytest.raises(FormRefused):
        w.send("msg_non_infectious", {"health_verdict": "不知道"}, person=case)
    assert w.send("msg_non_infectious", {"health_verdict": "无传染性"}, person=case) == "delivered"
    w.do("teacher", "t_add_documents")
    assert "t_review_return" in w.open_tasks()
