"""Builders for tests that need a database: the same test runs on SQLite and on PostgreSQL."""

import atexit
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, event, make_url

from service.domain.clock import SettableClock
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database, migrate, open_database
from service.persistence.runners import open_runner
from service.persistence.sealing import Sealer, new_master_key
from service.persistence.unit_of_work import UnitOfWork
from tests import postgres

BACKENDS = ("sqlite", "postgres")
CHOSEN = os.environ.get("TOCSIN_TEST_DATABASE", "sqlite")  # make test-postgres: everything once more on the other one
on_both = pytest.mark.parametrize("backend", BACKENDS)
START = datetime(2026, 3, 2, 0, 10, tzinfo=UTC)  # 08:10 in Shanghai

_numbers = itertools.count()


@dataclass(frozen=True)
class Store:
    """A migrated database with its runner."""

    database: Database
    runner: CommandRunner
    sealer: Sealer
    clock: SettableClock
    url: str


@contextmanager
def a_store(backend: str, folder: Path, *, start: datetime = START) -> Iterator[Store]:
    """A store of its own, closed afterwards."""
    clock = SettableClock(start)
    url = a_migrated_url(backend, folder)
    database = open_database(url, clock)
    sealer = Sealer(new_master_key(), clock)
    runner = open_runner(database, clock, sealer)
    try:
        yield Store(database, runner, sealer, clock, url)
    finally:
        runner.stop()
        database.close()


def execute(store: Store, *statements: Executable | str) -> None:
    """Run statements in one command of the store's runner; text as the driver takes it."""

    def handler(uow: UnitOfWork) -> None:
        for statement in statements:
            if isinstance(statement, str):
                uow.connection.exec_driver_sql(statement)
            else:
                uow.connection.execute(statement)

    store.runner.run(handler)


def submitted_together(
    submit: Callable[[Callable[[UnitOfWork], Any]], "Future[Any]"], *handlers: Callable[[UnitOfWork], Any]
) -> "list[Future[Any]]":
    """Submit handlers while whoever runs them is busy, so that they wait for one another."""
    started, gate = threading.Event(), threading.Event()

    def hold(_: UnitOfWork) -> None:
        started.set()
        gate.wait(10)

    first = submit(hold)
    started.wait(10)
    answers = [submit(handler) for handler in handlers]
    gate.set()
    first.result(10)
    return answers


def count_commits(database: Database) -> list[int]:
    """A list that grows by one with each commit."""
    commits: list[int] = []
    event.listen(database.writing, "commit", lambda _: commits.append(1))
    return commits


def a_migrated_url(backend: str, folder: Path) -> str:
    """The address of a fresh database with our tables."""
    if backend == "sqlite":
        target = folder / f"store-{next(_numbers)}.db"
        shutil.copyfile(_sqlite_template(), target)
        return f"sqlite:///{target}"
    return postgres.server().create(_name(), template=_postgres_template())


def chosen_url(folder: Path, *, template: str = "") -> str:
    """The address of the database of a data folder, on the database of this run; made when first asked for.

    A process that starts later on the same folder finds the same database. `template` is the address of
    a closed PostgreSQL database to copy. On SQLite the address is empty: the file in the folder.
    """
    note = folder / "database.url"
    if CHOSEN == "sqlite" and not note.exists():
        return ""
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = make_url(template).database if template else _postgres_template()
        note.write_text(postgres.server().create(_name(), template=str(source)), "ascii")
    return note.read_text("ascii")


def a_template_url(folder: Path) -> str:
    """The address of an empty database others will be copied from: "" on SQLite, where files are copied."""
    return "" if CHOSEN == "sqlite" else postgres.server().create(f"template_{folder.name.replace('-', '_')}")


def an_empty_url(backend: str, folder: Path) -> str:
    """The address of a fresh database without tables."""
    if backend == "sqlite":
        return f"sqlite:///{folder / f'empty-{next(_numbers)}.db'}"
    return postgres.server().create(_name())


def _name() -> str:
    return f"store_{os.getpid()}_{next(_numbers)}"


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate(f"sqlite:///{folder / 'template.db'}")
    return folder / "template.db"


@cache
def _postgres_template() -> str:
    name = f"template_{os.getpid()}"
    migrate(postgres.server().create(name))
    return name
