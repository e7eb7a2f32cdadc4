"""SC02 goes through two web and two worker processes while they are killed, or restarted in turn: nothing is lost."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from service.persistence import tables as t
from service.persistence.chain import verify
from service.persistence.tables import sql
from tests.nodes.cluster import cluster
from tests.nodes.world import NodesWorld
from tests.paths import test_sc02_confirmed_case as sc02
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.world import World, at

Story = Callable[[World], None]


def first_hours(w: World) -> None:
    """SC02 up to the hospital."""
    for stage in (sc02.fever, sc02.to_hospital):
        stage(w)


def test_the_first_hours_while_nodes_are_killed(tmp_path: Path) -> None:
    live_through(tmp_path, first_hours, signal.SIGKILL, every=1.5)


def test_the_first_hour_while_nodes_are_restarted_in_turn(tmp_path: Path) -> None:
    live_through(tmp_path, sc02.fever, signal.SIGTERM, every=1.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_whole_of_sc02_while_a_web_and_a_worker_process_are_killed_every_ten_seconds(tmp_path: Path) -> None:
    live_through(tmp_path, sc02.test_from_the_first_fever_to_the_closing_report, signal.SIGKILL, every=10)


def live_through(folder: Path, story: Story, how: signal.Signals, *, every: float) -> None:
    world = NodesWorld(folder, at("08:00"))
    with cluster(folder, world.settings.database) as nodes:
        world.addresses[:] = nodes.addresses
        with nodes.ending(how, every=every, let_be=world.is_let_be):
            story(world)
        assert nodes.ended >= 4, "it was over before anything was ended"
        world.settle()
    check(world)
    world.close()


def check(w: World) -> None:
    """Nothing was done twice, no timer is left behind, no step failed, and the tables follow from the log."""
    assert not w.rows(t.EngineIncident)
    for type_, key in (("task_completed", "task"), ("element_completed", "visit"), ("delivery_sent", "delivery")):
        done = Counter(row["data"][key] for row in w.events(type_))
        assert done
        assert set(done.values()) == {1}, type_
    rungs = Counter((row["data"]["deadline"], row["data"]["level"]) for row in w.events("deadline_escalated"))
    assert set(rungs.values()) <= {1}
    armed = {row["data"]["wait"] for row in w.events("wait_armed") if row["data"]["due"]}
    ended = {row["data"]["wait"] for row in w.events("wait_ended")}
    with w.app.read() as connection:
        refs = set(connection.execute(select(sql.due_rows.c.ref).where(sql.due_rows.c.kind == "timer")).scalars())
        assert verify(connection).ok
    assert armed - ended == refs, "a timer that waits has no row, or a row has no timer"
    assert_rebuild_is_equal(w)
