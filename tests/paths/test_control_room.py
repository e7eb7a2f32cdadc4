"""The control room: a diary that never changes, private entries for trainers alone, observers who look on."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from service.application import drill_diary as commands
from service.application.queries import Reader, drill_diary, drill_injects, timeline
from service.domain import commands as cmd
from service.domain.errors import NotADrill, NotAllowed, ValueRefused
from tests.paths import drilling, school
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.world import World

T = TypeVar("T")


def _note(w: World, text: str, *, private: bool = False, who: str = "trainer") -> None:
    command = cmd.NoteDrill(w.incident, text, private)
    w.app.run(lambda uow: commands.note(uow, w.app.services, w.who(who), command))


def _observe(w: World, username: str, *, is_observer: bool = True, who: str = "trainer") -> None:
    command = cmd.NameObserver(w.incident, username, is_observer)
    w.app.run(lambda uow: commands.name_observer(uow, w.app.services, w.who(who), command))


def _read(w: World, who: str, ask: Callable[[Reader], T]) -> T:
    with w.app.read() as connection:
        return ask(Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now()))


def _diary(w: World, who: str) -> list[tuple[str, bool]]:
    return [
        (each.text, each.is_private) for each in _read(w, who, lambda reader: drill_diary.entries(reader, w.incident))
    ]


def test_private_entries_are_for_trainers_alone(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    _note(w, "开始")
    _note(w, "二组太慢", private=True)
    assert _diary(w, "trainer") == [("二组太慢", True), ("开始", False)]
    for who in ("teacher", "principal", "manager", "admin"):
        assert _diary(w, who) == [("开始", False)]
        entries = _read(w, who, lambda reader: timeline.all_events(reader, w.incident, limit=200)).entries
        assert "drill_noted" in {each.type for each in entries}
        assert "drill_noted_privately" not in {each.type for each in entries}
        told = _read(w, who, lambda reader: timeline.timeline(reader, w.incident))
        assert "二组太慢" not in str(told)
    shown = _read(w, "trainer", lambda reader: timeline.timeline(reader, w.incident))
    assert {"二组太慢", "开始"} <= {each.text for each in shown.entries}
    assert "二组太慢" not in str(w.events())


def test_the_diary_goes_on_after_the_end_and_takes_no_empty_entry(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    w.do("trainer", "t_small_check")
    w.do("trainer", "t_small_written", {"drafter": True})
    _note(w, "复盘")
    assert _diary(w, "teacher") == [("复盘", False)]
    seen = len(w.events())
    for text in ("", "  ", "长" * 1001):
        with pytest.raises(ValueRefused):
            _note(w, text)
    with pytest.raises(NotAllowed):
        _note(w, "我也写", who="teacher")
    assert len(w.events()) == seen
    w.open("teacher", school.quick(), "small_alarm")
    with pytest.raises((NotADrill, NotAllowed)):
        _note(w, "真的")


def test_an_observer_sees_the_injects_and_no_more_when_he_is_removed(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)

    def injects(who: str) -> int:
        return len(_read(w, who, lambda reader: drill_injects.of_drill(reader, w.incident)))

    for who in ("manager", "teacher"):
        with pytest.raises(NotAllowed):
            injects(who)
    _observe(w, "manager")
    _observe(w, "manager")
    assert len(w.events("drill_observer_named")) == 1
    assert injects("manager") == 0
    named = _read(w, "trainer", lambda reader: drill_diary.observers(reader, w.incident))
    assert [each.username for each in named] == ["manager"]
    assert_rebuild_is_equal(w)
    with pytest.raises(NotAllowed):
        _observe(w, "manager", is_observer=False, who="manager")
    for unknown in ("nobody", "clinic", ""):
        with pytest.raises(ValueRefused):
            _observe(w, unknown)
    _observe(w, "manager", is_observer=False)
    with pytest.raises(NotAllowed):
        injects("manager")
