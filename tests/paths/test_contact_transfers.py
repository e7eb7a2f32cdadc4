"""Transfers of contacts under observation (P35 from P05) that nobody can drive: arranged, and tried again."""

from service.application.incident_view import IncidentView
from service.persistence import tables as t
from tests.paths import observing, school, tracing, variants
from tests.paths.variants import visited_between
from tests.paths.world import World


def no_vehicle(w: World, person: str) -> None:
    """P35 without anybody to drive: neither called nor sent by the superior."""
    request = {
        "person": {"id": person}, "category": "密接", "severity": "mild", "requested_at": school.now(w),
        "request_outcome": "无车", "answered_by": "指挥部值班员", "destination": {"id": "demo-town"},
    }  # fmt: skip
    for who, element in (("coordinator", "s_call_vehicle"), ("principal", "t_vehicle_help")):
        w.do(who, element, request, **tracing.task_of(w, element, person))
    assert not variants.engine_incidents(w)


def arranged(w: World, element: str, person: str) -> None:
    """The duty principal found somebody who drives."""
    answer = {**variants.CALLED, "answered_by": "县指挥部"}
    w.do("principal", element, answer, **tracing.task_of(w, element, person))


def symptom_open(w: World, person: str) -> bool:
    """Whether a finding of this contact has not been looked at yet."""
    with w.app.read() as connection:
        facts = IncidentView.read(connection, w.app.sealer, w.app.services, w.incident).facts
        return bool(facts.value("symptom_open", person))


def test_a_contact_nobody_can_drive_to_the_site_is_observed_from_the_later_arrival(world: World) -> None:
    w = world
    observing.listed(w, tracing.NEIGHBOURS[:1])
    person = tracing.person(w, tracing.NEIGHBOURS[0])
    no_vehicle(w, person)
    assert visited_between(w, "e_contact_failed", "t_contact_help")
    assert tracing.status(w) == {tracing.NEIGHBOURS[0]: "final 待转运"}
    assert not w.rows(t.Deadline, rule="T08")
    arranged(w, "t_contact_help", person)
    assert visited_between(w, "t_contact_help", "ca_contact_transfer")
    w.go("11:30")
    observing.moved(w, person)
    assert tracing.status(w) == {tracing.NEIGHBOURS[0]: "final 隔离中"}
    assert w.local(w.deadline("T08", person)["due_at"]) == "03-16 11:30"


def test_a_fever_nobody_can_drive_to_the_clinic_stays_open_and_the_observation_goes_on(world: World) -> None:
    w = world
    (person,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("18:00")
    observing.record(w, "晚", observing.reading(person, 37.5))
    no_vehicle(w, person)
    assert visited_between(w, "e_symptom_failed", "t_symptom_help")
    w.go("03-03 07:00")
    observing.record(w, "早", observing.reading(person))
    assert symptom_open(w, person)  # a normal reading is no clinic
    arranged(w, "t_symptom_help", person)
    assert visited_between(w, "t_symptom_help", "ca_symptom_transfer")
    observing.checked(w, person)
    assert visited_between(w, "ca_symptom_transfer", "ee_symptom")
    assert not symptom_open(w, person)


def test_a_check_before_release_nobody_can_drive_to_is_arranged(world: World) -> None:
    w = world
    (person,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("03-16 07:00")
    observing.record(w, "早", observing.reading(person, 38.0))
    observing.checked(w, person)
    w.go("03-16 08:00")
    observing.record(w, "早", observing.reading(person, 38.1, correction_reason="复测"))
    w.go("03-16 10:30")
    assert visited_between(w, "g_release", "ca_release_transfer")
    no_vehicle(w, person)
    assert visited_between(w, "e_release_failed", "t_release_help")
    arranged(w, "t_release_help", person)
    assert visited_between(w, "t_release_help", "ca_release_transfer")
    observing.checked(w, person)
    assert visited_between(w, "ca_release_transfer", "br_release")
