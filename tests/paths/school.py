"""What people at the school enter, step by step; scenarios combine these."""

from datetime import datetime
from typing import Any

from service.application.incident_view import IncidentView
from service.persistence import tables as t
from tests.paths.world import MINUTE, World, at

CLASS = "demo-school-7-2"
SIGN = {"sign_decision": "签发", "signer": True}
DETAILS = {
    "mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["带离", "佩戴口罩"], "epi_history": False,
}  # fmt: skip


def quick(name: str = "学生甲", temperature: float = 38.1, **more: Any) -> dict[str, Any]:
    """F01#quick of a pupil of class 七2."""
    return {
        "person": {"name": name, "person_type": "student", "org_unit": {"id": CLASS}},
        "temperature": temperature,
        "symptoms": ["fever", "sore_throat"],
        "place": CLASS,
        **more,
    }


def iso(time: datetime) -> str:
    """RFC 3339."""
    return time.isoformat()


def now(w: World) -> str:
    """The time of the scenario."""
    return iso(w.clock.now())


def fact(w: World, name: str) -> object:
    """A fact of the current incident; one of a person is that of the first case."""
    with w.app.read() as connection:
        facts = IncidentView.read(connection, w.app.sealer, w.app.services, w.incident).facts
        return facts.view(None)[name]


def detection(w: World) -> None:
    """A2 and A6: masked, taken away, everybody reminded."""
    w.do("teacher", "t_mask_escort", DETAILS)
    w.do("teacher", "t_remind_protection")


def call_120(w: World, element: str = "s_call_120", outcome: str = "已接通") -> None:
    """A phone call to 120, confirmed by who answered."""
    answered = {"answered_by": "120调度员"} if outcome == "已接通" else {}
    w.do("coordinator", element, {"send_channel": "电话", "outcome": outcome, **answered})


def observe_neighbours(w: World) -> None:
    """B2: the four persons around the seat are measured once."""
    near = [person for person in w.rows(t.Person) if person["is_neighbour"]]
    rows = [
        {
            "person": {"id": person["id"]}, "session": "临时", "temperature": 36.5, "symptoms": ["none"],
            "measured_by": "校医", "in_place": True, "measured_at": now(w),
        }
        for person in near
    ]  # fmt: skip
    w.do("nurse", "t_observe_neighbours", {"rows": rows})


def draft(w: World, element: str = "t_draft_initial", **more: Any) -> None:
    """A report as prefilled; only what the office adds is entered."""
    w.do("coordinator", element, {"drafter": True, **more})


def sign(w: World, element: str = "t_sign_report", decision: str = "签发") -> None:
    """The principal signs what the office drafted."""
    comment = {"comment": "请补充"} if decision == "退回" else {}
    w.do("principal", element, {"sign_decision": decision, "signer": True, **comment})


def approve_notice(w: World) -> None:
    """B5: what parents are told is approved first."""
    w.do(
        "principal", "t_approve_parent_notice",
        {"condition_told": "发热待查", "measures_told": "等待120复测", "approved_by": True},
    )  # fmt: skip


def tell_parents(w: World, response: str, attempts: int, element: str = "t_inform_parents") -> None:
    """B5 or M2: a notice with its answer."""
    transfer = {"no_self_drive_told": True} if element == "t_parent_transfer" else {}
    w.do(
        "teacher", element,
        {
            "guardian": {"name": "家长甲", "phone": "13800000000"}, "channel": "电话", "notified_at": now(w),
            "condition_told": "发热待查", "measures_told": "由120转运", "response": response, "attempts": attempts,
            **transfer,
        },
    )  # fmt: skip


def start_disinfection(w: World) -> None:
    """B7 up to the contact time."""
    w.do("coordinator", "t_mark_places", {"place_list": ["教室", "楼梯", "扶手", "卫生间"]})
    w.do("cleaner", "t_seal_aircon", {"cleared_people": True, "aircon_off": True})
    w.do(
        "cleaner", "t_disinfect",
        {
            "agent": "84消毒液", "start_at": iso(w.clock.now() - 5 * MINUTE), "end_at": now(w),
            "ppe": ["N95口罩", "手套"],
        },
    )  # fmt: skip


def end_disinfection(w: World) -> None:
    """B7 after the contact time."""
    w.do("cleaner", "t_clear_residue", {"residue_removed": True, "ventilated_min": 30})


def arrived(w: World) -> None:
    """C1, keyed in by the nurse."""
    w.do("nurse", "r_120_arrived", {"arrive_120_at": now(w), "info_source": "visit"})


