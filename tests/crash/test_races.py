"""Two people complete the same task at the same moment: one wins, the other hears who it was and when (R6)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from service.application import accounts
from service.bench import dispatch, reference
from service.bench.seeding import seats, seed
from service.bench.serving import PRODUCT, product, served
from service.demo.people import PASSWORD
from service.persistence.chain import verify
from service.persistence.tables import sql
from tests.crash.people import Person
from tests.stores import an_empty_url, on_both

RIVALS = {"coordinator": "办公室丙", "deputy": "办公室副丙"}


@on_both
def test_a_hundred_races_have_one_winner_each(backend: str, tmp_path: Path) -> None:
    race(tmp_path, backend, times=100)


@pytest.mark.soak
@on_both
def test_a_thousand_races_have_one_winner_each(backend: str, tmp_path: Path) -> None:
    race(tmp_path, backend, times=1000)


def race(folder: Path, backend: str, *, times: int) -> None:
    """Race so often for the next task; on PostgreSQL each of the two asks another node."""
    url = "" if backend == "sqlite" else an_empty_url(backend, folder)
    won: dict[str, int] = dict.fromkeys(RIVALS, 0)
    with rivals(folder, url, nodes=1 if backend == "sqlite" else 2) as people, ThreadPoolExecutor(2) as pool:
        start = Barrier(2)
        for _ in range(times):
            task = people["coordinator"].task
            answers = dict(zip(people, pool.map(lambda each: at_once(each, start), people.values()), strict=True))
            winner, opened = judged(answers)
            won[winner] += 1
            for person in people.values():
                person.task = opened
            assert opened != task
    assert all(won.values()), "one of them was never the first: that was no race"
    check_log(folder, url, times)


def check_log(folder: Path, url: str, times: int) -> None:
    """Each task was done once, and the log is whole."""
    tocsin = product(folder, database=url)
    with tocsin.read() as connection:
        done = select(sql.events.c.data).where(sql.events.c.type == "task_completed")
        tasks = [row.data["task"] for row in connection.execute(done)]
        assert verify(connection).ok
    tocsin.stop()
    assert len(tasks) == len(set(tasks)) >= times


def at_once(person: Person, start: Barrier) -> tuple[int, Any]:
    """Complete the task together with the other."""
    start.wait(timeout=30)
    return person.ask("POST", f"/tasks/{person.task}/complete", {"data": reference.ANSWER})


def judged(answers: dict[str, tuple[int, Any]]) -> tuple[str, str]:
    """Who won, and the task that opened; the other was told the winner's name and the time."""
    (winner, done), (_, refused) = sorted(answers.items(), key=lambda item: item[1][0])
    assert [done[0], refused[0]] == [200, 409], answers
    assert refused[1]["code"] == "task_not_open", refused
    detail = refused[1]["detail"].removeprefix("任务已结束：").removesuffix("。")
    who, _, when = detail.partition("，")
    assert who == RIVALS[winner]
    assert len(when) == len("2026-03-02 08:10:00")
    (opened,) = done[1]["opened"]
    return winner, opened


@contextmanager
def rivals(folder: Path, url: str, *, nodes: int) -> Iterator[dict[str, Person]]:
    """Two of the office who see the same task, spread over the nodes."""
    (incident,) = seed(folder, incidents=1, contacts=0, say=print, database=url)
    _add_deputy(folder, url)
    with ExitStack() as stack:
        servers = [stack.enter_context(served(PRODUCT, folder, url)) for _ in range(nodes)]
        school = stack.enter_context(dispatch.School(servers[0].port, RIVALS))
        task = seats(folder, [incident], "", database=url).office[0].task
        yield {
            name: Person(servers[number % nodes].port, school.tokens[name], incident, task)
            for number, name in enumerate(RIVALS)
        }


def _add_deputy(folder: Path, url: str) -> None:
    tocsin = product(folder, database=url)
    password = accounts.hash_any_password(PASSWORD)
    deputy = accounts.NewAccount("deputy", RIVALS["deputy"], password, [(reference.SCHOOL, "epi_office")])
    tocsin.run(lambda uow: accounts.create_account(uow, deputy))
    tocsin.stop()
