from datetime import timedelta
from typing import Any

import pytest

from service.domain.form_context import Inspection
from service.domain.form_messages import codes
from tests.unit.form_builders import (
    NOW,
    PUPIL,
    ROW,
    VIEWS,
    a_context,
    an_answer,
    at,
    refusals,
)

SIGN = {"sign_decision": "签发"}
LATE = {"defaults": {"is_overdue": True}}
ITEMS = VIEWS["F38#check"].field("items")
assert ITEMS is not None
assert ITEMS.item is not None
CHECKED = [{"item": item, "结果": "达标"} for item in ITEMS.item.parts[0].values]
FIT = {
    "items": CHECKED, "isolation_ok": True, "supplies_ok": True, "staff_ok": 100, "plan_ok": True, "drill_ok": True,
    "conclusion": "达标",
}  # fmt: skip
UNFIT = ("conclusion", "does_not_apply")

DAY = 24 * 60
MORNING: dict[str, Any] = {"session": "早", "day_no": 1}
RECORDED: dict[str, Any] = {"defaults": {"is_recorded": True}}
ENDED: dict[str, Any] = {"defaults": {"session_ended_at": NOW - timedelta(minutes=1)}}
FOURTEEN: dict[str, Any] = {"defaults": {"observation_days": 14}}
STILL_OPEN: dict[str, Any] = {"still_open": [{"zh": "医学观察", "en": "observation of contacts"}]}
LACKING: dict[str, Any] = {"defaults": {"missing": ["release_order"]}}

REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, str]]] = [
    # types
    ("F00#done", {"surprise": 1}, {}, ("surprise", "unknown_field")),
    ("F04#plan", {"suspected_count": 3}, {}, ("suspected_count", "auto_field")),
    ("F00#done", {"head_count": False}, {}, ("head_count", "not_integer")),
    ("F00#done", {"head_count": 1.5}, {}, ("head_count", "not_integer")),
    ("F00#done", {"head_count": 5001}, {}, ("head_count", "out_of_range")),
    ("F00#done", {"head_count": 10**400}, {}, ("head_count", "out_of_range")),
    ("F00#done", {"remark": 5}, {}, ("remark", "not_text")),
    ("F00#done", {"remark": "x" * 501}, {}, ("remark", "too_long")),
    ("F00#done", {"remark": "a\x00b"}, {}, ("remark", "bad_characters")),
    ("F00#done", {"remark": "\ud800"}, {}, ("remark", "bad_characters")),
    ("F00#done", {"result": "done"}, {}, ("result", "not_an_option")),
    ("F00#done", {"done_at": "2026-03-02T08:00:00"}, {}, ("done_at", "bad_instant")),
    ("F00#done", {"done_at": "2026-13-02T08:00:00Z"}, {}, ("done_at", "bad_instant")),
    ("F00#done", {"done_at": "0001-01-01T00:00:00+14:00"}, {}, ("done_at", "bad_instant")),
    ("F00#done", {"done_at": at(3)}, {}, ("done_at", "in_future")),
    ("F00#done", {"done_by": "me"}, {}, ("done_by", "not_object")),
    ("F00#done", {"done_by": {"id": "x"}}, {"accounts": frozenset({"me"})}, ("done_by.id", "unknown_account")),
    ("F00#done", {"done_by": {"id": ""}}, {}, ("done_by.id", "bad_reference")),
    ("F00#done", {"attachment": "a.pdf"}, {}, ("attachment", "bad_file")),
    ("F00#done", {"attachment": {"name": "a.pdf"}}, {}, ("attachment", "bad_file")),
    ("F00#done", {"attachment": {"id": "a", "size": 21 * 1024 * 1024}}, {}, ("attachment", "file_too_large")),
    ("F01#quick", {"temperature": "38.1"}, {}, ("temperature", "not_number")),
    ("F01#quick", {"temperature": float("nan")}, {}, ("temperature", "not_number")),
    ("F01#quick", {"temperature": 45.0}, {}, ("temperature", "out_of_range")),
    ("F01#quick", {"temperature": 83.2}, {}, ("temperature", "out_of_range_slip")),
    ("F01#quick", {"symptoms": "fever"}, {}, ("symptoms", "not_list")),
    ("F01#quick", {"symptoms": ["fever", "plague"]}, {}, ("symptoms.1", "not_an_option")),
    ("F01#quick", {"symptoms": ["fever", "none"]}, {}, ("symptoms", "exclusive")),
    ("F01#quick", {"symptoms": ["fever"] * 12}, {}, ("symptoms", "too_many")),
    ("F01#quick", {"positions_fixed": "yes"}, {}, ("positions_fixed", "not_yes_no")),
    ("F18#order", {"planned_end": "2026-3-9"}, {}, ("planned_end", "bad_date")),
    ("F18#order", {"planned_end": "2026-02-30"}, {}, ("planned_end", "bad_date")),
    ("F40#clue", {"object": {"id": "o", "more": 1}}, {}, ("object", "bad_reference")),
    # the person block
    ("F01#quick", {"person": {"name": "学生甲", "person_type": "student"}}, {}, ("person.org_unit", "required")),
    ("F01#quick", {"person": PUPIL | {"name": "甲"}}, {}, ("person.name", "too_short")),
    ("F01#quick", {"person": PUPIL | {"name": "x" * 31}}, {}, ("person.name", "too_long")),
    ("F01#quick", {"person": PUPIL | {"age": 121}}, {}, ("person.age", "out_of_range")),
    ("F01#quick", {"person": PUPIL | {"phone": "12345"}}, {}, ("person.phone", "bad_phone")),
    ("F01#quick", {"person": PUPIL | {"id_no": "110105194912310021"}}, {}, ("person.id_no", "bad_id_no")),
    ("F01#quick", {"person": PUPIL | {"nick": "x"}}, {}, ("person.nick", "unknown_field")),
    ("F01#quick", {"person": {"id": "nobody"}}, {}, ("person.id", "unknown_person")),
    # F00
    ("F00#done", {"done_at": at(-10)}, {}, ("done_late_reason", "required")),
    ("F00#done", {"done_at": at(-30), "done_late_reason": "停电"}, {}, ("done_at", "too_early")),
    ("F00#done", {"result": "部分完成"}, {}, ("remark", "required")),
    ("F00#done", {}, {"defaults": {"checklist": ["关窗"]}}, ("checklist", "required")),
    ("F00#done", {"checklist": ["关灯"]}, {"defaults": {"checklist": ["关窗", "关灯"]}}, ("checklist", "not_all")),
    ("F00#send", {"outcome": "已接通", "answered_by": None}, {}, ("answered_by", "required")),
    ("F00#sign", {"sign_decision": "退回", "comment": None}, {}, ("comment", "required")),
    ("F00#sign", SIGN, {"drafters": frozenset({"me"})}, ("signer", "same_signer")),
    ("F00#sign", SIGN | {"signer": False}, {}, ("signer", "bad_signature")),
    (
        "F00#sign",
        SIGN | {"signer": {"name": "校长己", "at": at(0), "info_source": "phone"}},
        {},
        ("signer", "bad_signature"),
    ),
    ("F00#cancel", {"cancel_scope": "部分人员"}, {}, ("cancel_persons", "required")),
    (
        "F00#cancel",
        {"cancel_scope": "部分人员", "cancel_persons": [{"id": "p9"}]},
        {"defaults": {"incident_persons": ["p1"]}},
        ("cancel_persons.0.id", "not_among"),
    ),
    ("F00#cancel", {"cancel_kind": "并案"}, {}, ("merge_into", "required")),
    (
        "F00#cancel",
        {"cancel_kind": "并案", "merge_into": {"id": "i9"}},
        {"defaults": {"open_incidents": ["i1"]}},
        ("merge_into.id", "not_among"),
    ),
    # F01, F02
    ("F01#quick", {"temperature": None}, {}, ("temperature", "required")),
    ("F01#complete", {"epi_history": True, "epi_text": None}, {}, ("epi_text", "required")),
    ("F01#complete", {"onset_at": at(-5)}, {"record": {"found_at": at(-20)}}, ("onset_at", "too_late")),
    ("F01#external", {"known_result": "confirmed", "result_at": None}, {}, ("result_at", "required")),
    ("F01#external", {"source_kind": "gate"}, {}, ("source_kind", "not_an_option")),
    ("F02#register", {"rows": []}, {}, ("rows", "required")),
    ("F02#register", {"rows": [{"left_place": True}]}, {}, ("rows.0.name", "required")),
    ("F02#register", {"register_time": at(-30)}, {}, ("register_time", "too_early")),
    ("F02#register", {"neighbours": [{"id": "p1"}] * 5}, {}, ("neighbours", "too_many")),
    ("F02#register", {}, {"defaults": {"place_kind": "class"}}, ("neighbours", "required")),
    # F03, F04
    ("F03#recheck", {"axillary_temp": 33.9}, {}, ("axillary_temp", "out_of_range")),
    ("F03#recheck", {"info_source": "phone", "scribe": None}, {}, ("scribe", "required")),
    ("F03#recheck", {}, {"defaults": {"several_persons": True}}, ("room_no", "required")),
    ("F03#recheck", {"room_no": "2"}, {"defaults": {"occupied_rooms": ["2"]}}, ("room_no", "taken")),
    ("F03#advice", {"advice_at": at(-10)}, {"record": {"arrive_120_at": at(-5)}}, ("advice_at", "too_early")),
    ("F04#plan", {"case_class": "confirmed"}, {}, ("case_class", "not_an_option")),
    ("F04#plan", {"plan_started_at": at(-25)}, {}, ("plan_started_at", "too_early")),
    ("F04#control", {"control_confirmed": False, "control_note": None}, {}, ("control_note", "required")),
    ("F04#control", {}, {"defaults": STILL_OPEN}, ("control_confirmed", "still_open")),
    ("F10#draft", {}, {"defaults": STILL_OPEN}, ("closed_at", "still_open")),
    # F05
    ("F05#request", {"request_outcome": "已派车", "answered_by": None}, {}, ("answered_by", "required")),
    ("F05#request", {"vehicle_kind": "私家车"}, {}, ("vehicle_kind", "not_an_option")),
    ("F05#ppe", {"ppe": ["手套", "工作服"]}, {}, ("ppe", "not_all")),
    ("F05#ppe", {"escort": None}, {}, ("escort", "required")),
    ("F05#arrive", {"arrive_at": at(-9)}, {"record": {"depart_at": at(-5)}}, ("arrive_at", "too_early")),
    ("F05#arrive", {"receive_outcome": "接收", "received_by": None}, {}, ("received_by", "required")),
    (
        "F05#arrive",
        {"receive_outcome": "接收", "received_by": {"name": "护士", "at": at(0)}},
        {},
        ("received_by.info_source", "required"),
    ),
    ("F05#clean", {"vehicle_disinfected": False}, {}, ("vehicle_disinfected", "must_be_true")),
    # F06, F07
    ("F06#result", {"result_at": at(-9)}, {"defaults": {"arrive_at": NOW}}, ("result_at", "too_early")),
    ("F06#certificate", {"certificate": None}, {}, ("certificate", "any_of")),
    (
        "F06#certificate",
        {"certificate": None, "waiver_reason": "医院停电"},
        {"defaults": {"roles": ["epi_office"]}},
        ("waiver_reason", "not_permitted"),
    ),
    ("F06#update", {"change": "加重", "severity": None}, {}, ("severity", "required")),
    ("F07#notice", {"guardian": {"name": "家长甲"}}, {}, ("guardian.phone", "required")),
    ("F07#notice", {"attempts": 0}, {}, ("attempts", "out_of_range")),
    ("F07#notice", {}, {"defaults": {"is_transfer": True}}, ("no_self_drive_told", "required")),
    (
        "F07#notice",
        {"person": {"id": "p1"}, "condition_told": "学生乙发热"},
        {},
        ("condition_told", "names_another_person"),
    ),
    ("F07#approve", {"measures_told": "送学生甲就医"}, {}, ("measures_told", "names_another_person")),
    ("F07#refusal", {"assist_asked": ["无", "派出所"]}, {}, ("assist_asked", "exclusive")),
    # reports
    ("F08#draft", {}, LATE, ("late_reason", "required")),
    ("F08#draft", {"person_count": 0}, {}, ("person_count", "out_of_range")),
    ("F08#draft", {"report_to": ["公众"]}, {}, ("report_to.0", "not_an_option")),
    (
        "F08#correct",
        {"corrects": [{"id": "r9"}]},
        {"defaults": {"sent_reports": ["r1"]}},
        ("corrects.0.id", "not_among"),
    ),
    ("F09#draft", {"period": {"from": at(0), "to": at(-60)}}, {}, ("period.to", "too_early")),
    (
        "F09#draft",
        {"period": {"from": at(-60), "to": at(0)}},
        {"defaults": {"previous_period_to": NOW - timedelta(hours=2)}},
        ("period.from", "not_contiguous"),
    ),
    ("F09#draft", {"contact_numbers": {"初步": 1}}, {}, ("contact_numbers.最终", "required")),
    (
        "F09#draft",
        {"contact_numbers": dict.fromkeys(("初步", "最终", "到位", "隔离中", "解除", "转阳"), 2)},
        {},
        ("contact_numbers.隔离中", "numbers_inconsistent"),
    ),
    ("F10#draft", {"closed_at": at(-10)}, {"defaults": {"last_event_at": NOW}}, ("closed_at", "too_early")),
    ("F11#draft", {"trigger": "≥3例聚集", "suspected_count": 2}, {}, ("suspected_count", "below_minimum")),
    ("F11#draft", {"trigger": "机构异常信息", "copy_ministry": True}, {}, ("copy_ministry", "does_not_apply")),
    # F14
    ("F14#session", ROW | {"session": "早", "day_no": 29}, {}, ("day_no", "out_of_range")),
    ("F14#session", ROW | {"session": "早", "day_no": None}, {}, ("day_no", "required")),
    ("F14#session", ROW | {"session": "晚", "day_no": 1, "window_reason": None}, {}, ("window_reason", "required")),
    ("F14#session", ROW | MORNING | {"temperature": 33.9}, {}, ("temperature", "out_of_range")),
    ("F14#session", ROW | MORNING | {"temperature": 44.0}, {}, ("temperature", "out_of_range")),
    ("F14#session", ROW | MORNING | {"correction_reason": None}, RECORDED, ("correction_reason", "required")),
    ("F14#session", ROW | MORNING | {"entry_reason": None}, ENDED, ("entry_reason", "required")),
    ("F14#session", ROW | MORNING, {"defaults": {"day_ends": at(-DAY)}}, ("measured_at", "too_late")),
    (
        "F14#session",
        ROW | MORNING,
        {"defaults": {"day_begins": at(DAY)}},
        ("measured_at", "too_early"),
    ),
    # F23, F24
    ("F23#serve", {"start_at": at(0), "end_at": at(13 * DAY)}, FOURTEEN, ("end_at", "too_short_a_time")),
    ("F23#serve", {"basis": "密接类", "door_notice": None}, {}, ("door_notice", "required")),
    ("F23#serve", {"rules": ["单间居住"]}, {}, ("rules", "not_all")),
    ("F24#issue", {"start_at": at(-14 * DAY), "end_at": at(-5)}, FOURTEEN, ("end_at", "too_short_a_time")),
    ("F24#issue", {"end_at": at(-5)}, {"defaults": {"observed_until": NOW}}, ("end_at", "too_early")),
    ("F24#issue", {"mode": "home", "exam_normal": None}, {}, ("exam_normal", "required")),
    ("F24#papers", {"exam_normal": False}, {}, ("exam_normal", "must_be_true")),
    ("F24#papers", {"end_at": at(5)}, {"defaults": {"observed_until": NOW + timedelta(1)}}, ("end_at", "too_early")),
    ("F24#papers", {"last_test": "negative"}, LACKING, ("release_order", "required")),
    ("F14#temp", {"rows": [ROW | {"session": "早"}]}, {}, ("rows.0.session", "not_an_option")),
    ("F14#temp", {"rows": [ROW, ROW | {"temperature": 50}]}, {}, ("rows.1.temperature", "out_of_range")),
    ("F14#temp", {"rows": [ROW, 7]}, {}, ("rows.1", "not_object")),
    ("F14#temp", {"rows": []}, {}, ("rows", "too_few")),
    # F15
    ("F15#seal", {"aircon_off": None}, {"record": {"scope": "terminal"}}, ("aircon_off", "required")),
    ("F15#seal", {"aircon_off": False}, {}, ("aircon_off", "must_be_true")),
    ("F15#seal", {"cleared_people": False}, {}, ("cleared_people", "must_be_true")),
    ("F15#work", {"start_at": at(-5), "end_at": at(-5)}, {}, ("end_at", "not_after")),
    ("F15#work", {"contact_min": 29}, {}, ("contact_min", "below_minimum")),
    ("F15#clear", {"residue_removed": None}, {"record": {"scope": "terminal"}}, ("residue_removed", "required")),
    ("F15#clear", {"ventilated_min": 29}, {"record": {"place_list": ["教室"]}}, ("ventilated_min", "below_minimum")),
    # F17, F18, F20, F22, F38
    ("F17#documents", {"certificate": None}, {"defaults": {"missing": ["certificate"]}}, ("certificate", "required")),
    ("F17#apply", {"symptom_end_at": at(5)}, {}, ("symptom_end_at", "in_future")),
    ("F17#review", {"decision": "准予返校"}, {"drafters": frozenset({"me"})}, ("reviewer", "same_signer")),
    ("F17#review", {"decision": "暂缓", "comment": None}, {}, ("comment", "required")),
    ("F18#order", {"start_at": at(60), "planned_end": "2026-03-01"}, {}, ("planned_end", "too_early")),
    ("F18#online", {"online_plan": None}, {"record": {"adjust": "class_suspend"}}, ("online_plan", "required")),
    ("F18#resume", {"cleaned": False}, {}, ("cleaned", "must_be_true")),
    (
        "F18#resume",
        {"superior_consent": None},
        {"defaults": {"consent_needed": True}},
        ("superior_consent", "required"),
    ),
    ("F18#resume", {"resume_at": at(0)}, {"defaults": {"cleaned_at": at(30)}}, ("resume_at", "too_early")),
    (
        "F18#decide",
        {"scope": [{"id": "class-72"}, {"id": "class-73"}]},
        {"defaults": {"ordered_scope": ["class-72"]}},
        ("scope.1.id", "not_among"),
    ),
    ("F22#report", {"is_zero": True, "fever_count": 1}, {}, ("is_zero", "does_not_apply")),
    ("F22#report", {"is_zero": False, "anomaly_text": None}, {}, ("anomaly_text", "required")),
    ("F22#report", {"total": 30, "absent_sick": 31}, {}, ("absent_sick", "above_other")),
    ("F38#check", {"items": CHECKED[1:]}, {}, ("items", "not_all")),
    ("F38#check", {**FIT, "items": [*CHECKED[1:], {"item": "人员排查", "结果": "不达标"}]}, {}, UNFIT),
    ("F38#check", {**FIT, "staff_ok": 99.9}, {}, UNFIT),
    ("F38#check", {**FIT, "drill_ok": False}, {}, UNFIT),
    (
        "F38#consent",
        {"consent_result": "同意", "superior_consent": None},
        {"organisation_type": "training_institution"},
        ("superior_consent", "required"),
    ),
    ("F20#gate", {"person": {"id": "v1"}, "health_code": None}, {}, ("health_code", "required")),
    ("F20#gate", {"person": {"id": "v1"}}, {}, ("person.id_no", "any_of")),
]


