"""SC02: a confirmed case with eight contacts in three classes and a bus, from the first fever to the closing report."""

from collections.abc import Iterable

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import observing, school, suspension, tracing, variants
from tests.paths.looking import answered, case, due, met, recipients, rules
from tests.paths.tracing import NEIGHBOURS, contact, judged, removed
from tests.paths.variants import visited_between
from tests.paths.world import World

OFFICE = "coordinator"
CLASSES = (school.CLASS, "demo-school-7-3", "demo-school-8-1")
BUS = "demo-school-bus-2"
REMOVED = ("学生丑", "学生寅", "学生己二")
PUPILS = (*NEIGHBOURS, "学生乙丑", "学生丙寅", "学生庚")
CONTACTS = (*PUPILS, "司机辛")
UNITS = {"学生乙丑": CLASSES[1], "学生丙寅": CLASSES[2], "司机辛": BUS}
CONTROL = {
    "t_draft_initial", "t_inform_family", "r_epi_request", "t_epi_material", "t_case_history", "t_mark_places",
    "t_propose_suspension", "t_foresee_topics",
}  # fmt: skip

# When what nobody does, and what ends, came about.
COURSE = {
    "ca_detection": ["03-09 10:20"], "e_plan_needed": ["03-09 10:50"], "e_first_positive": ["03-09 15:00"],
    "start_opinion": ["03-09 15:00"], "s_screening_notice": ["03-09 16:30"], "e_support_needed": ["03-10 10:00"],
    "e_control_reached": ["03-24 10:00"], "e_control_confirmed": ["03-24 14:00"], "ee_case_control": ["03-24 14:00"],
    "ca_case_control": ["03-24 14:00"], "ee_case_closed": ["03-24 14:00"], "s_resume_notice": ["03-25 09:00"],
    "ee_resumed": ["03-25 09:00"], "ca_resume": ["03-25 09:00"], "ee_recovery": ["03-25 09:00"],
    "ca_recovery": ["03-25 09:00"], "ca_closing": ["03-26 15:00"], "ee_control_closed": ["03-26 15:00"],
    "ca_control": ["03-26 15:00"], "ee_closed": ["03-26 15:00"], "e_start_returns": ["03-24 14:00"],
}  # fmt: skip


@pytest.mark.timeout(900)  # seventeen days of work
def test_from_the_first_fever_to_the_closing_report(world: World) -> None:
    w = world
    for stage in (fever, to_hospital, suspected, first_list, confirmed, disinfected):
        stage(w)
    second_day(w)
    isolated(w)
    fortnight(w)
    discharged(w)
    released(w)
    under_control(w)
    resumed(w)
    closed(w)
    returns(w)
    course = {step: w.passed(step) for step in COURSE}
    assert course == COURSE
    assert w.decided("br_routing")[:2] == [[1, 2], [4]]
    assert w.decided("br_suspension") == [[5], [1]]
    assert w.decided("br_quarantine_mode") == [[3]] * 8
    assert w.decided("br_diagnosis") == [[2]]
    assert w.passed("start_session").count("03-11 06:00") == 8
    assert len(w.passed("ee_session")) == 224


# --- 03-09 ------------------------------------------------------------------------------------------


def fever(w: World) -> None:
    """10:20 to 10:50."""
    w.go("03-09 10:20")
    w.open("teacher", school.quick(temperature=38.4, symptoms=["fever", "dry_cough"]))
    assert (due(w, "T01", "detected"), due(w, "T02")) == ("03-09 10:35", "03-09 12:20")
    w.do("teacher", "t_mask_escort", {**school.DETAILS, "onset_at": school.at_time("03-07 09:00")})
    w.do("teacher", "t_remind_protection")
    w.do(OFFICE, "t_office_accept")
    w.do("nurse", "t_isolation_room")
    school.observe_neighbours(w)
    w.go("03-09 10:25")
    school.call_120(w)
    assert due(w, "X02", case(w)) == "03-09 10:55"
    school.draft(w)
    w.go("03-09 10:28")
    school.sign(w)
    assert met(w, "T01", "detected")
    assert recipients(w, "msg_initial_report") >= {"district_office"}
    school.approve_notice(w)
    w.do("cleaner", "t_evacuate_class", {"head_count": 29})
    school.tell_parents(w, "理解配合", 1)
    school.start_disinfection(w)
    w.go("03-09 10:50")
    school.arrived(w)
    school.recheck(w, 38.2)
    assert rules(w, "D03") == [[3]]


def to_hospital(w: World) -> None:
    """10:55 to 11:50."""
    w.go("03-09 10:55")
    school.start_plan(w)
    assert w.row()["status"] == "responding"
    assert "t_draft_progress" not in w.open_tasks()
    w.go("03-09 11:10")
    school.end_disinfection(w)
    school.prepare_transfer(w)
    school.transfer(w)
    w.go("03-09 11:35")
    school.received(w)
    school.clean_vehicle(w)
    assert w.row()["status"] in {"transferred", "awaiting_diagnosis"}
    w.go("03-09 11:50")
    school.written_report(w)
    school.sign(w, "t_sign_written_report")
    assert met(w, "T02")


