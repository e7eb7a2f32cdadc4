"""One incident as it stands in a transaction, for reading: rows, facts, policies, time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from service.application import organisations
from service.application.fact_rows import FactRows
from service.application.facts import FactBase
from service.application.services import Services
from service.domain.clock import VirtualClock
from service.domain.errors import NoSuch
from service.domain.policies import TypedSnapshot
from service.persistence.sealing import Sealer
from service.persistence.tables import sql
from service.persistence.working_set import Connecting, IncidentRows, Snapshot


@dataclass
class IncidentView:
    """Everything is read when first asked for and stands for this one view; `now` is the incident's time.

    `source` gives the connection; for a unit of work that is asked for only where the rows kept do not do.
    """

    source: Connecting
    sealer: Sealer
    services: Services
    incident: Mapping[str, Any]
    now: datetime
    rows: IncidentRows

    @classmethod
    def read(cls, connection: Connection, sealer: Sealer, services: Services, incident: str) -> "IncidentView":
        """The incident by id. Raises NoSuch."""
        table = sql.incidents
        row = connection.execute(select(table).where(table.c.id == incident)).mappings().first()
        if row is None:
            raise NoSuch("incident", incident)
        clock = VirtualClock.from_json(services.clock, row["clock"])
        snapshot = Snapshot(connection)
        return cls(snapshot, sealer, services, dict(row), clock.now(), snapshot.rows(incident))

    @property
    def connection(self) -> Connection:
        """The connection to read from."""
        return self.source.connection

    @cached_property
    def policies(self) -> Mapping[str, Any]:
        """The incident's policy snapshot, typed."""
        return TypedSnapshot(self.services.policies, self.incident["policies"])

    @cached_property
    def facts(self) -> FactBase:
        """Facts of the incident."""
        return FactBase(FactRows(self.source, self.sealer, self.incident, self.rows), self.policies, self.now)

    @cached_property
    def organisation(self) -> Mapping[str, Any]:
        """The organisation's row."""
        return organisations.row_of(self.source, self.incident["organisation_id"])
