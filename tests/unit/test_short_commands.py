"""Short commands on PostgreSQL share a transaction; another node, a refusal or a failure never harms the others."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from service.domain.errors import CommitLost, DatabaseAway, OutcomeUnknown, WriterStopped
from service.persistence import alarms
from service.persistence.chain import verify
from service.persistence.pending import read_head
from service.persistence.queue import INCIDENT
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from tests.stores import START, Store, a_store, count_commits, submitted_together

STREAMS = ("i1", "i2", "i3")
Handler = Callable[[UnitOfWork], Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with three streams of one event each."""
    with a_store("postgres", tmp_path) as made:
        for stream in STREAMS:
            made.runner.run(noted(stream, 0))
        yield made


def noted(stream: str, number: int) -> Handler:
    """Write one event as a step does: gathered, and written with the rest. Answers its number in the stream."""

    def work(uow: UnitOfWork) -> int:
        uow.gather(stream)
        sealed = {f"person-{stream}": {"name": f"学生{number}"}}
        seq = uow.append(stream, [NewEvent("noted", START, {"number": number}, sealed=sealed)])[0].seq
        uow.flush(stream)
        return seq

    return work


def refused(stream: str) -> Handler:
    """Write and then refuse."""

    def work(uow: UnitOfWork) -> None:
        noted(stream, -1)(uow)
        raise LookupError("refused")

    return work


def transaction(stream: str, number: int) -> Handler:
    """Write, and answer in which transaction."""

    def work(uow: UnitOfWork) -> str:
        noted(stream, number)(uow)
        return str(uow.connection.execute(text("SELECT pg_current_xact_id()")).scalar())

    return work


def together(store: Store, *handlers: Handler) -> "list[Future[Any]]":
    """Submit handlers while the thread is busy, so that they wait for one another; two commits if they share one."""
    return submitted_together(store.runner.submit_short, *handlers)


def numbers(store: Store, stream: str) -> list[int]:
    with store.database.read() as connection:
        assert verify(connection).ok
        rows = connection.execute(
            select(sql.events.c.data).where(sql.events.c.stream == stream).order_by(sql.events.c.seq)
        )
        return [row.data["number"] for row in rows]


def test_what_waits_shares_a_transaction(store: Store) -> None:
    answers = together(store, transaction("i1", 1), transaction("i2", 1), transaction("i1", 2))
    assert len({each.result(10) for each in answers}) == 1
    assert (numbers(store, "i1"), numbers(store, "i2")) == ([0, 1, 2], [0, 1])


def test_one_that_is_refused_leaves_nothing_and_harms_nobody(store: Store) -> None:
    commits = count_commits(store.database)
    first, bad, last, other = together(store, noted("i1", 1), refused("i1"), noted("i1", 2), noted("i2", 1))
    with pytest.raises(LookupError):
        bad.result(10)
    assert [each.result(10) for each in (first, last, other)] == [2, 3, 2]
    assert len(commits) == 2, "the others were run one by one"
    assert (numbers(store, "i1"), numbers(store, "i2")) == ([0, 1, 2], [0, 1])


def test_one_whose_stream_another_node_holds_waits_for_itself_alone(store: Store) -> None:
    with store.database.writing.begin() as other_node:
        read_head(other_node, "i2", for_update=True)
        commits = count_commits(store.database)
        before, held, after = together(store, noted("i1", 1), noted("i2", 1), noted("i3", 1))
        assert (before.result(10), after.result(10)) == (2, 2)
        assert not held.done()
        assert len(commits) == 2, "the others were run one by one"
    assert held.result(10) == 2
    assert numbers(store, "i2") == [0, 1]


def test_one_that_must_be_alone_waits_for_itself_alone(store: Store) -> None:
    def alone(uow: UnitOfWork) -> int:
        uow.alone("school")
        return int(noted("i2", 1)(uow))

    with store.database.writing.begin() as other_node:
        other_node.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('school', 0))"))
        before, held, after = together(store, noted("i1", 1), alone, noted("i3", 1))
        assert (before.result(10), after.result(10)) == (2, 2)
        assert not held.done()
    assert held.result(10) == 2


def test_one_of_a_new_stream_makes_it(store: Store) -> None:
    assert [each.result(10) for each in together(store, noted("i1", 1), noted("new", 1))] == [2, 1]
    assert numbers(store, "new") == [1]


def test_a_statement_that_fails_is_told_to_who_made_it(store: Store) -> None:
    def broken(uow: UnitOfWork) -> None:
        noted("i2", 1)(uow)
        uow.connection.execute(text("SELECT 1 / 0"))

    good, bad, last = together(store, noted("i1", 1), broken, noted("i3", 1))
    assert (good.result(10), last.result(10)) == (2, 2)
    assert "division by zero" in str(bad.exception(10))
    assert [numbers(store, stream) for stream in STREAMS] == [[0, 1], [0], [0, 1]]


def test_a_connection_that_ends_is_told_to_who_ended_it(store: Store) -> None:
    def ends_it(uow: UnitOfWork) -> None:
        uow.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    good, bad, last = together(store, noted("i1", 1), ends_it, noted("i3", 1))
    assert (good.result(10), last.result(10)) == (2, 2)
    assert isinstance(bad.exception(10), DatabaseAway)
    assert [numbers(store, stream) for stream in STREAMS] == [[0, 1], [0], [0, 1]]


def test_a_lost_commit_is_told_to_all_and_repeats_nothing(store: Store) -> None:
    lost: list[str] = []
    store.runner.on_lost(lambda: lost.append("lost"))

    def breaks_the_commit(uow: UnitOfWork) -> None:
        uow.after_loss(lambda: lost.append("mine"))
        uow.connection.exec_driver_sql("CREATE TABLE twice (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        uow.connection.exec_driver_sql("INSERT INTO twice VALUES (1), (1)")

    for each in together(store, noted("i1", 1), breaks_the_commit):
        assert isinstance(each.exception(10), CommitLost)
    assert lost == ["mine", "lost"]
    assert numbers(store, "i1") == [0]
    assert store.runner.submit_short(noted("i1", 2)).result(10) == 2


def test_a_server_that_dies_in_the_commit_leaves_the_outcome_unknown(store: Store) -> None:
    def dies_in_the_commit(uow: UnitOfWork) -> None:
        uow.connection.exec_driver_sql(
            "CREATE FUNCTION ending() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        uow.connection.exec_driver_sql("CREATE TABLE dying (a int)")
        uow.connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON dying DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION ending()"
        )
        uow.connection.exec_driver_sql("INSERT INTO dying VALUES (1)")

    for each in together(store, noted("i1", 1), dies_in_the_commit):
        assert isinstance(each.exception(10), OutcomeUnknown)
    assert store.runner.submit_short(noted("i2", 1)).result(10) == 2


def test_what_they_ask_to_be_woken_for_is_asked_with_them(store: Store) -> None:
    def waking(uow: UnitOfWork) -> None:
        noted("i1", 1)(uow)
        uow.wake(INCIDENT, "i1", uow.now + timedelta(seconds=5))

    for each in together(store, waking, refused("i2")):
        each.exception(10)
    jobs = select(func.count()).select_from(alarms.JOBS).where(alarms.JOBS.c.lock == alarms.lock_of(INCIDENT, "i1"))
    with store.database.writing.connect() as connection:
        assert connection.execute(jobs).scalar_one() == 1


def test_nothing_is_taken_after_the_end(store: Store) -> None:
    store.runner.stop()
    with pytest.raises(WriterStopped):
        store.runner.submit_short(noted("i1", 1))
