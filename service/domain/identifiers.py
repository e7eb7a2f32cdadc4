"""Identifiers: one type per kind of thing, and sortable ids from an injected clock and random source."""

import secrets
import threading
from collections.abc import Callable
from typing import NewType

from service.domain.clock import Clock

AccountId = NewType("AccountId", str)
OrganisationId = NewType("OrganisationId", str)
PlaceId = NewType("PlaceId", str)
MemberId = NewType("MemberId", str)
IncidentId = NewType("IncidentId", str)
InstanceId = NewType("InstanceId", str)
TaskId = NewType("TaskId", str)
PersonId = NewType("PersonId", str)
DeadlineId = NewType("DeadlineId", str)
DeliveryId = NewType("DeliveryId", str)
ReportId = NewType("ReportId", str)
RoleId = NewType("RoleId", str)
ProcedureId = NewType("ProcedureId", str)
Stream = NewType("Stream", str)

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
RANDOM_BITS = 80
RANDOM_LIMIT = 1 << RANDOM_BITS


class IdGenerator:
    """Makes 26-character ids that sort by time of making: 48 bits milliseconds, 80 bits random.

    Ids made in one millisecond, or after the clock was set back, still sort after the one before.
    Given the same clock and the same random source, the same ids come out. Safe between threads.
    """

    def __init__(self, clock: Clock, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> str:
        """The next id."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        with self._lock:
            value = (milliseconds << RANDOM_BITS) | (int.from_bytes(self._random(10), "big") % RANDOM_LIMIT)
            if value <= self._last:
                value = self._last + 1
            self._last = value
        return _base32(value)


def _base32(value: int) -> str:
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
