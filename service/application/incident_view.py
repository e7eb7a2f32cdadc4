"""One incident as it stands in a transaction, for reading: rows, facts, policies, time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from service.application.fact_rows import FactRows
from service.application.facts import FactBase
from service.application.services import Services
from service.domain.clock import VirtualClock
from service.domain.errors import NoSuch
from service.domain.policies import TypedSnapshot
from service.persistence.sealing import Sealer
from service.persistence.tables import sql


@dataclass
class IncidentView:
    """Everything is read when first asked for and stands for this one view; `now` is the incident's time."""

    connection: Connection
    sealer: Sealer
    services: Services
    incident: Mapping[str, Any]
    now: datetime

    @classmethod
    def read(cls, connection: Connection, sealer: Sealer, services: Services, incident: str) -> "IncidentView":
        """The incident by id. Raises NoSuch."""
        table = sql.incidents
        row = connection.execute(select(table).where(table.c.id == incident)).mappings().first()
        if row is None:
            raise NoSuch("incident", incident)
        clock = VirtualClock.from_json(services.clock, row["clock"])
        return cls(connection, sealer, services, dict(row), clock.now())

    @cached_property
    def policies(self) -> Mapping[str, Any]:
        """The incident's policy snapshot, typed."""
        return TypedSnapshot(self.services.policies, self.incident["policies"])

    @cached_property
    def facts(self) -> FactBase:
        """Facts of the incident."""
        return FactBase(FactRows(self.connection, self.sealer, self.incident), self.policies, self.now)

    @cached_property
    def organisation(self) -> Mapping[str, Any]:
        """The organisation's row."""
        table = sql.organisations
        statement = select(table).where(table.c.id == self.incident["organisation_id"])
        return dict(self.connection.execute(statement).mappings().one())
