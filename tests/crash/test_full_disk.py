"""The disk is full: writers are told so, readers are served, nothing is half-written, it recovers by itself (R7)."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from service.application import tasks
from service.application.projections import rebuild
from service.bench import dispatch, reference
from service.bench.seeding import seats, seed
from service.bench.serving import PRODUCT, Server, product, served
from service.bootstrap import Tocsin
from service.domain import commands as cmd
from service.domain.errors import DiskFull
from service.persistence.chain import verify
from service.persistence.unit_of_work import UnitOfWork
from tests.crash.people import Person
from tests.paths.proving import tables_of_incident

UNLIMITED = 2**30  # pages
ENOUGH = 400  # answers that fill whatever room was left


@dataclass
class Disk:
    """How many pages the database of a product may have."""

    pages: int = UNLIMITED

    def limit(self, raw: Any, *_: object) -> None:
        """SQLite takes a limit below what is there as `no page more`."""
        raw.execute(f"PRAGMA max_page_count = {self.pages}")


@contextmanager
def on_a_disk(folder: Path) -> Iterator[tuple[Tocsin, Disk]]:
    """A product whose disk can be full."""
    tocsin, disk = product(folder), Disk()
    reference.install(tocsin)
    event.listen(tocsin.database.writing.pool, "checkout", disk.limit)
    yield tocsin, disk
    tocsin.stop()


def answer(tocsin: Tocsin, incident: str) -> None:
    """Complete the open task of an incident."""
    with tocsin.read() as connection:
        (task,) = (ids[0] for ids in reference.open_tasks(connection, [incident])[incident].values())
    office = reference.principal(tocsin, "coordinator")
    command = cmd.CompleteTask(task, reference.ANSWER)
    tocsin.run(partial(tasks.complete, services=tocsin.services, principal=office, command=command))


def answers_until_full(tocsin: Tocsin, incident: str) -> int:
    """Answer until the disk is full; how many were taken."""
    for number in range(ENOUGH):
        try:
            answer(tocsin, incident)
        except DiskFull:
            return number
    return ENOUGH


def assert_whole(tocsin: Tocsin, incident: str) -> None:
    """The chain holds, and the tables follow from the log."""

    def both(uow: UnitOfWork) -> tuple[object, object]:
        before = tables_of_incident(uow.connection, incident)
        rebuild(uow, incident)
        return before, tables_of_incident(uow.connection, incident)

    before, after = tocsin.run(both)
    assert before == after
    with tocsin.read() as connection:
        assert verify(connection).ok


def test_a_full_disk_has_a_name_and_the_next_answer_goes_through_when_there_is_room(tmp_path: Path) -> None:
    with on_a_disk(tmp_path) as (tocsin, disk):
        incident = reference.open_incident(tocsin, contacts=0)
        disk.pages = 1
        assert answers_until_full(tocsin, incident) < ENOUGH
        with pytest.raises(DiskFull):  # and again
            answer(tocsin, incident)
        with tocsin.read() as connection:
            assert verify(connection).ok
            assert reference.open_tasks(connection, [incident])[incident]
        disk.pages = UNLIMITED
        answer(tocsin, incident)
        assert_whole(tocsin, incident)


def test_everybody_of_a_group_is_told_and_nothing_of_the_group_is_stored(tmp_path: Path) -> None:
    with on_a_disk(tmp_path) as (tocsin, disk):
        incidents = [reference.open_incident(tocsin, contacts=0) for _ in range(8)]
        disk.pages = 1
        answers_until_full(tocsin, incidents[0])

        def refused(incident: str) -> bool:
            try:
                answer(tocsin, incident)
            except DiskFull:
                return True
            return False

        with ThreadPoolExecutor(len(incidents)) as pool:
            assert all(pool.map(refused, incidents))
        disk.pages = UNLIMITED
        for incident in incidents:
            answer(tocsin, incident)
            assert_whole(tocsin, incident)


def test_background_work_waits_for_room_and_loses_nothing(tmp_path: Path) -> None:
    with on_a_disk(tmp_path) as (tocsin, disk):
        incident = reference.open_incident(tocsin, contacts=0)
        disk.pages = 1
        answers_until_full(tocsin, incident)
        tocsin.worker.tick()  # whatever it meets, it goes on
        disk.pages = UNLIMITED
        answer(tocsin, incident)
        assert_whole(tocsin, incident)


def test_a_file_that_cannot_grow_answers_503_to_writers_and_serves_readers(tmp_path: Path) -> None:
    (incident,) = seed(tmp_path, incidents=1, contacts=0, say=print)
    with served(PRODUCT, tmp_path) as server, dispatch.School(server.port, ["coordinator"]) as school:
        token = school.tokens["coordinator"]
        person = Person(server.port, token, incident, seats(tmp_path, [incident], token).office[0].task)
        _files_grow_to(server, 4096)
        refused = [person.ask("POST", f"/tasks/{person.task}/complete", {"data": reference.ANSWER}) for _ in range(3)]
        assert {status for status, _ in refused} == {503}
        assert {body["code"] for _, body in refused} <= {"disk_full", "commit_lost"}
        assert person.open_task() == person.task
        _files_grow_to(server, resource.RLIM_INFINITY)
        status, body = person.ask("POST", f"/tasks/{person.task}/complete", {"data": reference.ANSWER})
        assert (status, len(body["opened"])) == (200, 1), body
    tocsin = product(tmp_path)
    assert_whole(tocsin, incident)
    tocsin.stop()


def _files_grow_to(server: Server, size: int) -> None:
    """The largest file the server may write from now on; beyond it a write fails, as on a disk without room."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
