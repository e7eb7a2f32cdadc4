"""`kill -9` at random moments while SC01 runs: nothing accepted is lost, nothing is done twice, nothing is stuck."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.persistence import tables as t
from service.persistence.chain import verify
from service.persistence.tables import sql
from service.settings import ROOT
from tests.paths.killed_process import START, Restarted
from tests.paths.player import Player
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.world import World

LONGEST = 0.4  # seconds from an answer to the kill: longer than a command takes
LIST_FORMS = {"F14"}  # one record per row of the list


def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    crash(tmp_path, kills=50, most_answers=2)


@pytest.mark.soak
def test_a_thousand_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    crash(tmp_path, kills=1000, most_answers=8)


def crash(folder: Path, *, kills: int, most_answers: int) -> None:
    """Kill the player that many times, each time some milliseconds after some answers, and check the files."""
    Player(folder, START).close()
    accepted: list[str] = []
    dice = random.Random(20260302)  # noqa: S311 - moments to kill at, not secrets
    with subprocess.Popen(
        [sys.executable, "-m", "tests.paths.killed_process", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(kills):
            print("start", file=process.stdin, flush=True)
            player = int(process.stdout.readline())
            for _ in range(dice.randint(0, most_answers)):
                accepted.append(answer(process.stdout.readline()))
            time.sleep(dice.random() * LONGEST)
            os.kill(player, signal.SIGKILL)
            while (line := process.stdout.readline()) and line != "killed\n":
                accepted.append(answer(line))
        process.stdin.close()
    assert len(accepted) > kills / 2, "the player was killed before it could do anything"
    check(folder, accepted)


def answer(line: str) -> str:
    """What the player said was accepted; a failure of its own ends the test."""
    assert line.startswith(("opened ", "done ")), line
    return line.strip()


def check(folder: Path, accepted: list[str]) -> None:
    world = Restarted(folder, START)
    world.resume()
    while world.incident and world.play():  # the scenario can be finished
        pass
    incidents = all_incidents(world)
    assert {line.removeprefix("opened ") for line in accepted if line.startswith("opened ")} <= set(incidents)
    done = [line.removeprefix("done ") for line in accepted if line.startswith("done ")]
    assert len(done) == len(set(done)), "a task was accepted twice"
    for incident in incidents:
        world.incident = incident
        check_incident(world)
    completed = {row["data"]["task"] for row in all_events(world, "task_completed")}
    assert set(done) <= completed, "an accepted answer is lost"
    check_outbox(world, folder)
    with world.app.read() as connection:
        assert verify(connection).ok
    world.close()


def check_incident(world: World) -> None:
    """It ended, nothing in it happened twice, and its read tables follow from its log."""
    assert world.row()["result"] == "excluded_closed"
    unfinished = [row for row in world.rows(t.Instance) if row["status"] != "completed"]
    # A progress report (16:00) that is being drafted when the incident is closed is given up.
    assert {(row["status"], row["inputs"].get("report_kind")) for row in unfinished} <= {("cancelled", "progress")}
    assert not world.rows(t.EngineIncident)
    assert [row["kind"] for row in world.rows(t.Person)].count("case") == 1
    completions = Counter(row["data"]["task"] for row in world.events("task_completed"))
    assert set(completions.values()) == {1}
    answered = Counter(row["task_id"] for row in world.rows(t.Record) if row["form"] not in LIST_FORMS)
    assert set(answered.values()) == {1}
    visits = Counter(row["data"]["visit"] for row in world.events("element_completed"))
    assert set(visits.values()) == {1}
    assert_rebuild_is_equal(world)


def check_outbox(world: World, folder: Path) -> None:
    """Each automatic delivery had its one effect outside, whenever its sender was killed."""
    with world.app.read() as connection:
        auto = select(sql.deliveries.c.id, sql.deliveries.c.state).where(sql.deliveries.c.channel == "auto")
        sent = {row.id: row.state for row in connection.execute(auto)}
    assert set(sent.values()) == {"acknowledged"}
    assert {path.stem for path in (folder / "outbox").glob("*.json")} == set(sent)


def all_incidents(world: World) -> list[str]:
    with world.app.read() as connection:
        return list(connection.execute(select(sql.incidents.c.id)).scalars())


def all_events(world: World, type_: str) -> list[dict[str, Any]]:
    with world.app.read() as connection:
        rows = connection.execute(select(sql.events).where(sql.events.c.type == type_))
        return [dict(row) for row in rows.mappings()]
