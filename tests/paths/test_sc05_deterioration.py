"""SC05: a confirmed patient gets worse on the third day and is moved up; the report of the day tells his course."""

from typing import Any

import pytest

from service.application.queries import reports
from service.application.queries.reader import Reader
from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.variants import visited_between
from tests.paths.world import World

OFFICE = "coordinator"
VEHICLE = {"vehicle_no": "负压02", "vehicle_kind": "负压救护车"}


def diagnosed(w: World) -> str:
    """Day 1, 11:40: confirmed at the designated hospital, ordinary; the report of the day goes out."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("11:40")
    school.diagnosis(w, "confirmed", severity="ordinary", hospital={"id": "demo-hospital"})
    w.go("11:45")
    school.draft(w)
    school.sign(w)
    w.go("12:00")
    school.tell_parents(w, "理解配合", 1, "t_inform_family")
    progress(w, "16:50")
    progress(w, "03-03 16:50")
    return variants.cases(w)[0]


def progress(w: World, at: str) -> None:
    """K11: the report of the day, as drafted."""
    w.go(at)
    school.draft(w, "t_draft_progress")
    school.sign(w)


def worse(w: World) -> str:
    """Day 3, 06:20: the hospital telephones."""
    person = diagnosed(w)
    w.go("03-04 06:20")
    update = {"change": "加重", "severity": "severe", "changed_at": school.now(w), "info_source": "phone"}
    w.act(OFFICE, "msg_patient_update", update)
    return person


def vehicle_called(w: World) -> None:
    """06:25: the office calls 120; category and severity stand there already."""
    w.go("03-04 06:25")
    w.do(
        OFFICE, "s_call_vehicle",
        {
            "requested_at": school.now(w), "request_outcome": "已派车", "answered_by": "120调度员",
            "destination": {"id": "demo-base-hospital"}, **VEHICLE,
        },
    )  # fmt: skip


def handed_over(w: World) -> None:
    """06:40 to 07:20: the family is told again; protection; the patient leaves."""
    w.go("03-04 06:40")
    school.tell_parents(w, "理解配合", 1, "t_inform_family_again")
    w.go("03-04 07:00")
    w.do("nurse", "t_ppe_transfer", {"ppe": ["N95口罩", "手套", "工作服"]})
    w.go("03-04 07:20")
    w.do(
        "nurse", "t_hand_over",
        {**VEHICLE, "depart_at": school.now(w), "temp_at_transfer": 38.6, "severity": "severe", "handed_by": True},
    )  # fmt: skip


def transfers(w: World) -> list[dict[str, Any]]:
    """The instances of P35, in order."""
    return sorted(w.rows(t.Instance, procedure="case_transfer"), key=lambda row: row["started_at"])


def destinations(w: World, instance: str) -> list[tuple[list[int], str]]:
    """Rows of D24 that fired in a transfer, with what they said."""
    rows = w.rows(t.DecisionRow, decision="D24", instance_id=instance)
    return [(row["rules"], row["data"]["destination"]) for row in sorted(rows, key=lambda row: row["at"])]


def answered(w: World, view: str, instance: str) -> dict[str, Any]:
    """The answers of a view of F05 in a transfer, sealed ones too."""
    (record,) = w.rows(t.Record, form="F05", view=view, instance_id=instance)
    return dict(w.view().facts.rows.answers(record)["values"])


def test_worse_the_patient_is_moved_to_the_base_hospital_and_the_family_is_told_again(world: World) -> None:
    w = world
    person = worse(w)
    assert visited_between(w, "g_patient_worse", "g_split_upward")
    assert {"s_call_vehicle", "t_inform_family_again"} <= set(w.open_tasks())
    first, second = transfers(w)
    assert second["parent_element"] == "ca_upward_transfer"
    assert destinations(w, second["id"]) == [([2], "base")]

    vehicle_called(w)
    call = answered(w, "request", second["id"])
    assert (call["category"], call["severity"], call["destination"]["id"]) == ("确诊", "severe", "demo-base-hospital")
    assert call["vehicle_kind"] == "负压救护车"
    (delivery,) = w.rows(t.Delivery, element="s_call_vehicle")
    assert (delivery["message"], delivery["recipient"]) == ("msg_call_120", "ambulance_120")

    handed_over(w)
    assert "t_inform_family_again" not in w.open_tasks()
    assert len(w.rows(t.Record, form="F07", view="notice", person_id=person)) == 4
    assert w.local(w.deadline("X06", person)["due_at"]) == "03-04 08:20"

    w.go("03-04 08:05")
    school.received(w)
    arrival = answered(w, "arrive", second["id"])
    departure = answered(w, "depart", second["id"])
    assert arrival["receive_outcome"] == "接收"
    assert arrival["arrive_at"] > departure["depart_at"]
    late = w.deadline("X06", person)
    assert (w.local(late["met_at"]), late["late_minutes"]) == ("03-04 08:05", 0)
    w.go("03-04 08:30")
    assert not w.rows(t.Notice, code="transit_late"), "45 minutes on the way"
    school.clean_vehicle(w)
    assert visited_between(w, "ca_upward_transfer", "ee_update_noted")
    assert answered(w, "arrive", first["id"])["arrive_at"] < departure["depart_at"]  # two transfers, two records


def test_the_report_of_the_day_tells_the_course_with_its_times(world: World) -> None:
    w = world
    worse(w)
    vehicle_called(w)
    handed_over(w)
    w.go("03-04 08:05")
    school.received(w)
    school.clean_vehicle(w)
    progress(w, "03-04 16:50")
    third = next(row for row in w.rows(t.Report, document="R02") if row["number"] == "3")
    assert third["state"] == "sent"
    course = section(w, third["id"], "病情变化情况")
    assert course.index("普通") < course.index("重症")
    assert "3月2日11时40分" in course
    assert "3月4日6时20分" in course
    assert "district_office" in {row["recipient"] for row in w.rows(t.Delivery, report_id=third["id"])}
    first = next(row for row in w.rows(t.Report, document="R02") if row["number"] == "2")
    assert section(w, first["id"], "病情变化情况") == "无变化"


def section(w: World, report: str, heading: str) -> str:
    """The text of a section of a report, as people read it."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who(OFFICE), w.clock.now(), "zh_CN")
        document = reports.page(reader, w.app.documents, report).document
    return "\n".join(next(each for each in document.sections if each.heading.endswith(heading)).paragraphs)