def suspected(w: World) -> None:
    """15:00 to 15:20."""
    w.go("03-09 15:00")
    school.diagnosis(w, "suspected")
    assert (rules(w, "D04")[-1], rules(w, "D23")) == ([3], [[2]])
    assert set(w.open_tasks()) >= CONTROL, "all branches are open before one of them is done"
    assert [row["state"] for row in w.rows(t.ElementVisit, element="g_wait_support")] == ["active"]
    assert due(w, "T01", f"diagnosis:{case(w)}") == "03-09 15:15"
    assert due(w, "T05", case(w)) == "03-10 15:00"
    school.draft(w)
    w.go("03-09 15:05")
    school.sign(w)
    assert met(w, "T01", f"diagnosis:{case(w)}")
    assert "edu_bureau" in recipients(w, "msg_case_report")
    w.go("03-09 15:10")
    suspension.propose(w)
    assert rules(w, "D13") == [[5]]
    assert "s_suggest_bureau" in w.open_tasks()
    assert not school.fact(w, "adjust_open")
    w.go("03-09 15:20")
    school.tell_parents(w, "理解配合", 1, "t_inform_family")


def first_list(w: World) -> None:
    """16:00 to 16:50: eleven on the initial list, the screening notice, the first progress report."""
    w.go("03-09 16:00")
    assert len(w.open_tasks()["t_draft_progress"]) == 1
    assert due(w, "T04", "day:2026-03-09") == "03-09 17:00"
    tracing.history(w)
    too_early = contact(w, "学生丑") | {"last_contact": school.at_time("02-20 23:30")}
    assert refuses(w, [too_early])
    rows = [contact(w, name, unit=UNITS.get(name, school.CLASS), scene=scene(name)) for name in (*PUPILS, *REMOVED)]
    driver = contact(w, "司机辛", unit=BUS, scene="校车/车次", person_type="staff")
    driver["person"]["phone"] = "13800000008"
    tracing.initial(w, [*rows, driver])
    assert list(tracing.status(w).values()) == ["initial"] * 11
    w.go("03-09 16:30")
    tracing.screening(w)
    (notice,) = w.rows(t.Record, form="F13")
    assert notice["data"]["no_identity_ok"] is True
    assert notice["data"]["time_range"]["from"].startswith("2026-02-20T16:00")  # 02-21 00:00 in Shanghai
    assert notice["data"]["time_range"]["to"].startswith("2026-03-09T03:10")  # taken away at 11:10
    assert recipients(w, "msg_screening_notice") == {f"place:{each}" for each in (*CLASSES, BUS)}
    w.go("03-09 16:50")
    progress(w)
    report = w.saved("t_draft_progress")
    numbers = report["contact_numbers"]
    assert (numbers["初步"], numbers["最终"]) == (11, 0)
    assert report["period"]["to"].startswith("2026-03-09T08:50")
    assert report["contact_classes"]
    assert "疑似" in report["diagnosis_treatment"]
    assert report["condition_change"]
    assert report["control_state"]
    assert report["next_measures"]
    assert report["cause"]
    assert met(w, "T04", "day:2026-03-09")
    assert [row["number"] for row in w.rows(t.Report, document="R02")] == ["1"]


def scene(name: str) -> str:
    """How a contact met the case."""
    known = {"学生乙丑": "同桌用餐", "学生丙寅": "校外机构", "学生庚": "校车/车次"}
    return known.get(name, "前后左右" if name in NEIGHBOURS else "同班")


def refuses(w: World, rows: list[dict[str, object]]) -> bool:
    """A list with a contact before the look-back window (02-21) is not taken."""
    try:
        tracing.initial(w, rows)
    except FormRefused as refused:
        return [error.code for error in refused.errors] == ["too_early"]
    return False


def progress(w: World) -> None:
    """K11: the report of the day, as drafted."""
    school.draft(w, "t_draft_progress")
    school.sign(w)


def confirmed(w: World) -> None:
    """20:30 to 20:40."""
    w.go("03-09 20:30")
    result = {"result": "confirmed", "result_at": school.now(w), "hospital": {"id": "demo-clinic"}, "severity": "mild"}
    w.act(OFFICE, "msg_diagnosis", {**result, "info_source": "phone"})
    assert w.row()["status"] == "confirmed"
    again = [row for row in w.rows(t.Deadline, rule="T01") if row["subject"].startswith(f"diagnosis:{case(w)}:")]
    assert [w.local(row["due_at"]) for row in again] == ["03-09 20:45"]
    assert due(w, "T05", case(w)) == "03-10 15:00", "the 24 hours keep their start"
    w.go("03-09 20:40")
    school.draft(w)
    school.sign(w)
    (row,) = [row for row in w.rows(t.Deadline, rule="T01") if row["id"] == again[0]["id"]]
    assert (row["late_minutes"], row["met_at"] is None) == (0, False)


