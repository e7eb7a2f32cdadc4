"""P35 where SC01 does not go: hospital full, a long way, no vehicle, and a transfer that fails and is helped."""

from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.world import World

REQUEST = {"category": "发热待查", "severity": "severe", "destination": {"id": "demo-clinic"}}


def underway(w: World) -> None:
    """SC01 up to the departure at 09:00."""
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:38")
    school.arrived(w)
    school.recheck(w)
    school.start_plan(w)
    school.prepare_transfer(w)
    w.go("09:00")
    school.transfer(w)


def test_a_full_hospital_sends_the_vehicle_to_the_reserve(world: World) -> None:
    w = world
    underway(w)
    w.go("09:20")
    school.received(w, "满床")
    decision = w.rows(t.DecisionRow, decision="D24")[-1]
    assert decision["data"]["destination"] == "reserve"
    assert variants.visited_between(w, "br_reserve", "r_received")
    w.go("09:40")
    school.received(w)
    assert "t_clean_vehicle" in w.open_tasks()


def test_an_hour_on_the_way_is_an_alert_and_changes_nothing(world: World) -> None:
    w = world
    underway(w)
    w.go("09:59")
    assert not w.rows(t.Notice, code="transit_late")
    w.go("10:00")
    assert {row["role"] for row in w.rows(t.Notice, code="transit_late")} == {"duty_principal", "school_leader"}
    assert "r_received" in w.open_tasks()
    assert variants.visited_between(w, "s_transit_alert", "ee_transit_alerted")
    assert w.passed("e_transit_late") == ["03-02 10:00"]


def worse_in_hospital(w: World) -> None:
    """K12: a confirmed patient gets worse and must go to a higher hospital, without vehicle or protection yet."""
    variants.confirmed(w)
    update = {"change": "加重", "changed_at": school.now(w), "info_source": "phone", "severity": "severe"}
    w.act("coordinator", "msg_patient_update", update)


def request(w: World, element: str, outcome: str, who: str) -> None:
    """F05#request: asked for a vehicle."""
    answered = {"answered_by": "120调度员"} if outcome != "未接通" else {}
    w.do(who, element, {**REQUEST, "requested_at": school.now(w), "request_outcome": outcome, **answered})


def test_a_patient_who_gets_worse_is_moved_to_a_higher_hospital(world: World) -> None:
    w = world
    worse_in_hospital(w)
    assert {"s_call_vehicle", "t_inform_family_again"} <= set(w.open_tasks())
    assert variants.visited_between(w, "g_vehicle_present", "s_call_vehicle")
    request(w, "s_call_vehicle", "已派车", "coordinator")
    assert variants.visited_between(w, "g_ppe_done", "t_ppe_transfer")
    w.do("nurse", "t_ppe_transfer", {"ppe": ["N95口罩", "手套", "工作服"]})
    w.go("10:30")
    school.transfer(w)
    w.go("10:50")
    school.received(w)
    school.clean_vehicle(w)
    school.tell_parents(w, "理解配合", 1, "t_inform_family_again")
    assert variants.visited_between(w, "ca_upward_transfer", "ee_update_noted")
    assert variants.visited_between(w, "t_inform_family_again", "ee_update_noted")


def test_without_a_vehicle_the_superior_sends_one(world: World) -> None:
    w = world
    worse_in_hospital(w)
    request(w, "s_call_vehicle", "无车", "coordinator")
    assert "t_vehicle_help" in w.open_tasks()
    request(w, "t_vehicle_help", "已派车", "principal")
    assert variants.visited_between(w, "g_help_given", "g_ppe_done")
    assert "t_ppe_transfer" in w.open_tasks()


def test_a_transfer_upward_that_nobody_can_drive_is_arranged_and_tried_again(world: World) -> None:
    w = world
    worse_in_hospital(w)
    request(w, "s_call_vehicle", "无车", "coordinator")
    request(w, "t_vehicle_help", "无车", "principal")
    assert "t_upward_help" in w.open_tasks()
    assert not variants.engine_incidents(w)
    w.do("principal", "t_upward_help", {**variants.CALLED, "answered_by": "卫健委值班"})
    assert variants.visited_between(w, "t_upward_help", "ca_upward_transfer")
    request(w, "s_call_vehicle", "已派车", "coordinator")
    assert "t_ppe_transfer" in w.open_tasks()
    assert w.passed("e_upward_failed") == w.passed("ee_transfer_failed")
    assert len(w.passed("e_upward_failed")) == 1


def test_a_patient_once_worse_and_now_better_is_not_moved_again(world: World) -> None:
    w = world
    worse_in_hospital(w)
    better = {"change": "好转", "changed_at": school.now(w), "info_source": "phone"}
    w.act("coordinator", "msg_patient_update", better)
    assert len(w.rows(t.Instance, procedure="case_transfer", parent_element="ca_upward_transfer")) == 1


def test_a_better_patient_is_only_noted(world: World) -> None:
    w = world
    variants.confirmed(w)
    update = {"change": "好转", "changed_at": school.now(w), "info_source": "phone"}
    w.act("coordinator", "msg_patient_update", update)
    assert variants.visited_between(w, "g_patient_worse", "ee_update_noted")
    assert "s_call_vehicle" not in w.open_tasks()


def test_a_transfer_that_fails_is_arranged_by_the_duty_principal_and_tried_again(world: World) -> None:
    """After the advice to observe, 120 has left; an hour later there is no vehicle anywhere."""
    w = world
    variants.accepted(w)
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:35")
    school.arrived(w)
    school.recheck(w, 36.8)
    w.do("nurse", "r_hospital_advice", {"advice": "observe", "advice_at": school.now(w), "info_source": "phone"})
    w.go("09:36")
    school.recheck(w, 37.9)
    school.start_plan(w)
    school.prepare_transfer(w)
    request(w, "s_call_vehicle", "未接通", "coordinator")
    request(w, "t_vehicle_help", "无车", "principal")
    assert "t_transfer_help" in w.open_tasks()
    assert variants.visited_between(w, "g_help_given", "ee_transfer_failed")
    first, *_ = w.rows(t.Instance, procedure="case_transfer")
    assert first["status"] == "completed"

    w.do("principal", "t_transfer_help", {**variants.CALLED, "answered_by": "教体局值班"})
    assert variants.visited_between(w, "t_transfer_help", "ca_transfer")
    assert len(w.rows(t.Instance, procedure="case_transfer")) == 2
    request(w, "s_call_vehicle", "已派车", "coordinator")
    assert "t_hand_over" in w.open_tasks()
    assert w.passed("e_transfer_failed") == w.passed("ee_transfer_failed") == ["03-02 09:36"]
    assert w.passed("t_transfer_help") == ["03-02 09:36"]
    calls = sorted(w.rows(t.Delivery, element="s_call_vehicle"), key=lambda row: row["id"])
    assert [row["state"] for row in calls] == ["failed", "acknowledged"]  # no answer; then a vehicle was sent
