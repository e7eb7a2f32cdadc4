"""The runner that fits the database."""

from service.domain.clock import Clock
from service.domain.identifiers import IdGenerator
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database
from service.persistence.request_runner import RequestRunner
from service.persistence.sealing import Sealer
from service.persistence.writer import Writer


def open_runner(database: Database, clock: Clock, sealer: Sealer, *, ids: IdGenerator | None = None) -> CommandRunner:
    """The runner that fits the database: the single writer, or a transaction per command."""
    kind = Writer if database.is_sqlite else RequestRunner
    return kind(database, clock, sealer, ids=ids)
