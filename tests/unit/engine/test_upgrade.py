"""Moving an instance to another version: what follows it there, and every reason why it cannot."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from service.domain import events as ev
from service.engine import upgrade
from service.engine.assembly import Assembly
from service.engine.model import Kind, Node, Process, Repeat, Trigger, Turns
from service.engine.upgrade_fit import fit
from service.engine.upgrade_game import TooComplex, standstills
from tests.unit.engine.building import START, Driver, assembled, node, page, user

HOUR = timedelta(hours=1)


def line(*nodes: Node, extra: Iterable[Node] = (), flows: Iterable[str] = ()) -> Process:
    """Start, some nodes one after the other, end; more beside them."""
    chain = ["s", *(each.id for each in nodes), "e"]
    steps = [f"{a} {b}" for a, b in pairwise(chain)]
    return page("p", [node("s", Kind.START), *nodes, node("e", Kind.END), *extra], [*steps, *flows])


def move(driver: Driver, *pages: Process) -> Driver:
    """Move the driver's instance to a version of these pages."""
    target = assembled(*pages)
    assert upgrade.plan(driver.instance, target).blockers == ()
    old, fitted = driver.assembly, fit(driver.instance, target)
    driver.assembly, driver.instance = target, fitted.instance
    told = {"procedure": "p", "before": 1, "version": 2, "reason": "test"}
    driver.settle(upgrade.settle(driver.instance, driver.context(), fitted, old, told))
    return driver


def reasons(driver: Driver, *pages: Process) -> list[tuple[str, str]]:
    """Why the driver's instance cannot move."""
    found = upgrade.plan(driver.instance, assembled(*pages)).blockers
    return [(each.code, each.element) for each in found]


# --- what follows ---------------------------------------------------------------------------------


def test_a_task_keeps_its_id_and_goes_on_by_the_new_flows() -> None:
    driver = Driver(assembled(line(user("a"))))
    before = driver.waits("a")
    move(driver, line(user("a"), user("b")))
    assert driver.waits("a") == before
    driver.complete("a")
    assert driver.open_tasks() == ["b"]
    driver.complete("b")
    assert driver.instance.status == "completed"


def test_a_boundary_event_comes_to_an_activity_that_had_none() -> None:
    driver = Driver(assembled(line(user("a"))))
    driver.pass_time(HOUR)
    late = node("t", Kind.BOUNDARY, Trigger.DURATION, timer="PT30M", attached_to="a", interrupting=False)
    move(driver, line(user("a"), extra=[late, user("h"), node("e2", Kind.END)], flows=["t h", "h e2"]))
    assert list(driver.dues().values()) == [START + HOUR + HOUR / 2]  # it counts from now: it was not there before
    driver.pass_time(HOUR)
    assert driver.open_tasks() == ["a", "h"]
    driver.complete("a")
    driver.complete("h")
    assert driver.instance.status == "completed"


def test_a_boundary_event_that_is_gone_waits_no_more() -> None:
    late = node("t", Kind.BOUNDARY, Trigger.DURATION, timer="PT30M", attached_to="a")
    driver = Driver(assembled(line(user("a"), extra=[late], flows=["t e"])))
    wait = driver.waits("t")[0]
    move(driver, line(user("a")))
    assert [(each.wait, each.reason) for each in driver.of(ev.WaitEnded)] == [(wait, "cancelled")]
    driver.pass_time(HOUR)
    driver.complete("a")
    assert driver.instance.end == "e"


def test_one_that_has_fired_does_not_come_again() -> None:
    late = node("t", Kind.BOUNDARY, Trigger.DURATION, timer="PT30M", attached_to="a", interrupting=False)
    version = line(user("a"), extra=[late, user("h"), node("e2", Kind.END)], flows=["t h", "h e2"])
    driver = Driver(assembled(version))
    driver.pass_time(HOUR)
    move(driver, replace(version, name="q"))
    assert driver.dues() == {}


def race(*arms: Node) -> Process:
    flows = ["s g", *(f"g {each.id}" for each in arms), *(f"{each.id} e" for each in arms)]
    return page("p", [node("s", Kind.START), node("g", Kind.EVENT_GATEWAY), *arms, node("e", Kind.END)], flows)


