"""The steps of an import of the directory."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from service.domain.errors import FieldError

NEW, CHANGED, SAME, REMOVED = "new", "changed", "same", "removed"
CHANGES = (NEW, CHANGED, SAME, REMOVED)
ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be done: plain JSON, so that it can wait sealed until somebody confirms it."""

    kind: str
    change: str
    organisation: str
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that change something, how many rows of each kind are new, changed, the same or removed, and the faults."""

    steps: tuple[Step, ...]
    counts: Mapping[str, Mapping[str, int]]
    errors: tuple[FieldError, ...]
