"""What PostgreSQL needs beside SQLAlchemy: the driver, safe time limits, and telling that it is away.

A node that stands still in the middle of a transaction must not hold an incident for ever: the server ends
its session, which frees the locks, and the commit it might still try is refused. That is the lease; the
revision of a stored state (application/live_instances.py) is the fence behind it.
"""

from functools import partial
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, TimeoutError

WRITE_CONNECTIONS = 8  # writing transactions at once per process
JOB_SCHEMA = "procrastinate"  # its tables stand apart from ours
WITH_JOBS = f'"$user",public,{JOB_SCHEMA}'  # its triggers and functions name them without the schema
LOCK_WAIT_SECONDS = 20
IDLE_SECONDS = 60  # of a writing transaction in which nothing happens: its node stands still
IDLE_READ_SECONDS = 900  # a reader may write a large workbook in between

# https://www.postgresql.org/docs/current/errcodes-appendix.html: 08 connection, 53 resources, 57P shut down
AWAY = ("08", "53", "57P", "25P03", "25P04")
LOCK_NOT_AVAILABLE = "55P03"
ALIVE = {"connect_timeout": "5", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}


def with_driver(url: URL) -> URL:
    """`postgresql://` and `postgres://` with the driver we use; every other URL as it is."""
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url


def connect_args(url: URL, *, idle_seconds: int, search_path: str = "") -> dict[str, Any]:
    """Arguments of libpq for a connection of ours; what the address says itself counts more."""
    options = {
        "lock_timeout": f"{LOCK_WAIT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{idle_seconds}s",
    }
    if search_path:
        options["search_path"] = search_path
    ours = " ".join(f"-c {name}={value}" for name, value in options.items())
    said = url.query.get("options", "")
    return {**{name: value for name, value in ALIVE.items() if name not in url.query}, "options": f"{ours} {said}"}


def conninfo(url: URL, **more: Any) -> str:
    """An address of ours as libpq writes it; `more` counts less than what the address says itself."""
    said = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    return make_conninfo(**{**more, **url.translate_connect_args(username="user", database="dbname"), **said})


def writing_engine(url: URL, json_serializer: Any) -> Engine:
    """An engine for transactions that write."""
    return create_engine(
        url,
        json_serializer=partial(json_serializer),  # the driver warns of a function with a closure
        pool_size=WRITE_CONNECTIONS,
        use_native_hstore=False,  # spares a question at each new connection
        pool_pre_ping=True,
        connect_args=connect_args(url, idle_seconds=IDLE_SECONDS, search_path=WITH_JOBS),
    )


def migrating_engine(url: URL) -> Engine:
    """An engine for schema changes, which may wait for their locks and do not look at the tables of the queue."""
    return create_engine(url)


def reading_engine(url: URL, json_serializer: Any, options: dict[str, Any]) -> Engine:
    """An engine for snapshots that cannot write."""
    return create_engine(
        url,
        json_serializer=partial(json_serializer),  # the driver warns of a function with a closure
        pool_size=16,
        use_native_hstore=False,
        max_overflow=32,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True, **options},
        connect_args=connect_args(url, idle_seconds=IDLE_READ_SECONDS),
    )


def is_away(error: BaseException) -> bool:
    """Whether this says that the server is not there (or not for us), and nothing about what was asked of it."""
    if isinstance(error, TimeoutError):  # every connection of the pool is taken
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None)
    if code is None:
        return error.connection_invalidated or type(error.orig).__name__ == "OperationalError"
    return str(code).startswith(AWAY) or code == LOCK_NOT_AVAILABLE
