"""Versions of a procedure, in its own stream: deployed, in use, retired."""

from dataclasses import dataclass
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class DefinitionDeployed(Event):
    """A bundle was stored as the next version and is in use from now on."""

    type: ClassVar[str] = "definition_deployed"
    procedure: str
    version: int
    bundle_hash: str


@event
@dataclass(frozen=True, slots=True)
class DefinitionActivated(Event):
    """New incidents begin with this version instead of `before` (0: with none)."""

    type: ClassVar[str] = "definition_activated"
    procedure: str
    version: int
    before: int
    reason: str


@event
@dataclass(frozen=True, slots=True)
class DefinitionRetired(Event):
    """No new incident begins with the procedure any more; those that run go on."""

    type: ClassVar[str] = "definition_retired"
    procedure: str
    version: int
    reason: str
