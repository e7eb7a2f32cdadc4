"""Opaque cursors of keyset pages: where a list was left, not how far in."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from service.domain.errors import ValueRefused

LIMIT = 50
MOST = 200
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # stands for "no due time": such rows come last


def write(parts: Sequence[str]) -> str:
    """The cursor after a row with this sort key."""
    return base64.urlsafe_b64encode(json.dumps(list(parts)).encode()).decode().rstrip("=")


def read(cursor: str, count: int) -> list[str]:
    """The sort key of a cursor. Raises ValueRefused for anything we did not write."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise refused() from error
    if not (isinstance(parts, list) and len(parts) == count and all(isinstance(part, str) for part in parts)):
        raise refused()
    return parts


def read_instant(text: str) -> datetime:
    """An instant of a sort key. Raises ValueRefused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise refused() from error
    if at.tzinfo is None:
        raise refused()
    return at


def refused() -> ValueRefused:
    """The error for a cursor that is not one of ours."""
    return ValueRefused("cursor", "不是有效的分页标记", "is not a valid page mark")


def clamp(limit: int) -> int:
    """A page size within what is allowed."""
    return max(1, min(limit, MOST))
