"""What administrators do for the safety of somebody else's account."""

from dataclasses import dataclass

from service.application import access_tokens, accounts, second_factor, sessions
from service.application.services import Services
from service.domain import commands as cmd
from service.domain.access import Action, Principal, require
from service.domain.errors import ValueRefused
from service.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ShutOutcome:
    """How many sessions were ended, and how many tokens revoked."""

    sessions: int
    tokens: int


def shut_out(
    uow: UnitOfWork, _services: Services, principal: Principal, command: cmd.ShutOut, *, request_id: str = ""
) -> ShutOutcome:
    """End every session of an account and revoke its tokens. Raises NotAllowed, NoSuch, ValueRefused."""
    del request_id
    _check(uow, principal, command.account, command.reason)
    me, reason = principal.account_id, command.reason.strip()
    ended = sessions.revoke_all(uow, command.account, actor=me, reason=reason)
    return ShutOutcome(ended, access_tokens.revoke_all(uow, command.account, actor=me, reason=reason))


def reset_second_factor(
    uow: UnitOfWork, _services: Services, principal: Principal, command: cmd.ResetSecondFactor, *, request_id: str = ""
) -> bool:
    """For somebody who lost phone and recovery codes: no code is asked for, and every session ends.

    False if none was asked for. Raises NotAllowed, NoSuch, ValueRefused.
    """
    del request_id
    _check(uow, principal, command.account, command.reason)
    me, reason = principal.account_id, command.reason.strip()
    sessions.revoke_all(uow, command.account, actor=me, reason=reason)
    return second_factor.remove(uow, command.account, actor=me, reason=reason)


def _check(uow: UnitOfWork, principal: Principal, account: str, reason: str) -> None:
    require(principal, Action.ACCOUNT_MANAGE)
    accounts.username_of(uow.connection, account)
    if not reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
