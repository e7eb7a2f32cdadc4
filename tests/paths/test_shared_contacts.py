"""Contacts of several cases, of an excluded case, and those who fall ill themselves."""

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import observing, school, tracing, variants
from tests.paths.tracing import NEIGHBOURS, contact, judged, removed
from tests.paths.variants import visited_between
from tests.paths.world import World

OTHER_CLASS = "demo-school-7-3"
OFFICE = "coordinator"


def suspected_and_observed(w: World) -> str:
    """A suspected case whose five contacts are on the final list."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    school.diagnosis(w, "suspected")
    w.go("11:00")
    tracing.history(w)
    rows = [contact(w, name) for name in NEIGHBOURS]
    tracing.initial(w, [*rows, contact(w, "学生乙丑", unit=OTHER_CLASS, scene="同桌用餐")])
    tracing.screening(w)
    tracing.investigated(w)
    tracing.final(w, [*map(judged, NEIGHBOURS), judged("学生乙丑", unit=OTHER_CLASS)])
    return variants.cases(w)[0]


def second_case(w: World, known: str = "confirmed") -> str:
    """A further pupil comes from outside with a diagnosis."""
    w.act(OFFICE, "msg_external_notice", variants.external(w, known, name="学生乙子"))
    return variants.cases(w)[1]


def result(w: World, code: str) -> dict[str, object]:
    """F06#result."""
    return {
        "result": code, "result_at": school.now(w), "hospital": {"id": "demo-clinic"}, "info_source": "phone",
    }  # fmt: skip


def measure(w: World, name: str) -> None:
    """One reading of the session that runs."""
    reading = {**observing.NORMAL, "measured_by": "校医", "measured_at": school.now(w)}
    w.do("nurse", "t_session_record", reading, **tracing.task_of(w, "t_session_record", tracing.person(w, name)))


def test_the_contacts_of_an_excluded_case_are_free_half_way(world: World) -> None:
    w = world
    case = suspected_and_observed(w)
    observing.moved(w, tracing.person(w, "学生子"))
    w.go("17:30")
    measure(w, "学生子")
    w.act(OFFICE, "msg_diagnosis", result(w, "excluded"))
    assert set(tracing.status(w).values()) == {"final 解除"}
    assert {row["status"] for row in w.rows(t.Instance, process="medical_observation")} == {"cancelled"}
    assert "t_session_record" not in w.open_tasks()
    told = {row["recipient"] for row in w.rows(t.Delivery, message="msg_exclusion_notice")}
    assert told == {f"person:{row['person_id']}" for row in w.rows(t.Contact)}
    assert w.deadline("T08", tracing.person(w, "学生子"))["cancelled_at"] is not None
    assert not [row for row in w.rows(t.Deadline, rule="T11") if not row["met_at"] and not row["cancelled_at"]]
    assert len([row for row in w.rows(t.Record, form="F14") if row["view"] == "session"]) == 1  # nothing lost
    school.draft(w, "t_draft_correction")
    school.sign(w)
    assert w.rows(t.Person, id=case)[0]["case_status"] in {"excluded", "suspected"}


def test_a_contact_two_cases_share_stays_observed_until_both_are_excluded(world: World) -> None:
    w = world
    first = suspected_and_observed(w)
    observing.moved(w, tracing.person(w, "学生子"))
    second = second_case(w, "suspected")
    tracing.history(w, second)
    tracing.initial(w, [contact(w, "学生子", scene="同桌用餐"), contact(w, "学生乙寅", unit=OTHER_CLASS)], second)
    tracing.screening(w, second)
    tracing.investigated(w, second)
    tracing.final(w, [judged("学生子"), judged("学生乙寅", unit=OTHER_CLASS)], second)
    shared = tracing.person(w, "学生子")
    (child,) = w.rows(t.Instance, process="medical_observation", person_id=shared)
    assert {row["instance_id"] for row in w.rows(t.Contact, person_id=shared)} == {child["id"]}
    w.act(OFFICE, "msg_diagnosis", result(w, "excluded"), instance=variants.instance_of(w, first))

    statuses = {row["person_id"]: row["status"] for row in w.rows(t.Contact, case_id=first)}
    assert statuses.pop(shared) == "隔离中"
    assert set(statuses.values()) == {"解除"}
    (child,) = w.rows(t.Instance, process="medical_observation", person_id=shared)
    (tracing_of_second,) = w.rows(t.Instance, process="contact_tracing", person_id=second)
    assert (child["status"], child["parent_id"]) == ("active", tracing_of_second["id"])
    (handed,) = w.events("contact_handed_over")
    assert (handed["data"]["case"], handed["data"]["former"]) == (second, first)
    w.go("17:30")
    measure(w, "学生子")
    told = {row["recipient"] for row in w.rows(t.Delivery, message="msg_exclusion_notice")}
    assert f"person:{shared}" not in told

    w.act(OFFICE, "msg_diagnosis", result(w, "excluded"), instance=variants.instance_of(w, second))
    assert {row["status"] for row in w.rows(t.Contact)} == {"解除"}
    (child,) = w.rows(t.Instance, process="medical_observation", person_id=shared)
    assert child["status"] == "cancelled"


