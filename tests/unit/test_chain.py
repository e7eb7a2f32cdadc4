import hashlib
from collections.abc import Callable
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from service.persistence.append_only import unguard
from service.persistence.chain import HASHED, BadEvent, ChainReport, canonical, event_hash, seal_heads, verify
from service.persistence.tables import ChainSeal, EventRow, StreamHead, table_of
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from tests.stores import START, Store, a_store, on_both

EVENTS = table_of(EventRow)
HEADS = table_of(StreamHead)
SEALS = table_of(ChainSeal)
THIRD = (EVENTS.c.stream == "i1", EVENTS.c.seq == 3)

CHANGES = {
    "data": {"number": 99},
    "sealed": {},
    "at": START + timedelta(microseconds=1),
    "real_at": START - timedelta(days=1),
    "actor": "somebody else",
    "type": "other",
    "element": "t_y",
    "instance": "n9",
    "procedure": "P99",
    "version": 9,
    "role": "nurse",
    "on_behalf_of": "a9",
    "command_id": "c9",
    "request_id": "r9",
    "schema_version": 2,
    "prev_hash": "0" * 64,
    "hash": "f" * 64,
}


def fill(store: Store) -> None:
    """Two streams of five events each."""
    for stream in ("i1", "i2"):
        events = [NewEvent("noted", START, {"number": n}, sealed={"p1": {"n": n}}) for n in range(5)]
        store.runner.run(partial(UnitOfWork.append, stream=stream, events=events))


def tamper(store: Store, change: Callable[[Connection], object]) -> ChainReport:
    """Change rows behind the log's back, as whoever owns the file or the tables could, and verify."""
    store.runner.run(lambda uow: unguard(uow.connection))
    store.runner.run(lambda uow: change(uow.connection) and None)
    with store.database.read() as connection:
        return verify(connection)


@on_both
def test_an_untouched_log_verifies_whole_and_by_stream(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        fill(store)
        with store.database.read() as connection:
            assert verify(connection) == ChainReport(ok=True, events=10)
            assert verify(connection, "i2") == ChainReport(ok=True, events=5)
            assert verify(connection, "unknown").ok is False


def test_every_column_of_an_event_is_covered() -> None:
    assert {*CHANGES, "stream", "seq"} == {column.name for column in EVENTS.columns}


@on_both
@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_event_is_found_and_located(column: str, backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        fill(store)
        report = tamper(store, lambda c: c.execute(update(EVENTS).where(*THIRD).values({column: CHANGES[column]})))
        assert report.first_bad == BadEvent("i1", 3, "changed")


@on_both
def test_a_removed_event_is_found(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        fill(store)
        report = tamper(store, lambda c: c.execute(delete(EVENTS).where(*THIRD)))
        assert report.first_bad == BadEvent("i1", 3, "missing")


@on_both
def test_reordered_events_are_found(backend: str, tmp_path: Path) -> None:
    def swap(connection: Connection) -> None:
        for old, new in ((3, 103), (4, 3), (103, 4)):
            connection.execute(update(EVENTS).where(EVENTS.c.stream == "i1", EVENTS.c.seq == old).values(seq=new))

    with a_store(backend, tmp_path) as store:
        fill(store)
        assert tamper(store, swap).first_bad == BadEvent("i1", 3, "changed")


@on_both
def test_an_event_put_in_front_of_its_head_is_found(backend: str, tmp_path: Path) -> None:
    def copy(connection: Connection) -> None:
        row = dict(connection.execute(select(EVENTS).where(*THIRD)).mappings().one())
        connection.execute(insert(EVENTS).values(row | {"seq": 6}))

    with a_store(backend, tmp_path) as store:
        fill(store)
        assert tamper(store, copy).first_bad == BadEvent("i1", 6, "changed")


@on_both
def test_events_of_a_stream_without_head_are_found(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        fill(store)
        report = tamper(store, lambda c: c.execute(delete(HEADS).where(HEADS.c.stream == "i2")))
        assert report.first_bad == BadEvent("i2", 1, "extra")


def cut_tail(connection: Connection) -> None:
    """Remove the last event and turn the head back, so that the stream itself looks whole."""
    connection.execute(delete(EVENTS).where(EVENTS.c.stream == "i1", EVENTS.c.seq == 5))
    digest = connection.execute(select(EVENTS.c.hash).where(EVENTS.c.stream == "i1", EVENTS.c.seq == 4)).scalar_one()
    connection.execute(update(HEADS).where(HEADS.c.stream == "i1").values(seq=4, hash=digest))


def remove_stream(connection: Connection) -> None:
    connection.execute(delete(EVENTS).where(EVENTS.c.stream == "i1"))
    connection.execute(delete(HEADS).where(HEADS.c.stream == "i1"))


@on_both
@pytest.mark.parametrize("change", [cut_tail, remove_stream])
def test_a_stream_cut_short_or_removed_is_found_by_the_seal(
    change: Callable[[Connection], None], backend: str, tmp_path: Path
) -> None:
    with a_store(backend, tmp_path) as store:
        fill(store)
        assert store.runner.run(seal_heads) == 2
        assert tamper(store, change).first_bad == BadEvent("i1", 5, "seal")


@on_both
def test_seals_record_only_what_moved_and_are_chained(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        fill(store)
        assert store.runner.run(seal_heads) == 2
        assert store.runner.run(seal_heads) == 0
        store.runner.run(lambda uow: uow.append("i2", [NewEvent("noted", START)]))
        assert store.runner.run(seal_heads) == 1
        with store.database.read() as connection:
            first, second = connection.execute(select(SEALS).order_by(SEALS.c.id)).all()
            assert second.prev_hash == first.hash
            assert set(second.heads) == {"i2"}
            assert verify(connection).ok
        report = tamper(store, lambda c: c.execute(update(SEALS).where(SEALS.c.id == first.id).values(heads={})))
        assert report.first_bad == BadEvent("seals", first.id, "seal")


def test_canonical_json_does_not_depend_on_order_or_zone() -> None:
    assert canonical({"b": 1, "a": "甲", "t": START}) == canonical({"t": START, "a": "甲", "b": 1})
    assert canonical({"b": [1, 2]}) == b'{"b":[1,2]}'
    with pytest.raises(TypeError, match="not JSON"):
        canonical({"x": object()})


TEXTS = st.text(max_size=8)
EVENT = st.fixed_dictionaries(
    {
        **dict.fromkeys(
            ("stream", "instance", "procedure", "element", "type", "actor", "role", "on_behalf_of", "command_id",
             "request_id", "prev_hash"), TEXTS,
        ),
        **dict.fromkeys(("seq", "version", "schema_version"), st.integers(0, 99)),
        **dict.fromkeys(("at", "real_at"), st.datetimes(timezones=st.just(UTC))),
        "data": st.dictionaries(TEXTS, st.lists(TEXTS | st.integers() | st.none(), max_size=3), max_size=3),
        "sealed": st.dictionaries(TEXTS, TEXTS, max_size=2),
    }
)  # fmt: skip


@given(row=EVENT)
def test_the_hash_of_an_event_is_that_of_its_columns_in_canonical_form(row: dict[str, Any]) -> None:
    assert set(row) == set(HASHED)
    assert event_hash(row) == hashlib.sha256(canonical(row)).hexdigest()