@pytest.mark.parametrize(("key", "changes", "context", "wanted"), REFUSED)
def test_a_broken_rule_is_refused(
    key: str, changes: dict[str, Any], context: dict[str, Any], wanted: tuple[str, str]
) -> None:
    data = changes if VIEWS[key].is_list else an_answer(key, **changes)
    assert wanted in refusals(key, data, **context)


def test_every_message_has_a_failing_example() -> None:
    seen = {code for *_, (_, code) in REFUSED}
    flags = {"fever", "not_mercury", "outside_window", "wanted"}
    of_rounds = {"not_observed_then", "all_alike", "measured_in_no_time"}
    of_lists = {"contacts_missing", "contact_not_listed", "contact_is_case"}  # see the paths of contact tracing
    of_tasks = {"other_session", "day_reported"}  # see the paths of observation and suspension
    assert seen | flags | of_rounds | of_lists | of_tasks | {"bad_format", "bad_time"} == codes()


ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("F00#done", {"done_at": at(1.9)}, {}),  # two minutes of tolerance
    ("F00#done", {"done_at": at(-10), "done_late_reason": "纸质记录补录"}, {}),
    ("F00#done", {"done_by": {"id": "x", "label": "王**"}}, {}),
    ("F00#done", {"head_count": 3.0}, {}),
    ("F00#done", {"remark": None, "checklist": ["关窗"]}, {"defaults": {"checklist": ["关窗"]}}),
    ("F00#sign", SIGN, {"drafters": frozenset({"somebody"})}),
    ("F01#quick", {"person": {"id": "p1"}}, {}),
    ("F01#quick", {"temperature": 34.0}, {}),
    ("F01#quick", {"temperature": 43.04}, {}),  # one place counts
    ("F01#quick", {"source_kind": "external", "temperature": None}, {}),
    ("F01#complete", {"person": {"phone": "13800001234"}}, {}),
    ("F01#complete", {"person": {"id": "p1", "age": 13}}, {}),
    ("F02#register", {"rows": [{"id": "p1", "distance": 1.5, "seat_no": "3-4"}, PUPIL | {"left_place": True}]}, {}),
    ("F03#recheck", {"info_source": "party", "scribe": None}, {}),
    ("F04#control", {"control_confirmed": False, "control_note": "又有一例"}, {"defaults": STILL_OPEN}),
    ("F05#ppe", {"escort": None}, {"organisation_type": "village"}),
    ("F05#arrive", {"receive_outcome": "满床", "received_by": None}, {}),
    (
        "F05#arrive",
        {"receive_outcome": "接收", "received_by": {"name": "护士", "at": at(0), "info_source": "visit"}},
        {},
    ),
    ("F06#certificate", {"certificate": {"id": "a1", "name": "证明.pdf", "size": 9}}, {}),
    ("F06#certificate", {"certificate": None, "waiver_reason": "医院停电"}, {"defaults": {"roles": ["school_leader"]}}),
    ("F06#result", {"certificate": None, "result": "excluded"}, {}),
    ("F07#notice", {"person": {"id": "p1"}, "condition_told": "学生甲体温 38.1 ℃"}, {}),
    ("F14#session", ROW | {"session": "早", "day_no": 1}, {}),
    ("F14#session", ROW | {"session": "晚", "day_no": 1, "window_reason": "睡过了"}, {}),
    ("F14#session", ROW | MORNING | {"temperature": 34.0}, {}),
    ("F14#session", ROW | MORNING | {"temperature": 43.0}, {}),
    ("F14#session", ROW | MORNING | {"correction_reason": "读错"}, RECORDED),
    ("F14#session", ROW | MORNING | {"entry_reason": "纸质记录"}, ENDED),
    ("F24#issue", {"start_at": at(-14 * DAY), "end_at": at(0)}, FOURTEEN),
    ("F24#papers", {"exam_normal": True}, {}),
    ("F24#papers", {"end_at": at(DAY)}, LACKING),  # an extension; the papers may follow later
    ("F15#seal", {"aircon_off": None}, {"record": {"scope": "spot"}}),
    ("F15#clear", {"ventilated_min": 5}, {"record": {"place_list": ["室外"]}}),
    ("F17#apply", {"certificate": None, "health_verdict": None, "recovered": False}, {}),
    ("F18#order", {"start_at": at(60 * 24), "planned_end": "2026-04-01"}, {}),
    ("F18#resume", {"superior_consent": None}, {"defaults": {"consent_needed": True, "consent_given": True}}),
    ("F22#report", {"is_zero": True, "total": 30}, {}),
    ("F38#check", FIT, {}),
    ("F38#check", {**FIT, "items": [*CHECKED[1:], {"item": "人员排查", "结果": "不适用"}]}, {}),
    ("F20#gate", {"person": PUPIL | {"person_type": "visitor", "phone": "13800001234"}, "health_code": "green"}, {}),
]


