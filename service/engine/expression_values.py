"""Values and operators of the expression language.

Values are plain: text, whole numbers, decimals, true/false, null, instants, local dates and times,
durations, lists and mappings of these. Everything from outside is converted on reading: a float
becomes the decimal it shows, a text that is an ISO 8601 instant with offset becomes an instant.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from service.domain.calendar import CalendarDuration, add, format_duration, is_instant, parse_instant
from service.engine.cycles import Cycle
from service.engine.expression_errors import ExpressionError
from service.engine.expression_syntax import MAX_NUMBER

MAX_TEXT = 10_000
MAX_ITEMS = 20_000
MAX_LEVELS = 12

_SCALARS = (bool, int, Decimal, date, time, timedelta, CalendarDuration, Cycle)


def plain(value: object) -> object:
    """The value as the language sees it (lists and mappings are copied).

    Raises:
        ExpressionError: Code not_plain for an object of any other kind, too_large for a huge one.
    """
    return _plain(value, [MAX_ITEMS], MAX_LEVELS)


def _plain(value: object, budget: list[int], levels: int) -> object:
    budget[0] -= 1
    if budget[0] < 0 or levels < 0:
        raise too_large()
    if value is None or isinstance(value, str | float | datetime):
        return _scalar(value)
    if isinstance(value, _SCALARS):
        return number(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(item, budget, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, budget, levels - 1) for item in value]
    kind = type(value).__name__
    raise ExpressionError("not_plain", f"不支持的值类型 {kind}", f"a value of type {kind} is not allowed", name=kind)


def _scalar(value: str | float | datetime | None) -> object:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise too_large()
        return _instant(value)
    if isinstance(value, float):
        return number(Decimal(str(value)))
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ExpressionError("naive_time", "时间缺少时区", "an instant without time zone")
        return value.astimezone(UTC)
    return value


def _instant(text: str) -> str | datetime:
    if not is_instant(text):
        return text
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):  # looks like one, but 31 February is only text
        return text


def to_json(value: object) -> object:
    """The JSON form of a result: instants, durations and times as ISO text, decimals as numbers.

    Raises:
        ExpressionError: Code not_plain for a result that has no JSON form (a cycle).
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, timedelta | CalendarDuration):
        return format_duration(value)
    if isinstance(value, date):  # an instant is a date too
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    kind = type(value).__name__
    raise ExpressionError("not_plain", f"结果类型 {kind} 不能保存", f"a {kind} cannot be stored", name=kind)


def is_empty(value: object) -> bool:
    """What `given` counts as not given: null, empty text, empty list, empty mapping."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def number(value: int | Decimal) -> int | Decimal:
    """Refuse numbers outside ±10^15, infinities and not-a-number."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise ExpressionError("number_too_high", "不是有限的数", "not a finite number")
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise ExpressionError("number_too_high", "数字过大", "the number is too high")
    return value


def too_large() -> ExpressionError:
    """The error for a value beyond the limits."""
    return ExpressionError("too_large", "值过大", "the value is too large")


def wrong_type(what: str, *values: object) -> ExpressionError:
    """The error for an operation on values that do not fit it."""
    kinds_zh = "、".join(_KINDS.get(type(value), ("其他", ""))[0] for value in values)
    kinds_en = ", ".join(_KINDS.get(type(value), ("", "other"))[1] for value in values)
    zh, en = f"「{what}」不能用于{kinds_zh}", f"“{what}” does not work on {kinds_en}"
    return ExpressionError("wrong_type", zh, en, name=what)


