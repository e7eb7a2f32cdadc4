"""The stored form of an instance: small, without the specification, loadable for good."""

import json
import re
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine import runner, state
from service.engine.assembly import Assembly
from service.engine.model import Kind, Trigger
from service.engine.state import StateError
from tests.unit.engine.building import START, Driver, assembled, node, page, stored, user

GOLDEN = Path(__file__).with_name("states")


def everything() -> Assembly:
    """One diagram with a wait of every kind."""
    inner = page("q", [node("qs", Kind.START), user("v"), node("qe", Kind.END)], ["qs v", "v qe"])
    nodes = [
        node("s", Kind.START), node("f", Kind.AND), user("a", form="F00#done"),
        node("b", Kind.BOUNDARY, Trigger.CYCLE, timer="R3/PT1H", attached_to="a", interrupting=False), user("h"),
        node("g", Kind.EVENT_GATEWAY), node("t", Kind.CATCH, Trigger.DURATION, timer="P1D"),
        node("c", Kind.CATCH, Trigger.MESSAGE, message="news"), node("m", Kind.XOR),
        node("call", Kind.INLINE, called="q"), node("o", Kind.OPEN, called="x", collection="people"),
        node("j", Kind.AND), node("e", Kind.END), node("e2", Kind.END),
        node("esp", Kind.EVENT_SUBPROCESS), node("ee", Kind.END, parent="esp"), user("w", parent="esp"),
        node("es", Kind.START, Trigger.CONDITIONAL, condition='fact("level")', edge="each", interrupting=False,
             parent="esp"),
    ]  # fmt: skip
    flows = [
        "s f", "f a", "f g", "f call", "f o", "g t", "g c", "t m", "c m", "a j", "m j", "call j", "o j", "j e", "b h",
        "h e2", "es w", "w ee",
    ]  # fmt: skip
    return assembled(page("p", nodes, flows), inner)


def half_way(*, reload: bool = False) -> Driver:
    """Some of everything has happened, and everything still waits."""
    driver = Driver(everything(), facts={"level": 1, "people": ["c1", "c2"]}, inputs={"person": "c1"}, reload=reload)
    driver.pass_time(timedelta(hours=1))
    driver.complete("a", F00={"outcome": "done"})
    return driver


def finish(driver: Driver) -> None:
    """Do all that is open until the instance ends."""
    visit = driver.waits("o")[0]
    for item in ("c1", "c2"):
        driver.settle(
            runner.child_ended(driver.instance, driver.context(), visit, item=item, result={"n": 1}, error="")
        )
    for element in ("h", "w", "c", "v"):
        driver.complete(element)


def test_loading_gives_the_same_waits_and_the_same_form() -> None:
    driver = half_way()
    copy = stored(driver.instance)
    assert list(copy.live) == list(driver.instance.live)
    assert list(copy.armed) == list(driver.instance.armed)
    assert json.loads(state.dump(copy)) == json.loads(state.dump(driver.instance))


def test_the_specification_is_not_in_it() -> None:
    text = state.dump(half_way().instance)
    assert "F00#done" not in text
    assert "PT1H" not in text
    assert len(text) < 6_000


@pytest.mark.parametrize("reload", [False, True])
def test_it_goes_on_to_the_end(reload: bool) -> None:
    driver = half_way(reload=reload)
    finish(driver)
    assert (driver.instance.status, driver.instance.end) == ("completed", "e")


@pytest.mark.parametrize("format_", [1, 4])
def test_a_golden_state_of_an_earlier_format_still_loads_and_finishes(format_: int) -> None:
    driver = half_way()
    driver.instance = state.load(driver.assembly, "i", (GOLDEN / f"format_{format_}.json").read_text("utf-8"))
    finish(driver)
    assert (driver.instance.status, driver.instance.end) == ("completed", "e")
    assert driver.now == START + timedelta(hours=1)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(StateError, match="unknown state format 99"):
        state.load(everything(), "i", '{"format": 99}')


