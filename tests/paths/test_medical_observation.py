"""Medical observation (P05.8 to P05.10): twenty-eight readings, symptoms, a positive test, papers, release."""

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
    assert {row["recipient"] for row in w.rows(t.Delivery) if row["report_id"] == paper["id"]} == {f"person:{pupil}"}
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
