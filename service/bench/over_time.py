"""S7 to S10: timers that fall due together, one by one, or not at all, and the memory of what waits."""

import gc
import statistics
import tracemalloc
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

from sqlalchemy import func, insert, select

from service.bench import reference
from service.bench.bars import Bar, bar
from service.bench.load import LoadFailed
from service.bench.seeding import ROWS_AT_ONCE, Say, fill, seed
from service.bench.serving import PRODUCT, product, served
from service.bootstrap import Tocsin
from service.domain.clock import SettableClock, SystemClock, monotonic_seconds
from service.engine import runner, state
from service.engine.effects import StepContext
from service.engine.instance import Instance
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

CALL_LASTS, WATCH_LASTS = timedelta(hours=2), timedelta(hours=12)  # the timers of the reference procedure
CONTACTS = 100  # of an incident whose timers fall due together
SPACING = timedelta(milliseconds=50)  # between the timers whose lateness is measured
# The server starts in less than this, and an incident takes less than so often what some did beforehand.
# Timers that fell due before the server was ready are not counted.
START, MARGIN, TRIALS = timedelta(seconds=15), 2, 5
POLLS = 200
IN_MEMORY = 2_000  # instances whose steps are measured


def due_together(folder: Path, timers: int, say: Say) -> list[Bar]:
    """S7: so many timers of contacts due at one instant, until the last is worked, against the engine alone."""
    clock = SettableClock(SystemClock().now())
    tocsin = product(folder, clock)
    contacts = min(CONTACTS, timers)
    try:
        reference.install(tocsin)
        fill(tocsin, incidents=timers // contacts, contacts=contacts, say=say)
        clock.advance(CALL_LASTS)
        _work_all(tocsin)
        alone = _engine_rate(tocsin, clock.now() + WATCH_LASTS)
        clock.advance(WATCH_LASTS - CALL_LASTS)
        say(f"working {timers} timers")
        before = _fired(tocsin)
        began = monotonic_seconds()
        _work_all(tocsin)
        took = monotonic_seconds() - began
        fired = _fired(tocsin) - before
    finally:
        tocsin.stop()
    if fired != timers // contacts * contacts:
        message = f"{fired} of {timers} timers fired"
        raise LoadFailed(message)
    return [bar("S7", fired / took, "1/s", ratio=fired / took / alone), bar("E", alone, "1/s")]


def _work_all(tocsin: Tocsin) -> None:
    while tocsin.worker.tick():
        pass


def _fired(tocsin: Tocsin) -> int:
    with tocsin.read() as connection:
        fired = select(func.count()).select_from(sql.events).where(sql.events.c.type == "wait_ended")
        return int(connection.execute(fired).scalar_one())


def _engine_rate(tocsin: Tocsin, now: datetime) -> float:
    """Timers a second that the engine fires on instances in memory, nothing written."""
    with tocsin.read() as connection:
        table = sql.waits
        mine = table.c.element == "e_bench_watch_due"
        waits = {row.instance_id: row.id for row in connection.execute(select(table).where(mine).limit(IN_MEMORY))}
    instances = _instances(tocsin, list(waits))
    context = StepContext(now, now, {}, {}, {}, {})
    began = monotonic_seconds()
    for instance in instances:
        result = runner.complete(instance, context, waits[instance.id], {})
        while result.is_paused:
            result = runner.proceed(instance, context)
    return len(instances) / (monotonic_seconds() - began)


def _instances(tocsin: Tocsin, ids: Sequence[str]) -> list[Instance]:
    with tocsin.read() as connection:
        table = sql.instance_states
        wanted = select(table.c.instance_id, table.c.state).where(table.c.instance_id.in_(ids))
        texts = [(row.instance_id, row.state) for row in connection.execute(wanted)]
        assembly = tocsin.services.definitions.get(connection, reference.PROCEDURE, 1)
    return [state.load(assembly, instance, text) for instance, text in texts]


def late(folder: Path, incidents: int, measured: int, say: Say) -> list[Bar]:
    """S8: how late timers fire that fall due one after the other while so many incidents are open."""
    seed(folder, incidents=incidents - measured, contacts=0, say=say)
    first = SystemClock().now() + START + measured * MARGIN * _opening(folder)
    _open_earlier(folder, first, measured)
    say(f"opened {measured} incidents whose timers are measured")
    last = first + measured * SPACING
    with served(PRODUCT, folder):
        ready = SystemClock().now()
        while SystemClock().now() < last + timedelta(seconds=3):
            sleep(0.5)
    seconds = _lateness(folder, max(first, ready + timedelta(seconds=2)))
    if not seconds:
        message = "every timer fell due before the server was ready"
        raise LoadFailed(message)
    say(f"{len(seconds)} of {measured} timers measured")
    return [bar("S8", seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))], "s")]


