"""A case that is not excluded; orders, rumours, new cases, merging."""

import pytest

from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.variants import visited_between
from tests.paths.world import World


def test_a_confirmed_case_forks_into_everything_at_once(world: World) -> None:
    w = world
    variants.confirmed(w)
    assert w.row()["status"] == "confirmed"
    assert {
        "t_inform_family", "t_draft_initial", "t_mark_places", "r_epi_request", "t_epi_material", "t_case_history",
        "t_propose_suspension",
    } <= set(w.open_tasks())  # fmt: skip
    assert not variants.engine_incidents(w)

    school.tell_parents(w, "理解配合", 1, "t_inform_family")
    school.draft(w)
    school.sign(w)
    first, second = w.rows(t.Report, document="R01")
    assert {first["state"], second["state"]} == {"sent"}
    assert visited_between(w, "t_inform_family", "g_control_join")
    assert visited_between(w, "ca_report_bureau", "g_control_join")
    assert w.row()["closed_at"] is None


def test_the_question_for_the_diagnosis_is_withdrawn_when_the_diagnosis_comes(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("13:15")
    assert "s_ask_result" in w.open_tasks()
    school.diagnosis(w, "pending")
    assert "s_ask_result" in w.open_tasks()
    school.diagnosis(w, "suspected")
    assert "s_ask_result" not in w.open_tasks()
    assert visited_between(w, "e_result_given", "ee_poll_done")


def test_a_suspected_case_that_turns_out_confirmed_is_reported_again(world: World) -> None:
    w = world
    suspected(w)
    w.go("10:05")
    w.act("coordinator", "msg_diagnosis", result(w, "confirmed", severity="mild"))
    assert visited_between(w, "g_class_changed", "ca_report_again")
    kinds = [row["inputs"].get("report_kind") for row in w.rows(t.Instance, procedure="incident_reporting")]
    assert kinds.count("initial") == 3
    for _ in range(2):
        school.draft(w)
        school.sign(w)
    assert visited_between(w, "ca_report_again", "ee_update_noted")


def test_a_result_that_says_the_same_is_only_noted(world: World) -> None:
    w = world
    suspected(w)
    w.go("10:05")
    w.act("coordinator", "msg_diagnosis", result(w, "suspected"))
    assert visited_between(w, "g_class_changed", "ee_update_noted")
    assert not visited_between(w, "g_class_changed", "ca_report_again")


def test_a_suspected_case_that_is_excluded_goes_back_to_exclusion(world: World) -> None:
    w = world
    suspected(w)
    w.go("10:05")
    w.act("coordinator", "msg_diagnosis", result(w, "excluded"))
    assert visited_between(w, "e_now_excluded", "ca_case_correction")
    assert "t_inform_family" not in w.open_tasks()
    school.draft(w, "t_draft_correction")
    school.sign(w)
    assert visited_between(w, "ca_case_correction", "ca_case_exclusion")
    (correction,) = w.rows(t.Report, document="R01c")
    told = [row for row in w.rows(t.Report) if row["document"] in {"R01", "R01w"} and row["state"] == "sent"]
    assert (correction["state"], set(correction["corrects"])) == ("sent", {row["id"] for row in told})
    recipients = {row["recipient"] for row in w.rows(t.Delivery, report_id=correction["id"])}
    assert recipients == {"district_office", "duty_principal", "edu_bureau"}, "everybody who was told before"
    text = w.view().facts.rows.latest("F08", instance=correction["instance_id"])["correction_text"]
    assert "经医疗机构诊断排除，不再按疑似或确诊病例处置；目前疑似或确诊0例" in text
    assert "t_file_certificate" in w.open_tasks()


def suspected(w: World) -> None:
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    school.diagnosis(w, "suspected")


def result(w: World, code: str, **more: str) -> dict[str, object]:
    return {
        "result": code, "result_at": school.now(w), "hospital": {"id": "demo-clinic"}, "info_source": "phone", **more,
    }  # fmt: skip


# --- beside the case -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "adjust", "next_"), [("停课", "class_suspend", "ca_class_adjust_order"), ("其他", "none", "t_do_order")]
)
def test_a_superior_s_order(world: World, kind: str, adjust: str, next_: str) -> None:
    w = world
    variants.accepted(w)
    order = {
        "order_source": "教体局要求", "order_kind": kind, "adjust": adjust, "scope": [{"id": school.CLASS}],
        "start_at": school.now(w), "info_source": "phone",
    }  # fmt: skip
    w.act("principal", "msg_superior_order", order)
    assert visited_between(w, "g_order_kind", next_)
    if next_ == "t_do_order":
        w.do("principal", "t_do_order")
        assert visited_between(w, "t_do_order", "ee_order_done")
    else:
        assert "t_decide_suspension" in w.open_tasks()


def test_a_rumour_is_noted_and_wants_opinion_work(world: World) -> None:
    w = world
    variants.accepted(w)
    rumour = {"found_at": school.now(w), "channel": "微信群", "summary": "家长群议论", "info_source": "phone"}
    w.act("coordinator", "msg_rumour_alert", rumour)
    assert visited_between(w, "start_rumour", "ee_rumour_noted")
    assert "t_foresee_topics" in w.open_tasks()


def test_a_contact_that_turns_positive_is_a_new_case(world: World) -> None:
    w = world
    variants.accepted(w)
    positive = {
        "person": {"name": "学生乙丑", "person_type": "student", "org_unit": {"id": "demo-school-7-3"}},
        "result": "positive", "result_at": school.now(w), "lab": {"id": "demo-clinic"}, "info_source": "phone",
    }  # fmt: skip
    w.act("coordinator", "msg_contact_positive", positive)
    w.do("coordinator", "t_register_positive", variants.external(w, "confirmed", name="学生乙丑"))
    assert visited_between(w, "t_register_positive", "ee_positive_added")
    assert len(variants.cases(w)) == 2


def test_three_cases_are_reported_directly_and_a_fourth_is_a_supplement(world: World) -> None:
    w = world
    variants.accepted(w)
    school.draft(w)
    school.sign(w)
    variants.add_case(w, "学生乙")
    assert "t_draft_direct" not in w.open_tasks()
    variants.add_case(w, "学生丙")
    assert "t_draft_direct" in w.open_tasks()
    school.draft(w, "t_draft_direct")
    school.sign(w)
    (direct,) = w.rows(t.Report, document="R04")
    assert direct["state"] == "sent"
    assert visited_between(w, "ca_direct_report", "ee_direct_done")

    variants.add_case(w, "学生丁")
    assert visited_between(w, "start_cluster_more", "ca_direct_supplement")
    school.draft(w, "t_draft_correction")
    school.sign(w)
    assert visited_between(w, "ca_direct_supplement", "ee_supplement_done")
    assert len(w.rows(t.Report, document="R04")) == 1


def test_merged_into_another_incident_everything_ends(world: World) -> None:
    w = world
    variants.accepted(w)
    other = w.incident
    w.open("teacher", school.quick(name="学生乙"))
    merge = {"cancel_kind": "并案", "cancel_scope": "全部", "reason": "同一起", "merge_into": {"id": other}}
    w.act("principal", "msg_merge_order", merge)
    assert (w.row()["status"], w.row()["result"]) == ("merged", "merged")
    assert visited_between(w, "s_merge_notice", "ee_merged")
    assert not w.open_tasks()
    assert not w.rows(t.Wait)
    w.incident = other
    assert w.row()["closed_at"] is None
