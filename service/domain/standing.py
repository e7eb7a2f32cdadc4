"""Which roles carry rights of their own, whatever the organisation: those that lead, oversee, or speak for others."""

from collections.abc import Iterable

# Filled from the catalogue of roles by `appoint`; until then nobody leads, oversees or speaks for anybody.
LEADERS: set[str] = set()  # they may close, release and delegate the work of others, and keep its people
OVERSEERS: set[str] = set()  # they see the organisations below their own
OUTSIDE_PARTIES: set[str] = set()  # whoever holds the role may speak for the party
LETTER_READERS: set[str] = set()  # they see to letters that come from other organisations


def appoint(
    *, leaders: Iterable[str], overseers: Iterable[str], outside_parties: Iterable[str], letter_readers: Iterable[str]
) -> None:
    """Say which roles carry rights of their own; `bootstrap` does, from the catalogue, before anybody is asked for."""
    named_for = (
        (LEADERS, leaders), (OVERSEERS, overseers), (OUTSIDE_PARTIES, outside_parties), (LETTER_READERS, letter_readers)
    )  # fmt: skip
    for kept, named in named_for:
        kept.clear()
        kept.update(named)


TRAINING = "drill_training"  # P26: real work, which trainers lead as they lead drills
EVALUATORS = frozenset({"trainer", "epi_office", "town_office"})  # of drills (P26.6)


def is_led(kind: str, procedure: str) -> bool:
    """Whether an incident is led by trainers: a drill, or the training that plans one."""
    return kind == "drill" or procedure == TRAINING
