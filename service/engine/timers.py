"""Due times of timers: dates, durations and cycles, on the incident's clock that the caller hands in.

A timer's text is an ISO 8601 literal or `=` and an expression. After downtime a cycle fires exactly
once: for the last instant it missed; the caller marks that firing late (`catch_up`).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from service.domain.calendar import CalendarDuration, Duration, add, parse_duration, parse_instant
from service.engine.cycles import SHORTEST, Cycle, count_until, firing
from service.engine.expressions import (
    ExpressionError,
    MissingDeadline,
    Scope,
    compile_expression,
    evaluate,
)

__all__ = ["Cycle", "Problem", "catch_up", "check_timer", "cycle", "due_date", "due_duration", "last_due", "next_due"]

_T = TypeVar("_T")
_CYCLE = re.compile(r"R(?P<count>\d{0,6})/(?:(?P<start>[^/]+)/)?(?P<interval>[^/]+)")


class Problem(str):
    """A problem of a timer text in Chinese, with the English sentence beside it."""

    en: str

    def __new__(cls, zh: str, en: str) -> "Problem":
        """Make the Chinese text with its English twin."""
        self = super().__new__(cls, zh)
        self.en = en
        return self


def due_date(text: str, scope: Scope) -> datetime | None:
    """The due time of a date timer; None while its expression gives null, or the deadline row it reads does not exist.

    Raises:
        ExpressionError: Not an instant with offset, or the expression fails.
    """
    if not text.startswith("="):
        return _literal(text, parse_instant)
    try:
        value = evaluate(text[1:], scope)
    except MissingDeadline:
        return None
    if value is None or isinstance(value, datetime):
        return value
    raise _wrong_result(text, "时间", "an instant")


def due_duration(text: str, scope: Scope, armed_at: datetime) -> datetime:
    """The due time of a duration timer armed at an instant.

    Raises:
        ExpressionError: Not a duration, negative, or the expression fails.
    """
    return _add(armed_at, _duration(text, scope), text)


def cycle(text: str, scope: Scope, armed_at: datetime) -> Cycle | None:
    """The schedule of a cycle timer: `R3/PT10M`, `R/P1D`, `=every(d)`, `=daily(times, from?, until?)`.

    A start may stand between (`R5/2026-01-01T08:00:00+08:00/P1D`): the first firing is one interval
    after it. Without one the schedule counts from `armed_at`. None while the expression gives null.

    Raises:
        ExpressionError: Not a cycle, an interval under a second, or the expression fails.
    """
    if not text.startswith("="):
        return _literal(text, _literal_cycle).anchored(armed_at)
    value = evaluate(text[1:], scope)
    if value is None:
        return None
    if isinstance(value, Cycle):
        return value.anchored(armed_at)
    raise _wrong_result(text, "周期 daily(…) 或 every(…)", "a cycle, daily(…) or every(…)")


def next_due(cycle: Cycle, after: datetime) -> datetime | None:
    """The first firing later than an instant; None when the cycle has ended."""
    return firing(cycle, count_until(cycle, after) + 1)


def last_due(cycle: Cycle, upto: datetime) -> datetime | None:
    """The last firing at or before an instant; None before the first."""
    return firing(cycle, count_until(cycle, upto))


def catch_up(cycle: Cycle, due: datetime, now: datetime) -> tuple[datetime, datetime | None]:
    """What to do with a due firing: the instant to fire for, and the next due time.

    In time this is `due` itself. After downtime every firing missed between `due` and `now` is
    worth one: the last. Missed firings of a counted cycle (`R3/…`) are used up.
    """
    fire_at = max(due, last_due(cycle, now) or due)
    return fire_at, next_due(cycle, fire_at)


def check_timer(kind: str, text: str) -> list[str]:
    """What is wrong with a timer text, as `Problem`s (Chinese text with `.en`); empty if nothing.

    `kind` is date, duration or cycle. Of an expression the syntax is checked, and of a cycle that
    it is made by `daily` or `every`; its value is only known at run time.
    """
    readers: dict[str, Callable[[str], object]] = {
        "date": parse_instant,
        "duration": parse_duration,
        "cycle": _literal_cycle,
    }
    if kind not in readers:
        return [Problem(f"未知的计时类型「{kind}」", f"unknown kind of timer “{kind}”")]
    try:
        if text.startswith("="):
            expression = compile_expression(text[1:])
            makes_cycle = re.search(r"\b(daily|every)\s*\(", expression.text) is not None
            if makes_cycle != (kind == "cycle"):
                raise _wrong_result(text, *_EXPECTED[kind])
        else:
            _literal(text, readers[kind])
    except ExpressionError as error:
        return [Problem(error.zh, error.en)]
    return []


_EXPECTED = {
    "date": ("时间", "an instant"),
    "duration": ("时长", "a duration"),
    "cycle": ("周期 daily(…) 或 every(…)", "a cycle, daily(…) or every(…)"),
}


def _duration(text: str, scope: Scope) -> Duration:
    value = evaluate(text[1:], scope) if text.startswith("=") else _literal(text, parse_duration)
    if not isinstance(value, timedelta | CalendarDuration):
        raise _wrong_result(text, "时长", "a duration")
    if value < timedelta():
        raise ExpressionError("negative_duration", "时长不能为负", "the duration is negative").about(text)
    return value


def _literal_cycle(text: str) -> Cycle:
    match = _CYCLE.fullmatch(text)
    if match is None:
        msg = f"not an ISO 8601 repetition: {text!r}"
        raise ValueError(msg)
    interval = parse_duration(match["interval"])
    if interval < SHORTEST or match["count"] == "0":
        msg = f"the interval is shorter than a second or the count is zero: {text!r}"
        raise ValueError(msg)
    anchor = parse_instant(match["start"]) if match["start"] else None
    return Cycle(interval=interval, count=int(match["count"]) if match["count"] else None, anchor=anchor)


def _literal(text: str, reader: Callable[[str], _T]) -> _T:
    try:
        return reader(text)
    except (ValueError, OverflowError) as error:
        zh = "须为 ISO 8601 写法（日期要带时区, 时长不为负, 如 2026-01-01T08:00:00+08:00、PT10M、R3/PT10M）或以 = 开头"
        en = "write ISO 8601 (dates with an offset, no negative duration), or = and an expression"
        raise ExpressionError("timer_text", zh, en).about(text) from error


def _add(start: datetime, duration: Duration, text: str) -> datetime:
    try:
        return add(start, duration).astimezone(UTC)
    except OverflowError as error:
        raise ExpressionError("too_far", "时间超出范围", "the time is out of range").about(text) from error


def _wrong_result(text: str, zh: str, en: str) -> ExpressionError:
    return ExpressionError("wrong_result", f"结果须为{zh}", f"the result must be {en}").about(text)
