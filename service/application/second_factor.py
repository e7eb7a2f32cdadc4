"""The second factor of an account: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

The secret is sealed; a code is taken once, from the step before to the step after the present one, because
clocks of phones differ. Recovery codes are shown once and stored as hashes.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

import pyotp
from sqlalchemy import Connection, delete, func, insert, select, update

from service.application import access_log, attempts
from service.domain import events as ev
from service.domain.errors import CodeRefused, SecondFactorNeeded
from service.persistence.command_runner import CommandRunner
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

STEP_SECONDS = 30
SKEW = 1  # steps before and after the present one
RECOVERY_CODES = 10
RECOVERY_GROUPS = 4
ISSUER = "Tocsin 警钟"
TOTP, RECOVERY = "code", "recovery_code"
_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that looks like something else

_factors = sql.second_factors
_codes = sql.recovery_codes
_memberships = sql.memberships


def is_set(connection: Connection, account_id: str) -> bool:
    """Whether the account asks for a code."""
    mine = (_factors.c.account_id == account_id) & _factors.c.confirmed_at.is_not(None)
    return connection.execute(select(_factors.c.account_id).where(mine)).first() is not None


def is_required(connection: Connection, account_id: str, roles: frozenset[str]) -> bool:
    """Whether the account holds one of the roles that must have one."""
    mine = (_memberships.c.account_id == account_id) & _memberships.c.role.in_(sorted(roles))
    return bool(roles) and connection.execute(select(_memberships.c.role).where(mine)).first() is not None


def codes_left(connection: Connection, account_id: str) -> int:
    """How many recovery codes are left."""
    mine = _codes.c.account_id == account_id
    return int(connection.execute(select(func.count()).select_from(_codes).where(mine)).scalar() or 0)


def propose(uow: UnitOfWork, account_id: str) -> str:
    """A new secret that counts once a code of it was given; the one proposed before is kept."""
    uow.alone(f"second-factor:{account_id}")
    row = _row(uow.connection, account_id)
    if row is not None:
        return _secret(uow, account_id)
    secret = pyotp.random_base32()
    sealed = uow.sealer.seal_text(uow.connection, {_subject(account_id): {"totp": secret}})
    uow.connection.execute(insert(_factors).values(account_id=account_id, sealed=sealed, created_at=uow.now))
    return secret


def address(secret: str, username: str) -> str:
    """What the QR code says to an authenticator app."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=username, issuer_name=ISSUER)


def answer(
    runner: CommandRunner, account_id: str, code: str, *, network: str = "", is_new: bool = False
) -> Sequence[str]:
    """Take a code, counted as an attempt. Raises CodeRefused, TooManyAttempts.

    With `is_new` it is the first code of a proposed secret: the answer are the recovery codes. Otherwise
    it is one word, by what the code was taken: TOTP or RECOVERY.
    """
    counted = [attempts.Counted("code", account_id, account_id), *attempts.of_address("address", network)]
    runner.run(lambda uow: attempts.begin(uow, counted))

    def take(uow: UnitOfWork) -> Sequence[str]:
        taken = _confirm(uow, account_id, code) if is_new else [_take(uow, account_id, code)]
        attempts.succeeded(uow, counted)
        return taken

    try:
        return runner.run(take)
    except CodeRefused:
        runner.run(lambda uow: access_log.append(uow, ev.SignInRefused("code", account_id)))
        raise


def renew_recovery_codes(uow: UnitOfWork, account_id: str) -> list[str]:
    """New recovery codes, to be shown once; those before count no more. Raises SecondFactorNeeded."""
    if not is_set(uow.connection, account_id):
        raise SecondFactorNeeded
    made = ["-".join(_group() for _ in range(RECOVERY_GROUPS)) for _ in range(RECOVERY_CODES)]
    uow.connection.execute(delete(_codes).where(_codes.c.account_id == account_id))
    uow.connection.execute(insert(_codes), [{"account_id": account_id, "code_hash": _hash(code)} for code in made])
    access_log.append(uow, ev.RecoveryCodesMade(account_id), actor=account_id)
    return made


def remove(uow: UnitOfWork, account_id: str, *, actor: str, reason: str = "") -> bool:
    """Ask for no code any more; False if none was asked for."""
    uow.alone(f"second-factor:{account_id}")
    was_set = is_set(uow.connection, account_id)
    uow.connection.execute(delete(_codes).where(_codes.c.account_id == account_id))
    uow.connection.execute(delete(_factors).where(_factors.c.account_id == account_id))
    if was_set:
        access_log.append(uow, ev.SecondFactorRemoved(account_id, reason), actor=actor)
    return was_set


# --- inside -----------------------------------------------------------------------------------


def _confirm(uow: UnitOfWork, account_id: str, code: str) -> list[str]:
    uow.alone(f"second-factor:{account_id}")
    row = _row(uow.connection, account_id)
    step = _step_of(uow, account_id, code, after=0) if row is not None else None
    if row is None or row["confirmed_at"] is not None or step is None:
        raise CodeRefused
    _update(uow, account_id, confirmed_at=uow.now, last_step=step)
    access_log.append(uow, ev.SecondFactorSet(account_id), actor=account_id)
    return renew_recovery_codes(uow, account_id)


def _take(uow: UnitOfWork, account_id: str, code: str) -> str:
    uow.alone(f"second-factor:{account_id}")
    row = _row(uow.connection, account_id)
    if row is None or row["confirmed_at"] is None:
        raise CodeRefused
    step = _step_of(uow, account_id, code, after=row["last_step"])
    if step is not None:
        _update(uow, account_id, last_step=step)
        return TOTP
    mine = (_codes.c.account_id == account_id) & (_codes.c.code_hash == _hash(code))
    if uow.connection.execute(delete(_codes).where(mine)).rowcount == 0:
        raise CodeRefused
    return RECOVERY


def _step_of(uow: UnitOfWork, account_id: str, code: str, *, after: int) -> int | None:
    """The time step a code belongs to, if it is near the present one and later than the last one taken."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit()):
        return None
    totp = pyotp.TOTP(_secret(uow, account_id), interval=STEP_SECONDS)
    present = int(uow.now.timestamp()) // STEP_SECONDS
    steps = range(present - SKEW, present + SKEW + 1)
    # Every step is computed and compared, so that the time taken says nothing.
    fitting = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), digits)]
    return next((step for step in fitting if step > after), None)


def _row(connection: Connection, account_id: str) -> dict[str, Any] | None:
    row = connection.execute(select(_factors).where(_factors.c.account_id == account_id)).mappings().first()
    return dict(row) if row else None


def _secret(uow: UnitOfWork, account_id: str) -> str:
    text = uow.connection.execute(select(_factors.c.sealed).where(_factors.c.account_id == account_id)).scalar_one()
    return str(uow.sealer.open_text(uow.connection, text)[_subject(account_id)]["totp"])


def _update(uow: UnitOfWork, account_id: str, **values: object) -> None:
    uow.connection.execute(update(_factors).where(_factors.c.account_id == account_id).values(values))


def _subject(account_id: str) -> str:
    return f"account:{account_id}"


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(4))


def _hash(code: str) -> str:
    """Seventy-eight random bits need no slow hash."""
    plain = "".join(each for each in code.upper() if each in _ALPHABET)
    return hashlib.sha256(plain.encode()).hexdigest()
