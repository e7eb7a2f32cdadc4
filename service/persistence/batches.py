"""Writing many rows by one statement that is compiled once.

SQLAlchemy prepares the parameters of every row anew for every execution, which takes longer than SQLite
takes to store it. Here the SQL text and the converters of each parameter are kept per statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import JSON, Connection, Delete, Insert, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from service.domain.json_text import Written

Statement = Insert | Update | Delete
Convert = Callable[[Any], Any]


MOMENTS = 4_000  # instants whose text is remembered: most rows of a command hold the same
EMPTY: Mapping[type[Any], str] = {dict: "{}", list: "[]"}  # what most JSON columns hold
_of_instants: dict[type[TypeEngine[Any]], Convert] = {}


class _Prepared:
    """A statement as the driver takes it: its text, the names of its parameters in order, what some are turned into."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.text = str(compiled)
        names = list(compiled.positiontup)
        converters: Mapping[str, Convert] = compiled._bind_processors
        self._values: Callable[[Mapping[str, Any]], tuple[Any, ...]] = (
            itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        )
        self._converters = [
            (place, _quick(compiled.binds[name].type, converters[name]))
            for place, name in enumerate(names)
            if converters.get(name) is not None
        ]

    def arranged(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The values of each row as the driver takes them; turned into those column by column."""
        columns: list[Iterable[Any]] = list(zip(*map(self._values, rows), strict=True))
        for place, convert in self._converters:
            columns[place] = map(convert, columns[place])
        return list(zip(*columns, strict=True))


def _quick(type_: TypeEngine[Any], convert: Convert) -> Convert:
    """The same converter, for values that come again and again or have been written before."""
    if isinstance(type_, JSON):

        def written_before(value: Any) -> Any:
            if type(value) is Written:
                return value.text
            return (not value and EMPTY.get(type(value))) or convert(value)

        return written_before
    if isinstance(type_, UTCDateTime):  # columns of every statement share it: a command writes the same instant to many
        return _of_instants.setdefault(type(type_), lru_cache(MOMENTS)(convert))
    return convert


_prepared: WeakKeyDictionary[Statement, _Prepared] = WeakKeyDictionary()


def write_many(connection: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> int:
    """Execute a statement of plain `bindparam`s once per row; returns how many rows it reached.

    Errors of SQLite are the driver's own. On PostgreSQL, whose driver binds by name, SQLAlchemy prepares the rows.
    """
    if connection.dialect.name != "sqlite":
        return connection.execute(statement, [dict(row) for row in rows]).rowcount
    prepared = _prepared.get(statement)
    if prepared is None:
        prepared = _prepared[statement] = _Prepared(statement, connection.dialect)
    cursor = connection.connection.cursor()  # SQLAlchemy's own execution takes three times as long
    try:
        cursor.executemany(prepared.text, prepared.arranged(rows))
        return cursor.rowcount
    finally:
        cursor.close()
