"""The end of personal values: holds, and what was destroyed when under which rule. No value stands here."""

from dataclasses import dataclass, field
from typing import ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class LegalHoldSet(Event):
    """Nothing of the incident, or of one person of it, may be erased until the hold is lifted; the reason is sealed."""

    type: ClassVar[str] = "legal_hold_set"
    person: str = ""


@event
@dataclass(frozen=True, slots=True)
class LegalHoldLifted(Event):
    """A hold ended; the reason is sealed."""

    type: ClassVar[str] = "legal_hold_lifted"
    hold: str
    person: str = ""


@event
@dataclass(frozen=True, slots=True)
class DataErased(Event):
    """Keys were destroyed: `keys` maps person or incident to classes, `rules` a class to rule, value, start and due.

    `basis` is retention or request; `gone` counts what else was deleted: files, drafts, answers, sent copies.
    """

    type: ClassVar[str] = "data_erased"
    run: str
    basis: str
    keys: dict[str, list[str]]
    rules: dict[str, dict[str, str]]
    gone: dict[str, int] = field(default_factory=dict)


@event
@dataclass(frozen=True, slots=True)
class ErasureEnded(Event):
    """A run of erasures ended; `sha256` is that of its certificate. Stream `access`."""

    type: ClassVar[str] = "erasure_ended"
    run: str
    basis: str
    erased: int
    refused: int
    sha256: str
