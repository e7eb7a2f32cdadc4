"""Morning and evening sessions of an observation (T11): which there are, and which one an instant belongs to.

Day 1 is the calendar day in Shanghai on which the observation starts. A session belongs to the
observation if it begins at or after its start and before its end; 14 days therefore hold 28, whatever the hour.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from service.domain.calendar import at_local, local_date

MORNING, EVENING = "早", "晚"
_POLICIES = {MORNING: ("session_am_from", "session_am_to"), EVENING: ("session_pm_from", "session_pm_to")}


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """One session of one observation; sorts in the order of time."""

    begins: datetime
    ends: datetime
    day_no: int
    name: str

    @property
    def key(self) -> str:
        """Day and name, `3:早`: unique within the observation."""
        return key_of(self.day_no, self.name)

    @property
    def day(self) -> date:
        """The calendar day."""
        return local_date(self.begins)


def key_of(day_no: object, name: object) -> str:
    """The key of a session from the values of a record."""
    return f"{day_no}:{name}"


def hours_of(day: date, name: str, policies: Mapping[str, object]) -> tuple[datetime, datetime]:
    """From when until when a session of a day lasts."""
    first, last = (policies[key] for key in _POLICIES[name])
    if not isinstance(first, time) or not isinstance(last, time):
        message = f"the hours of session {name} are no times"
        raise TypeError(message)
    return at_local(day, first), at_local(day, last)


def sessions(since: datetime, until: datetime, policies: Mapping[str, object]) -> Iterator[Session]:
    """The sessions of an observation, in order."""
    first = local_date(since)
    for number in range((local_date(until) - first).days + 1):
        for name in (MORNING, EVENING):
            begins, ends = hours_of(first + timedelta(days=number), name, policies)
            if since <= begins < until:
                yield Session(begins, ends, number + 1, name)


def session_at(instant: datetime, since: datetime, policies: Mapping[str, object]) -> Session | None:
    """The session that began last, at the given instant or before; None before the first one."""
    yesterday = max(since, instant - timedelta(days=2))
    begun = sessions(yesterday, instant + timedelta(seconds=1), policies)
    last = max((each for each in begun if each.begins >= since), default=None)
    if last is None:
        return None
    return Session(last.begins, last.ends, (last.day - local_date(since)).days + 1, last.name)


def session_of(day_no: int, name: str, since: datetime, policies: Mapping[str, object]) -> Session:
    """The session of a day number; it need not lie within the observation."""
    begins, ends = hours_of(local_date(since) + timedelta(days=day_no - 1), name, policies)
    return Session(begins, ends, day_no, name)
