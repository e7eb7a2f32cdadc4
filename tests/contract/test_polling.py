"""The worker that polls sleeps until the next row falls due, and no longer than it was told to."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from service.bench import reference
from service.bench.serving import product
from service.bootstrap import Tocsin
from service.domain.clock import SystemClock
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.worker.polling import BREATH

LONG, SOON = 60.0, timedelta(seconds=0.4)
PATIENCE = 20.0  # less than the long sleep, more than a busy machine needs


@pytest.fixture
def tocsin(tmp_path: Path) -> Iterator[Tocsin]:
    """An installation of the reference procedure on the clock of the machine."""
    made = product(tmp_path)
    reference.install(made)
    yield made
    made.stop()


def put(tocsin: Tocsin, incident: str, due: datetime) -> None:
    """A row that asks for a look at an incident."""

    def work(uow: UnitOfWork) -> str:
        return queue.put(uow, kind="wake", ref=incident, incident_id=incident, due_at=due, real_due_at=due)

    tocsin.run(work)


def gone_at(tocsin: Tocsin) -> datetime:
    """When the row was seen to be worked."""
    waiting = select(func.count()).where(sql.due_rows.c.kind == "wake")
    ends = time.monotonic() + PATIENCE
    while True:
        with tocsin.read() as connection:
            if connection.execute(waiting).scalar_one() == 0:
                return SystemClock().now()
        assert time.monotonic() < ends, "it slept on"
        time.sleep(0.02)


def test_a_row_put_while_it_sleeps_is_worked_when_it_falls_due(tocsin: Tocsin) -> None:
    incident = reference.open_incident(tocsin, contacts=0)
    tocsin.worker.start(LONG)
    time.sleep(0.3)  # it has gone to sleep
    due = SystemClock().now() + SOON
    put(tocsin, incident, due)
    assert gone_at(tocsin) >= due


def test_a_row_that_was_there_before_is_worked_when_it_falls_due(tocsin: Tocsin) -> None:
    due = SystemClock().now() + SOON
    put(tocsin, reference.open_incident(tocsin, contacts=0), due)
    tocsin.worker.start(LONG)
    assert gone_at(tocsin) >= due


def test_more_rows_than_one_look_takes_are_worked_without_a_sleep_between(tocsin: Tocsin) -> None:
    incidents = [reference.open_incident(tocsin, contacts=0) for _ in range(60)]
    due = SystemClock().now() + SOON
    for incident in incidents:
        put(tocsin, incident, due)
    tocsin.worker.start(LONG)
    gone_at(tocsin)


def test_a_row_that_cannot_be_worked_is_looked_at_now_and_then(tocsin: Tocsin) -> None:
    put(tocsin, "no-such-incident", SystemClock().now())
    looks = count_looks(tocsin)
    tocsin.worker.start(0.5)
    time.sleep(1.8)
    tocsin.worker.stop()
    assert 1 <= len(looks) <= 5


def test_however_often_it_is_woken_it_looks_twenty_times_a_second_at_most(tocsin: Tocsin) -> None:
    looks = count_looks(tocsin)
    tocsin.worker.start(LONG)
    began = time.monotonic()
    for _ in range(50):
        tocsin.run(lambda uow: uow.wake(queue.INCIDENT, "any", uow.now))
        time.sleep(0.02)
    tocsin.worker.stop()
    assert 2 <= len(looks) <= (time.monotonic() - began) / BREATH + 1


def count_looks(tocsin: Tocsin) -> list[str]:
    """A list that grows by one with each look at what is due."""
    looks: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "real_due_at <= " in statement:
            looks.append(statement)

    event.listen(tocsin.database.reading, "before_cursor_execute", heard)
    return looks


def test_it_stops_while_it_sleeps(tocsin: Tocsin) -> None:
    tocsin.worker.start(LONG)
    time.sleep(0.2)
    began = time.monotonic()
    tocsin.worker.stop()
    assert time.monotonic() - began < PATIENCE