def _opening(folder: Path) -> timedelta:
    """How long an incident takes to open on this machine, now."""
    tocsin = product(folder)
    began = monotonic_seconds()
    for _ in range(TRIALS):
        reference.open_incident(tocsin, contacts=0)
    took = monotonic_seconds() - began
    tocsin.stop()
    return timedelta(seconds=took / TRIALS)


def _open_earlier(folder: Path, first: datetime, measured: int) -> None:
    """Incidents whose timers fall due from an instant on, one after the other."""
    clock = SettableClock(first - CALL_LASTS)
    tocsin = product(folder, clock)
    try:
        for number in range(measured):
            clock.set(first + number * SPACING - CALL_LASTS)
            reference.open_incident(tocsin, contacts=0)
    finally:
        tocsin.stop()


def _lateness(folder: Path, since: datetime) -> list[float]:
    tocsin = product(folder)
    table = sql.events
    fired = select(table.c.at, table.c.real_at).where(table.c.type == "wait_ended", table.c.at >= since)
    with tocsin.read() as connection:
        found = sorted((row.real_at - row.at).total_seconds() for row in connection.execute(fired))
    tocsin.stop()
    return found


def empty_poll(folder: Path, timers: int, say: Say) -> list[Bar]:
    """S9: one look at so many waiting timers of which none is due."""
    tocsin = product(folder)
    try:
        reference.install(tocsin)
        reference.open_incident(tocsin, contacts=0)
        with tocsin.read() as connection:
            row = dict(connection.execute(select(sql.due_rows)).mappings().one())
        for start in range(0, timers, ROWS_AT_ONCE):
            tocsin.run(partial(_wait_more, row=row, numbers=range(start, min(timers, start + ROWS_AT_ONCE))))
            say(f"{min(timers, start + ROWS_AT_ONCE)} of {timers} timers wait")
        seconds = [_poll(tocsin) for _ in range(POLLS)]
    finally:
        tocsin.stop()
    return [bar("S9", statistics.median(seconds) * 1000, "ms")]


def _wait_more(uow: UnitOfWork, *, row: Mapping[str, Any], numbers: range) -> None:
    """Rows like the one a timer has, a second apart."""
    rows = []
    for number in numbers:
        at = row["due_at"] + timedelta(seconds=number)
        rows.append({**row, "id": f"timer:{number:08d}", "ref": f"{number:08d}", "due_at": at, "real_due_at": at})
    uow.connection.execute(insert(sql.due_rows), rows)


def _poll(tocsin: Tocsin) -> float:
    began = monotonic_seconds()
    with tocsin.read() as connection:
        found = queue.due(connection, tocsin.clock.now(), 50)
    if found:
        message = "nothing was to be due"
        raise LoadFailed(message)
    return monotonic_seconds() - began


def memory(folder: Path, contacts: int, say: Say) -> list[Bar]:
    """S10: what a contact's instance takes while it is kept alive."""
    tocsin = product(folder)
    try:
        reference.install(tocsin)
        fill(tocsin, incidents=1, contacts=contacts, say=say)
        with tocsin.read() as connection:
            table = sql.instances
            is_contact = table.c.process == "bench_contact"
            ids = list(connection.execute(select(table.c.id).where(is_contact)).scalars())
        _instances(tocsin, ids[:1])  # what all share is there
        gc.collect()
        tracemalloc.start()
        kept = _instances(tocsin, ids)
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        tocsin.stop()
    return [bar("S10", used / 1024 / len(kept), "KiB")]