@pytest.mark.parametrize(("key", "changes", "context"), ACCEPTED)
def test_the_other_side_of_a_rule_is_accepted(key: str, changes: dict[str, Any], context: dict[str, Any]) -> None:
    assert refusals(key, an_answer(key, **changes), **context) == set()


def test_the_time_of_the_step_before_makes_no_entry_late() -> None:
    """A page that is opened asks for no reason; only a time stated in this answer can be early."""
    opened = Inspection(a_context(record={"done_at": at(-60)}, task_created_at=NOW))
    assert opened.look_up("@is_late_entry") is False
    opened.values["done_at"] = at(-60)
    assert opened.look_up("@is_late_entry") is True


def test_the_time_of_the_reading_before_puts_no_reading_outside_its_session() -> None:
    """A page that is opened asks for no reason; only a time stated in this answer can be outside."""
    opened = Inspection(a_context(record={"session": "早", "measured_at": at(120)}))
    opened.values["session"] = "早"
    assert opened.look_up("@is_outside_window") is False
    opened.values["measured_at"] = at(120)
    assert opened.look_up("@is_outside_window") is True
    late = Inspection(a_context(record={"measured_at": at(120)}, defaults={"session_ended_at": at(-1)}))
    late.values["session"] = "早"
    assert late.look_up("@is_late_reading") is True
