"""The signature of messages between systems: `t=<unix seconds>,v1=<HMAC-SHA256 hex>`.

The code is made over `t + "." + body` with a secret both sides hold; a message older or newer than
the tolerance is refused, so that a recorded one cannot be played again later.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from service.domain.errors import SignatureInvalid

HEADER = "X-Signature"
TOLERANCE = timedelta(minutes=5)


def sign(body: bytes, secret: str, *, now: datetime) -> str:
    """The header value for a body sent at `now` (real time)."""
    stamp = str(int(now.timestamp()))
    return f"t={stamp},v1={_code(stamp, body, secret)}"


def verify(header: str, body: bytes, secrets: Sequence[str], *, now: datetime) -> datetime:
    """Check a header value and return when it was signed; several secrets while one is replaced.

    Raises:
        SignatureInvalid: malformed, wrong, or outside the tolerance; the error never says which.
    """
    parts = dict(part.strip().split("=", 1) for part in header.split(",") if "=" in part)
    stamp, code = parts.get("t", ""), parts.get("v1", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise SignatureInvalid
    signed_at = datetime.fromtimestamp(int(stamp), UTC)
    is_right = any([hmac.compare_digest(_code(stamp, body, secret), code.lower()) for secret in secrets])
    if not is_right or abs(now - signed_at) > TOLERANCE:
        raise SignatureInvalid
    return signed_at


def _code(stamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
