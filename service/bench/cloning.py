"""Copies of an incident, row by row, where a hundred thousand of them would take the use cases too long.

A copy is the rows of a real incident under new ids, with its own events, hashes and chain: nothing in it tells
it from one that was opened. `tests/benchmarks/test_cloning.py` holds that: its chain verifies, its read tables follow
from its log, and its tasks are answered like any other's.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from service.domain.identifiers import ALPHABET, IdGenerator
from service.domain.retention import subject_of
from service.engine import state
from service.persistence.chain import GENESIS, event_hash
from service.persistence.tables import metadata, sql
from service.persistence.unit_of_work import UnitOfWork

_ID = re.compile(f"[{ALPHABET}]{{26}}")
_OWNED = ("incidents", "instances", "persons", "deliveries", "reports")  # tables whose rows bring ids of their own
ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Template:
    """All rows of one incident, its events in order, and the ids that are its own."""

    incident: str
    ids: frozenset[str]
    events: list[dict[str, Any]]
    rows: Mapping[str, list[dict[str, Any]]]

    @property
    def size(self) -> int:
        """Rows a copy adds."""
        return len(self.events) + sum(len(rows) for rows in self.rows.values()) + 1


@dataclass(slots=True)
class Copies:
    """Rows that wait to be written, by table, and how many they are."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    count: int = 0

    def add(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Take rows of a table."""
        self.rows.setdefault(table, []).extend(rows)
        self.count += len(rows)


def read_template(connection: Connection, incident: str) -> Template:
    """Read an incident that is to be copied."""
    rows = {table.name: _rows_of(connection, table, incident) for table in _tables()}
    ids = {row["id"] for name in _OWNED for row in rows[name]}
    keys = sql.subject_keys
    owned = (row for row in connection.execute(select(keys)).mappings() if subject_of(row["subject"]) in ids)
    rows[keys.name] = [dict(row) for row in owned]
    rows["task_roles"] = _roles_of(connection, [row["id"] for row in rows["tasks"]])
    events = sql.events
    mine = select(events).where(events.c.stream == incident).order_by(events.c.seq)
    return Template(incident, frozenset(ids), [dict(row) for row in connection.execute(mine).mappings()], rows)


def clone(uow: UnitOfWork, template: Template, count: int) -> list[str]:
    """Write so many copies of an incident; returns their ids."""
    ids: list[str] = []
    copies = Copies()
    for _ in range(count):
        ids.append(_copy(template, uow.ids, copies))
        if copies.count >= ROWS_AT_ONCE:
            _write(uow.connection, copies)
    _write(uow.connection, copies)
    return ids


def _copy(template: Template, new: IdGenerator, copies: Copies) -> str:
    names = {each: new.new() for each in sorted(template.ids)}
    incident = names[template.incident]
    for table, rows in template.rows.items():
        rename = _restated if table == sql.instance_states.name else _renamed
        copies.add(table, [rename(row, names) for row in rows])
    events = list(_chained(template.events, names))
    copies.add("events", events)
    head = events[-1]
    copies.add("stream_heads", [{"stream": incident, "seq": head["seq"], "hash": head["hash"]}])
    return incident


def _chained(events: list[dict[str, Any]], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    previous = GENESIS
    for event in events:
        row = {**_renamed(event, names), "prev_hash": previous}
        row["hash"] = previous = event_hash(row)
        yield row


def _renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {column: _value(value, names) for column, value in row.items()}


def _restated(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A row of engine state: its check sum is over the text with the ids in it."""
    restated = state.rewritten(row["state"], lambda body: str(_value(body, names)))
    return {**_renamed(row, names), "state": restated}


def _value(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _ID.sub(lambda found: names.get(found[0], found[0]), value) if len(value) >= 26 else value
    if isinstance(value, dict | list) and value:
        text = json.dumps(value, ensure_ascii=False)
        return json.loads(_ID.sub(lambda found: names.get(found[0], found[0]), text))
    return value


def _tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if "incident_id" in table.c or table.name == "incidents"]


def _rows_of(connection: Connection, table: Table, incident: str) -> list[dict[str, Any]]:
    mine = table.c.id if table.name == "incidents" else table.c.incident_id
    rows = [dict(row) for row in connection.execute(select(table).where(mine == incident)).mappings()]
    numbered = table.autoincrement_column
    return rows if numbered is None else [{k: v for k, v in row.items() if k != numbered.name} for row in rows]


def _roles_of(connection: Connection, tasks: list[str]) -> list[dict[str, Any]]:
    table = sql.task_roles
    wanted = set(tasks)
    return [dict(row) for row in connection.execute(select(table)).mappings() if row["task_id"] in wanted]


def _write(connection: Connection, copies: Copies) -> None:
    for table in metadata.sorted_tables:
        if rows := copies.rows.pop(table.name, []):
            connection.execute(insert(table), rows)
    copies.count = 0
