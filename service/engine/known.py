"""What exists outside a bundle, so that the linter can tell a slip from a reference."""

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller of the intake knows; None means unknown, and is not checked.

    `procedures` are the ids of the others that can be called; as a mapping to the names each needs, calls are checked
    for them as well. `policies` as a mapping to typed values have decision tables checked for gaps. `names` of process
    data are given from outside, beside those a process says it needs. `certain_fields` of a form view are there after
    every answer. `fact_decisions` have an outcome that is a fact and never process data.
    """

    procedures: Collection[str] = ()
    decisions: Collection[str] = ()
    view_exists: Callable[[str], bool] | None = None
    certain_fields: Callable[[str], Collection[str]] | None = None
    roles: Collection[str] | None = None
    facts: Collection[str] | None = None
    deadlines: Collection[str] | None = None
    policies: Collection[str] | None = None
    names: Collection[str] = ()
    fact_decisions: Collection[str] = ()
