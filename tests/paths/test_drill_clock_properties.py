"""R5: timers of a drill are none early, none lost, each once, in order, whatever its clock goes through.

Random sequences of speed, pause, jump, restart and a machine clock that is set back, against the same drill at speed 1.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.domain.clock import Segment, SettableClock, VirtualClock
from service.persistence import queue
from tests.paths import drilling
from tests.paths.world import World, at

END = timedelta(hours=6)  # every timer and rung of the small alarm lies before it
SECOND = timedelta(seconds=1)
CLOCK_ONLY = {"drill_created", "drill_clock_changed"}

actions = st.one_of(
    st.tuples(st.just("speed"), st.sampled_from([1.0, 2.5, 10.0, 60.0, 360.0, 3600.0])),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("advance"), st.integers(1, 90)),
    st.tuples(st.just("until_next"), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("sleep"), st.integers(1, 40)),  # real time passes and nobody works
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("set_back"), st.integers(1, 60)),
)


class SlidingClock(SettableClock):
    """A machine's clock somebody may also set back."""

    def set_back(self, by: timedelta) -> None:
        """Tell an earlier time from now on."""
        self._now = self._now - by


class SlidingWorld(World):
    """A world whose machine clock is set back now and then."""

    clock: SlidingClock

    def a_clock(self, _folder: Path, start: datetime) -> SettableClock:
        """A clock that goes both ways."""
        return SlidingClock(start)


def _told(w: World) -> list[tuple[str, datetime, str, Any]]:
    """The log without what belongs to the clock: type, time, element, and the level or due time it names."""
    return [
        (row["type"], row["at"], row["element"], row["data"].get("level") or row["data"].get("due"))
        for row in w.events()
        if row["type"] not in CLOCK_ONLY
    ]


def _do(w: SlidingWorld, action: str, value: Any) -> None:
    if action == "wait":
        for _ in range(value):
            w.clock.advance(SECOND)
            w.app.worker.tick()
    elif action == "sleep":
        w.clock.advance(value * SECOND)
    elif action == "restart":
        w.restart()
    elif action == "set_back":
        w.clock.set_back(value * SECOND)
        w.app.worker.tick()
    elif action == "speed":
        drilling.clock(w, "speed", speed=value)
    elif action == "advance":
        drilling.clock(w, "advance", by=f"PT{value}M")
    else:
        drilling.clock(w, action)


def _finish(w: World) -> None:
    """Let the drill come to its end, however far it came."""
    w.clock.advance(timedelta(minutes=2))  # a clock set back has caught up
    drilling.clock(w, "pause")
    left = drilling.STARTS + END - drilling.look(w).clock.now
    if left > timedelta():
        drilling.clock(w, "advance", by=f"PT{int(left.total_seconds()) + 1}S")


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, datetime, str, Any]]:
    """The log of the same drill at speed 1, each timer worked when it falls due."""
    w = World(tmp_path_factory.mktemp("steady"), at("08:00"))
    try:
        drilling.begin(w, speed=1)
        w.go("14:00")
        _finish(w)
        return _told(w)
    finally:
        w.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(course=st.lists(actions, min_size=1, max_size=8))
@example(course=[("set_back", 1), ("pause", None)])  # behind the first moment of the drill
@example(course=[("speed", 3600.0), ("wait", 5), ("set_back", 3), ("pause", None), ("sleep", 9), ("until_next", None)])
def test_the_log_is_that_of_speed_one_whatever_the_clock_goes_through(
    tmp_path_factory: pytest.TempPathFactory, steady: list[Any], course: list[tuple[str, Any]]
) -> None:
    w = SlidingWorld(tmp_path_factory.mktemp("course"), at("08:00"))
    try:
        drilling.begin(w, speed=1)
        for action, value in course:
            _do(w, action, value)
            _nothing_is_early(w)
        _finish(w)
        told = _told(w)
        ats = [row["at"] for row in w.events()]
        assert ats == sorted(ats), "time never turns back"
        until = min(len(told), len(steady))
        assert told[:until] == steady[:until]
        assert len(told) == len(steady), "none lost, none doubled"
        assert drilling.due_rows(w) == []
    finally:
        w.close()


def _nothing_is_early(w: World) -> None:
    """What was worked lies behind the drill's clock; what lies behind a running clock by now is worked."""
    now = drilling.look(w).clock.now
    worked = [datetime.fromisoformat(row["data"]["due"]) for row in w.events("deadline_escalated")]
    last = max(row["at"] for row in w.events())
    assert all(due <= max(now, last) for due in worked)
    paused = drilling.look(w).clock.paused
    for row in drilling.due_rows(w):
        assert (row["real_due_at"] == queue.PAUSED) == (paused and row["due_at"] > now)


segments = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0, 7.0, 60.0, 3600.0]), st.integers(0, 5000), st.integers(0, 100_000)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(course=segments, ahead=st.integers(0, 10**7))
def test_a_clock_of_segments_maps_there_and_back(course: list[tuple[float, int, int]], ahead: int) -> None:
    real = SettableClock(at("08:00"))
    clock = VirtualClock(real, [Segment(real.now(), drilling.STARTS, 1.0)])
    for speed, lasts, jump in course:
        clock = clock.with_speed(speed, real_now=real.now())
        clock = clock.jumped_to(clock.now() + jump * SECOND, real_now=real.now())
        real.advance(lasts * SECOND)
    now = clock.now()
    due = now + ahead * SECOND
    image = clock.real_of(due)
    assert (image is None) == (clock.speed == 0 and due > now)
    if image is not None:
        assert clock.at(image) >= due, "never early"
        rounding = timedelta(microseconds=3)  # at half speed a microsecond of the drill is two real ones
        assert image <= real.now() or clock.at(image - rounding) < due, "never late"
    behind = drilling.STARTS + (now - drilling.STARTS) / 3
    reached = clock.reached(behind)
    assert clock.at(reached) >= behind - timedelta(milliseconds=10)
    assert reached <= real.now()
