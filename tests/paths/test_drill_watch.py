"""A drill nobody looks after stands still, people are given time, a speed that was slowed comes back."""

from datetime import timedelta

from service.application import drills
from service.persistence import queue
from tests.paths import drilling, school
from tests.paths.world import World, at

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def _page_is_open(w: World) -> None:
    drill, who = w.incident, w.who("trainer")
    w.app.run(lambda uow: drills.seen(uow, w.app.services, who, drill))


def _pass(w: World, seconds: int) -> None:
    """Let real time pass with the worker at work every second."""
    for _ in range(seconds):
        w.clock.advance(SECOND)
        w.app.worker.tick()


def test_without_a_control_page_a_drill_runs_on(world: World) -> None:
    drilling.begin(world, speed=60, on_loss="pause")
    _pass(world, 90)
    assert drilling.look(world).clock.speed == 60


def test_a_trainer_who_is_lost_stops_his_drill(world: World) -> None:
    w = world
    drilling.begin(w, speed=60, on_loss="pause")
    _page_is_open(w)
    _pass(w, 29)
    assert drilling.look(w).clock.speed == 60
    _pass(w, 6)
    clock = drilling.look(w).clock
    assert (clock.speed, clock.cause, clock.now) == (0, "lost", drilling.STARTS + timedelta(minutes=30))
    drilling.clock(w, "resume")
    _pass(w, 60)
    assert drilling.look(w).clock.now == drilling.STARTS + timedelta(minutes=90)


def test_with_the_other_rule_it_runs_on(world: World) -> None:
    w = world
    drilling.begin(w, speed=60, on_loss="run")
    _page_is_open(w)
    _pass(w, 60)
    assert drilling.look(w).clock.now == drilling.STARTS + HOUR


def test_after_a_restart_it_stands_where_the_service_left_it(world: World) -> None:
    w = world
    drilling.begin(w, speed=60, on_loss="pause")
    w.app.worker.tick()
    _pass(w, 10)
    seen = len(w.events())
    w.restart()
    w.clock.advance(HOUR)
    w.app.worker.tick()
    clock = drilling.look(w).clock
    assert (clock.speed, clock.cause, clock.now) == (0, "lost", drilling.STARTS + timedelta(minutes=10))
    assert len(w.events()) == seen + 1
    assert {row["real_due_at"] for row in drilling.due_rows(w)} == {queue.PAUSED}
    drilling.clock(w, "resume")
    assert drilling.look(w).clock.speed == 60


def test_a_command_after_a_restart_comes_too_late_to_run_the_clock_on(world: World) -> None:
    w = world
    drilling.begin(w, speed=60, on_loss="pause")
    w.app.worker.tick()
    w.restart()
    w.clock.advance(HOUR)
    w.do("nurse", "t_small_check")
    assert w.local(w.events("task_completed")[-1]["at"]) == "09-07 08:00"


def test_it_slows_down_while_a_person_must_act_and_back(world: World) -> None:
    w = world
    drilling.begin(w, speed=360, slow_to=1.0)
    assert (drilling.look(w).clock.speed, drilling.look(w).clock.cause) == (1, "slow")
    w.do("nurse", "t_small_check")
    assert drilling.look(w).clock.speed == 1
    school.draft(w, "t_small_written")
    assert (drilling.look(w).clock.speed, drilling.look(w).clock.cause) == (360, "back")


def test_a_person_has_his_real_time_before_the_ladder_goes_on(world: World) -> None:
    w = world
    drilling.begin(w, speed=3600, floor_seconds=30)
    _pass(w, 29)
    assert w.events("deadline_escalated") == []
    assert drilling.look(w).clock.cause == "floor"
    _pass(w, 2)
    assert w.events("deadline_escalated")[0]["data"]["level"] == 0
    assert drilling.look(w).clock.speed == 3600


def test_a_real_incident_stops_the_drills_of_the_school(world: World) -> None:
    w = world
    w.go("08:00")
    drill = drilling.begin(w, speed=60)
    w.clock.advance(60 * SECOND)
    w.open("teacher", school.quick(), "small_alarm")
    w.app.worker.tick()
    clock = drilling.look(w, drill).clock
    assert (clock.speed, clock.cause, clock.now) == (0, "real_incident", at("09:00", "2026-09-07"))
    drilling.clock(w, "resume", drill)
    assert drilling.look(w, drill).clock.speed == 60
