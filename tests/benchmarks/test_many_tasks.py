"""Lists of many tasks: as many statements for a hundred as for ten, and the same tasks by either way in."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select

from service.application.queries import inbox, names
from service.application.queries.inbox import TaskFilter
from service.application.queries.reader import Reader
from service.bench import reference
from service.bench.seeding import fill
from service.bench.serving import product
from service.bootstrap import Tocsin
from service.domain.clock import SystemClock
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.stores import a_migrated_url, on_both

INCIDENTS, CONTACTS = 4, 3
OVERSEER, OFFICE = "manager", "coordinator"


@pytest.fixture(scope="module")
def tocsin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tocsin]:
    """Four incidents with three contacts each: sixteen open tasks of one school."""
    made = seeded(tmp_path_factory.mktemp("many"))
    yield made
    made.stop()


def seeded(folder: Path, url: str = "") -> Tocsin:
    """An installation of the reference procedure."""
    made = product(folder, database=url)
    reference.install(made)
    fill(made, incidents=INCIDENTS, contacts=CONTACTS, say=lambda _: None)
    return made


def reading(tocsin: Tocsin, connection: Connection, who: str) -> Reader:
    """Somebody reads now."""
    principal = reference.principal(tocsin, who)
    return Reader(connection, tocsin.sealer, tocsin.services, principal, SystemClock().now())


def statements(connection: Connection, work: Callable[[], object]) -> int:
    """How many statements something takes."""
    seen: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", heard)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", heard)
    return len(seen)


def _destroyed(uow: UnitOfWork, *, key: str) -> None:
    uow.sealer.destroy(uow.connection, key)


@pytest.mark.parametrize("is_erased", [False, True])
def test_a_long_list_takes_as_many_statements_as_a_short_one(tocsin: Tocsin, is_erased: bool) -> None:
    if is_erased:
        with tocsin.read() as connection:
            keys = list(connection.execute(select(sql.subject_keys.c.subject)).scalars())
        for key in keys:
            tocsin.run(partial(_destroyed, key=key))

    def taken(limit: int) -> int:
        with tocsin.read() as connection:
            known = reading(tocsin, connection, OFFICE)
            inbox.listing(known, TaskFilter(state="open"), limit=1)  # what is looked up once for all is there
            tocsin.sealer.forget()
            return statements(connection, lambda: inbox.listing(known, TaskFilter(state="open"), limit=limit))

    assert taken(16) == taken(8)


def test_a_list_of_persons_is_opened_with_one_look_up_of_keys(tocsin: Tocsin) -> None:
    tocsin.sealer.forget()
    with tocsin.read() as connection:
        rows = connection.execute(select(sql.persons.c.id, sql.persons.c.sealed)).all()
        known = reading(tocsin, connection, OFFICE)
        sealed = {row.id: row.sealed for row in rows}
        assert len(sealed) >= INCIDENTS * CONTACTS
        assert statements(connection, lambda: names.opened(known, sealed)) == 1


@on_both
def test_an_overseer_finds_the_same_tasks_by_organisation_as_by_due_time(backend: str, tmp_path: Path) -> None:
    made = seeded(tmp_path, a_migrated_url(backend, tmp_path) if backend != "sqlite" else "")
    try:
        found: dict[int, list[list[str]]] = {}
        for wide in (0, 1_000):  # never through what is due, always through it
            with made.read() as connection:
                found[wide] = pages(replace(reading(made, connection, OVERSEER), wide=wide))
        assert found[0] == found[1_000]
        everything = [each for page in found[0] for each in page]
        assert len(everything) == len(set(everything)) == INCIDENTS * (CONTACTS + 1)
    finally:
        made.stop()


def pages(reader: Reader) -> list[list[str]]:
    """The ids of everything that is open, five a page."""
    shown: list[list[str]] = []
    cursor = ""
    while True:
        page = inbox.listing(reader, TaskFilter(state="open"), cursor=cursor, limit=5)
        shown.append([row.id for row in page.items])
        if not page.next:
            return shown
        cursor = page.next


def test_an_overseer_is_told_that_there_are_many_and_not_how_many(tocsin: Tocsin) -> None:
    with tocsin.read() as connection:
        known = reading(tocsin, connection, OVERSEER)
        assert inbox.counts(known)["all"] == INCIDENTS * (CONTACTS + 1)
        assert inbox.counts(known, most=7)["all"] == 7
