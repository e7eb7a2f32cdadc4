"""Opening the database: a writing engine, a reading engine, and the schema brought up to date.

SQLite: WAL, `synchronous=FULL`, every writing transaction starts with BEGIN IMMEDIATE (a deferred one
that turns into a writer fails at once when another writes), reads use a plain BEGIN on connections
that cannot write. PostgreSQL: psycopg 3; reads are read-only snapshots.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, TimeoutError

from service.domain import json_text
from service.domain.clock import Clock
from service.domain.errors import DatabaseAway
from service.persistence import append_only
from service.persistence.postgres import is_away, migrating_engine, reading_engine, with_driver, writing_engine

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
SCRUB_SECONDS = 1.0  # writers wait as long
READS = "tocsin_reads"  # execution option of connections that see committed rows only


plain_json = json_text.writer()  # as JSON columns hold it


@dataclass(frozen=True, slots=True)
class Database:
    """Two engines on one database. Only the writer uses `writing`."""

    url: URL
    clock: Clock
    writing: Engine
    reading: Engine

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-process database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one committed snapshot and cannot write. Raises DatabaseAway."""
        with told_if_away(self), self.reading.connect() as connection:
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Let processes that do the same do it one after the other; on SQLite there is one process."""
        if self.is_sqlite:
            yield
            return
        with told_if_away(self), self.writing.connect() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # however long the other one takes
            connection.execute(select(func.pg_advisory_lock(func.hashtextextended(name, 0))))
            connection.commit()  # the lock belongs to the session, not to a transaction that stands idle
            try:
                yield
            finally:
                connection.execute(select(func.pg_advisory_unlock(func.hashtextextended(name, 0))))

    def migrate(self) -> None:
        """Bring the schema up to date."""
        migrate(self.url.render_as_string(hide_password=False))

    def scrub(self) -> bool:
        """After values were erased: leave none in SQLite's write-ahead log; False while somebody reads from it.

        The file itself keeps nothing (`secure_delete`). PostgreSQL keeps old row versions until it vacuums.
        """
        if not self.is_sqlite or not self.url.database:
            return True
        with closing(sqlite3.connect(self.url.database, timeout=SCRUB_SECONDS)) as raw:
            return not raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]

    def close(self) -> None:
        """Close all connections."""
        self.reading.dispose()
        self.writing.dispose()


@contextmanager
def told_if_away(database: Database) -> Iterator[None]:
    """Inside, an error of a PostgreSQL server that is not there is DatabaseAway."""
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        if database.is_sqlite or not is_away(error):
            raise
        raise DatabaseAway from error


def open_database(url: str, clock: Clock) -> Database:
    """Open `sqlite:///file` or `postgresql://…`; creates the file's folder, not the schema.

    A SQLite database in memory raises ValueError: a second connection would see another database.
    """
    parsed = with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
        return Database(parsed, clock, _sqlite(parsed, writes=True), _sqlite(parsed, writes=False))
    return Database(
        parsed, clock, writing_engine(parsed, plain_json), reading_engine(parsed, plain_json, {READS: True})
    )


def migrate(url: str, *, application: str = "") -> None:
    """Run the migrations up to the newest; safe to call from several processes at once.

    `application` is the address of the role the product works with, where `url` is that of the owner of the
    tables (PostgreSQL): it gets its rights (append_only.py).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
    command.upgrade(migration_config(url), "head")
    if application:
        engine = migration_engine(url)
        with engine.begin() as connection:
            append_only.grant(connection, make_url(application))
        engine.dispose()


def migration_config(url: str) -> Config:
    """The configuration that `migrations/env.py` expects: the address is in its attributes."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


@cache
def newest_revision() -> str:
    """The revision our migrations lead to."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def revision_of(connection: Connection) -> str:
    """The revision a database has, "" for one without our tables."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def migration_engine(url: str) -> Engine:
    """An engine for schema changes.

    On SQLite a table is changed by copying it and dropping the old one, which keys that point to it would forbid:
    whoever migrates looks at the keys himself before the commit.
    """
    parsed = with_driver(make_url(url))
    is_sqlite = parsed.get_backend_name() == "sqlite"
    return _sqlite(parsed, writes=True, checks_keys=False) if is_sqlite else migrating_engine(parsed)


def _prepare_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        message = "SQLite in memory has no second connection; use a file"
        raise ValueError(message)
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _sqlite(url: URL, *, writes: bool, checks_keys: bool = True) -> Engine:
    engine = create_engine(
        url,
        json_serializer=plain_json,
        pool_size=1 if writes else 16,
        max_overflow=0 if writes else 32,
        execution_options={} if writes else {READS: True},
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def on_connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver begins nothing by itself
        cursor = raw.cursor()
        keys = f"foreign_keys={'ON' if checks_keys else 'OFF'}"
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", keys):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA secure_delete=ON" if writes else "PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