def test_events_behind_a_gateway_are_those_of_the_new_version() -> None:
    news = node("m", Kind.CATCH, Trigger.MESSAGE, message="news")
    driver = Driver(assembled(race(news, node("t", Kind.CATCH, Trigger.DURATION, timer="PT1H"))))
    kept = driver.waits("m")
    move(driver, race(news, node("c", Kind.CATCH, Trigger.MESSAGE, message="other")))
    assert (driver.waits("m"), len(driver.waits("c")), driver.dues()) == (kept, 1, {})
    driver.complete("c")
    assert driver.instance.status == "completed"


def with_event(start: Node) -> Process:
    sub = [node("sub", Kind.EVENT_SUBPROCESS), user("h", parent="sub"), node("ee", Kind.END, parent="sub")]
    return line(user("a"), extra=[*sub, replace(start, parent="sub")], flows=[f"{start.id} h", "h ee"])


def test_an_event_sub_process_begins_to_wait_or_is_gone() -> None:
    news = node("es", Kind.START, Trigger.MESSAGE, message="news", interrupting=False)
    driver = move(Driver(assembled(line(user("a")))), with_event(news))
    assert len(driver.waits("es")) == 1
    driver.complete("es")
    assert driver.open_tasks() == ["a", "h"]
    driver.complete("h")
    move(driver, line(user("a")))
    assert driver.waits("es") == []
    driver.complete("a")
    assert driver.instance.status == "completed"


def test_an_interrupting_one_that_runs_is_not_armed_anew() -> None:
    news = node("es", Kind.START, Trigger.MESSAGE, message="news")
    driver = Driver(assembled(with_event(news)))
    driver.complete("es")
    move(driver, replace(with_event(news), name="q"))
    assert (driver.open_tasks(), driver.waits("es")) == (["h"], [])
    driver.complete("h")
    assert driver.instance.status == "completed"


@pytest.mark.parametrize(("timer", "due"), [("PT3H", START + 3 * HOUR), ("PT1H", START + HOUR)])
def test_a_timer_counts_from_where_it_began(timer: str, due: object) -> None:
    driver = Driver(assembled(line(node("t", Kind.CATCH, Trigger.DURATION, timer="PT2H"))))
    driver.pass_time(HOUR / 2)
    move(driver, line(node("t", Kind.CATCH, Trigger.DURATION, timer=timer)))
    assert list(driver.dues().values()) == [due]


def test_a_timer_whose_new_time_has_passed_fires_now() -> None:
    driver = Driver(assembled(line(node("t", Kind.CATCH, Trigger.DURATION, timer="PT2H"))))
    driver.pass_time(HOUR)
    move(driver, line(node("t", Kind.CATCH, Trigger.DURATION, timer="PT10M")))
    assert driver.instance.status == "completed"


def both(*branches: str) -> Process:
    """A fork of user tasks and their join."""
    nodes = [node("s", Kind.START), node("f", Kind.AND), *map(user, branches), node("j", Kind.AND), node("e", Kind.END)]
    return page("p", nodes, ["s f", *(f"f {each}" for each in branches), *(f"{each} j" for each in branches), "j e"])


def test_a_token_at_a_join_goes_on_waiting_there() -> None:
    driver = Driver(assembled(both("a", "b")))
    driver.complete("a")
    move(driver, replace(both("a", "b"), name="q"))
    driver.complete("b")
    assert driver.instance.status == "completed"


# --- what speaks against it -------------------------------------------------------------------


def test_every_step_it_waits_at_must_be_there_the_same() -> None:
    driver = Driver(assembled(line(user("a"))))
    sub = [node("sub", Kind.SUBPROCESS), node("ss", Kind.START, parent="sub"), user("a", parent="sub")]
    moved_in = page(
        "p", [node("s", Kind.START), *sub, node("se", Kind.END, parent="sub"), node("e", Kind.END)],
        ["s sub", "sub e", "ss a", "a se"],
    )  # fmt: skip
    assert reasons(driver, line(user("b"))) == [("element_gone", "a")]
    assert reasons(driver, line(node("a", Kind.MANUAL, role="x"))) == [("kind_changed", "a")]
    assert reasons(driver, moved_in) == [("place_changed", "a")]
    repeat = Repeat(Turns.LOOP, condition="false", limit="3")
    assert reasons(driver, line(user("a", repeat=repeat))) == [("turns_changed", "a")]


