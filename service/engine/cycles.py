"""Repetition: a fixed interval or times of the day in Shanghai, as pure arithmetic on instants.

A cycle is a schedule of instants fixed by its anchor (the moment its timer was armed), so the same
text gives the same firings however often the service restarts in between.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from service.domain.calendar import CalendarDuration, Duration, add, at_local, local_date

SHORTEST = timedelta(seconds=1)
RESOLUTION = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Cycle:
    """A schedule: `interval` after each other from `anchor`, or `daily` at local times, earliest first.

    `count` is the number of firings (None: no end). A daily cycle fires at or after `first` and before
    `until`. Firing n of an interval is `anchor + n * interval`, n from 1.
    """

    interval: Duration | None = None
    daily: tuple[time, ...] = ()
    count: int | None = None
    first: datetime | None = None
    until: datetime | None = None
    anchor: datetime | None = None

    def anchored(self, at: datetime) -> "Cycle":
        """The same cycle with its anchor set; a start written in the text wins."""
        return self if self.anchor is not None else replace(self, anchor=at)


def firing(cycle: Cycle, number: int) -> datetime | None:
    """The instant of firing `number` (from 1), None past the end."""
    if number < 1 or cycle.anchor is None or (cycle.count is not None and number > cycle.count):
        return None
    try:
        return _nth_daily(cycle, number) if cycle.daily else _nth_interval(cycle, number)
    except OverflowError:
        return None


def _nth_interval(cycle: Cycle, number: int) -> datetime | None:
    if cycle.anchor is None or cycle.interval is None:
        return None
    if isinstance(cycle.interval, CalendarDuration):
        return add(cycle.anchor, CalendarDuration(cycle.interval.months * number, cycle.interval.rest * number))
    return cycle.anchor + cycle.interval * number


def _nth_daily(cycle: Cycle, number: int) -> datetime | None:
    at = _daily(cycle, _first(cycle) + number - 1)
    return None if cycle.until is not None and at >= cycle.until else at


# The firings of a daily cycle are numbered through from the first day of the calendar, so that counting is arithmetic.


def _daily(cycle: Cycle, index: int) -> datetime:
    day, place = divmod(index, len(cycle.daily))
    return at_local(date.fromordinal(day), cycle.daily[place])


def _later(cycle: Cycle, than: datetime) -> int:
    """Index of the first firing later than an instant."""
    day = local_date(than)
    passed = sum(1 for clock in cycle.daily if at_local(day, clock) <= than)
    return day.toordinal() * len(cycle.daily) + passed


def _not_before(cycle: Cycle, instant: datetime) -> int:
    return _later(cycle, instant - RESOLUTION)


def _first(cycle: Cycle) -> int:
    """Index of the first firing after the anchor, within the bounds."""
    if cycle.anchor is None:
        msg = "a daily cycle needs an anchor"
        raise ValueError(msg)
    after_anchor = _later(cycle, cycle.anchor)
    return after_anchor if cycle.first is None else max(after_anchor, _not_before(cycle, cycle.first))


def _count_daily(cycle: Cycle, upto: datetime) -> int:
    end = _later(cycle, upto)
    if cycle.until is not None:
        end = min(end, _not_before(cycle, cycle.until))
    return max(end - _first(cycle), 0)


def count_until(cycle: Cycle, upto: datetime) -> int:
    """How many firings lie at or before an instant."""
    if cycle.anchor is None or upto <= cycle.anchor:
        return 0
    if cycle.daily:
        return _count_daily(cycle, upto)
    if isinstance(cycle.interval, timedelta):
        guess = (upto - cycle.anchor) // cycle.interval
    elif cycle.interval is not None:
        guess = int((upto - cycle.anchor) / cycle.interval.approximate()) + 1
    else:
        return 0
    return _settled(cycle, max(guess, 0), upto)


def _settled(cycle: Cycle, guess: int, upto: datetime) -> int:
    """Correct an estimate: calendar months differ, counted cycles end."""
    if cycle.count is not None:
        guess = min(guess, cycle.count)
    while guess > 0 and ((at := firing(cycle, guess)) is None or at > upto):
        guess -= 1
    while (at := firing(cycle, guess + 1)) is not None and at <= upto:
        guess += 1
    return guess
