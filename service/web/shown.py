"""How instants and lengths of time are shown; all in Asia/Shanghai."""

from datetime import datetime, timedelta

from service.domain.calendar import SHANGHAI

SOON = timedelta(minutes=30)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def day_time(at: datetime | None) -> str:
    """03-09 10:20."""
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M") if at else ""


def clock_time(at: datetime | None, now: datetime) -> str:
    """10:20 today, 03-09 10:20 on another day."""
    if at is None:
        return ""
    local, today = at.astimezone(SHANGHAI), now.astimezone(SHANGHAI).date()
    return local.strftime("%H:%M" if local.date() == today else "%m-%d %H:%M")


def date_time(at: datetime | None) -> str:
    """2026-03-09 10:20:35."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def iso(at: datetime | None) -> str:
    """The machine's form, for `datetime` attributes."""
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at else ""


def local_input(at: datetime | None) -> str:
    """The value of an input of type datetime-local."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M") if at else ""


def span(length: timedelta, locale: str) -> str:
    """A length to the minute: 22 分, 3 时 43 分, 2 天 3 时; English: 22 min, 3 h 43 min, 2 d 3 h."""
    day, hour, minute = ("d", "h", "min") if locale.startswith("en") else ("天", "时", "分")
    whole = max(int(length / _MINUTE), 0)
    days, rest = divmod(whole, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} {day} {hours} {hour}"
    return f"{hours} {hour} {minutes:02d} {minute}" if hours else f"{minutes} {minute}"


def countdown(due: datetime, now: datetime, locale: str) -> str:
    """Time left or late as the counter shows it; below half an hour with seconds: 08:41."""
    left = due - now
    if timedelta() <= left < SOON:
        seconds = int(left.total_seconds())
        return f"{seconds // 60:02d}:{seconds % 60:02d}"
    return span(abs(left), locale)


def urgency(due: datetime | None, now: datetime) -> str:
    """late, soon or nothing."""
    if due is None:
        return ""
    if due < now:
        return "late"
    return "soon" if due - now < SOON else ""


def ago(at: datetime, now: datetime, locale: str) -> str:
    """11 分前, 1 时 24 分前; English: 11 min ago."""
    is_english = locale.startswith("en")
    if now - at < _MINUTE:
        return "just now" if is_english else "刚刚"
    return f"{span(now - at, locale)} ago" if is_english else f"{span(now - at, locale)}前"