def recheck(w: World, temperature: float = 37.9, **more: Any) -> None:
    """C2 with a mercury thermometer, keyed in by the nurse."""
    values = {
        "axillary_temp": temperature, "thermometer": "mercury_axillary", "cough": False, "diarrhoea": False,
        "epi_history": False, "determined_by": "start_plan" if temperature >= 37.3 else "low", "info_source": "visit",
    }  # fmt: skip
    w.do("nurse", "r_recheck", {**values, **more})


def start_plan(w: World) -> None:
    """C5."""
    w.do("principal", "t_start_plan", {"case_class": "observed", "basis": ["体温"], "approver": True})


def prepare_transfer(w: World) -> None:
    """M1 to M3."""
    w.do("coordinator", "s_notify_hospital", {"send_channel": "电话", "outcome": "已接通", "answered_by": "分诊台"})
    tell_parents(w, "理解配合", 2, "t_parent_transfer")
    w.do("nurse", "t_ppe_escort", {"ppe": ["N95口罩", "手套", "工作服"]})


def transfer(w: World) -> None:
    """M4: handed over and received; then the vehicle is disinfected."""
    w.do(
        "nurse", "t_hand_over",
        {
            "vehicle_no": "急救01", "vehicle_kind": "120救护车", "depart_at": now(w), "temp_at_transfer": 37.9,
            "severity": "mild", "handed_by": True,
        },
    )  # fmt: skip


def received(w: World, outcome: str = "接收") -> None:
    """The hospital takes the patient, or is full."""
    by = {"received_by": {"name": "接诊医生", "at": now(w), "info_source": "visit"}} if outcome == "接收" else {}
    w.do("nurse", "r_received", {"arrive_at": now(w), "receive_outcome": outcome, "info_source": "visit", **by})


def clean_vehicle(w: World) -> None:
    """P35.7."""
    w.do("nurse", "t_clean_vehicle", {"vehicle_disinfected": True})


def written_report(w: World, **more: Any) -> None:
    """B8 drafted by the office."""
    draft(w, "t_written_report_2h", **more)


def diagnosis(w: World, result: str, **more: Any) -> None:
    """M5, keyed in by the office."""
    w.do(
        "coordinator", "r_diagnosis",
        {"result": result, "result_at": now(w), "hospital": {"id": "demo-clinic"}, "info_source": "phone", **more},
    )  # fmt: skip


def at_time(text: str) -> str:
    """A Shanghai time as RFC 3339."""
    return iso(at(text))


CERTIFICATE = {"id": "certificate-1", "name": "证明.pdf", "size": 1024, "sha256": "0" * 64}


def closing_report(w: World) -> None:
    """E4: drafted and signed."""
    draft(
        w, "t_draft_closing", nature="排除", cause="普通感冒", result="医院排除", control="已落实", accountability="无",
        closed_at=now(w),
    )  # fmt: skip
    sign(w)


def rectify(w: World) -> None:
    """G3: problems found and what is done about them."""
    actions = [{"text": "增设测温点", "owner": "办公室丙", "due": "2026-04-30"}]
    w.do("principal", "t_rectify", {"problems": ["测温点不足"], "actions": actions, "finished": True, "signer": True})


def until_awaiting_diagnosis(w: World) -> None:
    """SC01 from 08:10 to 09:40: everything up to the wait for the diagnosis."""
    w.open("teacher", quick())
    w.go("08:11")
    detection(w)
    w.go("08:13")
    w.do("coordinator", "t_office_accept")
    w.go("08:14")
    call_120(w)
    w.go("08:15")
    w.do("nurse", "t_isolation_room")
    observe_neighbours(w)
    draft(w)
    w.go("08:18")
    sign(w)
    w.go("08:20")
    approve_notice(w)
    w.go("08:22")
    w.do("cleaner", "t_evacuate_class", {"head_count": 29})
    w.go("08:25")
    tell_parents(w, "理解配合", 1)
    w.go("08:30")
    start_disinfection(w)
    w.go("08:38")
    arrived(w)
    recheck(w)
    _plan_to_written_report(w)


def _plan_to_written_report(w: World) -> None:
    w.go("08:41")
    start_plan(w)
    w.go("08:52")
    prepare_transfer(w)
    w.go("09:00")
    transfer(w)
    w.go("09:05")
    end_disinfection(w)
    w.go("09:10")
    received(w)
    w.go("09:15")
    clean_vehicle(w)
    w.go("09:25")
    written_report(w)
    w.go("09:40")
    sign(w, "t_sign_written_report")
