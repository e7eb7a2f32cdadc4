"""A copied incident is like one that was opened: its chain holds, its tables follow from its log, it goes on."""

from functools import partial
from pathlib import Path

import pytest

from service.application import tasks
from service.application.projections import rebuild
from service.bench import reference
from service.bench.seeding import fill
from service.bench.serving import product
from service.bootstrap import Tocsin
from service.domain import commands as cmd
from service.persistence.chain import verify
from service.persistence.unit_of_work import UnitOfWork
from tests.paths.proving import tables_of_incident

CONTACTS = 2


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tocsin, list[str]]:
    """An installation with one real incident and three copies of it."""
    folder: Path = tmp_path_factory.mktemp("clones")
    tocsin = product(folder)
    reference.install(tocsin)
    return tocsin, fill(tocsin, incidents=4, contacts=CONTACTS, say=print)


def test_the_chains_of_copies_verify(seeded: tuple[Tocsin, list[str]]) -> None:
    tocsin, ids = seeded
    assert len(set(ids)) == 4
    with tocsin.read() as connection:
        assert verify(connection).ok


def test_the_tables_of_a_copy_follow_from_its_log(seeded: tuple[Tocsin, list[str]]) -> None:
    tocsin, ids = seeded

    def both(uow: UnitOfWork) -> tuple[object, object]:
        before = tables_of_incident(uow.connection, ids[2])
        rebuild(uow, ids[2])
        return before, tables_of_incident(uow.connection, ids[2])

    before, after = tocsin.run(both)
    assert before == after


def test_a_copy_has_as_many_rows_as_the_incident_it_was_made_of(seeded: tuple[Tocsin, list[str]]) -> None:
    tocsin, ids = seeded
    with tocsin.read() as connection:
        first, copy = (tables_of_incident(connection, ids[number]) for number in (0, 1))
    assert {name: len(rows) for name, rows in first.items()} == {name: len(rows) for name, rows in copy.items()}


@pytest.mark.parametrize("element", [reference.CALL, reference.WATCH])
def test_tasks_of_a_copy_are_answered_like_any_other(seeded: tuple[Tocsin, list[str]], element: str) -> None:
    tocsin, ids = seeded
    with tocsin.read() as connection:
        task = reference.open_tasks(connection, ids)[ids[3]][element][0]
    command = cmd.CompleteTask(task, reference.ANSWER)
    office = reference.principal(tocsin, "coordinator")
    outcome = tocsin.run(partial(tasks.complete, services=tocsin.services, principal=office, command=command))
    assert outcome.closed == (task,)
    assert len(outcome.opened) == 1
