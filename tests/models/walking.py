"""Random paths: one instance driven by whatever waits, the same for the same seed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random

from service.domain import events as ev
from service.engine import runner
from service.engine.assembly import Assembly, assemble
from service.engine.instance import Instance
from service.engine.intake import read_bundle
from service.engine.known import Known
from service.engine.model import Bundle, Finding, Kind, Node, Trigger
from tests.models.writing import BUNDLE, FACTS, NAMES
from tests.unit.engine.building import Driver

STEPS = 40
AT_MOST = 400
TIMERS = {Trigger.DATE, Trigger.DURATION, Trigger.CYCLE}


def read(files: dict[str, bytes]) -> tuple[Bundle | None, list[Finding]]:
    """A written model through the intake, as a deployment reads it."""
    known = Known(
        procedures={"other"}, view_exists=lambda _key: True, certain_fields=lambda _key: (), roles={"nurse"},
        facts=set(FACTS), names=NAMES,
    )  # fmt: skip
    return read_bundle(files, bundle_id=BUNDLE, decisions={}, known=known)


@dataclass(frozen=True)
class Trace:
    """What a walk did: every event in order, the last status, and the process data of the end."""

    events: tuple[ev.Event, ...]
    status: str
    result: object


def walk(
    bundle: Bundle, seed: int, *, reload: bool = False, ticks: int = 1,
    look: Callable[[Instance], None] = lambda _: None,
) -> Trace:  # fmt: skip
    """Walk a bundle from start to end; `reload` saves and loads the instance before every command.

    Until a timer is due the clock is looked at `ticks` times; `look` is shown the instance after each command.

    For a while anything may happen; then only what leads to the end does.

    Raises:
        AssertionError: The instance does not end.
    """
    driver = started(bundle, reload=reload)
    rng = Random(seed)  # noqa: S311 - random paths are no secrets
    for step in range(AT_MOST):
        if driver.instance.status != "active":
            break
        move(driver, rng, is_free=step < STEPS, ticks=ticks)
        look(driver.instance)
    assert driver.instance.status == "completed", f"still {driver.instance.status}"
    return Trace(tuple(driver.events), driver.instance.status, driver.result)


def started(bundle: Bundle, *, reload: bool = False) -> Driver:
    """An instance of a bundle that has just begun."""
    return Driver(assembled(bundle), inputs=dict.fromkeys(NAMES, 1), facts=_facts(), reload=reload)


def assembled(bundle: Bundle) -> Assembly:
    """The assembly of a checked bundle."""
    return assemble(bundle)


def _facts() -> dict[str, object]:
    return {"cases": [], "any_positive": False}


def move(driver: Driver, rng: Random, *, is_free: bool, ticks: int = 1) -> None:
    """One thing happens. Choices depend on the seed and on what waits, on nothing else."""
    moves: list[Callable[[], None]] = []
    for tid in sorted(driver.waits(), key=_number):
        is_extra, do = _offer(driver, rng, tid, ticks)
        if is_free or not is_extra:
            moves.append(do)
    if is_free or not moves:
        moves.append(lambda: driver.proceed(any_positive=not driver.facts["any_positive"]))
    (rng.choice(moves) if is_free else moves[0])()


def _offer(driver: Driver, rng: Random, tid: str, ticks: int) -> tuple[bool, Callable[[], None]]:
    """Whether a wait is beside the way to the end, and what makes it go on."""
    element = driver.element(tid)
    node = next(page.nodes[element] for page in driver.assembly.bundle.processes.values() if element in page.nodes)
    is_extra = node.kind in {Kind.BOUNDARY, Kind.START}
    if node.trigger is Trigger.CONDITIONAL:
        return is_extra, lambda: driver.proceed(any_positive=not driver.facts["any_positive"])
    if node.trigger in {Trigger.ERROR, Trigger.ESCALATION}:
        return is_extra, lambda: driver.proceed()
    if node.trigger in TIMERS:
        return is_extra, partial(_wait_for, driver, tid, ticks)
    if node.kind is Kind.CALL:
        catches = any(each.trigger is Trigger.ERROR for each in _boundaries(driver, element))
        return False, partial(_end_child, driver, tid, error="failed" if catches and rng.random() < 0.5 else "")
    outputs = {name: rng.randint(0, 3) for name in node.outputs}
    return is_extra, lambda: driver.fire(tid, outputs)


def _wait_for(driver: Driver, tid: str, ticks: int) -> None:
    """Let the time pass until a timer is due, in as many steps as asked for."""
    due = driver.dues().get(tid)
    left = max(due - driver.now, timedelta()) if due else timedelta()
    for tick in range(ticks):
        driver.pass_time(left // ticks if tick else left - left // ticks * (ticks - 1))


def _boundaries(driver: Driver, element: str) -> list[Node]:
    return [each for page in driver.assembly.bundle.processes.values() for each in page.boundaries(element)]


def _end_child(driver: Driver, tid: str, *, error: str) -> None:
    driver.settle(runner.child_ended(driver.instance, driver.context(), tid, item="", result={"v1": 2}, error=error))


def _number(tid: str) -> int:
    return int(tid.rpartition("-")[2])
