"""Taking the whole database out while it is written to, and putting it into an empty one.

SQLite: the file, by the online backup of SQLite in one step; in WAL mode nobody waits for it. PostgreSQL: every table
of ours in one snapshot, in PostgreSQL's own text format; the jobs of the queue stay behind, for rows say what is due.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.script import ScriptDirectory
from psycopg import sql as pg
from sqlalchemy import make_url

from service.domain.errors import ValueRefused
from service.persistence.append_only import KEPT
from service.persistence.database import Database, migration_config, newest_revision, revision_of
from service.persistence.postgres import with_driver
from service.persistence.tables import metadata

FILE, FOLDER = "tocsin.db", "tables"
_NAME = re.compile(r"[a-z_0-9]+")


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken: the revision of the schema, how many events, and the uploaded files it names."""

    revision: str
    events: int
    attachments: tuple[str, ...]


def take(database: Database, target: Path) -> Taken:
    """Write the database as it stands into a folder."""
    if database.is_sqlite:
        return _take_file(Path(str(database.url.database)), target / FILE)
    (target / FOLDER).mkdir()
    with _snapshot(database) as cursor:
        for table in metadata.sorted_tables:
            columns = pg.SQL(", ").join(pg.Identifier(each.name) for each in table.columns)
            statement = pg.SQL("COPY {} ({}) TO STDOUT").format(pg.Identifier(table.name), columns)
            with (target / FOLDER / table.name).open("wb") as file, cursor.copy(statement) as copied:
                file.write((",".join(each.name for each in table.columns) + "\n").encode("ascii"))
                for block in copied:
                    file.write(block)
        return _counted(cursor)


def require_empty(database: Database) -> None:
    """Raises ValueRefused where there is anything already."""
    if database.is_sqlite:
        path = Path(str(database.url.database))
        is_empty = not path.exists() or path.stat().st_size == 0
    else:
        with database.read() as connection:
            is_empty = not revision_of(connection)
    if not is_empty:
        raise ValueRefused("database", "数据库不是空的", "is not empty")


def put(database: Database, source: Path, revision: str, owner_url: str) -> None:
    """Fill the empty database of `owner_url`, whose tables the product reads as `database`, and bring it up to date.

    Raises ValueRefused for what was taken by a newer version of the product, or from the other kind of database.
    """
    if (source / FILE).exists() != database.is_sqlite:
        raise ValueRefused("backup", "来自另一种数据库", "was taken from the other kind of database")
    if revision != newest_revision() and not _is_known(revision):
        raise ValueRefused("backup", "来自更新的版本", "was taken by a newer version")
    if database.is_sqlite:
        target = Path(str(database.url.database))
        target.unlink(missing_ok=True)
        _copied(source / FILE, target)
    else:
        command.upgrade(migration_config(owner_url), revision)
        _put_tables(owner_url, source / FOLDER)


# --- inside -----------------------------------------------------------------------------------


def _take_file(path: Path, target: Path) -> Taken:
    _copied(path, target)
    with closing(sqlite3.connect(target)) as copy, closing(copy.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode=DELETE")  # one file, which nothing stands beside
        return _counted(cursor)


def _counted(cursor: Any) -> Taken:
    def column(statement: str) -> list[Any]:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]

    return Taken(
        str(column("SELECT version_num FROM alembic_version")[0]), int(column("SELECT count(*) FROM events")[0]),
        tuple(column("SELECT id FROM attachments WHERE name <> '' ORDER BY id")),
    )  # fmt: skip


def _copied(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


@contextmanager
def _snapshot(database: Database) -> Iterator[Any]:
    """A psycopg cursor whose every statement sees the same moment."""
    with database.reading.connect() as connection:
        raw: Any = connection.connection.driver_connection
        with raw.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield cursor
        connection.rollback()


def _put_tables(owner_url: str, folder: Path) -> None:
    address = with_driver(make_url(owner_url)).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        for table in metadata.sorted_tables:  # those that are pointed to first
            if (folder / table.name).exists():
                _put_table(cursor, table.name, folder / table.name)


def _put_table(cursor: Any, name: str, path: Path) -> None:
    with path.open("rb") as file:
        columns = file.readline().decode("ascii").strip().split(",")
        if not all(_NAME.fullmatch(each) for each in columns):
            raise ValueRefused("backup", f"{name} 的内容不对", f"holds something else in {name}")
        if name not in KEPT:  # a migration may have put a row there; what may not be deleted is empty
            cursor.execute(pg.SQL("DELETE FROM {}").format(pg.Identifier(name)))
        listed = pg.SQL(", ").join(map(pg.Identifier, columns))
        with cursor.copy(pg.SQL("COPY {} ({}) FROM STDIN").format(pg.Identifier(name), listed)) as copied:
            while block := file.read(1 << 20):
                copied.write(block)


def _is_known(revision: str) -> bool:
    return any(each.revision == revision for each in ScriptDirectory.from_config(migration_config("")).walk_revisions())