def _damaged(text: str) -> dict[str, str]:
    return {
        "cut off": text[: len(text) // 2],
        "empty": "",
        "no object": "[]",
        "a number changed": text.replace('"counter":', '"counter":1', 1),
        "a sum changed": re.sub(r'"sum":\d+', '"sum":1', text),
        "nothing in it": re.sub(r'"state":.*', '"state":null}', text),
        "no format": text.replace(f'"format":{state.FORMAT}', '"shape":3', 1),
    }


@pytest.mark.parametrize("how", list(_damaged("")))
def test_what_was_damaged_is_refused_by_name(how: str) -> None:
    driver = half_way()
    text = _damaged(state.dump(driver.instance))[how]
    with pytest.raises(StateError):
        state.load(driver.assembly, "i", text)


def test_a_state_of_another_definition_is_refused_by_name() -> None:
    text = state.dump(half_way().instance)
    other = assembled(page("p", [node("s", Kind.START), user("z"), node("e", Kind.END)], ["s z", "z e"]))
    with pytest.raises(StateError, match="does not fit"):
        state.load(other, "i", text)


@cache
def _written() -> tuple[Driver, str]:
    driver = half_way()
    return driver, state.dump(driver.instance)


@given(st.floats(0, 1, exclude_max=True), st.sampled_from('{}[]":,0aZ'))
def test_no_single_changed_character_passes_unnoticed(where: float, other: str) -> None:
    driver, text = _written()
    at = int(where * len(text))
    changed = text[:at] + other + text[at + 1 :]
    try:
        loaded = state.load(driver.assembly, "i", changed)
    except StateError:
        return
    assert json.loads(state.dump(loaded)) == json.loads(text)


def test_a_new_row_of_a_collection_is_stored_before_anybody_asks_again() -> None:
    driver = half_way()
    driver.instance.is_dirty = False
    driver.proceed(people=["c1", "c2", "c3"])
    assert driver.instance.is_dirty
    assert [effect.item for effect in driver.effects if hasattr(effect, "item")] == ["c1", "c2", "c3"]


def test_the_lists_of_a_collection_are_written_anew_only_when_they_change() -> None:
    driver = half_way()
    before = state.dump(driver.instance)
    lists = driver.instance.lists
    assert lists is not None
    assert json.loads(before)["state"]["lists"] == {driver.waits("o")[0]: [["c1", "c2"], []]}
    driver.complete("v")
    moved = state.dump(driver.instance)
    assert moved != before
    assert driver.instance.lists is lists
    driver.proceed(people=["c1", "c2", "c3"])
    assert '["c1","c2","c3"]' in state.dump(driver.instance)
    assert state.dump(stored(driver.instance)) == state.dump(driver.instance)


def test_the_end_of_one_child_is_stored() -> None:
    driver = half_way()
    driver.instance.is_dirty = False
    visit = driver.waits("o")[0]
    driver.settle(runner.child_ended(driver.instance, driver.context(), visit, item="c1", result={}, error=""))
    assert driver.instance.is_dirty


def test_a_scope_that_is_over_loads_without_what_it_began_with() -> None:
    """The first states with every scope as a run of its own did not keep it."""
    handler = [
        node("esp", Kind.EVENT_SUBPROCESS), user("v", parent="esp"), node("ee", Kind.END, parent="esp"),
        node("es", Kind.START, Trigger.SIGNAL, signal="ping", interrupting=False, parent="esp"),
    ]  # fmt: skip
    main = [node("s", Kind.START), user("u"), node("e", Kind.END)]
    driver = Driver(assembled(page("p", [*main, *handler], ["s u", "u e", "es v", "v ee"])))
    driver.complete("es")
    driver.complete("u")
    text = state.rewritten(state.dump(driver.instance), lambda body: re.sub(r',"begun":(null|\{[^}]*\})', "", body))
    assert "begun" not in text
    driver.instance = state.load(driver.assembly, "i", text)
    driver.complete("v")
    assert driver.instance.status == "completed"
