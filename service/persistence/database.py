"""Opening the database: a writing engine, a reading engine, and the schema brought up to date.

SQLite: WAL, `synchronous=FULL`, every writing transaction starts with BEGIN IMMEDIATE (a deferred one
that turns into a writer fails at once when another writes), reads use a plain BEGIN on connections
that cannot write. PostgreSQL: psycopg 3; reads are read-only snapshots.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL

from service.domain.clock import Clock

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
READS = "tocsin_reads"  # execution option of connections that see committed rows only
WRITE_CONNECTIONS = 8  # PostgreSQL: writing transactions at once per process


def plain_json(value: Any) -> str:
    """Compact JSON as stored in JSON columns; refuses NaN and whatever JSON cannot say."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


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
        """A connection that sees one committed snapshot and cannot write."""
        with self.reading.connect() as connection:
            try:
                yield connection
            finally:
                connection.rollback()

    def migrate(self) -> None:
        """Bring the schema up to date."""
        migrate(self.url.render_as_string(hide_password=False))

    def close(self) -> None:
        """Close all connections."""
        self.reading.dispose()
        self.writing.dispose()


def open_database(url: str, clock: Clock) -> Database:
    """Open `sqlite:///file` or `postgresql+psycopg://…`; creates the file's folder, not the schema.

    A SQLite database in memory raises ValueError: a second connection would see another database.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
        return Database(parsed, clock, _sqlite(parsed, writes=True), _sqlite(parsed, writes=False))
    return Database(parsed, clock, _postgres(parsed, writes=True), _postgres(parsed, writes=False))


def migrate(url: str) -> None:
    """Run the migrations up to the newest; safe to call from several processes at once."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed)
    command.upgrade(migration_config(url), "head")


def migration_config(url: str) -> Config:
    """The configuration that `migrations/env.py` expects: the address is in its attributes."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migration_engine(url: str) -> Engine:
    """An engine for schema changes, with the same settings as the writing one."""
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    return _sqlite(parsed, writes=True) if is_sqlite else _postgres(parsed, writes=True)


def _prepare_file(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        message = "SQLite in memory has no second connection; use a file"
        raise ValueError(message)
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _sqlite(url: URL, *, writes: bool) -> Engine:
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
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL, *, writes: bool) -> Engine:
    if writes:
        return create_engine(url, json_serializer=plain_json, pool_size=WRITE_CONNECTIONS, pool_pre_ping=True)
    return create_engine(
        url,
        json_serializer=plain_json,
        pool_size=16,
        max_overflow=32,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True, READS: True},
    )
