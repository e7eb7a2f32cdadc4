"""What somebody typed and sent when his session had ended: kept for an hour, for him alone, in this browser alone.

It is encrypted with a key that only the browser has, in a cookie; the database holds what nobody can read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, insert, select

from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LENGTH = timedelta(hours=1)
MOST_CHARACTERS = 2_000_000

_kept = sql.kept_forms


@dataclass(frozen=True, slots=True)
class KeptForm:
    """Where it was sent, and its fields in order."""

    address: str
    fields: tuple[tuple[str, str], ...]


def keep(uow: UnitOfWork, account: str, address: str, fields: Sequence[tuple[str, str]]) -> str:
    """Keep a form, the last one of its writer only; the answer is its key, "" if it is too large."""
    text = json.dumps([address, list(fields)])
    uow.connection.execute(delete(_kept).where((_kept.c.account_id == account) | (_kept.c.expires_at <= uow.now)))
    if len(text) > MOST_CHARACTERS:
        return ""
    key = Fernet.generate_key()
    content = Fernet(key).encrypt(text.encode()).decode()
    row = {"account_id": account, "content": content, "expires_at": uow.now + LENGTH}
    uow.connection.execute(insert(_kept).values(id=_id(key.decode()), **row))
    return key.decode()


def take(uow: UnitOfWork, key: str, account: str) -> KeptForm | None:
    """Give it back once; None if it is somebody else's, or its hour is over."""
    row = uow.connection.execute(select(_kept).where(_kept.c.id == _id(key))).first()
    uow.connection.execute(delete(_kept).where(_kept.c.id == _id(key)))
    if row is None or row.account_id != account or row.expires_at <= uow.now:
        return None
    try:
        address, fields = json.loads(Fernet(key.encode()).decrypt(row.content.encode()))
    except (InvalidToken, ValueError):
        return None
    return KeptForm(address, tuple((name, value) for name, value in fields))


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
