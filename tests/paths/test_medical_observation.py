"""Medical observation (P05.8 to P05.10): twenty-eight readings, symptoms, a positive test, papers, release."""

from typing import Any

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import observing, school, tracing
from tests.paths.tracing import contacts, status
from tests.paths.variants import visited_between
from tests.paths.world import World, at

LAST = "03-16 10:30"  # fourteen days after 03-02 10:30


def test_an_observation_runs_from_the_arrival_for_fourteen_days(world: World) -> None:
    w = world
    observing.listed(w)
    assert set(status(w).values()) == {"final 待转运"}
    w.go("10:30")
    first = tracing.person(w, tracing.NEIGHBOURS[0])
    observing.moved(w, first)
    row = contacts(w)[tracing.NEIGHBOURS[0]]
    assert row["status"] == "隔离中"
    assert (w.local(row["observed_from"]), w.local(row["observed_until"])) == ("03-02 10:30", LAST)
    assert w.local(w.deadline("T08", first)["due_at"]) == LAST
    assert sum(row["status"] == "待转运" for row in contacts(w).values()) == 3
    w.go("17:00")
    assert len(w.open_tasks()["t_session_record"]) == 1  # the others are not there yet


def test_twenty_eight_readings_then_release(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    days = [f"03-{day:02d}" for day in range(2, 17)]
    for day in days:
        if day != days[0]:
            w.go(f"{day} 06:30")
            observing.record(w, "早", observing.reading(pupil))
        if day != days[-1]:
            w.go(f"{day} 18:00")
            observing.record(w, "晚", observing.reading(pupil))
    assert len(observing.keys(w, pupil)) == 28
    assert observing.keys(w, pupil)[0] == "1:晚"
    assert observing.keys(w, pupil)[-1] == "15:早"
    sessions = w.rows(t.Task, element="t_session_record")
    assert [row["state"] for row in sessions] == ["completed"] * 28
    assert all(row["met_at"] for row in w.rows(t.Deadline, rule="T11"))

    w.go(LAST)
    assert w.deadline("T08", pupil)["met_at"] == at(LAST)
    assert visited_between(w, "e_observation_end", "br_release")
    assert "t_session_record" not in w.open_tasks()
    w.do("coordinator", "t_complete_papers", observing.order(w))
    assert visited_between(w, "g_release", "t_release")
    w.do("coordinator", "t_release")
    assert status(w) == {tracing.NEIGHBOURS[0]: "final 解除"}
    assert visited_between(w, "s_release_notice", "ee_released")
    issued = w.rows(t.Record, form="F24", view="issue")[0]
    assert issued["data"]["certificate_no"] == f"JC2026-{w.row()['number']}-001"
    (paper,) = w.rows(t.Report, document="R07")
    assert paper["state"] == "sent"
    recipients = {row["recipient"] for row in w.rows(t.Delivery) if row["report_id"] == paper["id"]}
    assert recipients == {f"person:{pupil}", "epi_office"}
    w.go("03-18 18:00")
    assert len(w.rows(t.Task, element="t_session_record")) == 28


def test_a_session_stays_open_when_missed_and_takes_the_reading_later(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("17:00")
    subject = f"{pupil}:1:晚"
    assert w.local(w.deadline("T11", subject)["due_at"]) == "03-02 20:00"
    w.go("19:30")
    assert w.deadline("T11", subject)["level"] == 0
    w.go("20:30")
    assert w.deadline("T11", subject)["level"] == 1
    (task,) = w.open_tasks()["t_session_record"]
    with pytest.raises(FormRefused) as refused:
        w.do("nurse", "t_session_record", {**observing.NORMAL, "measured_at": school.now(w)}, task=task)
    assert {(error.path, error.code) for error in refused.value.errors} == {("window_reason", "required")}
    answer = {**observing.NORMAL, "measured_at": school.now(w), "window_reason": "电话未接，上门测量"}
    w.do("nurse", "t_session_record", answer, task=task)
    met = w.deadline("T11", subject)
    assert (w.local(met["met_at"]), met["late_minutes"]) == ("03-02 20:30", 30)
    assert observing.keys(w, pupil) == ["1:晚"]


def test_the_task_of_a_session_takes_no_reading_of_another(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("17:30")
    answer = {**observing.NORMAL, "measured_at": school.now(w)}
    for changed in ({"day_no": 2}, {"session": "早", "window_reason": "补测"}):
        with pytest.raises(FormRefused) as refused:
            w.do("nurse", "t_session_record", {**answer, **changed})
        assert {(error.path, error.code) for error in refused.value.errors} == {(next(iter(changed)), "other_session")}
    assert observing.keys(w, pupil) == []
    w.do("nurse", "t_session_record", {**answer, "day_no": 1, "session": "晚"})
    assert observing.keys(w, pupil) == ["1:晚"]


def test_a_reading_on_paper_is_entered_late_with_its_true_time(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("03-03 10:00")
    assert len(w.open_tasks()["t_session_record"]) == 2
    day, true_time = at("03-02 12:00").date(), school.iso(at("03-02 18:10"))
    with pytest.raises(FormRefused) as refused:
        observing.record(w, "晚", observing.reading(pupil), day=day, measured_at=true_time)
    assert {(error.path, error.code) for error in refused.value.errors} == {("rows.0.entry_reason", "required")}
    observing.record(w, "晚", observing.reading(pupil), day=day, measured_at=true_time, entry_reason="纸质记录")
    met = w.deadline("T11", f"{pupil}:1:晚")
    assert (w.local(met["met_at"]), met["late_minutes"]) == ("03-02 18:10", 0)
    assert len(w.open_tasks()["t_session_record"]) == 1


def test_a_session_takes_one_reading_and_a_correction_with_its_reason(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("18:00")
    observing.record(w, "晚", observing.reading(pupil, 37.1))
    with pytest.raises(FormRefused) as refused:
        observing.record(w, "晚", observing.reading(pupil, 36.1))
    assert {(error.path, error.code) for error in refused.value.errors} == {("rows.0.correction_reason", "required")}
    assert len(observing.keys(w, pupil)) == 1
    observing.record(w, "晚", observing.reading(pupil, 36.1, correction_reason="看错一位"))
    assert observing.keys(w, pupil) == ["1:晚", "1:晚"]  # the first one is kept
    assert len(w.rows(t.Task, element="t_session_record", state="completed")) == 1


def test_one_wrong_row_refuses_the_round_and_nothing_is_stored(world: World) -> None:
    w = world
    first, second = observing.observed(w, tracing.NEIGHBOURS[:2])
    w.go("18:00")
    rows = [observing.reading(first), observing.reading(second, 43.9), observing.reading(first), {"person": "nobody"}]
    with pytest.raises(FormRefused) as refused:
        observing.record(w, "晚", *rows)
    found = {(error.path, error.code) for error in refused.value.errors}
    assert found == {("rows.2.person", "taken"), ("rows.3.person", "unknown_person")}
    with pytest.raises(FormRefused) as refused:
        observing.record(w, "晚", *rows[:2])
    assert {error.path for error in refused.value.errors} == {"rows.1.temperature"}
    with pytest.raises(FormRefused) as refused:
        observing.record(w, "早", rows[0])
    assert {(error.path, error.code) for error in refused.value.errors} == {("rows.0.person", "not_observed_then")}
    assert not w.rows(t.Record, form="F14", view="session")
    assert len(w.open_tasks()["t_session_record"]) == 2


def test_all_the_others_are_normal_and_what_is_odd_is_said(world: World) -> None:
    w = world
    people = observing.observed(w)
    w.go("18:00")
    outcome = observing.record(w, "晚", observing.reading(people[0], 36.9), others=observing.NORMAL)
    assert (outcome.saved, outcome.closed) == (4, 4)
    assert "t_session_record" not in w.open_tasks()
    assert {len(observing.keys(w, person)) for person in people} == {1}
    w.go("03-03 07:00")
    assert observing.record(w, "早", others=observing.NORMAL).saved == 4


def test_a_fever_sends_to_the_clinic_each_time_it_appears(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("18:00")
    observing.record(w, "晚", observing.reading(pupil, 37.3))
    assert visited_between(w, "start_symptom", "ca_symptom_transfer")
    assert len(sent_to_clinic(w)) == 1
    w.go("03-03 07:00")
    observing.record(w, "早", observing.reading(pupil, 37.5))  # still: no second one
    w.go("03-03 18:00")
    observing.record(w, "晚", observing.reading(pupil))
    w.go("03-04 07:00")
    observing.record(w, "早", observing.reading(pupil, symptoms=["cough"]))
    assert len(sent_to_clinic(w)) == 2
    assert status(w) == {tracing.NEIGHBOURS[0]: "final 隔离中"}
    observing.checked(w, pupil)
    assert visited_between(w, "ca_symptom_transfer", "ee_symptom")


def sent_to_clinic(w: World) -> list[dict[str, Any]]:
    called = w.rows(t.Instance, process="case_transfer")
    return [row for row in called if row["parent_element"] == "ca_symptom_transfer"]


def test_a_fever_in_the_last_session_refers_before_release(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("03-16 07:00")
    observing.record(w, "早", observing.reading(pupil, 38.0))
    observing.checked(w, pupil)  # before the end: looked at since the reading
    w.go("03-16 08:00")
    observing.record(w, "早", observing.reading(pupil, 38.1, correction_reason="复测"))
    w.go(LAST)
    assert visited_between(w, "g_release", "ca_release_transfer")
    observing.checked(w, pupil)
    assert visited_between(w, "ca_release_transfer", "br_release")
    assert "t_complete_papers" in w.open_tasks()


def test_a_positive_test_ends_the_observation_any_other_is_noted(world: World) -> None:
    w = world
    first, second = observing.observed(w, tracing.NEIGHBOURS[:2])
    w.go("03-05 09:00")
    result = {"person": {"id": first}, "result_at": school.now(w), "lab": {"id": "demo-clinic"}, "info_source": "phone"}
    mine = w.rows(t.Contact, person_id=first)[0]["instance_id"]
    w.act("coordinator", "msg_test_result", {**result, "result": "negative"}, instance=mine)
    assert w.rows(t.Contact, person_id=first)[0]["status"] == "隔离中"
    assert len(w.rows(t.Record, form="F29", person_id=first)) == 1
    w.act("coordinator", "msg_test_result", {**result, "result": "positive"}, instance=mine)
    assert visited_between(w, "start_test_positive", "e_positive_thrown")
    assert visited_between(w, "e_positive_thrown", "ee_converted")
    assert w.rows(t.Contact, person_id=first)[0]["status"] == "转阳"
    assert w.rows(t.Contact, person_id=second)[0]["status"] == "隔离中"
    assert "t_register_positive" in w.open_tasks()


def test_an_observation_at_home_needs_its_papers(world: World) -> None:
    w = world
    observing.listed(w, tracing.NEIGHBOURS[:1], quarantine_mode="home")
    pupil = tracing.person(w, tracing.NEIGHBOURS[0])
    w.go("10:30")
    notice = observing.home_notice(w, pupil)
    with pytest.raises(FormRefused) as refused:
        w.do("coordinator", "t_home_start", {**notice, "end_at": school.iso(at("03-15 10:30"))})
    assert {(error.path, error.code) for error in refused.value.errors} == {("end_at", "too_short_a_time")}
    w.do("coordinator", "t_home_start", notice)
    assert visited_between(w, "t_home_start", "e_observation_end")
    w.go(LAST)
    assert "t_complete_papers" in w.open_tasks()
    with pytest.raises(FormRefused) as refused:
        w.do("coordinator", "t_complete_papers", {"exam_normal": True})
    assert {error.path for error in refused.value.errors} == {"village_report", "hq_consent"}
    w.do("coordinator", "t_complete_papers", observing.home_papers(w))
    w.do("coordinator", "t_release", {"exam_normal": True})
    assert status(w) == {tracing.NEIGHBOURS[0]: "final 解除"}


def test_a_contact_without_measures_is_not_observed(world: World) -> None:
    w = world
    observing.listed(w, tracing.NEIGHBOURS[:1], quarantine_mode="none")
    assert visited_between(w, "g_needs_site", "ee_no_control")
    assert not w.rows(t.Deadline, rule="T08")


def test_an_observation_is_extended_but_never_backwards(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go(LAST)
    with pytest.raises(FormRefused) as refused:
        w.do("coordinator", "t_complete_papers", {"end_at": school.iso(at("03-15 10:30"))})
    assert {(error.path, error.code) for error in refused.value.errors} == {("end_at", "too_early")}
    w.do("coordinator", "t_complete_papers", {"end_at": school.iso(at("03-18 10:30"))})
    assert visited_between(w, "g_release", "e_extended_end")
    assert w.local(contacts(w)[tracing.NEIGHBOURS[0]]["observed_until"]) == "03-18 10:30"
    w.go("03-16 17:00")
    assert f"{pupil}:15:晚" in {row["subject"] for row in w.rows(t.Deadline, rule="T11")}
    w.go("03-18 10:30")
    assert visited_between(w, "e_extended_end", "br_release")
    w.do("coordinator", "t_complete_papers", observing.order(w))
    w.do("coordinator", "t_release")
    assert status(w) == {tracing.NEIGHBOURS[0]: "final 解除"}


def test_a_discharged_patient_is_observed_for_fourteen_days_more(world: World) -> None:
    w = world
    observing.listed(w, tracing.NEIGHBOURS[:1])
    w.go("03-12 09:00")
    update = {"change": "出院", "changed_at": school.iso(at("03-02 08:00")), "info_source": "phone"}
    with pytest.raises(FormRefused) as refused:
        w.act("coordinator", "msg_patient_update", update)
    assert {(error.path, error.code) for error in refused.value.errors} == {("changed_at", "too_early")}
    w.act("coordinator", "msg_patient_update", {**update, "changed_at": school.now(w)})
    patient = next(row["id"] for row in w.rows(t.Person) if row["kind"] == "case")
    assert w.local(w.deadline("T09", patient)["due_at"]) == "03-26 09:00"
