"""SC01: a feverish pupil is isolated, re-checked, transferred, and excluded by the hospital."""

from service.persistence import tables as t
from tests.paths import school
from tests.paths.world import World


def _due(w: World, rule: str, subject: str = "") -> str:
    return w.local(w.deadline(rule, subject)["due_at"])


def _case(w: World) -> dict[str, object]:
    return next(person for person in w.rows(t.Person) if person["kind"] == "case")


def _rules(w: World, decision: str) -> list[int]:
    """The row of a decision table that fired last."""
    return list(w.rows(t.DecisionRow, decision=decision)[-1]["rules"])


def _names(w: World) -> set[str]:
    return set(w.open_tasks())


def test_detection_opens_deadlines_and_the_office_task(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick())

    assert w.row()["status"] == "detected"
    case = str(_case(w)["id"])
    assert _due(w, "T01", "detected") == "03-02 08:25"
    assert _due(w, "T02") == "03-02 10:10"
    assert _due(w, "X13", case) == "03-02 08:20"
    assert "t_office_accept" in _names(w)
    assert _due(w, "X01") == "03-02 08:15"

    w.go("08:11")
    school.detection(w)
    assert w.deadline("X13", case)["met_at"]
    assert not w.rows(t.ElementVisit, element="t_register_onsite")
    held = [person for person in w.rows(t.Person) if person["hold_leave"]]
    assert len(held) == 29
    assert all(person["kind"] == "onsite" for person in held)


def test_dispatch_runs_eight_branches_at_once(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick())
    school.detection(w)
    w.go("08:13")
    w.do("coordinator", "t_office_accept")

    assert _names(w) == {
        "t_isolation_room", "t_observe_neighbours", "t_draft_initial", "s_call_120", "t_approve_parent_notice",
        "t_evacuate_class", "t_mark_places", "t_written_report_2h",
    }  # fmt: skip

    w.go("08:14")
    school.call_120(w)
    assert _due(w, "X02", str(_case(w)["id"])) == "03-02 08:44"

    w.go("08:15")
    w.do("nurse", "t_isolation_room")
    school.observe_neighbours(w)
    observed = w.rows(t.Record, form="F14")
    assert len(observed) == 4
    assert {row["data"]["session"] for row in observed} == {"临时"}
    assert [wait["element"] for wait in w.rows(t.Wait, element="e_observe_wait")] == ["e_observe_wait"]

    school.draft(w)
    w.go("08:18")
    school.sign(w)
    first = w.deadline("T01", "detected")
    assert (w.local(first["met_at"]), first["late_minutes"]) == ("03-02 08:18", 0)
    report = w.rows(t.Report, document="R01")[0]
    assert (report["drafter"], report["signer"]) == (w.who("coordinator").account_id, w.who("principal").account_id)
    sent = {row["recipient"] for row in w.rows(t.Delivery, report_id=report["id"])}
    assert sent == {"district_office", "duty_principal"}
    assert (w.passed("t_collect_data"), w.passed("ee_reported")) == (["03-02 08:13"], ["03-02 08:18"])


