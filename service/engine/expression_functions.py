"""The functions of the expression language, bound to the scope of one evaluation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from service.domain.calendar import CalendarDuration, at_local, local, local_date, parse_time
from service.engine.cycles import SHORTEST, Cycle
from service.engine.expression_errors import ExpressionError, MissingDeadline, MissingName
from service.engine.expression_values import OPERATORS, is_empty, items_of, number, plain, too_large, wrong_type

MAX_PAIRS = 1_000_000

_PLUS = next(operator for node, operator in OPERATORS.items() if node.__name__ == "Add")

_UNITS = {
    "seconds": timedelta(seconds=1),
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
    "秒": timedelta(seconds=1),
    "分钟": timedelta(minutes=1),
    "小时": timedelta(hours=1),
    "天": timedelta(days=1),
    "周": timedelta(weeks=1),
}


@dataclass(frozen=True)
class Scope:
    """What an expression can see.

    `names` is process data: inputs by name, declared outputs nested (`{"F00": {"outcome": …}}`) or
    flat (`{"F00.outcome": …}`). `policies` holds typed values, `facts` fact names, `deadlines` the
    due time of each existing row by (rule, subject). `now` is the incident's clock, aware.
    """

    names: Mapping[str, object]
    now: datetime
    policies: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    deadlines: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


class Functions:
    """One method per function; `table` gives them by the name used in expressions."""

    scope: Scope

    def __init__(self) -> None:
        self.seen: dict[str, object] = {}

    def begin(self, scope: Scope) -> None:
        """Another evaluation: what was seen in the one before is forgotten."""
        self.scope = scope
        self.seen = {}

    def table(self) -> dict[str, Callable[..., object]]:
        """All functions but `given`, which the evaluator handles itself."""
        return {
            "policy": self._policy,
            "fact": self._fact,
            "deadline": self._deadline,
            "max_deadline": self._max_deadline,
            "now": self._now,
            "today": self._today,
            **_PURE,
        }

    def _policy(self, key: str) -> object:
        if key not in self.scope.policies:
            raise MissingName("missing_policy", f"没有可配置项「{key}」", f"there is no policy “{key}”", name=key)
        return plain(self.scope.policies[key])

    def _fact(self, name: str) -> object:
        if name not in self.seen:
            try:
                value = self.scope.facts[name]
            except KeyError:
                missing = MissingName("missing_fact", f"没有事实「{name}」", f"there is no fact “{name}”", name=name)
                raise missing from None
            self.seen[name] = plain(value)
        return self.seen[name]

    def _deadline(self, rule: object, subject: object = "") -> object:
        due = self.scope.deadlines.get((str(rule), str(subject)))
        if due is None:
            raise _missing_deadline(str(rule), str(subject))
        return plain(due)

    def _max_deadline(self, subject: object, *rules: object) -> object:
        found = [self.scope.deadlines.get((str(rule), str(subject))) for rule in rules]
        existing = [due for due in found if due is not None]
        if not existing:
            raise _missing_deadline(", ".join(map(str, rules)), str(subject))
        return plain(max(existing))

    def _now(self) -> object:
        return plain(self.scope.now)

    def _today(self) -> str:
        return local_date(self.scope.now).isoformat()


def _missing_deadline(rule: str, subject: str) -> MissingDeadline:
    of = (f"（对象 {subject}）", f" of “{subject}”") if subject else ("", "")
    zh, en = f"时限「{rule}」{of[0]}尚未起算", f"the deadline “{rule}”{of[1]} has not started"
    return MissingDeadline("missing_deadline", zh, en, name=rule)


def _duration(amount: object, unit: str = "minutes") -> timedelta:
    if unit not in _UNITS:
        raise ExpressionError("unknown_unit", f"没有时间单位「{unit}」", f"there is no unit “{unit}”", name=unit)
    if not isinstance(amount, int | Decimal) or isinstance(amount, bool):
        raise wrong_type("duration", amount)
    return timedelta(microseconds=int(Decimal(amount) * (_UNITS[unit] // timedelta(microseconds=1))))


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return local_date(value)
    if isinstance(value, date) or value is None:
        return value
    if isinstance(value, str):
        return date.fromisoformat(value)
    raise wrong_type("daily", value)


def _daily(clock: object, start: object = None, until: object = None) -> Cycle:
    """One time of the day or several; bounds are days, both included, or instants: from, and before."""
    clocks = tuple(sorted({_time(each) for each in (clock if isinstance(clock, list) else [clock])}))
    if not clocks:
        raise wrong_type("daily", clock)
    first = start if isinstance(start, datetime) else _midnight(_day(start))
    end = until if isinstance(until, datetime) else _midnight(_day(until), days_later=1)
    return Cycle(daily=clocks, first=first, until=end)


def _midnight(day: date | None, *, days_later: int = 0) -> datetime | None:
    return at_local(day + timedelta(days=days_later), time()) if day is not None else None


def _every(interval: object) -> Cycle:
    if not isinstance(interval, timedelta | CalendarDuration):
        raise wrong_type("every", interval)
    if interval < SHORTEST:
        raise ExpressionError("too_short", "周期短于1秒", "the interval is shorter than a second")
    return Cycle(interval=interval)


def _date(*parts: object) -> date:
    if len(parts) == 1 and not isinstance(parts[0], int | Decimal) and (day := _day(parts[0])) is not None:
        return day
    if len(parts) == 3:
        year, month, day_of_month = (_whole("date", part) for part in parts)
        return date(year, month, day_of_month)
    raise wrong_type("date", *parts)


def _time(*parts: object) -> time:
    if len(parts) == 2:
        return time(_whole("time", parts[0]), _whole("time", parts[1]))
    value = parts[0]
    if isinstance(value, time):
        return value
    if isinstance(value, datetime):
        return local(value).time()
    if isinstance(value, str):
        return parse_time(value)
    raise wrong_type("time", value)


def _at(day: object, clock: object) -> datetime:
    if isinstance(day, date) and not isinstance(day, datetime) and isinstance(clock, time):
        return at_local(day, clock)
    raise wrong_type("at", day, clock)


def _whole(what: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise wrong_type(what, value)


def _len(value: object) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    raise wrong_type("len", value)


def _extreme(name: str, choose: Callable[[list[object]], object]) -> Callable[..., object]:
    def apply(*values: object) -> object:
        items = items_of(name, values)
        try:
            return choose(items) if items else None
        except TypeError:
            raise wrong_type(name, *items[:3]) from None

    return apply


def _sum(*values: object) -> object:
    total: object = 0
    for place, item in enumerate(items_of("sum", values)):
        total = item if place == 0 else _PLUS(total, item)
    return number(total) if isinstance(total, int | Decimal) else total


def _lists(name: str, a: object, b: object) -> tuple[list[object], list[object]]:
    if not isinstance(a, list) or not isinstance(b, list):
        raise wrong_type(name, a, b)
    if len(a) * len(b) > MAX_PAIRS:
        raise too_large()
    return a, b


def _overlap(a: object, b: object) -> bool:
    left, right = _lists("overlap", a, b)
    return any(item in right for item in left)


def _subset(a: object, b: object) -> bool:
    left, right = _lists("subset", a, b)
    return all(item in right for item in left)


def given(value: object) -> bool:
    """Whether a value is there: not null and not empty."""
    return not is_empty(value)


_PURE: dict[str, Callable[..., object]] = {
    "duration": _duration,
    "daily": _daily,
    "every": _every,
    "date": _date,
    "time": _time,
    "at": _at,
    "len": _len,
    "min": _extreme("min", lambda items: min(items)),  # type: ignore[type-var]  # TypeError is the answer
    "max": _extreme("max", lambda items: max(items)),  # type: ignore[type-var]  # as above
    "sum": _sum,
    "any": lambda *values: any(items_of("any", values)),
    "all": lambda *values: all(_all_items(values)),
    "overlap": _overlap,
    "subset": _subset,
}


def _all_items(values: tuple[object, ...]) -> list[object]:
    """For `all` a null counts as false; leaving it out would answer true."""
    if len(values) == 1:
        if not isinstance(values[0], list):
            raise wrong_type("all", values[0])
        return values[0]
    return list(values)
