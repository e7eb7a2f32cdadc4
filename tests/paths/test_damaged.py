"""Stored things that cannot be read: named where the operator looks, the rest goes on, nothing half-written."""

from typing import Any

import pytest
from sqlalchemy import delete, select, update

from service.application import engine_incidents
from service.domain import commands as cmd
from service.domain.errors import DefinitionUnreadable, StateUnreadable
from service.persistence import chain
from service.persistence import tables as t
from service.persistence.tables import sql
from tests.paths import school
from tests.paths.damaging import damage
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.versions import ALARM, another, deployed
from tests.paths.world import World

STATES = {
    "no JSON": "]",
    "empty": "",
    "cut off": '{"format":3,"sum":1,"state":{"proc',
    "wrong sum": '{"format":3,"sum":1,"state":{}}',
    "of another release": '{"format":99}',
}


def alarm(w: World) -> str:
    w.open("teacher", school.quick(), ALARM)
    return w.incident


def spoil(w: World, procedure: str, text: str) -> str:
    """Overwrite the stored state of the instance of a procedure."""
    instance = str(w.rows(t.Instance, procedure=procedure)[0]["id"])
    damage(w, update(sql.instance_states).where(sql.instance_states.c.instance_id == instance).values(state=text))
    return instance


def log_of(w: World) -> list[tuple[int, str]]:
    return [(row["seq"], row["type"]) for row in w.events()]


def only(w: World) -> dict[str, Any]:
    [row] = w.rows(t.EngineIncident, state="open")
    return row


@pytest.mark.parametrize("text", list(STATES.values()), ids=list(STATES))
def test_a_damaged_state_stops_its_instance_and_is_on_record(world: World, text: str) -> None:
    w = world
    w.go("08:10")
    alarm(w)
    instance = spoil(w, ALARM, text)
    before = log_of(w)
    with pytest.raises(StateUnreadable) as refused:
        school.draft(w, "t_small_written")
    assert refused.value.code == "state_unreadable"
    row = only(w)
    assert (row["code"], row["instance_id"]) == ("state_unreadable", instance)
    # of the refused command nothing is there: the log has grown by the record of the failure alone
    assert log_of(w)[len(before) :] == [(len(before) + 1, "engine_incident_raised")]
    assert set(w.open_tasks()) == {"t_small_check", "t_small_written"}
    assert alarm(w) != row["incident_id"]  # everything else goes on
    school.draft(w, "t_small_written")
    w.incident = row["incident_id"]
    assert_rebuild_is_equal(w)
    with w.app.read() as connection:
        assert chain.verify(connection).ok


def test_an_unreadable_child_does_not_stop_the_others_of_its_incident(world: World) -> None:
    w = world
    w.go("08:10")
    alarm(w)
    child = spoil(w, "small_check", "]")
    school.draft(w, "t_small_written")  # another instance of the same incident
    assert "t_small_written" not in w.open_tasks()
    with pytest.raises(StateUnreadable):
        w.do("nurse", "t_small_check")
    assert only(w)["instance_id"] == child


def test_a_retry_that_still_cannot_read_is_refused_and_counts(world: World) -> None:
    w = world
    w.go("08:10")
    alarm(w)
    with w.app.read() as connection:
        stored = {row.instance_id: row.state for row in connection.execute(select(sql.instance_states))}
    instance = spoil(w, ALARM, "]")
    with pytest.raises(StateUnreadable):
        school.draft(w, "t_small_written")
    with pytest.raises(StateUnreadable):
        retry(w)
    assert only(w)["attempts"] == 2
    damage(
        w,
        update(sql.instance_states).where(sql.instance_states.c.instance_id == instance).values(state=stored[instance]),
    )
    retry(w)
    school.draft(w, "t_small_written")
    w.do("nurse", "t_small_check")
    assert w.row()["status"] == "closed"


def test_what_cannot_be_read_can_still_be_cancelled(world: World) -> None:
    w = world
    w.go("08:10")
    alarm(w)
    spoil(w, ALARM, "]")
    with pytest.raises(StateUnreadable):
        school.draft(w, "t_small_written")
    command = cmd.CancelFailed(only(w)["id"], "incident", "状态损坏")
    w.app.run(lambda uow: engine_incidents.cancel(uow, w.app.services, w.who("admin"), command))
    assert (w.row()["status"], w.row()["result"]) == ("closed", "cancelled")
    assert {row["status"] for row in w.rows(t.Instance)} == {"cancelled"}
    assert not w.open_tasks()
    assert not w.rows(t.Wait)
    assert_rebuild_is_equal(w)


@pytest.mark.parametrize("how", ["gone", "no XML", "no files"])
def test_a_definition_that_cannot_be_read_stops_what_runs_on_it(world: World, how: str) -> None:
    w = world
    w.go("08:10")
    alarm(w)
    deployed(w, another(ALARM))
    it = (sql.definitions.c.procedure == ALARM) & (sql.definitions.c.version == 1)
    content = {"no XML": {"small_alarm.bpmn": "<bpmn"}, "no files": {}}.get(how)
    forget(w)
    damage(
        w,
        delete(sql.definitions).where(it)
        if how == "gone"
        else update(sql.definitions).where(it).values(content=content),
        restart=False,
    )
    with pytest.raises(DefinitionUnreadable):
        school.draft(w, "t_small_written")
    assert only(w)["code"] == "definition_unreadable"
    assert set(w.open_tasks()) == {"t_small_check", "t_small_written"}
    stuck = w.incident
    alarm(w)  # on the version that can be read
    school.draft(w, "t_small_written")
    w.do("nurse", "t_small_check")
    assert w.row()["status"] == "closed"
    w.incident = stuck
    assert only(w)["attempts"] == 1


def forget(w: World) -> None:
    """A process that has not read any definition yet."""
    store = w.app.services.definitions
    store.__init__(store.known)  # type: ignore[misc]  # as built


def retry(w: World) -> None:
    command = cmd.RetryEngineIncident(only(w)["id"])
    w.app.run(lambda uow: engine_incidents.retry(uow, w.app.services, w.who("admin"), command))
