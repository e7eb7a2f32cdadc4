"""Engine incidents: a failed step leaves the stored state as it was, is visible, and can be retried."""

from sqlalchemy import select

from service.application import inbox
from service.application.services import SYSTEM, Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import EngineFailed, NoSuch
from service.persistence import tables as t
from service.persistence.unit_of_work import UnitOfWork


def record(uow: UnitOfWork, services: Services, error: EngineFailed) -> None:
    """Record the failure of a rolled-back command, counting repeated ones. Steps nothing."""
    if not error.incident:
        return
    on = Advance(uow, services, error.incident, SYSTEM)
    if not on.incident:
        return
    key = f"{error.incident}:{error.element}"
    table = t.table_of(t.EngineIncident)
    known = uow.connection.execute(select(table.c.attempts).where(table.c.id == key)).scalar()
    on.record(
        ev.EngineIncidentRaised(key, error.instance, error.element, error.cause, (known or 0) + 1),
        element=error.element,
    )


def retry(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RetryEngineIncident, *, request_id: str = ""
) -> None:
    """Try again: the effect that failed, or, where a command was rolled back, whatever can move now.

    Raises EngineFailed if it fails again; then the count of attempts rises.
    """
    require(principal, Action.ENGINE_RETRY)
    table = t.table_of(t.EngineIncident)
    row = uow.connection.execute(select(table).where(table.c.id == command.engine_incident)).mappings().first()
    if row is None or row["state"] != "open":
        raise NoSuch("engine incident", command.engine_incident)

    def work(on: Advance) -> None:
        if row["retry"]:
            inbox.retried(on, row)
        else:
            on.record(ev.EngineIncidentResolved(row["id"]))

    advance(uow, services, row["incident_id"], Origin(principal.account_id, request_id=request_id), work)