def test_parents_evacuation_and_contact_time(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("teacher", school.quick())
    w.do("coordinator", "t_office_accept")
    w.go("08:20")
    school.approve_notice(w)
    assert "t_inform_parents" in _names(w)
    w.go("08:22")
    w.do("cleaner", "t_evacuate_class", {"head_count": 46})
    assert "t_evacuate_class" not in _names(w)
    w.go("08:25")
    school.tell_parents(w, "理解配合", 1)
    assert "t_inform_parents" not in _names(w)
    assert not w.rows(t.Wait, element="e_parent_retry")
    w.go("08:30")
    school.start_disinfection(w)
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_contact_time")] == ["03-02 09:00"]
    w.go("09:00")
    assert "t_clear_residue" in _names(w)


def test_recheck_starts_the_plan_and_the_transfer_asks_nothing_twice(world: World) -> None:
    w = world
    school_run = school.until_awaiting_diagnosis
    w.go("08:10")
    school_run(w)

    decision = w.rows(t.DecisionRow, decision="D03")[0]
    case = str(_case(w)["id"])
    assert w.view().facts.value("recheck_outcome", case) == "start_plan"
    assert decision["rules"] == [3]
    assert decision["data"] == {}  # an outcome about a person's health is sealed, never in clear
    statuses = [(row["status"], w.local(row["at"])) for row in w.rows(t.StatusChange)]
    assert statuses == [
        ("detected", "03-02 08:10"), ("observing", "03-02 08:15"), ("responding", "03-02 08:41"),
        ("transferred", "03-02 09:10"), ("awaiting_diagnosis", "03-02 09:15"),
    ]  # fmt: skip
    visited = {row["element"] for row in w.rows(t.ElementVisit)}
    assert not visited & {"s_call_vehicle", "t_ppe_transfer"}
    written = w.deadline("T02")
    assert (w.local(written["met_at"]), written["late_minutes"]) == ("03-02 09:40", 0)
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_progress_time")] == ["03-02 16:00"]
    assert not {"ca_direct_report"} & visited


def test_sc01_excluded_case_to_the_return_of_the_pupil(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    case = str(_case(w)["id"])

    w.go("13:15")
    asked = {"send_channel": "电话", "outcome": "已接通", "answered_by": "值班医生", "said": "未出"}
    w.do("coordinator", "s_ask_result", asked)
    assert "r_diagnosis" in _names(w)

    w.go("14:30")
    school.diagnosis(w, "excluded", certificate=school.CERTIFICATE)
    assert (_rules(w, "D04"), _rules(w, "D23")) == ([4], [1])
    assert w.row()["status"] == "excluded"
    notices = [row for row in w.rows(t.Delivery) if row["message"] == "msg_exclusion_notice"]
    assert len(notices) == 29
    assert not any(person["hold_leave"] for person in w.rows(t.Person))
    assert not w.rows(t.Wait, element="e_observe_wait")
    notice = w.deadline("X05", case)
    assert (w.local(notice["due_at"]), w.local(notice["met_at"])) == ("03-02 15:00", "03-02 14:30")
    assert "t_file_certificate" in _names(w)

    w.go("14:40")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    returns = [row for row in w.rows(t.Instance) if row["procedure"] == "return_to_school"]
    assert [(row["status"], row["parent_id"]) for row in returns] == [("active", None)]

    w.go("15:30")
    school.closing_report(w)
    assert (w.row()["status"], w.row()["result"]) == ("closed", "excluded_closed")
    assert not w.rows(t.Report, document="R02")
    assert w.rows(t.Report, document="R03")[0]["state"] == "sent"

    _return(w, "排除发热")
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_return_wait")] == ["03-05 20:00"]
    w.go("03-05 20:05")
    w.do("coordinator", "t_review_return", {"decision": "准予返校", "reviewer": True})
    w.go("03-06 07:40")
    w.do(
        "coordinator", "t_entry_check",
        {"time": school.now(w), "temperature": 36.6, "mask_worn": True, "action": "pass"},
    )  # fmt: skip
    assert [row["status"] for row in w.rows(t.Instance, procedure="return_to_school")] == ["completed"]
    assert not [row for row in w.rows(t.Record) if row["form"] in {"F12", "F18"}]
    assert not [row for row in w.rows(t.Report) if row["document"] == "R04"]
    scopes = {row["inputs"].get("scope") for row in w.rows(t.Instance, procedure="terminal_disinfection")}
    assert scopes == {"spot"}
    _whole_course(w, case)


def _whole_course(w: World, case: str) -> None:
    """What nobody does and what ends, each at its minute; the rows that fired; who let the pupil in."""
    course = {
        "ca_detection": ["03-02 08:11"],
        "hold_no_leave": ["03-02 08:11"],
        "ee_detection": ["03-02 08:11"],
        "ca_initial_report": ["03-02 08:18"],
        "ca_recheck": ["03-02 08:38"],
        "ee_recheck_plan": ["03-02 08:38"],
        "e_plan_needed": ["03-02 08:38"],
        "e_plan_started": ["03-02 08:41"],
        "ca_spot_disinfect": ["03-02 09:05"],
        "ee_disinfected": ["03-02 09:05"],
        "ca_case_transfer": ["03-02 09:15"],
        "ee_transferred": ["03-02 09:15"],
        "ca_written_report": ["03-02 09:40"],
        "s_send_written": ["03-02 09:40"],
        "ee_written": ["03-02 09:40"],
        "e_diagnosis_poll": ["03-02 13:15"],
        "ee_exclusion": ["03-02 14:40"],
        "ee_case_excluded": ["03-02 14:40"],
        "e_all_excluded": ["03-02 14:40"],
        "ca_dispatch": ["03-02 14:30"],
        "ee_control_excluded": ["03-02 15:30"],
        "ee_excluded": ["03-02 15:30"],
        "s_tell_class": ["03-06 07:40"],
        "ee_returned": ["03-06 07:40"],
    }
    assert {step: w.passed(step) for step in course} == course
    assert w.decided("br_recheck") == [[3]]
    assert w.decided("br_first_class") == [[7]]
    assert w.decided("br_destination") == [[5]]
    assert w.decided("br_diagnosis") == [[1]]
    assert w.saved("t_entry_check")["handler"]["id"] == w.who("coordinator").account_id
    assert w.saved("t_entry_check")["person"]["id"] == case


def _return(w: World, situation: str) -> None:
    w.go("03-05 09:00")
    ended = school.at_time("03-03 20:00")
    w.do("teacher", "t_apply_return", {"situation": situation, "recovered": True, "symptom_end_at": ended})


def test_sc01b_vomiting_waits_72_hours(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded", symptom_kind="gi")
    w.go("14:40")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    w.go("15:30")
    school.closing_report(w)
    _return(w, "排除吐泻")
    assert [w.local(row["due_at"]) for row in w.rows(t.Wait, element="e_return_wait")] == ["03-06 20:00"]
    w.go("03-06 20:00")
    assert "t_review_return" in _names(w)


def test_sc01c_without_certificate_only_return_and_closing_wait(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded")
    assert (_rules(w, "D04"), _rules(w, "D23")) == ([5], [1])
    assert len([row for row in w.rows(t.Delivery) if row["message"] == "msg_exclusion_notice"]) == 29
    assert not w.rows(t.Wait, element="e_observe_wait")

    w.go("16:00")
    assert {"t_file_certificate", "t_draft_progress"} <= _names(w)
    assert _due(w, "T04", "day:2026-03-02") == "03-02 17:00"
    assert not w.rows(t.Instance, procedure="return_to_school")
    assert not [row for row in w.rows(t.Instance) if row["inputs"].get("report_kind") == "closing"]

    w.go("03-03 10:00")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    assert {"t_apply_return", "t_draft_closing"} <= _names(w)
