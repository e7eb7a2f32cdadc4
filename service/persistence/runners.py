"""The runner that fits the database."""

from datetime import datetime
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from service.domain.clock import Clock, WatchedClock
from service.domain.identifiers import IdGenerator
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database
from service.persistence.request_runner import RequestRunner
from service.persistence.sealing import Sealer
from service.persistence.tables import sql
from service.persistence.writer import Writer


def open_runner(database: Database, clock: Clock, sealer: Sealer, *, ids: IdGenerator | None = None) -> CommandRunner:
    """The runner that fits the database: the single writer, or a transaction per command."""
    kind = Writer if database.is_sqlite else RequestRunner
    return kind(database, WatchedClock(clock, partial(latest_event, database)), sealer, ids=ids)


def latest_event(database: Database) -> datetime | None:
    """When the last event of any stream was written, by the clock of who wrote it; None before the first one."""
    newest = (sql.events.c.stream == sql.stream_heads.c.stream) & (sql.events.c.seq == sql.stream_heads.c.seq)
    statement = select(func.max(sql.events.c.real_at)).select_from(sql.stream_heads).join(sql.events, newest)
    try:
        with database.read() as connection:
            latest: datetime | None = connection.execute(statement).scalar()
    except DBAPIError:  # the tables are not there yet
        return None
    return latest
