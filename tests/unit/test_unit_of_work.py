from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import StatementError

from service.persistence import queue
from service.persistence.chain import GENESIS, verify
from service.persistence.database import open_database
from service.persistence.runners import open_runner
from service.persistence.tables import DueRow, EventRow, StreamHead, table_of
from service.persistence.unit_of_work import NewEvent, StoredEvent, UnitOfWork
from tests.stores import START, Store, a_store, on_both

EVENTS = table_of(EventRow)
HEADS = table_of(StreamHead)
HOUR = timedelta(hours=1)


def an_event(number: int = 0) -> NewEvent:
    return NewEvent("noted", START, {"number": number, "text": "发热"}, actor="a1", element="t_x")


def append(store: Store, stream: str, *events: NewEvent) -> list[StoredEvent]:
    return store.runner.run(lambda uow: uow.append(stream, events))


@on_both
def test_events_are_numbered_without_gaps_and_chained(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        stored = [*append(store, "i1", an_event(1), an_event(2)), *append(store, "i1", an_event(3))]
        other = append(store, "i2", an_event(1))
        assert [each.seq for each in stored] == [1, 2, 3]
        assert [each.prev_hash for each in stored] == [GENESIS, stored[0].hash, stored[1].hash]
        assert other[0].seq == 1
        with store.database.read() as connection:
            rows = connection.execute(select(EVENTS).order_by(EVENTS.c.stream, EVENTS.c.seq)).mappings().all()
            assert [StoredEvent(**row) for row in rows] == [*stored, *other]
            assert verify(connection).events == 4


@on_both
def test_personal_values_stand_in_the_log_as_ciphertext(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        event = NewEvent(
            "form_answered", START, {"form": "F01"}, sealed={"p1": {"name": "学生甲", "temperature": 38.1}}
        )
        stored = append(store, "i1", event)[0]
        assert "学生甲" not in str(stored)
        with store.database.read() as connection:
            opened = store.sealer.open_all(connection, stored.sealed)
        assert opened == {"p1": {"name": "学生甲", "temperature": 38.1}}


@on_both
def test_a_head_moved_by_somebody_else_is_read_again(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store, a_store_on(store) as other:
        append(store, "i1", an_event(1))
        append(other, "i1", an_event(2))
        assert append(store, "i1", an_event(3))[0].seq == 3
        with store.database.read() as connection:
            assert verify(connection).ok


@on_both
def test_a_refused_command_leaves_no_trace_and_no_gap(backend: str, tmp_path: Path) -> None:
    def refused(uow: UnitOfWork) -> None:
        uow.append("i1", [NewEvent("noted", START, sealed={"p9": {"name": "学生乙"}})])
        raise LookupError

    with a_store(backend, tmp_path) as store:
        append(store, "i1", an_event(1))
        with pytest.raises(LookupError):
            store.runner.run(refused)
        # The key made for p9 was rolled back with the rest: a later one must be a stored one.
        later = append(store, "i1", NewEvent("noted", START, sealed={"p9": {"name": "学生乙"}}))[0]
        assert later.seq == 2
        with store.database.read() as connection:
            assert store.sealer.open_all(connection, later.sealed) == {"p9": {"name": "学生乙"}}
            assert verify(connection).events == 2


@on_both
def test_appending_nothing_touches_nothing(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        assert append(store, "i1") == []
        with store.database.read() as connection:
            assert connection.execute(select(HEADS)).all() == []


@on_both
def test_locking_a_stream_tells_its_last_number(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        assert store.runner.run(lambda uow: uow.lock("i1")) == 0
        append(store, "i1", an_event(1), an_event(2))
        assert store.runner.run(lambda uow: (uow.lock("i1"), uow.append("i1", [an_event(3)])[0].seq)) == (2, 3)


@on_both
def test_instants_come_back_as_the_same_instant_in_utc(backend: str, tmp_path: Path) -> None:
    shanghai = timezone(timedelta(hours=8))
    at = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=shanghai)
    with a_store(backend, tmp_path) as store:
        append(store, "i1", NewEvent("noted", at))
        with store.database.read() as connection:
            found = connection.execute(select(EVENTS.c.at)).scalar_one()
        assert found == at
        assert found.tzinfo is UTC
        with pytest.raises((StatementError, ValueError)):
            append(store, "i1", NewEvent("noted", at.replace(tzinfo=None)))


@on_both
def test_data_that_is_not_json_is_refused(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store, pytest.raises(ValueError, match="JSON"):
        append(store, "i1", NewEvent("noted", START, {"temperature": float("nan")}))


@on_both
def test_a_reading_connection_cannot_write(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        append(store, "i1", an_event())
        with store.database.read() as connection, pytest.raises(Exception, match=r"(?i)read.?only"):
            connection.execute(update(EVENTS).values(type="other"))


@on_both
def test_a_reader_sees_one_snapshot(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store, store.database.read() as connection:
        assert connection.execute(select(EVENTS)).all() == []
        append(store, "i1", an_event())
        assert connection.execute(select(EVENTS)).all() == []
        with store.database.read() as later:
            assert len(later.execute(select(EVENTS)).all()) == 1


# --- due rows -------------------------------------------------------------------------------


def put(store: Store, ref: str, due_at: datetime, real: datetime | None, *, instance: str = "n1") -> str:
    return store.runner.run(
        lambda uow: queue.put(
            uow, kind="timer", ref=ref, incident_id="i1", due_at=due_at, real_due_at=real, instance_id=instance
        )
    )


def due_refs(store: Store, at: datetime) -> list[str]:
    with store.database.read() as connection:
        return [item.ref for item in queue.due(connection, at)]


@on_both
def test_due_rows_come_earliest_first_and_only_when_due(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        put(store, "late", START + 2 * HOUR, START + 2 * HOUR)
        put(store, "second", START + HOUR, START)
        put(store, "first", START, START)
        put(store, "paused", START, None)
        assert due_refs(store, START - HOUR) == []
        assert due_refs(store, START) == ["first", "second"]
        assert due_refs(store, START + 3 * HOUR) == ["first", "second", "late"]
        with store.database.read() as connection:
            assert queue.next_due(connection) == START
            assert [item.ref for item in queue.due(connection, START + 3 * HOUR, 1)] == ["first"]


@on_both
def test_putting_a_row_again_moves_it(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        assert put(store, "w1", START, START) == put(store, "w1", START + HOUR, START + HOUR)
        assert due_refs(store, START) == []
        assert due_refs(store, START + HOUR) == ["w1"]


@on_both
def test_a_row_is_worked_once(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        row = put(store, "w1", START, START)

        def taken(uow: UnitOfWork) -> list[bool]:
            queue.take(uow, [row])
            return [queue.is_taken(uow, row), queue.is_taken(uow, row)]

        assert store.runner.run(taken) == [True, False]
        assert store.runner.run(taken) == [False, False]
        assert due_refs(store, START) == []


@on_both
def test_what_is_moved_or_cancelled_before_its_turn_is_not_worked(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        rows = [put(store, ref, START, START) for ref in ("w1", "w2", "w3")]

        def worked(uow: UnitOfWork) -> list[bool]:
            queue.take(uow, rows)
            queue.cancel(uow, "timer", "w2")
            queue.put(
                uow, kind="timer", ref="w3", incident_id="i1", due_at=START + HOUR, real_due_at=START + HOUR
            )  # fmt: skip
            return [queue.is_taken(uow, row) for row in rows]

        assert store.runner.run(worked) == [True, False, False]
        assert due_refs(store, START) == []
        assert due_refs(store, START + HOUR) == ["w3"]


@on_both
def test_the_row_of_a_wait_can_be_cancelled(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        for ref in ("w1", "w2"):
            put(store, ref, START, START)
        store.runner.run(lambda uow: queue.cancel(uow, "timer", "w1"))
        store.runner.run(lambda uow: queue.cancel(uow, "message", "w2"))
        assert due_refs(store, START) == ["w2"]


@on_both
def test_a_change_of_speed_rewrites_the_real_due_times(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        put(store, "w1", START + HOUR, START + HOUR)
        put(store, "w2", START + 2 * HOUR, None)
        minute = timedelta(minutes=1)

        def real_of(instant: datetime) -> datetime:
            return START + (instant - START) / 60

        assert store.runner.run(lambda uow: queue.reschedule(uow, "i1", real_of)) == 2
        assert due_refs(store, START + minute) == ["w1"]
        assert due_refs(store, START + 2 * minute) == ["w1", "w2"]
        store.runner.run(lambda uow: queue.reschedule(uow, "i1", lambda _: None))
        with store.database.read() as connection:
            assert queue.next_due(connection) is None
            rows = connection.execute(select(table_of(DueRow).c.due_at))
            assert sorted(rows.scalars()) == [START + HOUR, START + 2 * HOUR]


@contextmanager
def a_store_on(store: Store) -> Iterator[Store]:
    """A second writer on the same database, as another process would have."""
    database = open_database(store.url, store.clock)
    runner = open_runner(database, store.clock, store.sealer)
    try:
        yield Store(database, runner, store.sealer, store.clock, store.url)
    finally:
        runner.stop()
        database.close()