def test_a_call_under_way_is_of_the_same_process() -> None:
    driver = Driver(assembled(line(node("c", Kind.CALL, called="x"))))
    assert reasons(driver, line(node("c", Kind.CALL, called="y"))) == [("inside_changed", "c")]
    people = node("o", Kind.OPEN, called="x", collection="people")
    driver = Driver(assembled(line(people)), facts={"people": ["c1"]})
    assert reasons(driver, line(replace(people, collection="others"))) == [("inside_changed", "o")]
    assert reasons(driver, line(replace(people, completion="false"))) == []


def test_an_event_it_waits_for_is_the_same() -> None:
    driver = Driver(assembled(line(node("c", Kind.CATCH, Trigger.MESSAGE, message="news"))))
    assert reasons(driver, line(node("c", Kind.CATCH, Trigger.MESSAGE, message="other"))) == [("event_changed", "c")]
    assert reasons(driver, line(node("c", Kind.CATCH, Trigger.DURATION, timer="PT1H"))) == [("event_changed", "c")]


def test_a_page_or_event_sub_process_that_runs_is_there() -> None:
    inner = page("q", [node("qs", Kind.START), user("v"), node("qe", Kind.END)], ["qs v", "v qe"])
    driver = Driver(assembled(line(node("i", Kind.INLINE, called="q")), inner))
    gone = reasons(driver, line(node("i", Kind.INLINE, called="r")), replace(inner, id="r"))
    assert ("scope_gone", "q") in gone
    assert ("inside_changed", "i") in gone
    driver = Driver(assembled(with_event(node("es", Kind.START, Trigger.MESSAGE, message="news", interrupting=False))))
    driver.complete("es")
    assert reasons(driver, line(user("a"))) == [("scope_gone", "sub")]


def test_no_join_ahead_may_wait_for_a_branch_that_never_began() -> None:
    driver = Driver(assembled(both("a", "b")))
    assert reasons(driver, both("a", "b", "c")) == [("join_stuck", "j")]
    driver.complete("a")
    assert reasons(driver, both("a", "b", "c")) == [("join_stuck", "j")]
    assert reasons(driver, both("b", "c")) == [("join_changed", "j")]
    fresh = Driver(assembled(line(user("x"), *[])))
    assert reasons(fresh, line(user("x"))) == []


def test_what_cannot_be_played_through_is_not_moved() -> None:
    many = both(*(f"b{number}" for number in range(41)))
    with pytest.raises(TooComplex):
        standstills(many, [("in", "s")])
    driver = Driver(assembled(line(user("a"))))
    wide = replace(many, nodes={**many.nodes, "a": user("a")}, flows={**many.flows})
    flows = {key: replace(flow, target="a") if key == "s-f" else flow for key, flow in wide.flows.items()}
    flows["a-f"] = replace(wide.flows["s-f"], id="a-f", source="a", target="f")
    assert reasons(driver, replace(wide, flows=flows)) == [("too_complex", "p")]


def test_a_value_only_steps_behind_would_have_given() -> None:
    driver = Driver(assembled(line(user("a"))))
    early = node("w", Kind.SCRIPT, script="x = 1")
    late = node("r", Kind.SCRIPT, script="y = x")
    assert reasons(driver, line(early, user("a"), late)) == [("value_missing", "r")]
    assert reasons(driver, line(user("a"), early, late)) == []
    known = Driver(assembled(line(user("a"))), inputs={"x": 2})
    assert reasons(known, line(early, user("a"), late)) == []


def test_looking_changes_nothing() -> None:
    driver = Driver(assembled(both("a", "b")))
    target: Assembly = assembled(both("a", "b", "c"))
    driver.instance.is_dirty = False
    upgrade.plan(driver.instance, target)
    assert not driver.instance.is_dirty
    driver.complete("a")
    driver.complete("b")
    assert driver.instance.status == "completed"
