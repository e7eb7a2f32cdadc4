"""The clock of the machine is set back: no timer comes early, and no incident's time turns back (R5)."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from service.application import tasks
from service.bench import reference
from service.bench.serving import product
from service.bootstrap import Tocsin
from service.domain import commands as cmd
from service.persistence.chain import verify
from service.persistence.tables import sql
from tests.stores import an_empty_url, on_both

TEN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # in Shanghai
LASTS = timedelta(hours=2)  # the timer of every task


class MachineClock:
    """A clock that somebody may set to any time."""

    def __init__(self, start: datetime) -> None:
        self.time = start

    def now(self) -> datetime:
        """What it was set to."""
        return self.time


class Office:
    """Somebody who answers the one task that is open."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.folder, self.clock = folder, MachineClock(TEN)
        self.url = "" if backend == "sqlite" else an_empty_url(backend, folder)
        self.app = self.start()
        reference.install(self.app)

    def start(self) -> Tocsin:
        """The product on the files that are there."""
        return product(self.folder, self.clock, database=self.url)

    def at(self, minutes: int) -> None:
        """Set the clock to so many minutes after ten, and let due work be done."""
        self.clock.time = TEN + timedelta(minutes=minutes)
        self.app.worker.tick()

    def answer(self, incident: str) -> None:
        """Complete the open task of an incident."""
        with self.app.read() as connection:
            (task,) = (ids[0] for ids in reference.open_tasks(connection, [incident])[incident].values())
        office = reference.principal(self.app, "coordinator")
        command = cmd.CompleteTask(task, reference.ANSWER)
        self.app.run(partial(tasks.complete, services=self.app.services, principal=office, command=command))

    def times(self, incident: str) -> list[datetime]:
        """When each event of an incident happened, in the order of the log."""
        with self.app.read() as connection:
            mine = select(sql.events.c.at).where(sql.events.c.stream == incident).order_by(sql.events.c.seq)
            return list(connection.execute(mine).scalars())

    def fired(self, incident: str) -> list[int]:
        """Minutes after ten at which timers of an incident fired."""
        with self.app.read() as connection:
            table = sql.events
            mine = (table.c.stream == incident) & (table.c.type == "wait_ended")
            rows = connection.execute(select(table.c.at, table.c.data).where(mine).order_by(table.c.seq))
            return [int((row.at - TEN).total_seconds() / 60) for row in rows if row.data["reason"] == "fired"]


@on_both
def test_an_incident_s_time_stands_still_until_the_clock_has_caught_up(backend: str, tmp_path: Path) -> None:
    office = Office(tmp_path, backend)
    incident = reference.open_incident(office.app, contacts=0)
    office.at(60)
    office.answer(incident)
    office.at(10)  # somebody sets the clock back by fifty minutes
    office.answer(incident)
    office.answer(incident)
    times = office.times(incident)
    assert times == sorted(times)
    assert times[-1] == TEN + timedelta(minutes=60)
    office.at(90)
    office.answer(incident)
    assert office.times(incident)[-1] == TEN + timedelta(minutes=90)
    with office.app.read() as connection:
        assert verify(connection).ok
    office.app.stop()


@on_both
def test_no_timer_is_early_none_is_lost_and_each_fires_once(backend: str, tmp_path: Path) -> None:
    office = Office(tmp_path, backend)
    old = reference.open_incident(office.app, contacts=0)
    office.at(60)
    office.answer(old)
    office.answer(old)  # the call again: until minute 180
    office.at(10)
    new = reference.open_incident(office.app, contacts=0)  # until minute 130: it never saw the wrong time
    office.at(129)
    assert (office.fired(old), office.fired(new)) == ([], [])
    office.at(131)
    assert (office.fired(old), office.fired(new)) == ([], [130])
    office.at(120)  # back again, behind a timer that fired
    office.at(131)
    office.at(181)
    office.at(240)
    assert (office.fired(old), office.fired(new)) == ([180], [130])
    office.app.stop()


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_restart_does_not_forget_how_late_it_was(backend: str, tmp_path: Path) -> None:
    office = Office(tmp_path, backend)
    incident = reference.open_incident(office.app, contacts=0)
    office.at(60)
    office.answer(incident)
    office.app.stop()
    office.clock.time = TEN + timedelta(minutes=5)
    office.app = office.start()
    office.answer(incident)
    times = office.times(incident)
    assert times == sorted(times)
    office.app.stop()