def disinfected(w: World) -> None:
    """20:20 to 21:00: where the case was, accepted by the CDC."""
    w.do(OFFICE, "t_mark_places", {"place_list": ["教室", "走廊", "食堂", "车辆"]})
    w.do("cleaner", "t_seal_aircon", {"cleared_people": True, "aircon_off": True})
    worked = {"agent": "84消毒液", "start_at": school.at_time("03-09 20:00"), "end_at": school.at_time("03-09 20:25")}
    w.do("cleaner", "t_disinfect", {**worked, "ppe": ["N95口罩", "手套"]})
    w.go("03-09 20:58")
    if "t_clear_residue" not in w.open_tasks():
        w.go("03-09 21:10")
    school.end_disinfection(w)
    accepted = {"accept_result": "合格", "info_source": "party", "accepted_at": school.now(w)}
    by = {"accepted_by": {"name": "疾控甲", "at": school.now(w), "info_source": "visit"}}
    w.send("msg_disinfection_accepted", {**accepted, **by}, person=case(w))
    assert visited_between(w, "ca_terminal", "g_control_join")
    places = answered(w, "F15", "places")["place_list"]
    assert places == ["教室", "走廊", "食堂", "车辆"]


# --- 03-10 ------------------------------------------------------------------------------------------


def second_day(w: World) -> None:
    """08:00 to 09:00: the bureau's order; the CDC's list of eight."""
    w.go("03-10 08:00")
    suspension.order(w, *CLASSES)
    assert rules(w, "D13")[-1] == [1]
    suspension.decide(w)
    assert {f"place:{each}" for each in CLASSES} <= recipients(w, "msg_suspension_notice")
    assert school.fact(w, "adjust_open")
    suspension.teach_online(w)
    w.go("03-10 09:00")
    tracing.investigated(w)
    rows = [judged(name, unit=UNITS.get(name, school.CLASS)) for name in CONTACTS]
    payload = {"rows": [*rows, *(removed(name, "末次接触在发病前14天以外") for name in REMOVED)]}
    w.send("msg_contact_judged", payload, person=case(w))
    assert visited_between(w, "e_list_thrown", "ee_epi")
    assert visited_between(w, "r_final_list", "br_contact_class")
    assert met(w, "T05", case(w))
    status = tracing.status(w)
    assert {name: status[name] for name in CONTACTS} == dict.fromkeys(CONTACTS, "final 待转运")
    assert {status[name] for name in REMOVED} == {"removed"}


def isolated(w: World) -> None:
    """10:00: eight children, each to the same hour fourteen days later."""
    w.go("03-10 10:00")
    for name in CONTACTS:
        observing.moved(w, tracing.person(w, name))
    children = w.rows(t.Instance, process="medical_observation")
    assert len(children) == 8
    assert len(w.rows(t.ElementVisit, element="ca_observations")) == 1, "no multi-instance tokens in the engine"
    dues = {due(w, "T08", tracing.person(w, name)) for name in CONTACTS}
    assert dues == {"03-24 10:00"}
    assert "t_learning_support" in w.open_tasks()
    assert school.fact(w, "minors_isolated") == 7
    assert {row["mode"] for row in w.rows(t.Contact, stage="final")} == {"central"}
    assert "e_observe_wait" not in {row["element"] for row in w.rows(t.ElementVisit) if row["state"] == "waiting"}


def fortnight(w: World) -> None:
    """03-10 evening to 03-22 morning: two rounds a day, one progress report a day."""
    rounds(w, (f"03-{day:02}" for day in range(10, 22)), mornings_from="03-11")


def rounds(w: World, days: Iterable[str], mornings_from: str) -> None:
    """Every reading of some days, and the reports that fall due on them."""
    for day in days:
        if day >= mornings_from:
            w.go(f"{day} 07:30")
            observing.record(w, "早", others=observing.NORMAL)
        w.go(f"{day} 16:30")
        progress(w)
        w.go(f"{day} 17:30")
        observing.record(w, "晚", others=observing.NORMAL)


def discharged(w: World) -> None:
    """03-22 09:00: the patient leaves hospital and is observed on; the other rounds go on to 03-24."""
    w.go("03-22 07:30")
    observing.record(w, "早", others=observing.NORMAL)
    w.go("03-22 09:00")
    w.act(OFFICE, "msg_patient_update", {"change": "出院", "changed_at": school.now(w), "info_source": "phone"})
    assert due(w, "T09", case(w)) == "04-05 09:00"
    w.go("03-22 16:30")
    progress(w)
    w.go("03-22 17:30")
    observing.record(w, "晚", others=observing.NORMAL)
    rounds(w, ["03-23"], mornings_from="03-23")
    w.go("03-24 07:30")
    observing.record(w, "早", others=observing.NORMAL)


