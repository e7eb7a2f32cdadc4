"""What people may write beside what a form demands, and what it begins with: stored at its step as it was said."""

from typing import Any

from service.persistence import tables as t
from tests.paths import observing, school, suspension, tracing, variants
from tests.paths import test_sc12_false_alarm as sc12
from tests.paths.world import MINUTE, World

FILE = school.CERTIFICATE
ONE, *_ = tracing.NEIGHBOURS


def account(w: World, username: str) -> str:
    """The id of an account."""
    return w.who(username).account_id


def test_the_place_and_who_was_there(world: World) -> None:
    w = world
    w.go("08:10")
    teacher = account(w, "teacher")
    w.open("teacher", school.quick(thermometer="ir_forehead", positions_fixed=False, place_lead={"id": teacher}))
    first = w.saved("t_register_abnormal")
    assert (first["thermometer"], first["positions_fixed"]) == ("ir_forehead", False)
    assert first["place_lead"]["id"] == teacher
    w.do("teacher", "t_mask_escort", {**school.DETAILS, "epi_history": True, "epi_text": "家人一周前返乡"})
    assert w.saved("t_mask_escort")["epi_text"] == "家人一周前返乡"
    w.go("08:13")
    near = {"name": "学生子", "person_type": "student", "org_unit": {"id": school.CLASS}}
    w.do("teacher", "t_register_onsite", {"rows": [near], "source": "现场登记", "neighbours": [near]})
    there = w.saved("t_register_onsite")
    assert [row["name"] for row in there["rows"]] == ["学生子"]
    assert [row["name"] for row in there["neighbours"]] == ["学生子"]
    assert (there["source"], there["hold_leave"], there["registrar"]["id"]) == ("现场登记", True, teacher)
    assert there["register_time"].startswith("2026-03-02T00:13")
    w.do("teacher", "t_remind_protection", {"result": "部分完成", "remark": "两人未到场", "attachment": FILE})
    done = w.saved("t_remind_protection")
    assert (done["result"], done["remark"], done["attachment"]["name"]) == ("部分完成", "两人未到场", FILE["name"])
    assert done["done_by"]["id"] == teacher
    assert done["done_at"].startswith("2026-03-02T00:13")


def test_the_call_the_recheck_and_the_transfer(world: World) -> None:
    w = world
    variants.accepted(w)
    w.go("08:14")
    called = {**variants.CALLED, "sent_at": school.at_time("08:13"), "info_source": "phone"}
    w.do("coordinator", "s_call_120", called)
    call = w.saved("s_call_120")
    assert (call["sent_at"][:19], call["info_source"]) == ("2026-03-02T00:13:00", "phone")
    w.do("nurse", "t_isolation_room")
    w.do("nurse", "r_120_arrived", {"arrive_120_at": school.now(w), "info_source": "visit", "vehicle_no": "示A120"})
    assert w.saved("r_120_arrived")["vehicle_no"] == "示A120"
    school.recheck(w, 37.9, other_symptom=["sore_throat"])
    recheck = w.saved("r_recheck")
    assert (recheck["other_symptom"], recheck["scribe"]["id"]) == (["sore_throat"], account(w, "nurse"))
    w.go("08:41")
    school.start_plan(w)
    assert w.saved("t_start_plan")["plan_started_at"].startswith("2026-03-02T00:41")
    school.prepare_transfer(w)
    assert w.saved("t_ppe_escort")["escort"]["id"] == account(w, "nurse")
    assert w.saved("t_parent_transfer")["person"]["id"] == variants.cases(w)[0]


def test_the_first_report_says_what_the_facts_say(world: World) -> None:
    w = world
    variants.accepted(w)
    w.go("08:15")
    school.draft(w)
    report = w.saved("t_draft_initial")
    assert report["occur_time"].startswith("2026-03-02T00:10")
    assert report["person_count"] == 1
    assert report["occur_place"] == "示例学校七年级2班"
    assert "38.1℃" in report["symptoms"]
    assert report["measures"]
    assert report["possible_cause"] == "待查"
    assert report["report_to"]


