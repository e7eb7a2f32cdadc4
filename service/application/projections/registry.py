"""One registry from event type to the function that applies it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from service.domain import json_text
from service.domain.events import Event
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows

Applier = Callable[[IncidentRows, StoredEvent, Any], None]
_sealed_text = json_text.writer(sort_keys=True, separators=json_text.SPACED)
APPLIERS: dict[str, Applier] = {}


def applies(event: type[Event]) -> Callable[[Applier], Applier]:
    """Register the applier of an event class."""

    def register(function: Applier) -> Applier:
        APPLIERS[event.type] = function
        return function

    return register


def instant(text: str | None) -> datetime | None:
    """An instant of an event's data."""
    return datetime.fromisoformat(text) if text else None


def sealed_column(stored: StoredEvent) -> str:
    """The sealed values of an event as a text column holds them."""
    return _sealed_text(stored.sealed) if stored.sealed else "{}"


def deadline_id(incident: str, rule: str, subject: str) -> str:
    """Id of the deadline row of a rule and subject; there is one per incident."""
    return f"{incident}:{rule}:{subject}"
