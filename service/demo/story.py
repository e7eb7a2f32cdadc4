"""What people of the demo district do and enter at the first school: two incidents, minute by minute.

Yesterday's is scenario SC01, a feverish pupil whom the hospital excludes, from 08:10 to its closing
report. Today's began a little while ago and stands where the plan is to be started. What happens at the
second school stands in `observed_story`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PROCEDURE = "school_suspected_case"
SCHOOL = "demo-school"
AROUND_THE_SEAT = "t_observe_neighbours"
FILED = "t_file_certificate"
CERTIFICATE = "排除证明.txt"
CERTIFICATE_TEXT = "演示文件 / demo file\n示例卫生院：排除新冠肺炎，普通感冒。\n"

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """What an answer may depend on: now, the persons around the seat, a file just uploaded, whom the task is about."""

    now: datetime
    neighbours: tuple[str, ...] = ()
    file: Data = field(default_factory=dict)
    person: str = ""

    def at(self, minutes: int = 0) -> str:
        """RFC 3339, some minutes from now (negative: ago)."""
        return (self.now + timedelta(minutes=minutes)).isoformat()


@dataclass(frozen=True, slots=True)
class Step:
    """One entry: `minute` counts from the opening, `answer` is the form's data or makes it of the moment.

    `is_each`: every open task of the element is answered, one per person.
    """

    minute: int
    who: str
    element: str
    answer: Data | Callable[[Moment], Data]
    is_each: bool = False

    def answer_at(self, moment: Moment) -> Data:
        """The data to enter at a moment."""
        return self.answer(moment) if callable(self.answer) else self.answer


def step(minute: int, who: str, element: str, answer: Callable[[Moment], Data] | None = None, /, **data: Any) -> Step:
    """A step with its data by name, or with a function that makes it."""
    return Step(minute, who, element, answer or data)


# --- what is entered ----------------------------------------------------------------------------


def found_with_fever(name: str, place: str, temperature: float) -> Data:
    """F01, the quick form: who, where, how warm."""
    return {
        "person": {"name": name, "person_type": "student", "org_unit": {"id": place}},
        "temperature": temperature,
        "symptoms": ["fever", "sore_throat"],
        "place": place,
    }


def _neighbours(moment: Moment) -> Data:
    """F14: the persons around the seat are measured once."""
    measured = {
        "session": "临时", "temperature": 36.5, "symptoms": ["none"], "measured_by": "校医", "in_place": True,
        "measured_at": moment.at(),
    }  # fmt: skip
    return {"rows": [{"person": {"id": person}, **measured} for person in moment.neighbours]}


def told(moment: Moment) -> Data:
    """F07: the parents were reached by telephone and agree."""
    return {
        "guardian": {"name": "家长", "phone": "0000-2000001"}, "channel": "电话", "notified_at": moment.at(),
        "condition_told": "发热待查", "measures_told": "由120转运", "response": "理解配合", "attempts": 1,
    }  # fmt: skip


def _told_of_transfer(moment: Moment) -> Data:
    return {**told(moment), "attempts": 2, "no_self_drive_told": True}


def disinfected(moment: Moment) -> Data:
    """F15: five minutes of work that ended just now."""
    return {"agent": "84消毒液", "start_at": moment.at(-5), "end_at": moment.at(), "ppe": ["N95口罩", "手套"]}


def _arrived(moment: Moment) -> Data:
    return {"arrive_120_at": moment.at(), "info_source": "visit"}


def handed_over(moment: Moment) -> Data:
    """F05: the vehicle leaves now."""
    return {
        "vehicle_no": "急救01", "vehicle_kind": "120救护车", "depart_at": moment.at(), "temp_at_transfer": 37.9,
        "severity": "mild", "handed_by": True,
    }  # fmt: skip


def received(moment: Moment) -> Data:
    """F05: the vehicle has arrived now."""
    return {
        "arrive_at": moment.at(), "receive_outcome": "接收", "info_source": "visit",
        "received_by": {"name": "接诊医生", "at": moment.at(), "info_source": "visit"},
    }  # fmt: skip


def _excluded(moment: Moment) -> Data:
    return {"result": "excluded", "result_at": moment.at(), "hospital": {"id": "demo-clinic"}, "info_source": "phone"}


def _filed(moment: Moment) -> Data:
    return {"certificate": moment.file}


def _closing(moment: Moment) -> Data:
    return {
        "drafter": True, "nature": "排除", "cause": "普通感冒", "result": "医院排除", "control": "已落实",
        "accountability": "无", "closed_at": moment.at(),
    }  # fmt: skip


MASKED: Data = {
    "mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["带离", "佩戴口罩"], "epi_history": False,
}  # fmt: skip
RECHECKED: Data = {
    "axillary_temp": 37.9, "thermometer": "mercury_axillary", "cough": False, "diarrhoea": False, "epi_history": False,
    "determined_by": "start_plan", "info_source": "visit",
}  # fmt: skip
REACHED: Data = {"send_channel": "电话", "outcome": "已接通"}
SIGNED: Data = {"sign_decision": "签发", "signer": True}
NOTICE: Data = {"condition_told": "发热待查", "measures_told": "等待120复测", "approved_by": True}

# --- yesterday: SC01 -------------------------------------------------------------------------------

BEGAN_AT = (8, 10)  # Shanghai


def to_hospital(name: str, place: str, temperature: float) -> tuple[Step, ...]:
    """From the first temperature to the arrival at the hospital and the written report, in 90 minutes."""
    return (
        Step(0, "teacher", "", found_with_fever(name, place, temperature)),
        Step(1, "teacher", "t_mask_escort", MASKED),
        step(1, "teacher", "t_remind_protection"),
        step(3, "coordinator", "t_office_accept"),
        step(4, "coordinator", "s_call_120", **REACHED, answered_by="120调度员"),
        step(5, "nurse", "t_isolation_room"),
        step(5, "nurse", AROUND_THE_SEAT, _neighbours),
        step(5, "coordinator", "t_draft_initial", drafter=True),
        Step(8, "principal", "t_sign_report", SIGNED),
        Step(10, "principal", "t_approve_parent_notice", NOTICE),
        step(12, "cleaner", "t_evacuate_class", head_count=29),
        step(15, "teacher", "t_inform_parents", told),
        step(20, "coordinator", "t_mark_places", place_list=["教室", "楼梯", "扶手", "卫生间"]),
        step(20, "cleaner", "t_seal_aircon", cleared_people=True, aircon_off=True),
        step(20, "cleaner", "t_disinfect", disinfected),
        step(28, "nurse", "r_120_arrived", _arrived),
        Step(28, "nurse", "r_recheck", RECHECKED),
        step(31, "principal", "t_start_plan", case_class="observed", basis=["体温"], approver=True),
        step(42, "coordinator", "s_notify_hospital", **REACHED, answered_by="分诊台"),
        step(42, "teacher", "t_parent_transfer", _told_of_transfer),
        step(42, "nurse", "t_ppe_escort", ppe=["N95口罩", "手套", "工作服"]),
        step(50, "nurse", "t_hand_over", handed_over),
        step(55, "cleaner", "t_clear_residue", residue_removed=True, ventilated_min=30),
        step(60, "nurse", "r_received", received),
        step(65, "nurse", "t_clean_vehicle", vehicle_disinfected=True),
        step(75, "coordinator", "t_written_report_2h", drafter=True),
        Step(90, "principal", "t_sign_written_report", SIGNED),
    )


EXCLUDED = (
    *to_hospital("学生甲", "demo-school-7-2", 38.1),
    step(305, "coordinator", "s_ask_result", **REACHED, answered_by="值班医生", said="未出"),
    step(380, "coordinator", "r_diagnosis", _excluded),
    step(390, "coordinator", FILED, _filed),
    step(440, "coordinator", "t_draft_closing", _closing),
    Step(440, "principal", "t_sign_report", SIGNED),
)

# --- today: up to the decision of the principal ----------------------------------------------------

AGO = timedelta(minutes=40)

RUNNING = (
    Step(0, "teacher", "", found_with_fever("学生甲午", "demo-school-7-1", 37.8)),
    Step(2, "teacher", "t_mask_escort", MASKED),
    step(2, "teacher", "t_remind_protection"),
    step(4, "coordinator", "t_office_accept"),
    step(5, "coordinator", "s_call_120", **REACHED, answered_by="120调度员"),
    step(7, "nurse", "t_isolation_room"),
    step(8, "coordinator", "t_draft_initial", drafter=True),
    Step(11, "principal", "t_sign_report", SIGNED),
    step(14, "cleaner", "t_evacuate_class", head_count=11),
    Step(17, "principal", "t_approve_parent_notice", NOTICE),
    step(22, "coordinator", "t_mark_places", place_list=["教室", "走廊", "卫生间"]),
    step(31, "nurse", "r_120_arrived", _arrived),
    Step(36, "nurse", "r_recheck", RECHECKED),
)