def test_parents_say_what_is_difficult_and_are_helped(world: World) -> None:
    w = world
    variants.accepted(w)
    school.approve_notice(w)
    told = {
        "guardian": {"name": "家长甲", "phone": "13800000000"}, "channel": "电话", "notified_at": school.now(w),
        "condition_told": "发热待查", "measures_told": "由120转运", "response": "理解配合", "attempts": 1,
        "difficulties": "家中无人照看老人", "help": "联系村委会照看",
    }  # fmt: skip
    w.do("teacher", "t_inform_parents", told)
    notice = w.saved("t_inform_parents")
    assert (notice["difficulties"], notice["help"]) == (told["difficulties"], told["help"])


def test_how_a_place_was_disinfected(world: World) -> None:
    w = world
    variants.accepted(w)
    w.go("08:40")
    w.do("coordinator", "t_mark_places", {"place_list": ["教室"]})
    assert w.saved("t_mark_places")["scope"] == "spot"
    w.do("cleaner", "t_seal_aircon", {"cleared_people": True, "aircon_off": True})
    w.do("cleaner", "t_disinfect", {
        "agent": "84消毒液", "start_at": school.iso(w.clock.now() - 5 * MINUTE), "end_at": school.now(w),
        "ppe": ["N95口罩", "手套"], "concentration": "1000 mg/L", "contact_min": 30, "photos": [FILE],
    })  # fmt: skip
    work = w.saved("t_disinfect")
    assert (work["concentration"], work["contact_min"], len(work["photos"])) == ("1000 mg/L", 30, 1)
    assert work["operator"]["id"] == account(w, "cleaner")


