"""Looking at the log itself, and checking it. Stream `access`."""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class AuditRead(Event):
    """Somebody looked at the audit log: what he asked for, and how many entries he was shown."""

    type: ClassVar[str] = "audit_read"
    kinds: list[str]
    account: str
    incident: str
    person: str
    since: str
    until: str
    rows: int


@event
@dataclass(frozen=True, slots=True)
class AuditVerified(Event):
    """A check of all hash chains ended; `reason`, empty where all is whole, is about the event `seq` of `stream`."""

    type: ClassVar[str] = "audit_verified"
    check: str
    events: int
    stream: str = ""
    seq: int = 0
    reason: str = ""
