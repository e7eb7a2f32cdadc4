"""Drills by free play: born a drill, on a clock of their own, beside real incidents."""

from datetime import timedelta
from functools import partial

import pytest

from service.application import drills
from service.domain import commands as cmd
from service.domain.errors import NotADrill, NotAllowed, ValueRefused
from service.persistence import queue
from service.persistence import tables as t
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.paths import drilling, school
from tests.paths.world import SCHOOL, World, at

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def test_a_drill_is_one_from_birth_with_a_number_of_its_own(world: World) -> None:
    w = world
    w.go("08:10")
    drill = drilling.begin(w, speed=0)
    assert (w.row()["kind"], w.row()["number"], w.row()["opened_at"]) == ("drill", "YL-0907-01", drilling.STARTS)
    assert {event["at"] for event in w.events()} == {drilling.STARTS}
    assert w.local(w.deadline("T02")["due_at"]) == "09-07 10:00"
    w.open("teacher", school.quick(), "small_alarm")
    assert (w.row()["kind"], w.row()["number"]) == ("real", "0302-01")
    second = drilling.begin(w, speed=0)
    assert w.row()["number"] == "YL-0907-02"
    assert drill != second


def test_its_time_runs_by_its_speed_and_work_is_done_at_its_due_time(world: World) -> None:
    w = world
    w.go("08:00")
    drilling.begin(w, speed=60)
    assert [row["real_due_at"] for row in drilling.due_rows(w) if row["kind"] == "timer"] == [at("08:02")]
    w.go("08:02")
    fired = [row for row in w.rows(t.ElementVisit, element="ee_small_overdue")]
    assert [w.local(row["entered_at"]) for row in fired] == ["09-07 10:00"]
    assert drilling.look(w).clock.now == at("10:00", "2026-09-07")
    assert w.local(w.row()["opened_at"]) == "09-07 08:00"


@pytest.mark.parametrize("speed", [-1, 3600.5, 10**9])
def test_a_speed_out_of_range_is_refused_and_nothing_is_stored(world: World, speed: float) -> None:
    with pytest.raises(ValueRefused):
        drilling.begin(world, speed=speed)
    drilling.begin(world, speed=0)
    seen = len(world.events())
    for action, more in (("speed", {"speed": speed}), ("resume", {"speed": speed}), ("advance", {"by": "-PT1H"}),
                         ("advance", {"by": "PT0S"}), ("advance", {"by": "P9999Y"}), ("advance", {"by": "soon"}),
                         ("rewind", {})):  # fmt: skip
        with pytest.raises(ValueRefused):
            drilling.clock(world, action, **more)
    assert len(world.events()) == seen


def test_who_is_no_trainer_there_begins_and_controls_none(world: World) -> None:
    w = world
    command = cmd.CreateDrill("small_alarm", SCHOOL, school.quick())
    for name in ("teacher", "principal", "manager", "admin"):
        with pytest.raises(NotAllowed):
            w.app.run(partial(drills.create, services=w.app.services, principal=w.who(name), command=command))
    drilling.begin(w)
    control = cmd.ControlClock(w.incident, "pause")
    with pytest.raises(NotAllowed):
        w.app.run(lambda uow: drills.control(uow, w.app.services, w.who("teacher"), control))
    real = w.open("teacher", school.quick(), "small_alarm")
    with pytest.raises((NotADrill, NotAllowed)):
        drilling.clock(w, "pause", real)


def test_pausing_keeps_rows_on_hold_on_hold(world: World) -> None:
    w = world
    drilling.begin(w, speed=60)
    (timer,) = [row["id"] for row in drilling.due_rows(w) if row["kind"] == "timer"]
    w.app.run(lambda uow: _hold(uow, timer))
    for action in ("pause", "resume", "speed", "advance"):
        drilling.clock(w, action, speed=120.0 if action == "speed" else None, by="PT3H" if action == "advance" else "")
        (held,) = [row for row in drilling.due_rows(w) if row["id"] == timer]
        assert held["real_due_at"] == queue.NEVER
    drilling.clock(w, "pause")
    assert {row["real_due_at"] for row in drilling.due_rows(w)} == {queue.NEVER, queue.PAUSED}
    assert w.rows(t.ElementVisit, element="ee_small_overdue") == []


def _hold(uow: UnitOfWork, row: str) -> None:
    """What the service does with a row whose work failed."""
    table = sql.due_rows
    uow.connection.execute(table.update().where(table.c.id == row).values(real_due_at=queue.NEVER))


def test_advance_works_what_is_due_on_the_way_in_order_at_its_own_time(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    outcome = drilling.clock(w, "advance", by="PT4H")
    assert [(each.kind, each.name.rpartition("#")[2], w.local(each.at)) for each in outcome.fired] == [
        ("ladder", "0", "09-07 09:30"), ("timer", "e_small_due", "09-07 10:00"), ("ladder", "1", "09-07 10:00"),
        ("ladder", "2", "09-07 11:00"), ("ladder", "3", "09-07 12:00"),
    ]  # fmt: skip
    assert [w.local(row["at"]) for row in w.events("deadline_escalated")] == [
        "09-07 09:30", "09-07 10:00", "09-07 11:00", "09-07 12:00",
    ]  # fmt: skip
    assert drilling.look(w).clock.now == at("12:00", "2026-09-07")
    ats = [event["at"] for event in w.events()]
    assert ats == sorted(ats)


def test_until_next_stops_at_each_timer(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    times = []
    for _ in range(3):
        drilling.clock(w, "until_next")
        times.append(w.local(drilling.look(w).clock.now))
    assert times == ["09-07 09:30", "09-07 10:00", "09-07 11:00"]
    assert drilling.look(w).clock.speed == 0


def test_two_drills_and_a_real_incident_each_by_their_own_clock(world: World) -> None:
    w = world
    w.go("08:00")
    real = w.open("teacher", school.quick(), "small_alarm")
    slow = drilling.begin(w, speed=60)
    fast = drilling.begin(w, speed=3600)
    w.go("08:00:05".rpartition(":")[0])
    w.clock.advance(5 * SECOND)
    w.app.worker.tick()
    assert drilling.look(w, fast).clock.now == drilling.STARTS + 5 * HOUR
    assert drilling.look(w, slow).clock.now == drilling.STARTS + timedelta(minutes=5)
    levels = {}
    for incident in (real, slow, fast):
        w.incident = incident
        levels[incident] = [row["data"]["level"] for row in w.events("deadline_escalated")]
    assert levels == {real: [], slow: [], fast: [0, 1, 2, 3]}


def test_the_trainer_answers_for_any_role_and_the_log_says_so(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    w.do("trainer", "t_small_check")
    done = w.events("task_completed")[-1]
    trainer = w.who("trainer").account_id
    assert (done["actor"], done["role"], done["on_behalf_of"]) == (trainer, "trainer", "isolation_lead")
    w.do("trainer", "t_small_written", {"drafter": True})
    assert w.row()["status"] == "closed"
    w.incident = w.open("teacher", school.quick(), "small_alarm")
    with pytest.raises(NotAllowed):
        w.do("trainer", "t_small_check")
