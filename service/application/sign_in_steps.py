"""Sign-ins that need more than one request: what was proved so far, tied to one browser, good for ten minutes."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LENGTH = timedelta(minutes=10)
CODE, ENROL, OIDC = "code", "enrol", "oidc"

_steps = sql.sign_in_steps


@dataclass(frozen=True, slots=True)
class Step:
    """What is known of a sign-in under way; `account` is "" before anybody has proved anything."""

    kind: str
    account: str
    data: Mapping[str, Any]


def begin(uow: UnitOfWork, kind: str, *, account: str = "", data: Mapping[str, Any]) -> str:
    """Begin, and return the secret for the browser that goes on."""
    secret = secrets.token_urlsafe(32)
    uow.connection.execute(delete(_steps).where(_steps.c.expires_at <= uow.now))
    row = {"kind": kind, "account_id": account, "data": dict(data), "expires_at": uow.now + LENGTH}
    uow.connection.execute(insert(_steps).values(token_hash=_hash(secret), **row))
    return secret


def find(connection: Connection, secret: str, kind: str, *, now: datetime) -> Step | None:
    """The step a browser stands at; None if there is none of the kind, or its time is over."""
    mine = (_steps.c.token_hash == _hash(secret)) & (_steps.c.kind == kind) & (_steps.c.expires_at > now)
    row = connection.execute(select(_steps).where(mine)).first()
    return Step(row.kind, row.account_id, row.data) if row else None


def take(uow: UnitOfWork, secret: str, kind: str) -> Step | None:
    """The same for the last time: of two who take it at once one gets it."""
    step = find(uow.connection, secret, kind, now=uow.now)
    gone = uow.connection.execute(delete(_steps).where(_steps.c.token_hash == _hash(secret))).rowcount
    return step if gone else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