def test_the_hospital_tells_the_treatment_and_the_leader_waives_the_certificate(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    ended = school.at_time("12:00")
    school.diagnosis(w, "excluded", treatment="退热", symptom_end_at=ended)
    result = w.saved("r_diagnosis")
    assert (result["treatment"], result["symptom_end_at"][:16]) == ("退热", "2026-03-02T04:00")
    w.do("principal", "t_file_certificate", {"waiver_reason": "医院系统故障，已电话核实"})
    assert w.saved("t_file_certificate")["waiver_reason"] == "医院系统故障，已电话核实"


def test_what_is_known_of_a_contact_and_of_the_case(world: World) -> None:
    w = world
    case = variants.confirmed(w)
    w.go("11:00")
    tracing.history(w)
    details: dict[str, Any] = {
        "first_contact": school.at_time("07:30"),
        "duration_min": 40,
        "mask_both": False,
        "status": "待转运",
    }
    tracing.initial(w, [tracing.contact(w, ONE, list_stage="初步名单", determined_by="学校", **details)])
    row = w.saved("t_list_contacts", tracing.person(w, ONE))
    assert (row["duration_min"], row["mask_both"], row["status"]) == (40, False, "待转运")
    assert (row["list_stage"], row["determined_by"], row["case_ref"]["id"]) == ("初步名单", "学校", case)
    assert row["first_contact"].startswith("2026-03-01T23:30")
    tracing.screening(w)
    notice = w.saved("t_draft_screening")
    assert notice["title"] == "关于排查密切接触者的通告"
    assert [entry["id"] for entry in notice["audience"]] == [school.CLASS]
    assert notice["time_range"]["to"].startswith("2026-03-02T01:00")
    assert notice["report_to"] == "学校疫情防控办公室"
    w.do("coordinator", "r_epi_request", {"started_at": school.now(w), "info_source": "visit"})
    w.do("coordinator", "t_epi_material", {
        "roster": "七年级2班名册", "travel": "无", "seat_plan": FILE, "bus_list": ["2号校车"], "canteen": ["一楼3桌"],
        "family": [{"name": "家长甲", "person_type": "resident", "org_unit": {"id": "demo-village"}}],
    })  # fmt: skip
    given = w.saved("t_epi_material")
    assert (given["seat_plan"]["id"], given["bus_list"], given["canteen"]) == (FILE["id"], ["2号校车"], ["一楼3桌"])


def test_what_a_contact_needs_how_he_was_tested_and_when_he_was_found(world: World) -> None:
    w = world
    (person,) = observing.observed(w, [ONE])
    w.go("18:30")
    w.do("nurse", "t_session_record", {
        "temperature": 36.6, "symptoms": ["none"], "measured_by": "观察点", "in_place": True, "needs": "想要课本",
        "measured_at": school.now(w),
    })  # fmt: skip
    assert w.saved("t_session_record", person)["needs"] == "想要课本"
    (instance,) = [row["id"] for row in w.rows(t.Instance, process="medical_observation")]
    found = {"last_seen_at": school.at_time("18:30"), "info_source": "phone", "search_note": "不在房间"}
    w.act("nurse", "msg_contact_lost", found, instance=instance)
    lost = w.saved("start_contact_lost", person)
    assert (lost["last_seen_at"][:16], lost["search_note"]) == ("2026-03-02T10:30", "不在房间")
    w.go("19:00")
    w.do("coordinator", "r_contact_found", {"traced_at": school.now(w), "info_source": "phone"})
    assert w.saved("r_contact_found", person)["traced_at"].startswith("2026-03-02T11:00")
    tested = {
        "person": {"id": person}, "result": "negative", "result_at": school.now(w), "lab": {"id": "demo-clinic"},
        "info_source": "phone", "tube_no": "T-001", "recheck": True,
    }  # fmt: skip
    w.act("coordinator", "msg_test_result", tested, instance=instance)
    test = w.saved("start_test_positive", person)
    assert (test["tube_no"], test["recheck"]) == ("T-001", True)
    w.go("03-16 10:30")
    w.do("coordinator", "t_complete_papers", {**observing.order(w), "last_test": "negative"})
    assert w.saved("t_complete_papers", person)["last_test"] == "negative"
    w.do("coordinator", "t_release")
    released = w.saved("t_release", person)
    assert (released["mode"], released["person"]["id"]) == ("central", person)
    assert released["start_at"].startswith("2026-03-02T02:30")


def test_the_summary_of_a_day_and_the_end_of_a_suspension(world: World) -> None:
    w = world
    variants.accepted(w)
    suspension.order(w, planned_end="2026-03-16")
    assert w.saved("start_superior_order")["planned_end"] == "2026-03-16"
    suspension.decide(w)
    suspension.teach_online(w)
    w.go("18:30")
    counts = {"fever_count": 1, "absent_sick": 1, "returnee_count": 2, "quarantine_count": 3, "confirmed_count": 0}
    said = {"anomaly_text": "一名学生发热，已就诊", "supplies_state": "充足", "is_zero": False}
    w.do("teacher", "t_home_monitoring", {**suspension.ZERO, **counts, **said, "total": 30, "suspected_count": 0})
    day = w.saved("t_home_monitoring")
    assert {key: day[key] for key in ("fever_count", "absent_sick", "returnee_count", "quarantine_count")} == {
        key: counts[key] for key in ("fever_count", "absent_sick", "returnee_count", "quarantine_count")
    }
    assert (day["total"], day["suspected_count"], day["confirmed_count"]) == (30, 0, 0)
    assert (day["anomaly_text"], day["supplies_state"]) == (said["anomaly_text"], "充足")


def test_a_direct_report_and_its_correction_say_why(world: World) -> None:
    w = world
    sc12.faulty(w)
    sc12.dispatched(w, "08:04")
    w.go("08:06")
    sc12.report_out(w)
    w.do("coordinator", "t_draft_direct", {"drafter": True, "requests": "请派专家指导"})
    direct = w.saved("t_draft_direct")
    assert (direct["trigger"], direct["suspected_count"], direct["requests"]) == ("≥3例聚集", 3, "请派专家指导")
    assert direct["classes"]
    assert direct["measures"]
    w.go("08:10")
    sc12.withdraw(w, sc12.FAULTY)
    sc12.corrected(w)
    (first,) = w.rows(t.Report, document="R01")
    said = w.saved("t_draft_correction")
    assert (said["correction_reason"], [entry["id"] for entry in said["corrects"]]) == ("误报撤销", [first["id"]])
    assert said["correction_text"]
