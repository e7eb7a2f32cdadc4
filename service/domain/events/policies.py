"""Policies: changed for an organisation, applied to an incident that runs."""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class PolicyChanged(Event):
    """An organisation got another value, `new`; null where it takes over its superior's again."""

    type: ClassVar[str] = "policy_changed"
    key: str
    old: Any
    new: Any
    reason: str


@event
@dataclass(frozen=True, slots=True)
class PolicyApplied(Event):
    """A running incident took over values changed since its opening; `changes` maps a key to old and new."""

    type: ClassVar[str] = "policy_applied"
    changes: dict[str, dict[str, Any]]
    reason: str
