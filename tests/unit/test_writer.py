import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from service.domain.clock import SystemClock
from service.domain.errors import CommitLost, WriterStopped
from service.persistence.chain import verify
from service.persistence.database import open_database
from service.persistence.sealing import Sealer, new_master_key
from service.persistence.tables import EventRow, Membership, table_of
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.writer import GROUP
from tests.stores import START, Store, a_migrated_url, a_store, count_commits, execute, on_both, submitted_together

ROOT = Path(__file__).resolve().parents[2]
EVENTS = table_of(EventRow)
KILLS = {"sqlite": 10, "postgres": 4}


def note(stream: str = "i1", number: int = 0) -> Callable[[UnitOfWork], int]:
    return lambda uow: uow.append(stream, [NewEvent("noted", START, {"number": number})])[0].seq


def refuse(uow: UnitOfWork) -> None:
    uow.append("i1", [NewEvent("noted", START, {"number": -1})])
    raise LookupError("refused")


def break_commit(uow: UnitOfWork) -> None:
    """Leave a fault that only the COMMIT finds."""
    if uow.connection.dialect.name == "sqlite":
        uow.connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        uow.connection.execute(insert(table_of(Membership)).values(account_id="x", organisation_id="x", role="x"))
    else:
        uow.connection.exec_driver_sql("CREATE TABLE twice (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        uow.connection.exec_driver_sql("INSERT INTO twice VALUES (1), (1)")


def numbers(store: Store) -> list[int]:
    with store.database.read() as connection:
        rows = connection.execute(select(EVENTS.c.data).order_by(EVENTS.c.stream, EVENTS.c.seq))
        return [row.data["number"] for row in rows]


def held(store: Store, *handlers: Callable[[UnitOfWork], Any]) -> list["Future[Any]"]:
    """Submit handlers while the writer is busy, so that they share one group."""
    return submitted_together(store.runner.submit, *handlers)


@on_both
def test_an_answer_is_given_after_the_commit(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        for number in range(5):
            assert store.runner.run(note(number=number)) == number + 1
            assert numbers(store) == list(range(number + 1))


@on_both
def test_a_refused_command_does_not_harm_the_others_of_its_group(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        good, bad, last = held(store, note(number=1), refuse, note("i2", number=2))
        with pytest.raises(LookupError, match="refused"):
            bad.result(10)
        assert (good.result(10), last.result(10)) == (1, 1)
        assert numbers(store) == [1, 2]
        with store.database.read() as connection:
            assert verify(connection).ok


@on_both
def test_a_lost_commit_fails_every_command_of_it_and_tells_the_caches(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        lost: list[str] = []
        store.runner.on_lost(lambda: lost.append("lost"))

        def remembering(uow: UnitOfWork) -> None:
            uow.after_loss(lambda: lost.append("mine"))
            uow.after_commit(lambda: lost.append("never"))
            uow.append("i1", [NewEvent("noted", START, {"number": 7}, sealed={"p1": {"name": "学生甲"}})])
            break_commit(uow)

        with pytest.raises(CommitLost) as caught:
            store.runner.run(remembering)
        assert caught.value.__cause__ is not None
        assert lost == ["mine", "lost"]
        assert store.runner.run(note(number=8)) == 1
        assert numbers(store) == [8]


def test_on_sqlite_a_lost_commit_fails_the_whole_group(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        answers = held(store, note(number=1), break_commit, note(number=2))
        for answer in answers:
            with pytest.raises(CommitLost):
                answer.result(10)
        assert store.runner.run(note(number=3)) == 1
        assert numbers(store) == [3]


def test_on_sqlite_a_transaction_the_database_gave_up_is_lost_and_the_next_one_works(tmp_path: Path) -> None:
    def give_up(uow: UnitOfWork) -> None:
        uow.connection.execute(text("INSERT INTO bomb VALUES (1)"))

    with a_store("sqlite", tmp_path) as store:
        execute(
            store,
            "CREATE TABLE bomb (a int)",
            "CREATE TRIGGER boom BEFORE INSERT ON bomb BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END",
        )
        before, bomb, after = held(store, note(number=1), give_up, note(number=2))
        for answer in (before, after):
            with pytest.raises(CommitLost):
                answer.result(10)
        with pytest.raises(Exception, match="disk full"):
            bomb.result(10)
        assert store.runner.run(note(number=3)) == 1
        assert numbers(store) == [3]


def test_on_sqlite_waiting_commands_share_a_commit(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        commits = count_commits(store.database)
        answers = held(store, *[note(number=number) for number in range(2 * GROUP)])
        assert [answer.result(10) for answer in answers] == list(range(1, 2 * GROUP + 1))
        assert len(commits) == 3
        assert numbers(store) == list(range(2 * GROUP))


@on_both
def test_hooks_run_after_the_commit_or_after_the_loss(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        heard: list[object] = []

        def good(uow: UnitOfWork) -> None:
            uow.append("i1", [NewEvent("noted", START, {"number": 1})])
            uow.after_commit(lambda: heard.append(numbers(store)))
            uow.after_loss(lambda: heard.append("loss"))

        def bad(uow: UnitOfWork) -> None:
            uow.after_commit(lambda: heard.append("commit"))
            uow.after_loss(lambda: heard.append("loss"))
            raise LookupError

        store.runner.run(good)
        assert heard == [[1]]
        with pytest.raises(LookupError):
            store.runner.run(bad)
        assert heard == [[1], "loss"]


@on_both
def test_a_failing_hook_does_not_take_the_answer_away(backend: str, tmp_path: Path) -> None:
    def handler(uow: UnitOfWork) -> str:
        uow.after_commit(lambda: [][1])
        return "stored"

    with a_store(backend, tmp_path) as store:
        assert store.runner.run(handler) == "stored"


@on_both
def test_stopping_finishes_what_is_queued_and_takes_no_more(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        answers = [store.runner.submit(note(f"i{number}")) for number in range(100)]
        store.runner.stop()
        assert {answer.result(0) for answer in answers} == {1}
        with pytest.raises(WriterStopped):
            store.runner.submit(note())


def test_a_handler_that_would_wait_for_its_own_writer_is_told(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store, pytest.raises(RuntimeError, match="cannot wait"):
        store.runner.run(lambda _: store.runner.run(note()))


@on_both
def test_many_threads_lose_nothing_and_number_without_gaps(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        threads = [threading.Thread(target=lambda: [store.runner.run(note()) for _ in range(25)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.database.read() as connection:
            report = verify(connection)
        assert (report.ok, report.events) == (True, 150)


@on_both
def test_a_killed_writer_never_loses_an_answered_command(backend: str, tmp_path: Path) -> None:
    url, key = a_migrated_url(backend, tmp_path), new_master_key()
    answered: dict[str, int] = {}
    dice = random.Random(20260302)  # noqa: S311 - moments to kill at, not secrets
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.writer_process", url, key],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(KILLS[backend]):
            print("start", file=process.stdin, flush=True)
            writer = int(process.stdout.readline())
            for _ in range(dice.randint(1, 60)):
                remember(answered, process.stdout.readline())
            time.sleep(dice.random() / 100)
            os.kill(writer, signal.SIGKILL)
            while (line := process.stdout.readline()) and not line.endswith("killed\n"):
                remember(answered, line)
        process.stdin.close()
    check_after_crash(url, key, answered)


def remember(answered: dict[str, int], line: str) -> None:
    stream, seq = line.split()
    answered[stream] = max(answered.get(stream, 0), int(seq))


def check_after_crash(url: str, key: str, answered: dict[str, int]) -> None:
    clock = SystemClock()
    database = open_database(url, clock)
    sealer = Sealer(key, clock)
    with database.read() as connection:
        assert verify(connection).ok
        rows = connection.execute(select(EVENTS.c.stream, EVENTS.c.seq, EVENTS.c.data, EVENTS.c.sealed)).all()
        stored = {(row.stream, row.seq) for row in rows}
        assert all((stream, seq) in stored for stream, last in answered.items() for seq in range(1, last + 1))
        assert len({row.data["command"] for row in rows}) == len(rows)
        assert all(sealer.open_all(connection, row.sealed) for row in rows)
    database.close()
