"""What both workers hold to, the one that polls and the one that is woken by jobs; also when they are killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, literal_column, select, text, update

from integrations import DirectorySink, rehearsal_gateways
from service.application.deliveries import pause_after
from service.domain.gateways import OutsideWorld
from service.persistence import alarms, queue
from service.persistence.chain import verify
from service.persistence.tables import Delivery, sql
from service.persistence.unit_of_work import UnitOfWork
from service.settings import ROOT
from service.worker import Duties, JobWorker, PollingWorker, Worker
from tests.contract.product import Product, product
from tests.paths import school, variants
from tests.paths.world import World, at
from tests.stores import a_migrated_url, on_both

PATIENCE = 90.0  # seconds; the jobs of a killed worker are given to another one after some five, a machine may be busy
KILLS = 6


@contextmanager
def working(world: Product) -> Iterator[None]:
    """Background work goes on inside."""
    world.tocsin.worker.start(0.05)
    try:
        yield
    finally:
        world.tocsin.worker.stop()


def until(what: Callable[[], object]) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.05)


def overdue(world: Product) -> list[str]:
    """Rows that are due and not worked."""
    with world.tocsin.read() as connection:
        return [item.id for item in queue.due(connection, world.clock.now())]


def queued(world: Product) -> int:
    """Deliveries that are still to be sent."""
    table = sql.deliveries
    waiting = select(func.count()).where(table.c.state == "queued", table.c.channel == "auto")
    with world.tocsin.read() as connection:
        return int(connection.execute(waiting).scalar_one())


def escalations(world: Product) -> Counter[tuple[str, int]]:
    """How often each rung of each ladder was reached."""
    table = sql.events
    with world.tocsin.read() as connection:
        rows = connection.execute(select(table.c.data).where(table.c.type == "deadline_escalated"))
        return Counter((row.data["deadline"], row.data["level"]) for row in rows)


def assert_each_once(world: Product) -> None:
    """Every rung was reached once, no step failed, and the chains are whole."""
    assert set(escalations(world).values()) == {1}
    with world.tocsin.read() as connection:
        assert connection.execute(select(func.count()).select_from(sql.engine_incidents)).scalar_one() == 0
        assert verify(connection).ok


def put_row(world: Product, incident: str, *, after: timedelta = timedelta(0)) -> str:
    """A row that asks for a look at an incident."""
    due = world.clock.now() + after

    def put(uow: UnitOfWork) -> str:
        return queue.put(uow, kind="wake", ref=incident, incident_id=incident, due_at=due, real_due_at=due)

    return world.tocsin.run(put)


@on_both
def test_what_is_due_is_worked_once_and_what_is_not_stays(backend: str, tmp_path: Path) -> None:
    with product(tmp_path, url=a_migrated_url(backend, tmp_path)) as world:
        incidents = [world.opened() for _ in range(3)]
        world.clock.advance(timedelta(minutes=20))
        due = set(overdue(world))
        later = put_row(world, incidents[0], after=timedelta(hours=1))
        with working(world):
            until(lambda: not overdue(world))
        assert len(due) >= len(incidents)
        assert_each_once(world)
        with world.tocsin.read() as connection:
            assert later in {item.id for item in queue.open_rows(connection, incidents[0])}


@on_both
def test_an_alarm_that_is_lost_is_found_by_looking_and_one_that_is_doubled_does_nothing(
    backend: str, tmp_path: Path
) -> None:
    with product(tmp_path, url=a_migrated_url(backend, tmp_path)) as world:
        lost, doubled = world.opened(), world.opened()
        world.clock.advance(timedelta(minutes=20))

        def forget_and_double(uow: UnitOfWork) -> None:
            if backend == "postgres":
                uow.connection.execute(delete(alarms.JOBS).where(alarms.JOBS.c.queueing_lock == f"incident:{lost}"))
            for _ in range(5):
                uow.wake(queue.INCIDENT, doubled, uow.now)

        world.tocsin.run(forget_and_double)
        with working(world):
            until(lambda: not overdue(world))
            for _ in range(5):
                world.tocsin.run(lambda uow: uow.wake(queue.INCIDENT, doubled, uow.now))
            until(lambda: not world.tocsin.worker.health().waiting)
        assert_each_once(world)


@on_both
def test_a_row_that_cannot_be_worked_keeps_no_other_from_it(backend: str, tmp_path: Path) -> None:
    with product(tmp_path, url=a_migrated_url(backend, tmp_path)) as world:
        incident = world.opened()
        broken = put_row(world, "no-such-incident")
        world.clock.advance(timedelta(minutes=20))
        with working(world):
            until(lambda: overdue(world) == [broken])
        assert_each_once(world)
        assert world.get(f"/incidents/{incident}", "coordinator").status_code == 200


def test_what_is_being_sent_is_not_asked_for_by_a_sweep(tmp_path: Path) -> None:
    """Else a job that waits for nothing stands there when the attempt fails, and the pause is left out."""
    (tmp_path / "database.url").write_text(a_migrated_url("postgres", tmp_path), "ascii")
    world = World(tmp_path, at("08:00"))
    world.prepare()
    variants.accepted(world)
    school.draft(world)
    school.sign(world)
    locks = {f"{queue.DELIVERY}:{row['id']}" for row in sent(world) if row["state"] == "queued"}
    assert locks
    jobs = alarms.JOBS.c

    def waiting(uow: UnitOfWork) -> set[str]:
        alarms.sweep(uow.connection, uow.now)
        return set(uow.connection.execute(select(jobs.lock).where(text("status = 'todo'"))).scalars())

    assert locks <= world.app.run(waiting)
    begin = update(alarms.JOBS).where(jobs.lock.in_(locks)).values(status=literal_column("'doing'"))
    world.app.run(lambda uow: uow.connection.execute(begin))
    assert not locks & world.app.run(waiting)
    world.close()


@on_both
def test_a_delivery_that_failed_waits_a_while_and_then_leaves_once(backend: str, tmp_path: Path) -> None:
    (tmp_path / "database.url").write_text(a_migrated_url(backend, tmp_path), "ascii")
    world = World(tmp_path, at("08:00"))
    world.prepare()
    variants.accepted(world)
    school.draft(world)
    school.sign(world)
    partner = {"is_up": False}
    twins = rehearsal_gateways(DirectorySink(tmp_path / "outbox"), is_up=lambda: partner["is_up"])
    app = world.app
    duties = Duties(
        app.database,
        app.run,
        app.services,
        outside=OutsideWorld(twins, twins),
        sealer=app.sealer,
        link="",
        shred=lambda _files, _sent: None,
    )
    worker: Worker = PollingWorker(duties) if backend == "sqlite" else JobWorker(duties, world.clock)
    worker.start(0.05)
    until(lambda: attempts(world) == {1})
    partner["is_up"] = True
    worker.tick()
    assert attempts(world) == {1}, "tried again without a pause"
    world.clock.advance(pause_after(1))
    until(lambda: {row["state"] for row in sent(world)} == {"acknowledged"})
    worker.stop()
    assert attempts(world) == {2}
    assert {path.stem for path in (tmp_path / "outbox").glob("*.json")} == {row["id"] for row in sent(world)}
    world.close()


def sent(world: World) -> list[dict[str, Any]]:
    """The deliveries a gateway takes."""
    return world.rows(Delivery, channel="auto")


def attempts(world: World) -> set[int]:
    """How often they were tried."""
    return {row["attempts"] for row in sent(world)}


@on_both
def test_kill_9_loses_and_doubles_nothing(backend: str, tmp_path: Path) -> None:
    url = a_migrated_url(backend, tmp_path)
    with product(tmp_path, url=url) as world:
        for _ in range(12):
            world.opened()
        world.clock.advance(timedelta(minutes=20))
        arguments = [str(tmp_path), url, world.clock.now().isoformat()]
        dice = random.Random(20260302)  # noqa: S311 - moments to kill at, not secrets
        with subprocess.Popen(
            [sys.executable, "-m", "tests.contract.runner_process", *arguments],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            for round_ in range(KILLS):
                print("start", file=process.stdin, flush=True)
                worker = int(process.stdout.readline())
                if round_ == KILLS - 1:
                    until(lambda: not overdue(world) and not queued(world))
                else:
                    time.sleep(dice.random() / 4)
                os.kill(worker, signal.SIGKILL)
                assert process.stdout.readline() == "killed\n"
            process.stdin.close()
        assert_each_once(world)
