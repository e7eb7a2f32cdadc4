"""R4: random structured diagrams on random paths, the same after every save and load."""

from pathlib import Path

import pytest

from service.engine.instance import EngineError
from service.engine.intake import reopen_bundle
from tests.models.blocks import Model
from tests.models.generating import model
from tests.models.properties import check, holds
from tests.models.shrinking import shrink
from tests.models.storing import REGRESSIONS, keep, kept
from tests.models.walking import read, walk
from tests.models.writing import BUNDLE, write

CHUNK = 60
CHUNKS = range(10)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_random_models_run_the_same_after_every_save_and_load(chunk: int) -> None:
    ran = sum(check(seed) for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK))
    assert ran > CHUNK // 2  # the rest is refused by name


@pytest.mark.soak
@pytest.mark.parametrize("thousand", range(10))
def test_ten_thousand_random_models(thousand: int) -> None:
    assert sum(check(1_000_000 + thousand * 1_000 + number) for number in range(1_000)) > 500


def test_models_refused_for_a_name_would_stop_for_it() -> None:
    """The other half of "accepted never fails": what is refused does fail, if not on every path."""
    refused = [files for files in map(write, map(model, range(40))) if read(files)[0] is None]
    stopped = sum(_stops(files, seed) for seed, files in enumerate(refused))
    assert stopped > len(refused) // 3


def _stops(files: dict[str, bytes], seed: int) -> bool:
    bundle, findings = reopen_bundle(files, bundle_id=BUNDLE, decisions={})
    assert bundle is not None, findings
    try:
        walk(bundle, seed)
    except EngineError as error:
        return "is missing" in error.cause
    return False


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.json")), ids=lambda path: path.stem)
def test_what_once_broke_holds(path: Path) -> None:
    holds(*kept(path))


def test_the_same_seed_gives_the_same_files() -> None:
    assert write(model(7)) == write(model(7))
    assert write(model(7)) != write(model(8))


def test_a_failing_model_is_made_small() -> None:
    big = next(made for seed in range(100) if b"timecycle" in _text(made := model(seed, size=30)))
    small = shrink(big, lambda each: b"timecycle" in _text(each))
    assert b"timecycle" in _text(small)
    assert len(_text(small)) < len(_text(big)) / 2


def _text(made: Model) -> bytes:
    return b"".join(write(made).values()).lower()


def test_a_model_comes_back_from_its_file(tmp_path: Path) -> None:
    made = model(11)
    assert kept(keep(made, 11, "an example", folder=tmp_path)) == (made, 11)