def test_h8_worse_in_the_isolation_room_before_120_is_there(world: World) -> None:
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    assert "r_120_arrived" in w.open_tasks()
    w.go("08:20")
    w.act("nurse", "msg_deteriorated", {"severity": "critical", "changed_at": school.now(w)})
    (record,) = w.rows(t.Record, form="F06", view="worse")
    assert w.view().facts.rows.answers(record)["values"] == {
        "severity": "critical", "change": "加重", "changed_at": record["data"]["changed_at"],
    }  # fmt: skip
    assert "s_recall_120_severe" in w.open_tasks()
    assert [row["role"] for row in w.rows(t.Notice, code="patient_worse")] == ["duty_principal"]
    assert "r_120_arrived" in w.open_tasks(), "120 is still on its way"
    school.call_120(w, "s_recall_120_severe")
    (call,) = w.rows(t.Delivery, element="s_recall_120_severe")
    assert (call["message"], call["state"]) == ("msg_call_120", "acknowledged")
    assert "r_120_arrived" in w.open_tasks()
    school.arrived(w)
    assert "msg_deteriorated" not in w.offered("nurse")


def test_h8_the_parents_car_is_offered_no_more_than_before(world: World) -> None:
    w = world
    worse(w)
    vehicle_called(w)
    w.do("nurse", "t_ppe_transfer", {"ppe": ["N95口罩", "手套", "工作服"]})
    with pytest.raises(FormRefused) as refused:
        w.do(
            "nurse", "t_hand_over",
            {
                "vehicle_no": "家长车", "vehicle_kind": "私家车", "depart_at": school.now(w), "temp_at_transfer": 38.6,
                "severity": "severe", "handed_by": True,
            },
        )  # fmt: skip
    assert {error.path for error in refused.value.errors} == {"vehicle_kind"}


def test_the_base_hospital_is_full_and_the_vehicle_drives_on_to_the_reserve(world: World) -> None:
    w = world
    person = worse(w)
    vehicle_called(w)
    handed_over(w)
    w.go("03-04 08:05")
    school.received(w, "满床")
    second = transfers(w)[-1]["id"]
    assert destinations(w, second) == [([2], "base"), ([1], "reserve")]
    assert visited_between(w, "br_reserve", "r_received")
    assert w.deadline("X06", person)["met_at"] is None, "still on the way"
    w.go("03-04 08:15")
    w.do(
        "nurse", "r_received",
        {
            "arrive_at": school.now(w), "receive_outcome": "接收", "info_source": "visit",
            "received_by": {"name": "接诊医生", "at": school.now(w), "info_source": "visit"},
            "destination": {"id": "demo-reserve-hospital"},
        },
    )  # fmt: skip
    assert w.local(w.deadline("X06", person)["met_at"]) == "03-04 08:15"
    school.clean_vehicle(w)
    assert transfers(w)[-1]["status"] == "completed"
