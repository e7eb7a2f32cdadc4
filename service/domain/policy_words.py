"""Policy values as people read them: 2 小时 instead of PT2H, 是 instead of true."""

from datetime import timedelta

from service.domain.calendar import CalendarDuration, Duration
from service.domain.policies import PolicyEntry, parse_text, raw_value

_PARTS = (("个月", "month"), ("天", "day"), ("小时", "hour"), ("分钟", "minute"), ("秒", "second"))

# How a limit is said, by type and direction.
_LIMITS = {
    ("duration", "lower"): ("不长于", "not longer than"),
    ("duration", "higher"): ("不短于", "not shorter than"),
    ("time", "lower"): ("不晚于", "not later than"),
    ("time", "higher"): ("不早于", "not earlier than"),
    ("", "lower"): ("不高于", "not above"),
    ("", "higher"): ("不低于", "not below"),
}


def in_words(entry: PolicyEntry, raw: object, locale: str) -> str:
    """A raw value with its unit, in a locale; what cannot be read is shown as it stands."""
    is_english = locale.startswith("en")
    value = parse_text(entry, raw)
    if isinstance(value, bool):
        return ("yes" if value else "no") if is_english else ("是" if value else "否")
    if isinstance(value, timedelta | CalendarDuration):
        return duration_in_words(value, locale)
    text = str(raw_value(value)) if not isinstance(value, str) else value
    said = entry.words.get(text)
    if said is not None:
        return said[is_english]
    return f"{text} {entry.words[entry.unit][is_english]}" if entry.unit else text


def duration_in_words(length: Duration, locale: str) -> str:
    """1 小时 30 分钟, 14 天, 1 个月; English: 1 hour 30 minutes."""
    is_english = locale.startswith("en")
    months, rest = (length.months, length.rest) if isinstance(length, CalendarDuration) else (0, length)
    hours, seconds = divmod(rest.seconds, 3600)
    counts = (months, rest.days, hours, *divmod(seconds, 60))
    said = [
        f"{count} {en + 's' * (count != 1)}" if is_english else f"{count} {zh}"
        for count, (zh, en) in zip(counts, _PARTS, strict=True)
        if count
    ]
    return " ".join(said) or ("at once" if is_english else "立即")


def bound_in_words(entry: PolicyEntry, locale: str) -> str:
    """What may be chosen, apart from what the superior says: 15 分钟 至 24 小时; "" where options say it."""
    if entry.range is None:
        return ""
    low, high = (in_words(entry, bound, locale) for bound in entry.range)
    return f"{low} to {high}" if locale.startswith("en") else f"{low} 至 {high}"


def limit_in_words(entry: PolicyEntry, inherited: object, locale: str) -> str:
    """What the inherited value forbids to those below: 不长于 2 小时; "" for a policy without direction."""
    if entry.stricter == "none":
        return ""
    kind = entry.type if entry.type in ("duration", "time") else ""
    return f"{_LIMITS[kind, entry.stricter][locale.startswith('en')]} {in_words(entry, inherited, locale)}"