def released(w: World) -> None:
    """03-24 10:00."""
    readings = [row for row in w.rows(t.Record, form="F14") if row["view"] == "session"]
    assert len(readings) == 224
    for name in CONTACTS:
        assert len([row for row in readings if row["person_id"] == tracing.person(w, name)]) == 28
    assert not school.fact(w, "control_reached")
    w.go("03-24 10:00")
    assert len(w.open_tasks()["t_complete_papers"]) == 8
    for name in CONTACTS:
        who = tracing.person(w, name)
        w.do(OFFICE, "t_complete_papers", observing.order(w), **tracing.task_of(w, "t_complete_papers", who))
        w.do(OFFICE, "t_release", {}, **tracing.task_of(w, "t_release", who))
    assert {row["status"] for row in w.rows(t.Contact, stage="final")} == {"解除"}
    assert len([row for row in w.rows(t.Report, document="R07") if row["state"] == "sent"]) == 8
    assert visited_between(w, "t_count_contacts", "ee_contacts")
    assert visited_between(w, "e_support_end", "g_support_done")
    assert school.fact(w, "control_reached")
    assert "t_confirm_control" in w.open_tasks()


# --- the end ----------------------------------------------------------------------------------------


def under_control(w: World) -> None:
    """03-24 14:00."""
    w.go("03-24 14:00")
    w.do("principal", "t_confirm_control", {
        "control_confirmed": True, "health_opinion": "疾控同意解除", "confirmed_by": True,
    })  # fmt: skip
    assert w.row()["status"] in {"under_control", "recovering"}
    assert due(w, "T04b") == "03-27 14:00"
    (row,) = w.rows(t.Instance, process="school_case")
    assert row["status"] == "completed"
    w.go("03-24 16:30")
    progress(w)


def resumed(w: World) -> None:
    """03-25: cleaned, assessed, consented, resumed; the problems are put right."""
    w.go("03-25 09:00")
    suspension.clean(w)
    suspension.assess(w)
    suspension.consent(w)
    suspension.resume(w)
    assert {f"place:{each}" for each in CLASSES} <= recipients(w, "msg_resume_notice")
    assert visited_between(w, "e_resumed", "ee_suspension_over")
    help_ = {"help_given": "线上补课", "accountability": "无"}
    action = {"text": "增加通风", "owner": "总务处", "due": "2026-03-31"}
    w.do(
        "principal",
        "t_rectify",
        {"problems": ["通风不足"], "actions": [action], "finished": True, "signer": True, **help_},
    )
    kept = w.saved("t_rectify")
    assert (kept["help_given"], kept["accountability"]) == (help_["help_given"], help_["accountability"])
    assert visited_between(w, "g_account_needed", "g_account_done")
    w.go("03-25 16:30")
    progress(w)


def closed(w: World) -> None:
    """03-26 15:00."""
    w.go("03-26 15:00")
    assert "t_draft_closing" in w.open_tasks()
    school.draft(w, "t_draft_closing", closed_at=school.now(w))
    closing = w.saved("t_draft_closing")
    assert "通风不足" in closing["rectification"]
    assert closing["resume"]
    school.sign(w)
    row = w.row()
    assert (row["status"], row["result"]) == ("closed", "confirmed_closed")
    assert met(w, "T04b")
    issues = [int(each["number"]) for each in w.rows(t.Report, document="R02") if each["state"] == "sent"]
    assert sorted(issues) == list(range(1, 18))
    w.go("03-26 17:00")
    assert len(w.rows(t.Report, document="R02")) == 17
    assert not w.rows(t.Report, document="R04"), "one case is no cluster: nothing is reported directly"
    assert not w.rows(t.Instance, procedure="accountability_inspection")
    assert not variants.engine_incidents(w)


def returns(w: World) -> None:
    """04-05 09:00 and later: nobody comes back without the word of the health authority."""
    w.go("04-05 09:30")
    started = w.rows(t.Instance, procedure="return_to_school")
    assert {row["person_id"] for row in started} == {case(w), *(tracing.person(w, name) for name in CONTACTS)}
    answer = {"situation": "出院", "recovered": True, "certificate": school.CERTIFICATE}
    w.do("teacher", "t_apply_return", answer, **tracing.task_of(w, "t_apply_return", case(w)))
    (decided,) = [row for row in w.rows(t.DecisionRow, decision="D09") if row["person_id"] == case(w)]
    assert decided["data"]["result"] == "need_document"
    assert "health_verdict" in decided["data"]["missing"]
