"""What stands still without an error is found, once, and a retry repairs what can be repaired."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from service.application import engine_incidents, watchdog
from service.application.watchdog import look
from service.domain import commands as cmd
from service.persistence import tables as t
from service.persistence.tables import sql
from tests.golden.scenarios import SCENARIOS
from tests.paths import school
from tests.paths.damaging import damage
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.versions import ALARM
from tests.paths.world import World

LONG = watchdog.OVERDUE + timedelta(minutes=1)


@pytest.fixture
def alarm(world: World) -> Iterator[World]:
    """A small alarm with a call, a task, and a timer at two hours."""
    world.go("08:10")
    world.open("teacher", school.quick(), ALARM)
    yield world
    world.app.services.live.clear()  # what was damaged is not what is kept in memory


def instance(w: World, procedure: str = ALARM) -> str:
    return str(w.rows(t.Instance, procedure=procedure)[0]["id"])


def found(w: World, *, deep: bool = False) -> list[str]:
    with w.app.read() as connection:
        return [each.failure.code for each in look(connection, w.app.services, w.clock.now(), deep=deep)]


def patrol(w: World) -> None:
    """The worker goes on long enough for the watchdog to look; an instance that has just begun has to wait first."""
    w.app.worker.tick()
    w.clock.set(w.clock.now() + LONG)
    w.app.worker.tick()


def raised(w: World) -> dict[str, Any]:
    [row] = w.rows(t.EngineIncident, state="open")
    return row


def retry(w: World) -> None:
    command = cmd.RetryEngineIncident(raised(w)["id"])
    w.app.run(lambda uow: engine_incidents.retry(uow, w.app.services, w.who("admin"), command))


def test_a_sound_incident_has_nothing_to_find(alarm: World) -> None:
    w = alarm
    assert found(w, deep=True) == []
    patrol(w)
    assert w.rows(t.EngineIncident) == []
    w.do("nurse", "t_small_check")
    w.go("11:00")
    assert found(w, deep=True) == []


def test_an_instance_in_which_nothing_waits(alarm: World) -> None:
    w = alarm
    mine = instance(w)
    damage(w, delete(sql.waits).where(sql.waits.c.instance_id == mine), restart=False)
    visits = sql.element_visits
    damage(w, update(visits).where(visits.c.instance_id == mine).values(state="completed"))
    assert watchdog.STANDSTILL in found(w)
    patrol(w)
    assert raised(w)["code"] == watchdog.STANDSTILL
    patrol(w)
    assert raised(w)["attempts"] == 1  # once, however often it is seen


def test_a_timer_without_its_due_row_is_planned_again(alarm: World) -> None:
    w = alarm
    due = sql.due_rows
    assert damage(w, delete(due).where(due.c.incident_id == w.incident, due.c.kind == "timer")) == 1
    assert found(w) == [watchdog.TIMER_LOST]
    patrol(w)
    row = raised(w)
    assert (row["code"], row["element"]) == (watchdog.TIMER_LOST, "e_small_due")
    retry(w)
    assert found(w) == []
    w.go("10:15")
    assert [each["state"] for each in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["completed"]
    assert_rebuild_is_equal(w)


def test_a_timer_nobody_works(alarm: World) -> None:
    w = alarm
    w.clock.set(w.clock.now() + timedelta(hours=4))  # due rows at two hours, and nobody works them
    assert set(found(w)) == {watchdog.TIMER_OVERDUE}
    patrol(w)  # it is worked first, so nothing is left to find
    assert w.rows(t.EngineIncident) == []
    assert found(w) == []


def test_a_task_that_lost_its_row(alarm: World) -> None:
    w = alarm
    damage(w, delete(sql.tasks).where(sql.tasks.c.element == "t_small_written"))
    assert found(w) == [watchdog.TASK_LOST]
    patrol(w)
    assert (raised(w)["code"], raised(w)["element"]) == (watchdog.TASK_LOST, "t_small_written")


def test_a_child_that_ended_unheard_is_heard_at_the_retry(alarm: World) -> None:
    w = alarm
    child = instance(w, "small_check")
    damage(w, update(sql.instances).where(sql.instances.c.id == child).values(status="completed"))
    assert found(w) == [watchdog.CHILD_UNHEARD]
    patrol(w)
    assert (raised(w)["code"], raised(w)["element"]) == (watchdog.CHILD_UNHEARD, "ca_small_check")
    retry(w)
    assert found(w) == []
    school.draft(w, "t_small_written", late_reason="停电")
    assert w.row()["status"] == "closed"


def test_a_call_that_called_nobody(alarm: World) -> None:
    w = alarm
    child = instance(w, "small_check")
    damage(w, delete(sql.instances).where(sql.instances.c.id == child))
    assert watchdog.CHILD_LOST in found(w)


def test_a_wait_no_row_tells_of_is_found_by_the_deep_look(alarm: World) -> None:
    w = alarm
    damage(w, delete(sql.waits).where(sql.waits.c.element == "e_small_due"))
    assert found(w) == []
    assert found(w, deep=True) == [watchdog.WAIT_LOST]


def test_what_is_stuck_in_one_incident_leaves_the_others_alone(alarm: World) -> None:
    w = alarm
    stuck = w.incident
    damage(w, delete(sql.tasks).where(sql.tasks.c.element == "t_small_written"))
    w.open("teacher", school.quick(), ALARM)
    patrol(w)
    assert w.rows(t.EngineIncident) == []
    w.incident = stuck
    assert raised(w)["code"] == watchdog.TASK_LOST


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_no_false_alarm_in_a_real_case(world: World, name: str) -> None:
    w = world
    SCENARIOS[name].begin(w)
    assert found(w, deep=True) == []
    SCENARIOS[name].finish(w)
    assert found(w, deep=True) == []
