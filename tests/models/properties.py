"""What must hold for every random model (R4), as functions that raise where it does not."""

from collections.abc import Callable

from service.engine.model import Bundle
from tests.models.blocks import Model
from tests.models.generating import model
from tests.models.legality import check_legal
from tests.models.shrinking import shrink
from tests.models.storing import keep
from tests.models.walking import read, walk
from tests.models.writing import write

ALLOWED = frozenset({"name_missing", "name_undeclared", "signal_loop", "too_complex"})
"""Rules that may refuse a random model."""


def accepted(made: Model) -> Bundle | None:
    """The bundle of a model; None where a rule of `ALLOWED` refuses it.

    Raises:
        AssertionError: The linter refuses it for another reason.
    """
    bundle, findings = read(write(made))
    if bundle is None:
        rules = {each.rule for each in findings if each.severity == "error"}
        assert rules & ALLOWED, rules
    return bundle


def holds(made: Model, seed: int) -> bool:
    """Walk a model three times: straight, saved and loaded before every command, timers polled more often.

    Raises:
        AssertionError: A token comes from nowhere, the logs differ, or the model is refused, or it does not end.
        EngineError: A step failed.
    """
    bundle = accepted(made)
    if bundle is None:
        return False
    walked = walk(bundle, seed)
    check_legal(bundle, walked.events)
    assert walked == walk(bundle, seed, reload=True)
    assert walked == walk(bundle, seed, ticks=3)
    return True


def check(seed: int, claim: Callable[[Model, int], bool] = holds) -> bool:
    """Check the model of a seed; a failure is shrunk and kept as a file before it is raised."""
    made = model(seed)
    try:
        return claim(made, seed)
    except Exception as error:  # whatever breaks is what is looked for
        small = shrink(made, lambda smaller: _fails(smaller, seed, claim))
        path = keep(small, seed, f"{type(error).__name__}: {error}")
        message = f"model {seed} breaks; the smallest one is kept as {path.name}"
        raise AssertionError(message) from error


def count(seeds: range, claim: Callable[[Model, int], bool]) -> int:
    """How many models of these seeds were accepted and hold what is claimed."""
    return sum(check(seed, claim) for seed in seeds)


def _fails(made: Model, seed: int, claim: Callable[[Model, int], bool]) -> bool:
    try:
        claim(made, seed)
    except Exception:  # the same
        return True
    return False
