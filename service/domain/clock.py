"""Time: the only module that reads the system clock.

Everything else takes `now` (aware, UTC) or a `Clock`. An incident's clock is a list of segments
that map real time onto the incident's time; a real incident has one segment of speed 1.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class SettableClock:
    """A clock that stands still until it is moved; for tests, simulation and full-speed drills."""

    def __init__(self, start: datetime) -> None:
        self._now = _utc(start)

    def now(self) -> datetime:
        """The instant it was last set to."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move on by a span and return the new instant; moving back raises ValueError."""
        return self.set(self._now + by)

    def set(self, instant: datetime) -> datetime:
        """Move to an instant and return it; moving back raises ValueError."""
        instant = _utc(instant)
        if instant < self._now:
            message = "a settable clock only moves forward"
            raise ValueError(message)
        self._now = instant
        return instant


class WatchedClock:
    """A clock that knows whether it was set back: `latest` is the latest instant it, or the log, ever told."""

    def __init__(self, real: Clock, earlier: Callable[[], datetime | None]) -> None:
        """`earlier` is asked once, at the first look: the latest instant told before this process began."""
        self._real, self._earlier = real, earlier
        self._latest: datetime | None = None

    def now(self) -> datetime:
        """What the real clock says, even if that was told before."""
        now = self._real.now()
        if self._latest is None:
            self._latest = self._earlier() or now
        self._latest = max(self._latest, now)
        return now

    def is_behind(self, now: datetime) -> bool:
        """Whether a later instant than this was told already."""
        return self._latest is not None and now < self._latest


@dataclass(frozen=True, slots=True)
class Segment:
    """From `real_start` on, incident time runs from `virtual_start` at `speed` (0 = paused)."""

    real_start: datetime
    virtual_start: datetime
    speed: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """As stored in `incidents.clock`: two RFC 3339 instants and the speed."""
        return {
            "real_start": self.real_start.isoformat(),
            "virtual_start": self.virtual_start.isoformat(),
            "speed": self.speed,
        }


class VirtualClock:
    """The clock of one incident: immutable; changing speed or jumping gives a new clock.

    A machine clock that was set back behind the last segment does not turn incident time back: the
    clock then stands at that segment's start.
    """

    def __init__(self, real: Clock, segments: Sequence[Segment]) -> None:
        if not segments:
            message = "a virtual clock needs at least one segment"
            raise ValueError(message)
        self.real = real
        self.segments = tuple(segments)

    @classmethod
    def from_json(cls, real: Clock, rows: Sequence[Mapping[str, Any]]) -> "VirtualClock":
        """Read `incidents.clock` back."""
        return cls(
            real,
            [
                Segment(
                    _utc(datetime.fromisoformat(row["real_start"])),
                    _utc(datetime.fromisoformat(row["virtual_start"])),
                    float(row["speed"]),
                )
                for row in rows
            ],
        )

    def to_json(self) -> list[dict[str, Any]]:
        """The form stored in `incidents.clock`."""
        return [segment.to_json() for segment in self.segments]

    @property
    def speed(self) -> float:
        """The present speed; 0 = paused."""
        return self.segments[-1].speed

    def now(self) -> datetime:
        """The present instant of the incident, aware, in UTC."""
        return self.at(self.real.now())

    def at(self, real: datetime) -> datetime:
        """Incident time at a real instant of the last segment; before it the clock stands at its start."""
        last = self.segments[-1]
        return last.virtual_start + max(real - last.real_start, timedelta()) * last.speed

    def real_of(self, virtual: datetime) -> datetime | None:
        """The first real instant, under the present speed, at which the incident reaches `virtual`.

        None while paused before it. An instant already reached answers the start of the last segment.
        """
        last = self.segments[-1]
        if virtual <= last.virtual_start:
            return last.real_start
        if last.speed == 0:
            return None
        real = last.real_start + (virtual - last.virtual_start) / last.speed
        while self.at(real) < virtual:  # rounding to microseconds may stop short of the instant
            real += MICROSECOND
        return real

    def reached(self, virtual: datetime) -> datetime:
        """The real instant at which the incident reached `virtual`, which lies behind it."""
        for segment, following in zip(self.segments[:-1], self.segments[1:], strict=True):
            if virtual < following.virtual_start:
                if segment.speed == 0 or virtual <= segment.virtual_start:
                    return segment.real_start if virtual <= segment.virtual_start else following.real_start
                into = (virtual - segment.virtual_start) / segment.speed
                return min(segment.real_start + into, following.real_start)
        last = self.segments[-1]
        into = (virtual - last.virtual_start) / last.speed if last.speed else timedelta()
        return last.real_start + max(into, timedelta())

    def with_speed(self, speed: float, *, real_now: datetime, told: datetime | None = None) -> "VirtualClock":
        """The same clock, running at `speed` from `real_now` on; a negative speed raises ValueError.

        It goes on from `told`, the latest incident time anybody was told, where a machine clock that was
        set back says less.
        """
        if speed < 0:
            message = "time does not run backwards"
            raise ValueError(message)
        reached = self.at(real_now)
        return self._followed_by(Segment(real_now, max(reached, told or reached), speed))

    def jumped_to(self, virtual: datetime, *, real_now: datetime) -> "VirtualClock":
        """The same clock, standing at `virtual` at `real_now`; a jump back raises ValueError."""
        if virtual < self.at(real_now):
            message = "time does not run backwards"
            raise ValueError(message)
        return self._followed_by(Segment(real_now, _utc(virtual), self.speed))

    def _followed_by(self, segment: Segment) -> "VirtualClock":
        # The start never lies before the last segment's, even if the machine's clock was set back.
        start = max(segment.real_start, self.segments[-1].real_start)
        segment = Segment(start, segment.virtual_start, segment.speed)
        return VirtualClock(self.real, (*self.segments, segment))


def real_time_clock(real: Clock, *, since: datetime) -> VirtualClock:
    """The clock of a real incident: incident time is real time."""
    return VirtualClock(real, [Segment(_utc(since), _utc(since), 1.0)])


def monotonic_seconds() -> float:
    """Seconds of a clock that never jumps; only differences mean something."""
    return time.monotonic()


def _utc(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        message = "a time without offset is ambiguous"
        raise ValueError(message)
    return instant.astimezone(UTC)
