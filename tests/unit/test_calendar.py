"""Shanghai dates, ISO durations, working days."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from service.domain.calendar import (
    CalendarDuration,
    add,
    add_working_days,
    at_local,
    format_duration,
    is_instant,
    is_working_day,
    local_date,
    next_at,
    parse_duration,
    parse_instant,
    parse_time,
)


def test_the_local_day_begins_at_sixteen_utc() -> None:
    assert local_date(datetime(2021, 3, 1, 15, 59, tzinfo=UTC)) == date(2021, 3, 1)
    assert local_date(datetime(2021, 3, 1, 16, 0, tzinfo=UTC)) == date(2021, 3, 2)
    assert at_local(date(2021, 3, 2), time(8)) == datetime(2021, 3, 2, 0, 0, tzinfo=UTC)


def test_the_next_time_of_day() -> None:
    five = at_local(date(2021, 3, 2), time(17))
    assert next_at(time(17), five - timedelta(hours=9)) == five
    assert next_at(time(17), five) == five
    assert next_at(time(17), five + timedelta(seconds=1)) == five + timedelta(days=1)


@pytest.mark.parametrize("text", ["P", "PT", "", "1D", "P1", "PT1", "-P1D", "P-1D", "PT1H30", "P1.5D", "p1d", "P1DT"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["PT0S", "PT1H", "P14D", "P1DT2H3M4.5S", "P1M", "P14M3DT4H"])
def test_durations_are_written_as_read(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


def test_a_negative_duration_is_not_written() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))


def test_months_are_ordered_by_their_average() -> None:
    month = CalendarDuration(1)
    assert timedelta(days=30) < month < timedelta(days=31)
    assert month < CalendarDuration(2)
    assert month <= CalendarDuration(1)


def test_months_across_years_and_leap_days() -> None:
    assert add(at_local(date(2020, 2, 29), time(9)), CalendarDuration(12)) == at_local(date(2021, 2, 28), time(9))
    assert add(at_local(date(2020, 12, 31), time(9)), CalendarDuration(2)) == at_local(date(2021, 2, 28), time(9))
    assert add(at_local(date(2020, 11, 30), time(9)), CalendarDuration(1)) == at_local(date(2020, 12, 30), time(9))
    with pytest.raises(OverflowError):
        add(at_local(date(9990, 1, 1), time(9)), CalendarDuration(999))


@pytest.mark.parametrize("text", ["2021-03-02T10:00:00", "2021-03-02", "10:00", "2021-03-02 10:00:00+08:00", ""])
def test_an_instant_needs_an_offset(text: str) -> None:
    assert not is_instant(text)
    with pytest.raises(ValueError, match="not an ISO 8601 instant"):
        parse_instant(text)


def test_instants_are_read_as_utc() -> None:
    assert parse_instant("2021-03-02T10:00+08:00") == datetime(2021, 3, 2, 2, 0, tzinfo=UTC)
    assert parse_instant("2021-03-02T02:00:00Z").tzinfo is UTC


@pytest.mark.parametrize("text", ["24:00", "7:00", "17:60", "17", "17:00:00", ""])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="not a time of day"):
        parse_time(text)


def test_working_days_follow_the_holiday_notice() -> None:
    assert not is_working_day(date(2021, 10, 1))  # National Day, a Friday
    assert is_working_day(date(2021, 10, 9))  # a Saturday worked instead
    assert not is_working_day(date(2021, 3, 6))  # a Saturday
    assert is_working_day(date(2021, 3, 5))


def test_years_without_a_notice_work_monday_to_friday() -> None:
    assert is_working_day(date(2090, 1, 2))  # a Monday
    assert not is_working_day(date(2090, 1, 1))  # a Sunday


def test_working_days_are_added_in_shanghai() -> None:
    friday_late = at_local(date(2021, 3, 5), time(23, 30))
    assert add_working_days(friday_late, 1) == at_local(date(2021, 3, 8), time(23, 30))
    assert add_working_days(friday_late, 0) == friday_late
    before_holiday = at_local(date(2021, 9, 30), time(9))
    assert add_working_days(before_holiday, 1) == at_local(date(2021, 10, 8), time(9))
    with pytest.raises(ValueError, match="forwards"):
        add_working_days(friday_late, -1)
