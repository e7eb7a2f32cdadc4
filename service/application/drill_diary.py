"""The diary of a drill, for everybody or for its trainers alone, and who may look on.

Entries are events: nobody changes or removes one, also after the end of the drill.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from service.application import sessions
from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import events as ev
from service.domain.access import TRAINER, Action, Principal, may, require
from service.domain.commands import NameObserver, NoteDrill
from service.domain.errors import NotADrill, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LONGEST = 1000


def note(
    uow: UnitOfWork, services: Services, principal: Principal, command: NoteDrill, *, request_id: str = ""
) -> None:
    """Write an entry. Raises NotADrill, NotAllowed, ValueRefused for no text or one too long."""
    text = command.text.strip()

    def work(on: Advance) -> None:
        _check(on, principal)
        if not 1 <= len(text) <= LONGEST:
            raise ValueRefused("text", f"须为1至{LONGEST}个字", f"needs 1 to {LONGEST} characters")
        event = ev.DrillNotedPrivately() if command.is_private else ev.DrillNoted()
        on.record(event, sealed={on.incident_id: {"text": text}})

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def name_observer(
    uow: UnitOfWork, services: Services, principal: Principal, command: NameObserver, *, request_id: str = ""
) -> None:
    """Let somebody who sees the drill look on. Raises NotADrill, NotAllowed, ValueRefused for who does not see it."""

    def work(on: Advance) -> None:
        _check(on, principal)
        account = _account(on, command.username.strip())
        drill: Mapping[str, Any] = on.rows.get(sql.drills, on.incident_id) or {}
        if (account in drill["observers"]) != command.is_observer:
            on.record(ev.DrillObserverNamed(account, command.is_observer))

    advance(uow, services, command.drill, _origin(principal, request_id), work)


# --- inside -----------------------------------------------------------------------------------


def _check(on: Advance, principal: Principal) -> None:
    if on.incident["kind"] != "drill":
        require(principal, Action.INCIDENT_READ, incident_subject(on.uow, on.incident))
        raise NotADrill(on.incident["number"])
    require(principal, Action.DRILL_CONTROL, incident_subject(on.uow, on.incident))


def _account(on: Advance, username: str) -> str:
    accounts = sql.accounts
    found = select(accounts.c.id).where(accounts.c.username == username, accounts.c.is_active.is_(True))
    account = on.uow.connection.execute(found).scalar()
    if account is not None:
        who = sessions.principal_of_account(on.uow.connection, account, now=on.uow.now)
        if may(who, Action.INCIDENT_READ, incident_subject(on.uow, on.incident)):
            return str(account)
    raise ValueRefused("username", "没有这个账号，或者此人看不到这场演练", "names nobody who can see this drill")


def _origin(principal: Principal, request_id: str) -> Origin:
    return Origin(actor=principal.account_id, role=TRAINER, request_id=request_id, command_id=request_id)
