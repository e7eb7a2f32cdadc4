"""What happens at the second school of the demo: a confirmed case whose neighbours are under observation.

It began three days ago at 08:10. A small school: one person does the daily work, the principal signs.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from service.demo.story import (
    SIGNED,
    Data,
    Moment,
    Step,
    disinfected,
    handed_over,
    received,
    step,
    to_hospital,
    told,
)
from service.domain.calendar import at_local, local_date

SCHOOL = "demo-school-2"
DAYS_AGO = 3
DAY = 24 * 60
STAFF, PRINCIPAL = "staff2", "principal2"
CAST = {"principal": PRINCIPAL}  # everybody else is the one person of the staff
ROUND = "round"  # a step that is no task: the readings of a session for everybody who is observed
MORNING, EVENING = ("早", time(7, 20)), ("晚", time(17, 30))
REPORTED = time(16, 20)


def _seen(moment: Moment) -> Data:
    return {"at": moment.at(), "info_source": "phone"}


def _confirmed(moment: Moment) -> Data:
    return {
        "result": "confirmed", "result_at": moment.at(), "hospital": {"id": "demo-hospital"}, "info_source": "phone",
        "severity": "mild",
    }  # fmt: skip


def _history(moment: Moment) -> Data:
    trail = [{"at": moment.at(-DAY), "place": "三年级1班教室", "companions": "同班同学"}]
    return {"activity_trail": trail, "travel": "无"}


def _initial_list(moment: Moment) -> Data:
    met = {
        "contact_place": "三年级1班教室", "contact_scene": "前后左右", "last_contact": moment.at(-DAY // 4),
        "contact_class": "close",
    }  # fmt: skip
    return {"rows": [{"person": {"id": person}, **met} for person in moment.neighbours]}


def _final_list(moment: Moment) -> Data:
    judged = {"contact_class": "close", "info_source": "phone"}
    return {"rows": [{"person": {"id": person}, **judged} for person in moment.neighbours]}


def _started(moment: Moment) -> Data:
    return {"started_at": moment.at(), "info_source": "phone"}


def _trail(moment: Moment) -> Data:
    trail = [{"at": moment.at(-DAY), "place": "三年级1班教室"}]
    return {"activity_trail": trail, "investigator": {"name": "疾控甲", **_seen(moment)}, "info_source": "visit"}


def _source(moment: Moment) -> Data:
    return {"suspected_source": "待查", "finished_at": moment.at(), "info_source": "visit"}


def _accepted(moment: Moment) -> Data:
    return {
        "accept_result": "合格", "accepted_by": {"name": "疾控甲", **_seen(moment)}, "accepted_at": moment.at(),
        "info_source": "visit",
    }  # fmt: skip


VEHICLE: Data = {"vehicle_no": "专车1", "vehicle_kind": "指挥部专用车"}


def _vehicle_called(moment: Moment) -> Data:
    return {
        "person": {"id": moment.person}, "category": "密接", "severity": "mild", "requested_at": moment.at(),
        "request_outcome": "已派车", "answered_by": "指挥部值班员", "destination": {"id": "demo-town"}, **VEHICLE,
    }  # fmt: skip


def _contact_left(moment: Moment) -> Data:
    return {**handed_over(moment), **VEHICLE, "temp_at_transfer": 36.5}


MATERIAL: Data = {
    "roster": "三年级1班名册", "travel": "无",
    "family": [{"name": "家长甲", "person_type": "resident", "org_unit": {"id": "demo-village"}}],
}  # fmt: skip
WORDING: Data = {"summary": "家长询问停课安排", "wording": "学校正按要求开展防控，以官方通报为准。"}

FIRST_DAY = (
    *to_hospital("学生丁巳", "demo-school-2-3-1", 38.4),
    step(380, "office", "r_diagnosis", _confirmed),
    step(384, "office", "t_draft_initial", drafter=True),
    Step(388, "principal", "t_sign_report", SIGNED),
    step(392, "teacher", "t_inform_family", told),
    step(395, "office", "t_foresee_topics", **WORDING),
    Step(397, "principal", "t_approve_wording", SIGNED),
    step(398, "principal", "t_propose_suspension", adjust="class_suspend"),
    step(400, "office", "t_case_history", _history),
    step(405, "office", "t_list_contacts", _initial_list),
    step(410, "office", "t_draft_screening", scope=["班级"], no_identity_ok=True),
    Step(414, "principal", "t_sign_screening", SIGNED),
    step(416, "office", "r_epi_request", _started),
    Step(420, "office", "t_epi_material", MATERIAL),
    step(425, "cleaner", "t_mark_places", place_list=["教室", "走廊", "卫生间", "扶手"]),
    step(428, "cleaner", "t_seal_aircon", cleared_people=True, aircon_off=True),
    step(434, "cleaner", "t_disinfect", disinfected),
    step(440, "office", "r_site_epi", _trail),
    step(444, "office", "r_epi_source", _source),
    step(448, "office", "r_contact_list", _final_list),
    replace(step(455, "office", "s_call_vehicle", _vehicle_called), is_each=True),
    replace(step(458, "nurse", "t_ppe_transfer", ppe=["N95口罩", "手套", "工作服"]), is_each=True),
    replace(step(462, "nurse", "t_hand_over", _contact_left), is_each=True),
    replace(step(480, "nurse", "r_received", received), is_each=True),
    replace(step(485, "nurse", "t_clean_vehicle", vehicle_disinfected=True), is_each=True),
    step(488, "cleaner", "t_clear_residue", residue_removed=True, ventilated_min=30),
    step(492, "office", "r_disinfect_accept", _accepted),
)


def steps(began: datetime, now: datetime) -> tuple[Step, ...]:
    """The first day, and of each day its two rounds of readings and its progress report, as far as now."""
    first = local_date(began)
    following = [
        each for day in range(DAYS_AGO + 1) for each in _of_day(began, first + timedelta(days=day), is_first=day == 0)
    ]
    timed = sorted((*_cast(FIRST_DAY), *following), key=lambda each: each.minute)
    return tuple(each for each in timed if began + timedelta(minutes=each.minute) < now)


def _cast(play: tuple[Step, ...]) -> list[Step]:
    return [replace(each, who=CAST.get(each.who, STAFF)) for each in play]


def _of_day(began: datetime, day: date, *, is_first: bool) -> list[Step]:
    def minute(clock: time) -> int:
        return int((at_local(day, clock) - began).total_seconds()) // 60

    def reading(session: tuple[str, time]) -> Step:
        name, clock = session
        return Step(minute(clock), STAFF, ROUND, {"session": name, "day": day.isoformat(), "others": NORMAL})

    report = minute(REPORTED)
    drafted = step(report, STAFF, "t_draft_progress", drafter=True)
    signed = Step(report + 10, PRINCIPAL, "t_sign_report", SIGNED)
    return [*([] if is_first else [reading(MORNING)]), drafted, signed, reading(EVENING)]


NORMAL: dict[str, Any] = {"temperature": 36.5, "symptoms": ["none"], "in_place": True}
