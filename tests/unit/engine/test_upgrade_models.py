"""Random instances at random moments, moved to a random next version: each finishes, or is refused by name."""

from random import Random

import pytest

from service.engine import upgrade
from service.engine.assembly import Assembly
from service.engine.upgrade_fit import fit
from tests.models.changing import changed
from tests.models.generating import model
from tests.models.walking import AT_MOST, assembled, move, read, started
from tests.models.writing import write
from tests.unit.engine.building import Driver

CHUNK = 40


def moved(driver: Driver, target: Assembly) -> bool:
    """Move the driver's instance, if nothing speaks against it."""
    if upgrade.plan(driver.instance, target).blockers:
        return False
    old, fitted = driver.assembly, fit(driver.instance, target)
    driver.assembly, driver.instance = target, fitted.instance
    told = {"procedure": "sample", "before": 1, "version": 2, "reason": "test"}
    driver.settle(upgrade.settle(driver.instance, driver.context(), fitted, old, told))
    return True


def upgraded(seed: int) -> bool:
    """Walk a while, move, walk on to the end; True if it was moved while it ran."""
    bundle, _findings = read(write(model(seed)))
    if bundle is None:
        return False  # what the intake refuses does not run
    rng = Random(seed)  # noqa: S311 - random paths are no secrets
    driver = started(bundle, reload=bool(seed % 2))
    for _ in range(rng.randint(0, 6)):
        if driver.instance.status == "active":
            move(driver, rng, is_free=True)
    has_moved = driver.instance.status == "active" and moved(driver, assembled(changed(bundle, rng)))
    for step in range(AT_MOST):
        if driver.instance.status != "active":
            break
        move(driver, rng, is_free=step < 5)
    assert driver.instance.status == "completed", f"seed {seed} is still {driver.instance.status}"
    return has_moved


@pytest.mark.parametrize("chunk", range(5))
def test_what_was_moved_comes_to_its_end(chunk: int) -> None:
    ran = sum(upgraded(seed) for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK))
    assert ran > CHUNK // 8  # the others had ended, or were refused by name


@pytest.mark.soak
@pytest.mark.parametrize("thousand", range(5))
def test_five_thousand_upgrades(thousand: int) -> None:
    assert sum(upgraded(2_000_000 + thousand * 1_000 + number) for number in range(1_000)) > 200
