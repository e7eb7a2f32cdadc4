"""Due times of date, duration and cycle timers, and what happens after downtime."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.calendar import CalendarDuration, at_local, format_duration, local, local_date
from service.engine.cycles import Cycle
from service.engine.expressions import ExpressionError, Scope
from service.engine.timers import (
    Problem,
    catch_up,
    check_timer,
    cycle,
    due_date,
    due_duration,
    last_due,
    next_due,
)

NOW = datetime(2021, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
HOUR = timedelta(hours=1)


def a_scope(**policies: object) -> Scope:
    return Scope(
        names={"person": "p1"},
        now=NOW,
        policies={"open": time(16), "poll": timedelta(hours=4), **policies},
        deadlines={("T02", ""): NOW + HOUR},
    )


def a_cycle(text: str, scope: Scope, armed_at: datetime) -> Cycle:
    found = cycle(text, scope, armed_at)
    assert found is not None
    return found


def firings(schedule: Cycle, after: datetime, count: int) -> list[datetime]:
    found = []
    for _ in range(count):
        due = next_due(schedule, after)
        if due is None:
            break
        found.append(due)
        after = due
    return found


def test_a_date_timer_reads_its_deadline() -> None:
    assert due_date('=deadline("T02")', a_scope()) == NOW + HOUR
    assert due_date("2021-03-02T10:00:00+08:00", a_scope()) == NOW
    assert due_date("=at(date(now()), time(18, 0))", a_scope()) == datetime(2021, 3, 2, 10, tzinfo=UTC)


def test_a_date_timer_waits_while_the_deadline_row_does_not_exist() -> None:
    assert due_date('=deadline("X02", person)', a_scope()) is None
    assert due_date('=max_deadline(person, "T06", "T07")', a_scope()) is None
    assert due_date('=deadline("T02") if 1 > 2 else null', a_scope()) is None


@pytest.mark.parametrize(
    "text", ["2021-03-02T10:00:00", "2021-03-02", "morgen", "", '="x"', "=person", "=missing", "=1 +"]
)
def test_a_date_timer_refuses(text: str) -> None:
    with pytest.raises(ExpressionError):
        due_date(text, a_scope())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT10M", timedelta(minutes=10)),
        ("P1DT2H", timedelta(hours=26)),
        ("P2W", timedelta(days=14)),
        ("PT0S", timedelta()),
        ("PT1.5S", timedelta(seconds=1.5)),
        ('=policy("poll")', timedelta(hours=4)),
        ('=policy("poll") / 2', timedelta(hours=2)),
    ],
)
def test_duration_timers(text: str, expected: timedelta) -> None:
    assert due_duration(text, a_scope(), NOW) == NOW + expected


def test_a_month_is_a_calendar_month() -> None:
    armed = datetime(2021, 1, 31, 4, 0, tzinfo=UTC)
    assert due_duration("P1M", a_scope(), armed) == datetime(2021, 2, 28, 4, 0, tzinfo=UTC)
    assert due_duration("P1Y", a_scope(), armed) == datetime(2022, 1, 31, 4, 0, tzinfo=UTC)
    assert due_duration('=policy("closure")', a_scope(closure=CalendarDuration(1)), NOW) == datetime(
        2021, 4, 2, 2, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-PT5M", "timer_text"),
        ("PT-5M", "timer_text"),
        ("P", "timer_text"),
        ("5 minutes", "timer_text"),
        ("=duration(-5)", "negative_duration"),
        ('=policy("open")', "wrong_result"),
        ("=5", "wrong_result"),
        ("P999Y9999M", "too_far"),
    ],
)
def test_a_duration_timer_refuses(text: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        due_duration(text, a_scope(), datetime(9000, 1, 1, tzinfo=UTC))
    assert caught.value.code == code


def test_a_counted_cycle_ends() -> None:
    schedule = a_cycle("R3/PT10M", a_scope(), NOW)
    assert firings(schedule, NOW, 9) == [NOW + timedelta(minutes=10 * n) for n in (1, 2, 3)]


def test_an_endless_cycle_goes_on() -> None:
    schedule = a_cycle("R/P1D", a_scope(), NOW)
    assert firings(schedule, NOW, 400)[-1] == NOW + timedelta(days=400)


def test_a_cycle_may_name_its_start() -> None:
    schedule = a_cycle("R2/2021-03-05T08:00:00+08:00/P1D", a_scope(), NOW)
    assert firings(schedule, NOW, 9) == [datetime(2021, 3, 6, tzinfo=UTC), datetime(2021, 3, 7, tzinfo=UTC)]


def test_every_counts_from_the_arming() -> None:
    schedule = a_cycle('=every(policy("poll"))', a_scope(), NOW)
    assert firings(schedule, NOW, 2) == [NOW + 4 * HOUR, NOW + 8 * HOUR]
    assert schedule == a_cycle('=every(policy("poll"))', a_scope(), NOW)  # the same after a restart


def test_months_in_a_cycle_do_not_drift() -> None:
    schedule = a_cycle("R/P1M", a_scope(), at_local(date(2021, 1, 31), time(9)))
    days = [local_date(at) for at in firings(schedule, NOW - timedelta(days=60), 4)]
    assert days == [date(2021, 2, 28), date(2021, 3, 31), date(2021, 4, 30), date(2021, 5, 31)]


def test_a_schedule_may_not_be_known_yet() -> None:
    text = '=daily("06:00", policy("since")) if given(policy("since")) else null'
    assert cycle(text, a_scope(since=None), NOW) is None
    assert next_due(a_cycle(text, a_scope(since=NOW), NOW), NOW) == at_local(date(2021, 3, 3), time(6))


def test_daily_is_a_time_in_shanghai() -> None:
    schedule = a_cycle('=daily(policy("open"))', a_scope(), NOW)
    assert firings(schedule, NOW, 2) == [datetime(2021, 3, 2, 8, tzinfo=UTC), datetime(2021, 3, 3, 8, tzinfo=UTC)]


def test_daily_armed_at_its_time_begins_the_next_day() -> None:
    at_four = datetime(2021, 3, 2, 8, 0, tzinfo=UTC)
    assert next_due(a_cycle('=daily(policy("open"))', a_scope(), at_four), at_four) == at_four + timedelta(days=1)


def test_daily_has_a_first_and_a_last_day() -> None:
    schedule = a_cycle('=daily(policy("open"), date(2021, 3, 4), until=date(2021, 3, 5))', a_scope(), NOW)
    assert [local(at).day for at in firings(schedule, NOW, 9)] == [4, 5]
    over = a_cycle('=daily(policy("open"), until=date(2021, 3, 1))', a_scope(), NOW)
    assert next_due(over, NOW) is None


def test_after_downtime_one_firing_stands_for_all_missed() -> None:
    schedule = a_cycle('=every(duration(1, "hours"))', a_scope(), NOW)
    first = next_due(schedule, NOW)
    assert first == NOW + HOUR
    assert catch_up(schedule, first, NOW + 5.5 * HOUR) == (NOW + 5 * HOUR, NOW + 6 * HOUR)


def test_in_time_catching_up_is_the_firing_itself() -> None:
    schedule = a_cycle('=every(duration(1, "hours"))', a_scope(), NOW)
    assert catch_up(schedule, NOW + HOUR, NOW + HOUR) == (NOW + HOUR, NOW + 2 * HOUR)


def test_missed_firings_of_a_counted_cycle_are_used_up() -> None:
    schedule = a_cycle("R3/PT1H", a_scope(), NOW)
    assert catch_up(schedule, NOW + HOUR, NOW + timedelta(days=2)) == (NOW + 3 * HOUR, None)


@pytest.mark.parametrize(
    "text", ["R0/PT5M", "R/PT0S", "R3/-PT5M", "R3", "PT5M", "R3/2021-03-02T10:00:00/PT5M", "=now()", "=5", "x"]
)
def test_a_cycle_refuses(text: str) -> None:
    with pytest.raises(ExpressionError):
        cycle(text, a_scope(), NOW)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("date", '=deadline("T02")'),
        ("date", "2021-03-02T10:00:00+08:00"),
        ("duration", "PT10M"),
        ("duration", '=policy("parent_retry")'),
        ("cycle", "R3/PT10M"),
        ("cycle", '=daily(policy("progress_open"))'),
        ("cycle", '=every(policy("diagnosis_poll"))'),
    ],
)
def test_good_timers_have_no_problem(kind: str, text: str) -> None:
    assert check_timer(kind, text) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("date", "2021-03-02T10:00:00"),
        ("date", "PT10M"),
        ("date", '=daily(time("08:00"))'),
        ("date", "=deadline("),
        ("duration", "-PT5M"),
        ("duration", "R/PT5M"),
        ("duration", "=every(duration(5))"),
        ("cycle", "PT5M"),
        ("cycle", "R/PT0S"),
        ("cycle", "0 8 * * *"),
        ("cycle", '=policy("diagnosis_poll")'),
        ("moment", "PT5M"),
        ("duration", ""),
    ],
)
def test_bad_timers_have_a_problem_in_both_languages(kind: str, text: str) -> None:
    (problem,) = check_timer(kind, text)
    assert isinstance(problem, Problem)
    assert problem
    assert problem.en


instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware here
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=60))
schedules = st.one_of(
    st.builds(Cycle, interval=intervals, count=st.none() | st.integers(1, 50), anchor=instants),
    st.builds(Cycle, interval=st.builds(CalendarDuration, st.integers(1, 18)), anchor=instants),
    st.builds(
        Cycle,
        daily=st.sets(st.times(), min_size=1, max_size=4).map(sorted).map(tuple),
        anchor=instants,
        first=st.none() | instants,
        until=st.none() | instants,
    ),
)


@given(schedules, st.timedeltas(timedelta(days=-5), timedelta(days=900)))
def test_next_is_later_and_nothing_lies_between(schedule: Cycle, offset: timedelta) -> None:
    assert schedule.anchor is not None
    after = schedule.anchor + offset
    due, last = next_due(schedule, after), last_due(schedule, after)
    assert due is None or due > after
    assert last is None or schedule.anchor < last <= after
    if due is not None:
        just_before = due - timedelta(microseconds=1)
        assert last_due(schedule, just_before) == last
        assert last_due(schedule, due) == due
    if last is not None:
        assert next_due(schedule, last) == due


@given(schedules, st.timedeltas(timedelta(), timedelta(days=400)))
def test_catching_up_fires_once_and_never_twice(schedule: Cycle, downtime: timedelta) -> None:
    assert schedule.anchor is not None
    due = next_due(schedule, schedule.anchor)
    if due is None:
        return
    now = due + downtime
    fired, following = catch_up(schedule, due, now)
    assert due <= fired <= now
    assert following is None or following > now


@given(st.builds(CalendarDuration, st.integers(1, 500), st.timedeltas(timedelta(), timedelta(days=9))) | intervals)
def test_durations_survive_being_written(value: timedelta | CalendarDuration) -> None:
    scope = a_scope(value=value)
    assert due_duration(format_duration(value), scope, NOW) == due_duration('=policy("value")', scope, NOW)


@given(instants, st.integers(1, 40))
def test_two_times_a_day_within_n_days_are_2n_firings(start: datetime, days: int) -> None:
    """An observation of 14 days has 28 sessions, whatever the hour it starts at."""
    until = start + timedelta(days=days)
    text = '=daily(["06:00", "17:00"], policy("since"), policy("until"))'
    schedule = a_cycle(text, a_scope(since=start, until=until), start - timedelta(hours=5))
    found = firings(schedule, start - timedelta(hours=5), 2 * days + 5)
    assert len(found) == 2 * days
    assert all(start <= at < until for at in found)
    assert {local(at).hour for at in found} == {6, 17}
