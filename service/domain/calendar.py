"""Asia/Shanghai dates, ISO 8601 durations and working days. Nothing here reads a clock.

China has kept UTC+8 without daylight saving time since 1991, so the zone is a fixed offset and
works on machines without a time zone database.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache, total_ordering

import chinese_calendar

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

_DURATION = re.compile(
    r"P(?=.)(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,8}(?:\.\d{1,6})?)S)?)?"
)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


@total_ordering
@dataclass(frozen=True, slots=True)
class CalendarDuration:
    """A duration with months, which no number of seconds equals: P1M, P1Y.

    `start + CalendarDuration` counts in the Shanghai calendar; 31 January + P1M is the last day of
    February. Ordering uses the average month of 30.4375 days and serves range checks only.
    """

    months: int
    rest: timedelta = timedelta()

    def approximate(self) -> timedelta:
        """The length with average months, for comparing with a range."""
        return timedelta(days=30.4375) * self.months + self.rest

    def __lt__(self, other: object) -> bool:
        if isinstance(other, timedelta):
            return self.approximate() < other
        if isinstance(other, CalendarDuration):
            return self.approximate() < other.approximate()
        return NotImplemented


Duration = timedelta | CalendarDuration


@lru_cache(1_000)
def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration such as PT2H, P14D, P1M.

    Raises:
        ValueError: The text is no duration; a sign is refused too, a wait never goes backwards.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f"not an ISO 8601 duration: {text!r}"
        raise ValueError(msg)
    part = {name: float(value) if "." in value else int(value) for name, value in match.groupdict("0").items()}
    months = int(part["years"]) * 12 + int(part["months"])
    rest = timedelta(
        weeks=part["weeks"],
        days=part["days"],
        hours=part["hours"],
        minutes=part["minutes"],
        seconds=part["seconds"],
    )
    return CalendarDuration(months, rest) if months else rest


def format_duration(value: Duration) -> str:
    """Write a duration as ISO 8601; the opposite of `parse_duration`.

    Raises:
        ValueError: The duration is negative.
    """
    months, rest = (value.months, value.rest) if isinstance(value, CalendarDuration) else (0, value)
    if rest < timedelta() or months < 0:
        msg = f"negative duration: {value!r}"
        raise ValueError(msg)
    hours, seconds = divmod(rest.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{rest.microseconds:06d}".rstrip("0") if rest.microseconds else ""
    days_part = "".join(f"{n}{unit}" for n, unit in ((months, "M"), (rest.days, "D")) if n)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M")) if n)
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    if not days_part and not clock:
        return "PT0S"
    return f"P{days_part}" + (f"T{clock}" if clock else "")


def is_instant(text: str) -> bool:
    """Whether a text has the form of an ISO 8601 instant with an offset."""
    return _INSTANT.fullmatch(text) is not None


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant; the offset is required because a naive time has no meaning here.

    Raises:
        ValueError: Not an instant, or without offset.
    """
    if not is_instant(text):
        msg = f"not an ISO 8601 instant with an offset: {text!r}"
        raise ValueError(msg)
    return datetime.fromisoformat(text).astimezone(UTC)


def parse_time(text: str) -> time:
    """Read a local time of day HH:MM.

    Raises:
        ValueError: Not HH:MM.
    """
    if _TIME.fullmatch(text) is None:
        msg = f"not a time of day HH:MM: {text!r}"
        raise ValueError(msg)
    return time.fromisoformat(text)


def local(instant: datetime) -> datetime:
    """The same instant on a clock in Shanghai."""
    return instant.astimezone(SHANGHAI)


def local_date(instant: datetime) -> date:
    """The date in Shanghai at an instant."""
    return local(instant).date()


def at_local(day: date, clock: time) -> datetime:
    """The instant (UTC) of a local day and time of day."""
    return datetime.combine(day, clock.replace(tzinfo=None), SHANGHAI).astimezone(UTC)


def next_at(clock: time, started_at: datetime) -> datetime:
    """The first instant not before `started_at` at which clocks in Shanghai show `clock`."""
    today = at_local(local_date(started_at), clock)
    return today if today >= started_at else today + timedelta(days=1)


def add(start: datetime, duration: Duration) -> datetime:
    """An instant plus a duration; months are counted in the Shanghai calendar.

    Raises:
        OverflowError: The result lies outside the years 1 to 9999.
    """
    if isinstance(duration, timedelta):
        return start + duration
    here = local(start)
    year, month = divmod(here.year * 12 + here.month - 1 + duration.months, 12)
    if not 1 <= year < 9999:
        msg = "date out of range"
        raise OverflowError(msg)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    day = min(here.day, (following - timedelta(days=1)).day)
    return here.replace(year=year, month=month + 1, day=day).astimezone(UTC) + duration.rest


def is_working_day(day: date) -> bool:
    """Whether a day is worked in mainland China.

    Follows the State Council's yearly holiday notice (国务院办公厅关于部分节假日安排的通知) as far as
    the calendar package holds it; for years without a notice Monday to Friday are worked.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_working_days(start: datetime, days: int) -> datetime:
    """The instant `days` working days after `start`, same time of day in Shanghai.

    Raises:
        ValueError: `days` is negative.
    """
    if days < 0:
        msg = "working days are counted forwards"
        raise ValueError(msg)
    here = local(start)
    day = here.date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return at_local(day, here.time())
