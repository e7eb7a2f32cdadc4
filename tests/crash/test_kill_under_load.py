"""`kill -9` before a commit, after it, between two and at random, while people work (R1 of the bars).

No answer that was given is lost, nothing is done twice, no process is stuck, and it serves again within five seconds.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import select

from service.application.projections import rebuild
from service.bench import dispatch, reference
from service.bench.seeding import seats, seed
from service.bench.serving import PRODUCT, free_port, product, served
from service.bootstrap import Tocsin
from service.persistence.chain import verify
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.settings import ROOT
from tests.crash import fault_points
from tests.crash.people import Person, until_it_serves
from tests.paths.proving import tables_of_incident

PEOPLE = 6
BACK_SECONDS = 5.0
MOST_COMMITS = 12  # a server passes a point at most so often before it dies
MOST_MILLISECONDS = 300


def test_thirty_two_kills_under_load_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kill(tmp_path, times=8)


@pytest.mark.soak
def test_a_thousand_kills_under_load_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    assert max(kill(tmp_path, times=250)) <= BACK_SECONDS


@pytest.mark.soak
def test_a_killed_server_that_starts_from_nothing_serves_again_within_five_seconds(tmp_path: Path) -> None:
    """Processor time, which does not depend on what else the machine does."""
    seed(tmp_path, incidents=PEOPLE, contacts=2, say=print)
    for _ in range(3):
        with served(PRODUCT, tmp_path) as server:
            until_it_serves(server.port)
            assert (server.cpu_seconds() or 0) <= BACK_SECONDS
            os.kill(server.pid, signal.SIGKILL)


def kill(folder: Path, *, times: int) -> list[float]:
    """Kill a server so often at each point while people work, and check what it left behind.

    Returns the seconds after each death until it served again.
    """
    incidents = seed(folder, incidents=PEOPLE, contacts=2, say=print)
    people = signed_in(folder, incidents)
    dice = random.Random(20260302)  # noqa: S311 - moments to kill at, not secrets
    points = [point for point in fault_points.ALL for _ in range(times)]
    dice.shuffle(points)
    waited = []
    with lives(folder, people[0].port) as (commands, said), ThreadPoolExecutor(PEOPLE) as pool:
        for point in points:
            most = MOST_MILLISECONDS if point == fault_points.RANDOM else MOST_COMMITS
            print(f"{point} {dice.randint(1, most)}", file=commands, flush=True)
            assert said.readline() == "serving\n"
            waited.append(until_it_serves(people[0].port))
            list(pool.map(Person.work, people))
            assert said.readline() == "killed\n"
    check(folder, people)
    return waited


@contextmanager
def lives(folder: Path, port: int) -> Iterator[tuple[IO[str], IO[str]]]:
    """What starts a server per line, and what it says."""
    command = [sys.executable, "-m", "tests.crash.killed_server", str(folder), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
        finally:
            process.stdin.close()
            process.terminate()


def signed_in(folder: Path, incidents: list[str]) -> list[Person]:
    """One of the office for each incident, with the task that is open."""
    with served(PRODUCT, folder) as server, dispatch.School(server.port, ["coordinator"]) as school:
        token = school.tokens["coordinator"]
    port = free_port()
    office = seats(folder, incidents, token).office
    return [Person(port, token, incident, seat.task) for incident, seat in zip(incidents, office, strict=True)]


def check(folder: Path, people: list[Person]) -> None:
    """What the files say, against what people were told."""
    tocsin = product(folder)
    try:
        accepted = [task for person in people for task in person.accepted]
        uncertain = {task for person in people for task in person.uncertain}
        assert len(accepted) > PEOPLE, "the server was killed before it could do anything"
        assert len(accepted) == len(set(accepted)), "a task was accepted twice"
        completed = completions(tocsin)
        assert set(completed.values()) == {1}, "a task was completed twice"
        assert set(accepted) <= set(completed), "an accepted answer is lost"
        opening = {task for task in completed if task not in accepted and task not in uncertain}
        assert len(opening) == len(people), "something was completed that nobody asked for"
        for person in people:
            check_incident(tocsin, person.incident)
        with tocsin.read() as connection:
            assert verify(connection).ok
    finally:
        tocsin.stop()


def completions(tocsin: Tocsin) -> Counter[str]:
    """How often each task was completed, by the log."""
    with tocsin.read() as connection:
        rows = connection.execute(select(sql.events.c.data).where(sql.events.c.type == "task_completed"))
        return Counter(row.data["task"] for row in rows)


def check_incident(tocsin: Tocsin, incident: str) -> None:
    """It waits where it must, each answer is recorded once, its tables follow from its log, and it goes on."""
    with tocsin.read() as connection:
        open_now = reference.open_tasks(connection, [incident])[incident]
        records = select(sql.records.c.task_id).where(sql.records.c.incident_id == incident)
        recorded = Counter(connection.execute(records).scalars())
        assert not connection.execute(select(sql.engine_incidents)).all()
    offices = [task for element, tasks in open_now.items() if element != reference.WATCH for task in tasks]
    assert (len(offices), len(open_now[reference.WATCH])) == (1, 2)
    assert set(recorded.values()) == {1}

    def both(uow: UnitOfWork) -> tuple[object, object]:
        before = tables_of_incident(uow.connection, incident)
        rebuild(uow, incident)
        return before, tables_of_incident(uow.connection, incident)

    before, after = tocsin.run(both)
    assert before == after
