"""A policy changes while timers wait on it: wherever they wait, they move from where they began, or fire now."""

from datetime import time, timedelta

import pytest

from service.domain import events as ev
from service.domain.calendar import at_local, local_date
from service.engine.model import Kind, Node, Process, Trigger
from tests.unit.engine.building import START, Driver, assembled, node, page, user

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LENGTHS = {"a": HOUR, "b": 2 * HOUR}


def race() -> Process:
    timers = [node(f"t{key}", Kind.CATCH, Trigger.DURATION, timer=f'=policy("{key}")') for key in "ab"]
    ends = [user("ua"), user("ub"), node("e", Kind.END)]
    flows = ["s g", "g ta", "g tb", "ta ua", "tb ub", "ua e", "ub e"]
    return page("p", [node("s", Kind.START), node("g", Kind.EVENT_GATEWAY), *timers, *ends], flows)


def hosted() -> Process:
    """A task with two boundary timers: a interrupts it, b does not."""
    bounds = [
        node(
            f"t{key}", Kind.BOUNDARY, Trigger.DURATION, timer=f'=policy("{key}")', attached_to="w",
            interrupting=key == "a",
        )
        for key in "ab"
    ]  # fmt: skip
    nodes: list[Node] = [node("s", Kind.START), user("w"), *bounds, user("ua"), user("ub"), node("e", Kind.END)]
    return page("p", nodes, ["s w", "w e", "ta ua", "ua e", "tb ub", "ub e"])


def sessions() -> Process:
    """An event sub-process that begins every morning and evening."""
    start = node(
        "es", Kind.START, Trigger.CYCLE, timer='=daily([policy("morning"), policy("evening")])', parent="esp",
        interrupting=False,
    )  # fmt: skip
    nodes = [
        node("s", Kind.START), user("w"), node("e", Kind.END), node("esp", Kind.EVENT_SUBPROCESS), start,
        user("h", parent="esp"), node("ee", Kind.END, parent="esp"),
    ]  # fmt: skip
    return page("p", nodes, ["s w", "w e", "es h", "h ee"])


@pytest.mark.parametrize("reload", [False, True])
@pytest.mark.parametrize("process", [race(), hosted()], ids=["gateway", "boundary"])
def test_a_duration_counts_from_where_it_began(process: Process, reload: bool) -> None:
    driver = Driver(assembled(process), policies=LENGTHS, reload=reload)
    driver.pass_time(HOUR / 2)
    driver.change(a=3 * HOUR)
    assert sorted(driver.dues().values()) == [START + 2 * HOUR, START + 3 * HOUR]
    moved = driver.of(ev.WaitMoved)
    assert [each.due for each in moved] == [(START + 3 * HOUR).isoformat()]
    driver.change(a=3 * HOUR)
    assert driver.of(ev.WaitMoved) == moved  # the same value again changes nothing


def test_a_time_that_has_passed_fires_now_and_ends_what_waits_beside_it() -> None:
    driver = Driver(assembled(race()), policies=LENGTHS, reload=True)
    driver.pass_time(HOUR / 2)
    driver.change(a=HOUR / 4)
    assert driver.open_tasks() == ["ua"]
    assert driver.dues() == {}


def test_two_that_have_passed_do_not_both_fire_where_the_first_ends_the_other() -> None:
    driver = Driver(assembled(hosted()), policies=LENGTHS, reload=True)
    driver.pass_time(HOUR / 2)
    driver.change(a=HOUR / 4, b=HOUR / 4)
    assert driver.open_tasks() == ["ua"]
    assert driver.waits("w") == []


def test_a_timer_that_reads_other_policies_stays() -> None:
    driver = Driver(assembled(race()), policies={**LENGTHS, "c": HOUR})
    driver.change(c=2 * HOUR)
    assert driver.of(ev.WaitMoved) == []


TIMES = {"morning": time(6), "evening": time(17)}


@pytest.mark.parametrize("reload", [False, True])
@pytest.mark.parametrize(
    ("passed", "changes", "expected"),
    [
        (timedelta(), {"evening": time(18)}, [time(18)]),  # begins at 08:00 in Shanghai
        (10 * HOUR, {"evening": time(19)}, [time(6)]),  # this evening is under way: no second one
        (10 * HOUR, {"morning": time(7)}, [time(7)]),
        (8 * HOUR, {"evening": time(15)}, [time(6)]),  # has passed: now
    ],
)
def test_a_turn_stays_the_same_turn_of_its_day(
    passed: timedelta, changes: dict[str, time], expected: list[time], reload: bool
) -> None:
    driver = Driver(assembled(sessions()), policies=TIMES, reload=reload)
    driver.pass_time(passed)
    driver.change(**changes)
    driver.proceed()
    day = local_date(START) + (DAY if expected != [time(18)] else timedelta())
    assert list(driver.dues().values()) == [at_local(day, each) for each in expected]
    assert driver.open_tasks() == (["w", "h"] if passed else ["w"])