def test_every_list_waits_for_an_observation_it_shares(world: World) -> None:
    w = world
    variants.confirmed(w)
    second = second_case(w)
    for case in variants.cases(w):
        tracing.history(w, case)
        tracing.initial(w, [contact(w, "学生子")], case)
        tracing.screening(w, case)
        tracing.investigated(w, case)
        tracing.final(w, [judged("学生子")], case)
    shared = tracing.person(w, "学生子")
    observing.moved(w, shared)
    assert len(w.rows(t.Instance, process="medical_observation")) == 1
    assert len(w.rows(t.Contact, person_id=shared)) == 2
    w.go("03-16 11:00")
    w.do(OFFICE, "t_complete_papers", observing.order(w))
    w.do(OFFICE, "t_release")
    assert {row["status"] for row in w.rows(t.Contact)} == {"解除"}
    assert {row["status"] for row in w.rows(t.Instance, process="contact_tracing")} == {"completed"}
    assert second in {row["person_id"] for row in w.rows(t.Instance, process="contact_tracing")}


def test_who_is_taken_off_the_list_that_kept_him_observed_is_free(world: World) -> None:
    w = world
    first = suspected_and_observed(w)
    shared = tracing.person(w, "学生子")
    observing.moved(w, shared)
    second = second_case(w)
    tracing.history(w, second)
    tracing.initial(w, [contact(w, "学生子", scene="同班"), contact(w, "学生乙寅", unit=OTHER_CLASS)], second)
    w.act(OFFICE, "msg_diagnosis", result(w, "excluded"), instance=variants.instance_of(w, first))
    (row,) = w.rows(t.Contact, case_id=first, person_id=shared)
    assert row["status"] == "隔离中"
    tracing.screening(w, second)
    tracing.investigated(w, second)
    tracing.final(w, [removed("学生子"), judged("学生乙寅", unit=OTHER_CLASS)], second)
    (child,) = w.rows(t.Instance, process="medical_observation", person_id=shared)
    assert child["status"] == "cancelled"
    (row,) = w.rows(t.Contact, case_id=first, person_id=shared)
    assert row["status"] == "解除"


def test_a_contact_who_turns_positive_is_a_case_with_a_list_of_his_own(world: World) -> None:
    w = world
    suspected_and_observed(w)
    observing.moved(w, tracing.person(w, "学生乙丑"))
    who = tracing.person(w, "学生乙丑")
    w.go("03-05 10:00")
    (child,) = w.rows(t.Instance, process="medical_observation", person_id=who)
    positive = {
        "person": {"id": who}, "result": "positive", "result_at": school.now(w), "lab": {"id": "demo-clinic"},
        "info_source": "phone",
    }  # fmt: skip
    someone_else = {**positive, "person": {"id": tracing.person(w, "学生子")}}
    with pytest.raises(FormRefused):
        w.act(OFFICE, "msg_test_result", someone_else, instance=child["id"])
    w.act(OFFICE, "msg_test_result", positive, instance=child["id"])
    assert tracing.status(w)["学生乙丑"] == "final 转阳"
    assert visited_between(w, "start_contact_positive", "t_register_positive")
    answer = variants.external(w, "confirmed", name="学生乙丑")
    w.do(OFFICE, "t_register_positive", {**answer, "person": {"id": who}})
    (row,) = w.rows(t.Person, id=who)
    assert (row["kind"], row["code"], row["case_no"]) == ("case", "病例2", 2)
    assert variants.cases(w)[1] == who
    assert tracing.status(w)["学生乙丑"] == "final 转阳"
    tracing.history(w, who)
    tracing.initial(w, [contact(w, "学生乙寅", unit=OTHER_CLASS, scene="同班")], who)
    assert {row["case_id"] for row in w.rows(t.Contact)} == set(variants.cases(w))
