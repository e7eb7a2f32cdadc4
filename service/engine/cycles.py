"""Repetition: a fixed interval or a daily time in Shanghai, as pure arithmetic on instants.

A cycle is a schedule of instants fixed by its anchor (the moment its timer was armed), so the same
text gives the same firings however often the service restarts in between.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from service.domain.calendar import CalendarDuration, Duration, add, at_local, local_date

SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A schedule: `interval` after each other from `anchor`, or `daily` at a local time.

    `count` is the number of firings (None: no end); `first` and `last` bound a daily cycle by
    local days, both included. Firing n of an interval is `anchor + n * interval`, n from 1.
    """

    interval: Duration | None = None
    daily: time | None = None
    count: int | None = None
    first: date | None = None
    last: date | None = None
    anchor: datetime | None = None

    def anchored(self, at: datetime) -> "Cycle":
        """The same cycle with its anchor set; a start written in the text wins."""
        return self if self.anchor is not None else replace(self, anchor=at)


def firing(cycle: Cycle, number: int) -> datetime | None:
    """The instant of firing `number` (from 1), None past the end."""
    if number < 1 or cycle.anchor is None or (cycle.count is not None and number > cycle.count):
        return None
    try:
        if cycle.daily is None:
            return _nth_interval(cycle, number)
        day = _first_day(cycle) + timedelta(days=number - 1)
    except OverflowError:
        return None
    return None if cycle.last is not None and day > cycle.last else at_local(day, cycle.daily)


def _nth_interval(cycle: Cycle, number: int) -> datetime | None:
    if cycle.anchor is None or cycle.interval is None:
        return None
    if isinstance(cycle.interval, CalendarDuration):
        return add(cycle.anchor, CalendarDuration(cycle.interval.months * number, cycle.interval.rest * number))
    return cycle.anchor + cycle.interval * number


def _first_day(cycle: Cycle) -> date:
    """The first local day whose firing lies after the anchor."""
    if cycle.anchor is None or cycle.daily is None:
        msg = "a daily cycle needs a time and an anchor"
        raise ValueError(msg)
    day = local_date(cycle.anchor)
    if at_local(day, cycle.daily) <= cycle.anchor:
        day += timedelta(days=1)
    return max(day, cycle.first) if cycle.first is not None else day


def count_until(cycle: Cycle, upto: datetime) -> int:
    """How many firings lie at or before an instant."""
    if cycle.anchor is None or upto <= cycle.anchor:
        return 0
    if cycle.daily is not None:
        guess = (local_date(upto) - _first_day(cycle)).days + 1
    elif isinstance(cycle.interval, timedelta):
        guess = (upto - cycle.anchor) // cycle.interval
    elif cycle.interval is not None:
        guess = int((upto - cycle.anchor) / cycle.interval.approximate()) + 1
    else:
        return 0
    return _settled(cycle, max(guess, 0), upto)


def _settled(cycle: Cycle, guess: int, upto: datetime) -> int:
    """Correct an estimate: calendar months differ, daily and counted cycles end."""
    if cycle.count is not None:
        guess = min(guess, cycle.count)
    if cycle.daily is not None and cycle.last is not None:
        guess = min(guess, max((cycle.last - _first_day(cycle)).days + 1, 0))
    while guess > 0 and ((at := firing(cycle, guess)) is None or at > upto):
        guess -= 1
    while (at := firing(cycle, guess + 1)) is not None and at <= upto:
        guess += 1
    return guess
