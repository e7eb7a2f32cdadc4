"""A random model in the real persistence: one incident on a database, every move a command that is committed.

What the product's world cannot do by itself for a diagram it does not know (services, deliveries, facts that come
true, messages with a form) is replaced by what waits; all the rest is the product: rows, log, states, due rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

from sqlalchemy import select

from service.application import inbox
from service.application.live_instances import LiveInstances
from service.application.services import SYSTEM, Services
from service.application.steps import Advance, advance
from service.application.timers import work_incident
from service.bootstrap import build_services
from service.domain import events as ev
from service.domain.clock import SettableClock, real_time_clock
from service.engine import runner
from service.engine.assembly import Assembly
from service.engine.model import Kind, Node, Trigger
from service.live import Hub
from service.persistence.command_runner import CommandRunner
from service.persistence.database import open_database
from service.persistence.runners import open_runner
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.settings import Settings
from tests.models.blocks import Block, Model, Shape
from tests.models.walking import TIMERS
from tests.models.writing import BUNDLE, NAMES
from tests.stores import START, Store, a_store

AT_MOST = 150
FREE = 12
INCIDENT, ROOT = "incident", "root"
_REPLACED = {"service": "manual", "send": "phone", "conditional": "signal", "conditional!": "signal!"}


def ordinary(model: Model) -> Model:
    """The model with what needs a world of its own replaced."""
    events = tuple((_REPLACED.get(trigger, trigger), _ordinary(handler)) for trigger, handler in model.events)
    return Model(_ordinary(model.main), events)


def _ordinary(block: Block) -> Block:
    how = "none" if block.shape is Shape.THROW and block.how == "message" else _REPLACED.get(block.how, block.how)
    shape = Shape.TASK if block.shape is Shape.CHILD else block.shape
    triggers = tuple(_REPLACED.get(each, each) for each in block.triggers)
    if block.shape is Shape.GUARDED and block.parts[0].shape is Shape.CHILD:
        triggers = tuple(each.replace("error", "signal").replace("escalation", "signal") for each in triggers)
    parts = tuple(map(_ordinary, block.parts))
    return Block(shape, parts, "user" if block.shape is Shape.CHILD else how, triggers)


class PowerCut(Exception):
    """Everything is lost that was not committed."""


@dataclass(frozen=True)
class Process:
    """One process of the product: what it keeps in memory, and its way to the database."""

    services: Services
    runner: CommandRunner

    def forget(self) -> None:
        """What was in memory is gone."""
        self.services.live.clear()
        self.runner.directory.forget()


@dataclass
class Life:
    """One incident, moved by people and by the workers of its processes; `is_cut`: the power fails at every commit.

    It fails once before the commit, when all is done and nothing stored, and once behind it.
    """

    store: Store
    processes: list[Process]
    pages: Mapping[str, Node]
    is_cut: bool

    def begin(self) -> None:
        """Open the incident."""

        def handler(uow: UnitOfWork) -> None:
            on = Advance(uow, self.processes[0].services, INCIDENT, SYSTEM)
            clock = real_time_clock(self.store.clock, since=uow.now).to_json()
            on.open_incident(ev.IncidentOpened("1", "school", BUNDLE, 1, "real", "", ROOT, {}, clock))
            inputs: dict[str, Any] = dict.fromkeys(NAMES, 1)
            inbox.start_instance(
                on, procedure=BUNDLE, version=1, process=BUNDLE, start_event="", inputs=inputs, instance_id=ROOT
            )
            on.settle()
            on.store()

        self._run(self.processes[0], handler)

    def live(self, seed: int) -> list[tuple[Any, ...]]:
        """Walk to the end, or for `AT_MOST` moves; the log, without hashes and the time it really was.

        Raises AssertionError where the instance does not end and should.
        """
        self.begin()
        rng = Random(seed)  # noqa: S311 - random paths are no secrets
        for step in range(AT_MOST):
            if self.status() != "active":
                break
            self._move(rng, is_free=step < FREE)
        assert self.status() == "completed" or self._may_have_no_end
        table = sql.events.c
        wanted = (table.seq, table.type, table.at, table.instance, table.element, table.data)
        with self.store.database.read() as connection:
            rows = connection.execute(select(*wanted).where(table.stream == INCIDENT).order_by(table.seq))
            return [tuple(row) for row in rows]

    @property
    def _may_have_no_end(self) -> bool:
        """With somebody's work in between, what a signal starts anew may throw it again for ever."""
        of_signals = [node for node in self.pages.values() if node.trigger is Trigger.SIGNAL]
        is_thrown = any(node.kind in {Kind.THROW, Kind.END} for node in of_signals)
        return is_thrown and any(
            node.kind in {Kind.START, Kind.BOUNDARY} and not node.interrupting for node in of_signals
        )

    def status(self) -> str:
        """Of the instance."""
        with self.store.database.read() as connection:
            found = select(sql.instances.c.status).where(sql.instances.c.id == ROOT)
            return str(connection.execute(found).scalar_one())

    def _move(self, rng: Random, *, is_free: bool) -> None:
        """One thing happens. Choices depend on the seed and on what the read tables show, on nothing else."""
        waiting = self.waiting()
        ahead = [each for each in waiting if self.pages[each["element"]].kind not in {Kind.BOUNDARY, Kind.START}]
        chosen = rng.choice(waiting) if is_free or not ahead else ahead[0]
        node = self.pages[chosen["element"]]
        if chosen["due_at"] is not None and chosen["is_timer"]:
            self.store.clock.set(max(chosen["due_at"], self.store.clock.now()))
            self.poll()
            return
        outputs = {name: rng.randint(0, 3) for name in node.outputs}
        self._run(self.processes[0], partial(completed, self.processes[0].services, chosen, outputs))

    def waiting(self) -> list[dict[str, Any]]:
        """Tasks and events that can be completed by somebody or by time."""
        tasks, waits = sql.tasks.c, sql.waits.c
        with self.store.database.read() as connection:
            asked = connection.execute(
                select(tasks.id, tasks.element, tasks.instance_id).where(tasks.state == "open")
            ).mappings()
            armed = connection.execute(
                select(waits.id, waits.element, waits.instance_id, waits.due_at, waits.trigger)
            ).mappings()
            found = {row["id"]: {"due_at": None, "is_timer": False, "is_task": True, **row} for row in asked}
            for row in armed:
                if row["trigger"] not in {Trigger.ERROR, Trigger.ESCALATION}:
                    found.setdefault(row["id"], {**row, "is_timer": row["trigger"] in TIMERS, "is_task": False})
        return sorted(found.values(), key=lambda row: int(row["id"].rpartition("-")[2]))

    def poll(self) -> None:
        """Every worker looks at the incident at the same moment."""
        failed: list[BaseException] = []

        def look(process: Process) -> None:
            try:
                self._run(process, partial(work_incident, services=process.services, incident=INCIDENT))
            except Exception as error:  # told by the thread that asked
                failed.append(error)

        threads = [Thread(target=look, args=(process,)) for process in self.processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def _run(self, process: Process, handler: Callable[[UnitOfWork], None]) -> None:
        if self.is_cut:
            with suppress(PowerCut):
                process.runner.run(partial(_cut, handler))
            process.forget()
        process.runner.run(handler)
        if self.is_cut:
            process.forget()


def completed(services: Services, wait: Mapping[str, Any], outputs: Mapping[str, object], uow: UnitOfWork) -> None:
    """Complete a task or a wait, as whoever has the right to."""

    def work(on: Advance) -> None:
        row = on.instance_row(wait["instance_id"])
        if wait["is_task"]:
            done = ev.TaskCompleted(wait["id"], on.now.isoformat(), 0, "")
            on.record(done, row=row, element=wait["element"])
        on.step(row, lambda instance, context: runner.complete(instance, context, wait["id"], outputs))

    advance(uow, services, INCIDENT, SYSTEM, work)


def _cut(handler: Callable[[UnitOfWork], None], uow: UnitOfWork) -> None:
    handler(uow)
    raise PowerCut


@contextmanager
def a_life(
    backend: str, folder: Path, assembly: Assembly, *, workers: int = 1, is_cut: bool = False
) -> Iterator[Life]:  # fmt: skip
    """An incident of an assembly on a database of its own, closed afterwards."""
    with a_store(backend, folder) as store, ExitStack() as later:
        processes = []
        for number in range(workers):
            runner_ = store.runner
            if number and backend != "sqlite":  # there several processes share a database
                database = open_database(store.url, store.clock)
                later.callback(database.close)
                runner_ = open_runner(database, store.clock, store.sealer)
                later.callback(runner_.stop)
            processes.append(Process(_services(store, assembly), runner_))
        yield Life(store, processes, _nodes(assembly), is_cut)


def _services(store: Store, assembly: Assembly) -> Services:
    services = replace(_catalogues(), clock=store.clock, live=LiveInstances())
    services = replace(services, definitions=services.definitions.copied())
    services.definitions.keep(BUNDLE, 1, assembly)
    return services


@cache
def _catalogues() -> Services:
    return build_services(Settings(), SettableClock(START), Hub())


def _nodes(assembly: Assembly) -> dict[str, Node]:
    return {node.id: node for page in assembly.bundle.processes.values() for node in page.nodes.values()}
