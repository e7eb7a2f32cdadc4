"""Two processes on one PostgreSQL complete the same task at once: one wins, the other is told who and when (R6)."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.persistence.chain import verify
from service.persistence.tables import sql
from service.settings import ROOT
from tests.contract.product import Product, product
from tests.stores import a_migrated_url

# Tasks that ask nothing, in the order in which they open, who does them, and his name.
STEPS = (
    ("t_remind_protection", "teacher", "教师乙"),
    ("t_office_accept", "coordinator", "办公室丙"),
    ("t_isolation_room", "nurse", "校医丁"),
)


class Node:
    """A process that completes tasks."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout

    def tell(self, task: str, who: str) -> None:
        """Say what to complete; it begins at once."""
        print(task, who, file=self._input, flush=True)

    def answer(self) -> dict[str, Any]:
        """What came of it."""
        found: dict[str, Any] = json.loads(self._output.readline())
        return found


@contextmanager
def racers(arguments: Sequence[str], count: int = 2) -> Iterator[list[Node]]:
    """Processes that are ready."""
    with ExitStack() as stack:
        nodes = []
        for _ in range(count):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.contract.race_process", *arguments],
                    cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            nodes.append(Node(process))
        for node in nodes:
            assert node.answer()["ready"]
        yield nodes


def test_a_hundred_races_for_a_task_have_one_winner_each(tmp_path: Path) -> None:
    race(tmp_path, 100)


@pytest.mark.soak
def test_a_thousand_races_for_a_task_have_one_winner_each(tmp_path: Path) -> None:
    race(tmp_path, 1000)


def race(folder: Path, count: int) -> None:
    url = a_migrated_url("postgres", folder)
    with product(folder, url=url) as world, racers([str(folder), url, world.clock.now().isoformat()]) as nodes:
        run, won = 0, [0, 0]
        incidents: list[str] = []
        while run < count:
            incident = world.opened()
            incidents.append(incident)
            for element, who, name in STEPS:
                task = task_of(world, incident, element)
                for node in nodes:
                    node.tell(task, who)
                answers = [node.answer() for node in nodes]
                assert sorted(each["status"] for each in answers) == [200, 409], answers
                winner = [each["status"] for each in answers].index(200)
                loser = answers[1 - winner]
                assert loser["code"] == "task_not_open"
                assert f"{name}，2026-03-09 10:20" in loser["detail"]
                won[winner] += 1
                run += 1
        assert all(won), "one of them was never the first: that was no race"
        check(world, incidents)


def task_of(world: Product, incident: str, element: str) -> str:
    """The task of an incident at an element."""
    table = sql.tasks
    statement = select(table.c.id).where(table.c.incident_id == incident, table.c.element == element)
    with world.tocsin.read() as connection:
        return str(connection.execute(statement).scalar_one())


def check(world: Product, incidents: list[str]) -> None:
    """Nothing was done twice, and the log is whole."""
    log = sql.events
    with world.tocsin.read() as connection:
        statement = select(log.c.data).where(log.c.type == "task_completed", log.c.stream.in_(incidents))
        done = [row.data["task"] for row in connection.execute(statement)]
        assert len(done) == len(set(done))
        assert verify(connection).ok
