"""The first answer to a keyed request, given again to the same request for 24 hours.

The answer is stored in the unit of work of the command itself, so that a crash between the two
cannot make one without the other. The body is kept as a hash only.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert, select

from service.domain.errors import IdempotencyMismatch, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

KEPT = timedelta(hours=24)
LONGEST_KEY = 200

_keys = sql.idempotency_keys


@dataclass(frozen=True, slots=True)
class Request:
    """Who asked what: keys are per account and route; `body` is what must be the same."""

    account_id: str
    route: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as stored; `is_repeat` if it was given before."""

    status: int
    text: str
    is_repeat: bool = False


def once(uow: UnitOfWork, request: Request, work: Callable[[], Answer]) -> Answer:
    """Do the work and keep its answer, or give the answer of the first time again.

    Raises IdempotencyMismatch where the key was used with another body, ValueRefused for an overlong
    key, and what the work raises; nothing is kept then.
    """
    if len(request.key) > LONGEST_KEY:
        raise ValueRefused("Idempotency-Key", f"最长{LONGEST_KEY}个字符", f"has at most {LONGEST_KEY} characters")
    uow.alone(f"request:{request.account_id}:{request.route}:{request.key}")  # a second one waits for the first
    uow.connection.execute(delete(_keys).where(_keys.c.created_at <= uow.now - KEPT))
    same = (_keys.c.account_id == request.account_id) & (_keys.c.route == request.route) & (_keys.c.key == request.key)
    known = uow.connection.execute(select(_keys).where(same)).mappings().first()
    digest = hashlib.sha256(request.body).hexdigest()
    if known is not None:
        if known["body_hash"] != digest:
            raise IdempotencyMismatch
        return Answer(known["status"], known["response"], is_repeat=True)
    answer = work()
    row = {
        "account_id": request.account_id, "route": request.route, "key": request.key, "body_hash": digest,
        "status": answer.status, "response": answer.text, "created_at": uow.now,
    }  # fmt: skip
    uow.connection.execute(insert(_keys).values(row))
    return answer
