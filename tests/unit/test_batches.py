"""What is written by prepared statements is what SQLAlchemy would have written, byte by byte."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData, Table, bindparam, create_engine, insert

from service.domain import json_text
from service.domain.json_text import Written
from service.persistence.batches import write_many
from service.persistence.database import plain_json
from service.persistence.tables import sql

TEXTS = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3),
    max_leaves=8,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))])
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001 - zones are drawn
VISIT = st.fixed_dictionaries(
    {
        **dict.fromkeys(("incident_id", "instance_id", "process", "element", "state"), TEXTS),
        "entered_at": INSTANTS,
        "left_at": st.none() | INSTANTS,
    }
)


@given(value=JSON, is_sorted=st.booleans(), separators=st.sampled_from([json_text.COMPACT, json_text.SPACED]))
def test_an_encoder_made_once_writes_what_a_new_one_does(
    value: object, separators: tuple[str, str], *, is_sorted: bool
) -> None:
    usual = json.dumps(value, ensure_ascii=False, separators=separators, allow_nan=False, sort_keys=is_sorted)
    assert json_text.writer(sort_keys=is_sorted, separators=separators)(value) == usual


def test_it_refuses_what_json_cannot_say() -> None:
    for value in (float("nan"), [float("inf")], {"x": object()}, {"x": {1}}):
        with pytest.raises((ValueError, TypeError)):
            plain_json(value)


def _engine_with(table: Table) -> Connection:
    connection = create_engine("sqlite://", json_serializer=plain_json).connect()
    table.to_metadata(MetaData()).create(connection)
    return connection


def _stored(table: Table, rows: list[dict[str, Any]], *, by_us: bool) -> list[tuple[Any, ...]]:
    with _engine_with(table) as connection:
        if by_us:
            write_many(connection, insert(table).values({c.name: bindparam(c.name) for c in table.columns}), rows)
        else:
            connection.execute(insert(table), rows)
        found = connection.exec_driver_sql(f"SELECT * FROM {table.name} ORDER BY id")  # noqa: S608 - our own name
        return [tuple(row) for row in found]


@settings(deadline=None)  # each makes a database
@given(rows=st.lists(VISIT, min_size=1, max_size=4))
def test_instants_are_stored_as_usual_in_whatever_zone(rows: list[dict[str, Any]]) -> None:
    numbered = [{"id": str(number), **row} for number, row in enumerate(rows)]
    assert _stored(sql.element_visits, numbered, by_us=True) == _stored(sql.element_visits, numbered, by_us=False)


@settings(deadline=None)
@given(data=st.dictionaries(TEXTS, JSON, max_size=3))
def test_json_is_stored_as_usual_and_what_was_written_before_as_it_stands(data: dict[str, Any]) -> None:
    row = {
        "id": "n1", "incident_id": "i1", "organisation_id": "o1", "role": "nurse", "code": "x",
        "at": datetime(2026, 3, 2, tzinfo=UTC), "data": data,
    }  # fmt: skip
    usual = _stored(sql.notices, [row], by_us=False)
    assert _stored(sql.notices, [row], by_us=True) == usual
    written = {**row, "data": Written(data, plain_json(data))}
    assert _stored(sql.notices, [written], by_us=True) == usual
