"""Which version of a procedure new incidents begin with: activating, retiring, and who did so when and why.

Versions themselves never change. Running incidents stay on theirs, whatever is activated or retired.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from service.application import definitions
from service.application.services import Services
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoSuch, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

DEPLOYED, ACTIVATED, RETIRED = "deployed", "activated", "retired"
_HOW = {
    ev.DefinitionDeployed.type: DEPLOYED,
    ev.DefinitionActivated.type: ACTIVATED,
    ev.DefinitionRetired.type: RETIRED,
}


@dataclass(frozen=True, slots=True)
class VersionEvent:
    """An entry of the history of a procedure: what was done with a version, when, by whom, why."""

    version: int
    how: str
    at: datetime
    actor: str
    reason: str


def activate(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.ActivateVersion, *, request_id: str = ""
) -> bool:
    """New incidents begin with this version from now on; False if they did already.

    Raises NotAllowed, NoSuch, ValueRefused without a reason, DefinitionUnreadable for one that does not load.
    """
    require(principal, Action.DEFINITION_DEPLOY)
    _check_reason(command.reason)
    uow.alone(f"definitions:{command.procedure}")
    if _is_active(uow.connection, command.procedure, command.version):
        return False
    services.definitions.get(uow.connection, command.procedure, command.version)  # one that does not load helps nobody
    before = definitions.active_version(uow.connection, command.procedure) or 0
    definitions.put_out_of_use(uow, command.procedure)
    _set(uow, command.procedure, command.version, is_active=True)
    event = ev.DefinitionActivated(command.procedure, command.version, before, command.reason)
    definitions.log(uow, command.procedure, event, actor=principal.account_id, request_id=request_id)
    return True


def retire(
    uow: UnitOfWork, _services: Services, principal: Principal, command: cmd.RetireVersion, *, request_id: str = ""
) -> bool:
    """No new incident begins with this version; False if none did already. What runs goes on, and may call it.

    Raises NotAllowed, NoSuch, ValueRefused without a reason.
    """
    require(principal, Action.DEFINITION_DEPLOY)
    _check_reason(command.reason)
    uow.alone(f"definitions:{command.procedure}")
    if not _is_active(uow.connection, command.procedure, command.version):
        return False
    definitions.put_out_of_use(uow, command.procedure)
    event = ev.DefinitionRetired(command.procedure, command.version, command.reason)
    definitions.log(uow, command.procedure, event, actor=principal.account_id, request_id=request_id)
    return True


def history(connection: Connection, procedure: str) -> list[VersionEvent]:
    """What was done with the versions of a procedure, newest first, as the log has it."""
    log = sql.events
    mine = log.c.stream == definitions.stream_of(procedure)
    rows = connection.execute(select(log).where(mine).order_by(log.c.seq.desc())).mappings()
    return [
        VersionEvent(row["version"], _HOW[row["type"]], row["at"], row["actor"], str(row["data"].get("reason", "")))
        for row in rows
        if row["type"] in _HOW
    ]


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")


def _is_active(connection: Connection, procedure: str, version: int) -> bool:
    table = sql.definitions.c
    it = (table.procedure == procedure) & (table.version == version)
    found = connection.execute(select(table.is_active).where(it)).scalar()
    if found is None:
        raise NoSuch("procedure", f"{procedure} {version}")
    return bool(found)


def _set(uow: UnitOfWork, procedure: str, version: int, *, is_active: bool) -> None:
    table = sql.definitions
    it = (table.c.procedure == procedure) & (table.c.version == version)
    uow.connection.execute(update(table).where(it).values(is_active=is_active, retired_at=None))
