"""Writing many rows by one statement that is compiled once.

SQLAlchemy prepares the parameters of every row anew for every execution, which takes longer than SQLite
takes to store it. Here the SQL text and the converters of each parameter are kept per statement.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Delete, Insert, Update
from sqlalchemy.engine import Dialect

Statement = Insert | Update | Delete
Convert = Callable[[Any], Any]


class _Prepared:
    """A statement as the driver takes it: its text, and each parameter in order with its converter."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.text = str(compiled)
        converters: Mapping[str, Convert] = compiled._bind_processors
        self.parameters = [(name, converters.get(name)) for name in compiled.positiontup]

    def arranged(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of a row as the driver takes them."""
        return tuple([row[name] if convert is None else convert(row[name]) for name, convert in self.parameters])


_prepared: WeakKeyDictionary[Statement, _Prepared] = WeakKeyDictionary()


def write_many(connection: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute a statement of plain `bindparam`s once per row; returns how many rows it reached.

    On PostgreSQL, whose driver binds by name, SQLAlchemy prepares the rows.
    """
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, [dict(row) for row in rows]).rowcount
    prepared = _prepared.get(statement)
    if prepared is None:
        prepared = _prepared[statement] = _Prepared(statement, connection.dialect)
    return connection.exec_driver_sql(prepared.text, [prepared.arranged(row) for row in rows]).rowcount
