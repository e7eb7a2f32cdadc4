"""Engine incidents: a failed step leaves the stored state as it was, is visible, and can be retried."""

from datetime import datetime

from sqlalchemy import select, update

from service.application import inbox
from service.application.services import SYSTEM, Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import EngineFailed, NoSuch
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork


def record(uow: UnitOfWork, services: Services, error: EngineFailed) -> None:
    """Record the failure of a rolled-back command, counting repeated ones; a failed due row is put on hold."""
    if not error.incident:
        return
    on = Advance(uow, services, error.incident, SYSTEM)
    if not on.incident:
        return
    key = f"{error.incident}:{error.due_row or error.element}"
    table = sql.engine_incidents
    known = uow.connection.execute(select(table.c.attempts).where(table.c.id == key)).scalar()
    retry = {"kind": "due", "target": error.due_row} if error.due_row else {}
    on.record(
        ev.EngineIncidentRaised(key, error.instance, error.element, error.cause, (known or 0) + 1, retry),
        element=error.element,
    )
    uow.flush(error.incident)
    if error.due_row:
        _hold(uow, error.due_row, queue.NEVER)


def _hold(uow: UnitOfWork, due_row: str, until: datetime) -> None:
    table = sql.due_rows
    uow.connection.execute(update(table).where(table.c.id == due_row).values(real_due_at=until))


def retry(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RetryEngineIncident, *, request_id: str = ""
) -> None:
    """Try again: the effect that failed, or, where a command was rolled back, whatever can move now.

    Raises EngineFailed if it fails again; then the count of attempts rises.
    """
    require(principal, Action.ENGINE_RETRY)
    table = sql.engine_incidents
    row = uow.connection.execute(select(table).where(table.c.id == command.engine_incident)).mappings().first()
    if row is None or row["state"] != "open":
        raise NoSuch("engine_incident", command.engine_incident)

    def work(on: Advance) -> None:
        on.record(ev.EngineIncidentResolved(row["id"]))
        if row["retry"].get("kind") == "start_child":
            inbox.retried(on, row["retry"])

    if row["retry"].get("kind") == "due":
        _hold(uow, row["retry"]["target"], uow.now)
    advance(uow, services, row["incident_id"], Origin(principal.account_id, request_id=request_id), work)
