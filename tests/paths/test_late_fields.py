"""What is said of what comes late, and the papers of a consent: stored at their step."""

import pytest

from service.domain.errors import FormRefused
from tests.paths import school, suspension, variants
from tests.paths.test_class_suspension import excluded_after_suspension
from tests.paths.world import World

FILE = school.CERTIFICATE
WHY = "先处置，后补录"


def test_a_step_done_before_its_task_opened_says_why_it_is_entered_late(world: World) -> None:
    w = world
    variants.accepted(w)
    early = {"done_at": school.at_time("08:11"), "checklist": ["已通风", "已备防护用品"]}
    with pytest.raises(FormRefused) as refused:
        w.do("nurse", "t_isolation_room", early)
    assert [error.path for error in refused.value.errors] == ["done_late_reason"]
    w.do("nurse", "t_isolation_room", {**early, "done_late_reason": WHY})
    done = w.saved("t_isolation_room")
    assert (done["done_late_reason"], done["checklist"]) == (WHY, early["checklist"])


def test_a_progress_report_after_its_hour_says_why(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("03-02 23:30")
    with pytest.raises(FormRefused) as refused:
        school.draft(w, "t_draft_progress")
    assert [error.path for error in refused.value.errors] == ["late_reason"]
    school.draft(w, "t_draft_progress", late_reason=WHY)
    assert w.saved("t_draft_progress")["late_reason"] == WHY


def test_a_direct_report_after_its_hour_says_why(world: World) -> None:
    w = world
    variants.accepted(w)
    school.draft(w)
    school.sign(w)
    for name in ("学生乙", "学生丙"):
        variants.add_case(w, name)
    w.go("12:00")
    with pytest.raises(FormRefused) as refused:
        school.draft(w, "t_draft_direct")
    assert [error.path for error in refused.value.errors] == ["late_reason"]
    school.draft(w, "t_draft_direct", late_reason=WHY)
    assert w.saved("t_draft_direct")["late_reason"] == WHY


def test_the_paper_of_a_consent_is_kept_with_the_answer_and_with_the_decision(world: World) -> None:
    w = world
    excluded_after_suspension(w)
    w.go("15:40")
    suspension.clean(w)
    suspension.assess(w)
    paper = {"superior_consent": FILE}
    w.do("principal", "r_superior_consent", {"consent_result": "同意", "info_source": "phone", **paper})
    assert w.saved("r_superior_consent")["superior_consent"]["name"] == FILE["name"]
    decision = {"cleaned": True, "resume_at": school.now(w), "signer": True, "parents_notified": True}
    w.do("principal", "t_decide_resumption", {**decision, **paper})
    assert w.saved("t_decide_resumption")["superior_consent"]["name"] == FILE["name"]


def test_a_closing_report_after_its_hours_says_why(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded")
    w.do("coordinator", "t_file_certificate", {"certificate": FILE})
    w.go("03-07 09:00")
    said = {
        "nature": "排除", "cause": "普通感冒", "result": "医院排除", "control": "已落实", "accountability": "无",
        "closed_at": school.now(w),
    }  # fmt: skip
    with pytest.raises(FormRefused) as refused:
        school.draft(w, "t_draft_closing", **said)
    assert [error.path for error in refused.value.errors] == ["late_reason"]
    school.draft(w, "t_draft_closing", **said, late_reason=WHY)
    assert w.saved("t_draft_closing")["late_reason"] == WHY
