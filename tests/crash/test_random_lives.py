"""R4 on a database: a random model leaves the same log with power cuts at every commit, and with two workers."""

from functools import partial
from pathlib import Path

import pytest

from tests.models.blocks import Block, Model, Shape
from tests.models.generating import model
from tests.models.living import a_life, ordinary
from tests.models.properties import accepted, count
from tests.models.walking import assembled
from tests.stores import CHOSEN

BACKEND = "sqlite" if CHOSEN == "sqlite" else "postgres"
SHORT = range(80)
HEARD = ((Shape.CATCH, "signal"), (Shape.TASK, "user"), (Shape.THROW, "signal"))


def lives_alike(folder: Path, made: Model, seed: int) -> bool:
    """Live a model three times: undisturbed, with the power cut at every commit, and with two workers.

    Raises AssertionError where the logs differ or the instance does not end; False where the model is refused.
    """
    bundle = accepted(ordinary(made))
    if bundle is None:
        return False
    assembly = assembled(bundle)
    logs = []
    for disturbed in ({}, {"is_cut": True}, {"workers": 2}):
        with a_life(BACKEND, folder, assembly, **disturbed) as life:
            logs.append(life.live(seed))
    assert logs[0] == logs[1], "the log after power cuts"
    assert logs[0] == logs[2], "the log of two workers"
    return True


def _ran(folder: Path, seeds: range) -> int:
    return count(seeds, partial(lives_alike, folder))


def test_random_models_live_the_same_whatever_happens(tmp_path: Path) -> None:
    assert _ran(tmp_path, SHORT) > len(SHORT) // 2


@pytest.mark.soak
@pytest.mark.parametrize("hundred", range(100))
def test_ten_thousand_random_models_live_the_same(tmp_path: Path, hundred: int) -> None:
    assert _ran(tmp_path, range(2_000_000 + hundred * 100, 2_000_100 + hundred * 100)) > 50


@pytest.mark.parametrize("seed", [2, 6])
def test_a_signal_is_heard_in_the_same_order_after_a_power_cut(tmp_path: Path, seed: int) -> None:
    """Waits 9 and 10 of an instance: the order of what is kept in memory is that of what is read again."""
    catch, user, throw = (Block(shape, (), how) for shape, how in HEARD)
    speaker = Block(Shape.SEQUENCE, (user, throw, user, throw))
    hearers = [Block(Shape.SEQUENCE, (catch, catch))] * 3
    assert lives_alike(tmp_path, Model(Block(Shape.FORK, (speaker, *hearers)), ()), seed)


def test_the_cut_and_the_second_worker_are_real(tmp_path: Path) -> None:
    """A power cut loses what was not committed, and both workers look."""
    bundle = next(found for seed in range(50) if (found := accepted(ordinary(model(seed)))) is not None)
    with a_life(BACKEND, tmp_path, assembled(bundle), is_cut=True, workers=2) as life:
        tries: list[int] = []
        life._run(life.processes[0], lambda uow: tries.append(uow.now.minute))
        assert len(tries) == 2
        life.begin()
        assert not life.processes[0].services.live.sets()