_KINDS: dict[type, tuple[str, str]] = {
    type(None): ("空值", "null"),
    bool: ("是否", "boolean"),
    int: ("数字", "number"),
    Decimal: ("数字", "number"),
    str: ("文本", "text"),
    list: ("列表", "list"),
    dict: ("记录", "record"),
    datetime: ("时间", "instant"),
    date: ("日期", "date"),
    time: ("时刻", "time of day"),
    timedelta: ("时长", "duration"),
    CalendarDuration: ("时长", "duration"),
    Cycle: ("周期", "cycle"),
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _numbers(a: object, b: object) -> tuple[Decimal, Decimal] | None:
    if _is_number(a) and _is_number(b):
        return Decimal(str(a)), Decimal(str(b))
    return None


def _result(value: Decimal, *operands: object) -> int | Decimal:
    """Whole numbers stay whole; anything else is a decimal."""
    whole = all(isinstance(item, int) for item in operands) and value == value.to_integral_value()
    number(value)
    return int(value) if whole else value


def _plus(a: object, b: object) -> object:
    if pair := _numbers(a, b):
        return _result(pair[0] + pair[1], a, b)
    if isinstance(a, timedelta) and isinstance(b, datetime | date):
        a, b = b, a
    if isinstance(a, datetime) and isinstance(b, timedelta | CalendarDuration):
        return add(a, b)
    if (isinstance(a, date) and isinstance(b, timedelta)) or (isinstance(a, timedelta) and isinstance(b, timedelta)):
        return a + b
    if (isinstance(a, str) and isinstance(b, str)) or (isinstance(a, list) and isinstance(b, list)):
        if len(a) + len(b) > MAX_TEXT:
            raise too_large()
        return a + b  # type: ignore[operator]  # both are text or both are lists
    raise wrong_type("+", a, b)


def _minus(a: object, b: object) -> object:
    if pair := _numbers(a, b):
        return _result(pair[0] - pair[1], a, b)
    if isinstance(a, datetime) and isinstance(b, datetime):
        return a - b
    if isinstance(a, datetime) != isinstance(b, datetime) and isinstance(b, date):
        raise wrong_type("-", a, b)
    if isinstance(a, date | timedelta) and isinstance(b, timedelta):
        return a - b
    if isinstance(a, date) and isinstance(b, date):
        return a - b
    raise wrong_type("-", a, b)


def _times(a: object, b: object) -> object:
    if pair := _numbers(a, b):
        return _result(pair[0] * pair[1], a, b)
    if isinstance(b, timedelta):
        a, b = b, a
    if isinstance(a, timedelta) and _is_number(b):
        factor = Decimal(str(b))
        return timedelta(microseconds=int(Decimal(a // timedelta(microseconds=1)) * factor))
    raise wrong_type("*", a, b)


def _divide(a: object, b: object) -> object:
    if b in (0, timedelta()):
        raise _zero()
    if pair := _numbers(a, b):
        return _result(pair[0] / pair[1], a, b)
    if isinstance(a, timedelta) and isinstance(b, timedelta):
        unit = timedelta(microseconds=1)
        return number(Decimal(a // unit) / Decimal(b // unit))
    if isinstance(a, timedelta) and _is_number(b):
        return _times(a, 1 / Decimal(str(b)))
    raise wrong_type("/", a, b)


def _zero() -> ExpressionError:
    return ExpressionError("division_by_zero", "除数为零", "division by zero")


def _whole(name: str, operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[object, object], object]:
    def apply(a: object, b: object) -> object:
        pair = _numbers(a, b)
        if pair is None:  # text % value would format text
            raise wrong_type(name, a, b)
        if not pair[1]:
            raise _zero()
        return _result(operation(*pair), a, b)

    return apply


def _floor(a: Decimal, b: Decimal) -> Decimal:
    return Decimal((a / b).__floor__())


def _order(name: str, compare: Callable[[object, object], bool]) -> Callable[[object, object], bool]:
    def apply(a: object, b: object) -> bool:
        if isinstance(a, bool) or isinstance(b, bool) or isinstance(a, list | dict):
            raise wrong_type(name, a, b)
        try:
            return bool(compare(a, b))
        except TypeError:
            raise wrong_type(name, a, b) from None

    return apply


def _contains(a: object, b: object) -> bool:
    if isinstance(b, list | dict) or (isinstance(a, str) and isinstance(b, str)):
        return a in b
    raise wrong_type("in", a, b)


def _negative(a: object) -> object:
    if isinstance(a, timedelta) or _is_number(a):
        return -a  # type: ignore[operator]  # numbers and durations have a sign
    raise wrong_type("-", a)


def _positive(a: object) -> object:
    if isinstance(a, timedelta) or _is_number(a):
        return a
    raise wrong_type("+", a)


OPERATORS: dict[type[ast.AST], Callable[..., object]] = {
    ast.Add: _plus,
    ast.Sub: _minus,
    ast.Mult: _times,
    ast.Div: _divide,
    ast.FloorDiv: _whole("//", _floor),
    ast.Mod: _whole("%", lambda a, b: a - b * _floor(a, b)),
    ast.Eq: lambda a, b: bool(a == b),
    ast.NotEq: lambda a, b: bool(a != b),
    ast.Lt: _order("<", lambda a, b: a < b),  # type: ignore[operator]  # TypeError is the answer
    ast.LtE: _order("<=", lambda a, b: a <= b),  # type: ignore[operator]  # as above
    ast.Gt: _order(">", lambda a, b: a > b),  # type: ignore[operator]  # as above
    ast.GtE: _order(">=", lambda a, b: a >= b),  # type: ignore[operator]  # as above
    ast.In: _contains,
    ast.NotIn: lambda a, b: not _contains(a, b),
    ast.Not: lambda a: not a,
    ast.USub: _negative,
    ast.UAdd: _positive,
}


def items_of(name: str, values: Sequence[object]) -> list[object]:
    """The items an aggregate works on: one list, or the arguments themselves; null is left out."""
    if len(values) == 1 and not isinstance(values[0], list):
        raise wrong_type(name, values[0])
    chosen = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return [item for item in chosen if item is not None]
