from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.clock import (
    MICROSECOND,
    Segment,
    SettableClock,
    SystemClock,
    VirtualClock,
    monotonic_seconds,
    real_time_clock,
)
from service.domain.identifiers import IdGenerator

REAL = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
VIRTUAL = datetime(2026, 3, 2, 0, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

speeds = st.floats(min_value=0.01, max_value=3600, allow_nan=False)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30))


def a_clock(speed: float = 1.0) -> VirtualClock:
    return VirtualClock(SettableClock(REAL), [Segment(REAL, VIRTUAL, speed)])


def test_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
    assert monotonic_seconds() <= monotonic_seconds()


def test_settable_clock_moves_only_forward() -> None:
    clock = SettableClock(REAL.astimezone(timezone(timedelta(hours=8))))
    assert clock.now() == REAL
    assert clock.now().tzinfo is UTC
    assert clock.advance(MINUTE) == REAL + MINUTE
    with pytest.raises(ValueError, match="forward"):
        clock.set(REAL)


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        SettableClock(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_virtual_time_runs_at_its_speed() -> None:
    clock = a_clock(60)
    assert clock.at(REAL + MINUTE) == VIRTUAL + timedelta(hours=1)


def test_real_incident_clock_is_real_time() -> None:
    clock = real_time_clock(SettableClock(REAL), since=REAL)
    assert clock.now() == REAL
    assert clock.at(REAL + MINUTE) == REAL + MINUTE


def test_paused_clock_stands_and_has_no_image_ahead() -> None:
    paused = a_clock(60).with_speed(0, real_now=REAL + MINUTE)
    assert paused.at(REAL + 99 * MINUTE) == VIRTUAL + timedelta(hours=1)
    assert paused.real_of(VIRTUAL + timedelta(hours=1)) is not None
    assert paused.real_of(VIRTUAL + timedelta(hours=2)) is None


def test_jump_moves_virtual_time_at_once_and_keeps_the_speed() -> None:
    jumped = a_clock(60).jumped_to(VIRTUAL + timedelta(hours=5), real_now=REAL + MINUTE)
    assert jumped.at(REAL + MINUTE) == VIRTUAL + timedelta(hours=5)
    assert jumped.at(REAL + 2 * MINUTE) == VIRTUAL + timedelta(hours=6)


def test_time_never_runs_backwards() -> None:
    clock = a_clock(60)
    with pytest.raises(ValueError, match="backwards"):
        clock.with_speed(-1, real_now=REAL)
    with pytest.raises(ValueError, match="backwards"):
        clock.jumped_to(VIRTUAL - MINUTE, real_now=REAL)


def test_a_machine_clock_set_back_does_not_turn_the_incident_back() -> None:
    clock = a_clock(60).with_speed(10, real_now=REAL + 10 * MINUTE)
    reached = clock.at(REAL + 10 * MINUTE)
    assert clock.at(REAL) == reached
    again = clock.with_speed(1, real_now=REAL)
    assert again.at(REAL + 10 * MINUTE) == reached
    told = clock.with_speed(0, real_now=REAL + 11 * MINUTE, told=reached + timedelta(hours=1))
    assert told.at(REAL + 12 * MINUTE) == reached + timedelta(hours=1)
    assert again.segments[-1].real_start == REAL + 10 * MINUTE


def test_clock_survives_its_stored_form() -> None:
    clock = a_clock(60).with_speed(0.5, real_now=REAL + MINUTE)
    again = VirtualClock.from_json(SettableClock(REAL), clock.to_json())
    assert again.segments == clock.segments


@given(speed=speeds, span=spans)
def test_an_instant_is_reached_at_its_image_never_before_and_hardly_after(speed: float, span: timedelta) -> None:
    clock = a_clock(speed)
    image = clock.real_of(VIRTUAL + span)
    assert image is not None
    overshoot = clock.at(image) - (VIRTUAL + span)
    assert timedelta(0) <= overshoot <= MICROSECOND * max(2.0, 2 * speed)


@given(
    changes=st.lists(st.tuples(spans, st.one_of(st.just(0.0), speeds)), max_size=6), probes=st.lists(spans, min_size=2)
)
def test_virtual_time_is_monotonic_over_changes_of_speed(
    changes: list[tuple[timedelta, float]], probes: list[timedelta]
) -> None:
    clock, real = a_clock(), REAL
    for span, speed in changes:
        real += span
        clock = clock.with_speed(speed, real_now=real)
    readings = [clock.at(REAL + probe) for probe in sorted(probes)]
    assert readings == sorted(readings)


def test_ids_sort_by_time_and_repeat_under_the_same_random_source() -> None:
    clock = SettableClock(REAL)
    ids = IdGenerator(clock, random=lambda size: b"\x07" * size)
    first = [ids.new() for _ in range(3)]
    clock.advance(timedelta(milliseconds=1))
    made = [*first, ids.new()]
    assert made == sorted(set(made))
    assert {len(each) for each in made} == {26}
    again = IdGenerator(SettableClock(REAL), random=lambda size: b"\x07" * size)
    assert [again.new() for _ in range(3)] == first
