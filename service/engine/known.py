"""What exists outside a bundle, so that the linter can tell a slip from a reference."""

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller of the intake knows; None means unknown, and is not checked."""

    procedures: Collection[str]
    decisions: Collection[str]
    view_exists: Callable[[str], bool] | None = None
    roles: Collection[str] | None = None
    facts: Collection[str] | None = None
    deadlines: Collection[str] | None = None
    policies: Collection[str] | None = None
    names: Collection[str] = ()
