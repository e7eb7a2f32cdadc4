"""Counting attempts at secrets, over all nodes: after some failures the next one must wait, longer each time.

What is counted is a name, the codes of an account, or an address; the table holds a hash of it. An attempt
is counted before the secret is looked at, so that guesses in parallel are counted too; success takes it back.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from service.application import access_log
from service.domain import events as ev
from service.domain.errors import TooManyAttempts
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

FORGOTTEN = timedelta(hours=1)  # after the last failure; longer than any wait
IPV6_NETWORK = 64  # one line has as many addresses as it likes below this

_table = sql.sign_in_attempts


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures are free; then the wait begins with `first` and doubles up to `longest`."""

    free: int
    first: timedelta
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """How long the next attempt must wait after so many failures."""
        over = failures - self.free
        return timedelta(0) if over < 0 else min(self.longest, self.first * 2 ** min(over, 16))


# A whole school may stand behind one address, so that it may fail more often and waits less.
LIMITS = {
    "name": Limit(8, timedelta(minutes=1), timedelta(minutes=15)),
    "code": Limit(5, timedelta(minutes=1), timedelta(minutes=15)),
    "address": Limit(60, timedelta(seconds=10), timedelta(minutes=5)),
    "token": Limit(30, timedelta(seconds=10), timedelta(minutes=5)),
    "pass": Limit(10, timedelta(seconds=10), timedelta(minutes=5)),
    "join": Limit(30, timedelta(seconds=10), timedelta(minutes=5)),  # a class types a PIN of six digits
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What attempts are counted for: `what` names the limit, `account` stands in the log where there is one."""

    what: str
    value: str
    account: str = ""

    @property
    def key(self) -> str:
        """How the table knows it."""
        return hashlib.sha256(f"{self.what}:{self.value}".encode()).hexdigest()


def of_address(what: str, address: str) -> list[Counted]:
    """An address as it is counted: of IPv6 the network, none where the address is not known."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return []
    if known.version == 6 and known.ipv4_mapped is None:
        return [Counted(what, str(ipaddress.ip_network((known, IPV6_NETWORK), strict=False)))]
    return [Counted(what, str(getattr(known, "ipv4_mapped", None) or known))]


def begin(uow: UnitOfWork, counted: Sequence[Counted]) -> None:
    """Count an attempt. Raises TooManyAttempts, and counts nothing, while one of them must wait."""
    ordered = sorted(counted, key=lambda each: each.key)
    for each in ordered:
        uow.alone(f"attempts:{each.key}")
    uow.connection.execute(delete(_table).where(_table.c.last_at <= uow.now - FORGOTTEN))
    rows = {each.key: _row(uow, each.key) for each in ordered}
    until = max((row["blocked_until"] for row in rows.values() if row), default=uow.now)
    if until > uow.now:
        raise TooManyAttempts(_seconds(until - uow.now))
    for each in ordered:
        row = rows[each.key]
        failures = (row["failures"] if row else 0) + 1
        wait = LIMITS[each.what].wait(failures)
        _put(uow, each.key, failures, uow.now + wait, is_new=row is None)
        if wait:
            access_log.append(uow, ev.AttemptsBlocked(each.what, _seconds(wait), each.account))


def succeeded(uow: UnitOfWork, counted: Sequence[Counted]) -> None:
    """The attempt was no failure: a name or code starts anew, an address has one less.

    An address is not cleared: whoever has an account of his own could guess at others for ever.
    """
    for each in sorted(counted, key=lambda one: one.key):
        uow.alone(f"attempts:{each.key}")
        row = _row(uow, each.key)
        if row is None:
            continue
        if each.what in ("name", "code") or row["failures"] <= 1:
            uow.connection.execute(delete(_table).where(_table.c.key == each.key))
        else:
            _put(uow, each.key, row["failures"] - 1, uow.now, is_new=False)


def _row(uow: UnitOfWork, key: str) -> dict[str, Any] | None:
    row = uow.connection.execute(select(_table).where(_table.c.key == key)).mappings().first()
    return dict(row) if row else None


def _put(uow: UnitOfWork, key: str, failures: int, until: datetime, *, is_new: bool) -> None:
    values = {"failures": failures, "last_at": uow.now, "blocked_until": until}
    if is_new:
        uow.connection.execute(insert(_table).values(key=key, **values))
    else:
        uow.connection.execute(update(_table).where(_table.c.key == key).values(values))


def _seconds(span: timedelta) -> int:
    return max(1, int(span.total_seconds()))
