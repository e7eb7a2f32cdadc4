"""What exists outside a bundle, so that the linter can tell a slip from a reference."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller knows; None means unknown, and is not checked.

    `inputs` are names the caller will give to the entry process and its pages.
    """

    procedures: Collection[str] = ()
    decisions: Collection[str] = ()
    view_exists: Callable[[str], bool] | None = None
    roles: Collection[str] | None = None
    facts: Collection[str] | None = None
    deadlines: Collection[str] | None = None
    policies: Collection[str] | None = None
    inputs: Collection[str] = ()

    def with_bundle(self, procedures: Collection[str], decisions: Mapping[str, str]) -> "Known":
        """The same with the procedures and decisions of one intake."""
        return replace(self, procedures=procedures, decisions=decisions)
