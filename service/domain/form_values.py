"""One check per field type: what came in becomes what is stored, or is refused.

Stored values are JSON: instants as ISO text in UTC, numbers as numbers rounded to the field's
places. `typed` turns stored values back into datetime, date, time and Decimal. Types are strict:
`false` is no number and `"37.3"` neither; JSON Schema's rule holds that 3.0 is a whole number.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from service.domain.calendar import local_date, parse_instant, parse_time
from service.domain.form_conditions import is_given
from service.domain.form_context import FUTURE_TOLERANCE, Inspection
from service.domain.form_definitions import Field
from service.domain.identity_numbers import is_identity_number, is_phone_number

Check = Callable[[Field, Any, str, Inspection], Any]

MAX_FILE_BYTES = 20 * 1024 * 1024
_MAX_ID = 200
_MAX_NUMBER = 1e12
_MAX_TEXT = 10_000
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER_CHECKS = {"id_no": (is_identity_number, "bad_id_no"), "phone": (is_phone_number, "bad_phone")}


def check_value(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    """Check one value; what is wrong is noted in the inspection, and the answer is then meaningless."""
    return CHECKS[field.type](field, raw, path, inspection)


def check_parts(
    parts: tuple[Field, ...], raw: Mapping[Any, Any], path: str, inspection: Inspection, *, may_lack: bool = False
) -> dict[str, Any]:
    """Check an object part by part: unknown names, missing parts (unless it may lack them), each value."""
    known = {part.key for part in parts}
    for name in raw:
        if name not in known:
            inspection.refuse(f"{path}.{shown_name(name)}", "unknown_field")
    values: dict[str, Any] = {}
    for part in parts:
        given = raw.get(part.key)
        if is_given(given):
            values[part.key] = check_value(part, given, f"{path}.{part.key}", inspection)
        elif part.default is not None and part.default.source == "value":
            values[part.key] = part.default.value
        elif part.required and not may_lack:
            inspection.refuse(f"{path}.{part.key}", "required", zh=part.label.zh, en=part.label.en)
    return values


def shown_name(name: object) -> str:
    """An unknown name as part of an error's path: it came from outside, so it is cut and cleaned."""
    return _UNSTORABLE.sub("?", str(name))[:50]


def _text(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if not isinstance(raw, str):
        return inspection.refuse(path, "not_text")
    text = raw.strip()
    longest = field.max_length or _MAX_TEXT
    if _UNSTORABLE.search(text) or (field.type == "str" and re.search("[\n\r\t]", text)):
        return inspection.refuse(path, "bad_characters")
    if len(text) < field.min_length:
        return inspection.refuse(path, "too_short", limit=field.min_length)
    if len(text) > longest:
        return inspection.refuse(path, "too_long", limit=longest)
    if field.pattern and re.fullmatch(field.pattern, text) is None:
        return inspection.refuse(path, "bad_format")
    if field.check:
        is_valid, code = _NUMBER_CHECKS[field.check]
        text = text.upper()
        if not is_valid(text):
            return inspection.refuse(path, code)
    return text


def _int(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return inspection.refuse(path, "not_integer")
    if isinstance(raw, float) and not raw.is_integer():
        return inspection.refuse(path, "not_integer")
    if not _is_in_range(field, Decimal(raw) if abs(raw) < _MAX_NUMBER else None, path, inspection):
        return None
    return int(raw)


def _dec(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return inspection.refuse(path, "not_number")
    if raw != raw or abs(raw) >= _MAX_NUMBER:
        return inspection.refuse(path, "not_number")
    number = rounded(raw, field.decimals)
    return float(number) if _is_in_range(field, number, path, inspection) else None


def rounded(number: float | Decimal, places: int) -> Decimal:
    """A number as decimal with that many places, half away from zero; through its text, so 37.35 is 37.4."""
    return Decimal(str(number)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _is_in_range(field: Field, number: Decimal | None, path: str, inspection: Inspection) -> bool:
    low = field.minimum if field.minimum is not None else Decimal(-(10**9))
    high = field.maximum if field.maximum is not None else Decimal(10**9)
    if number is not None and low <= number <= high:
        return True
    guess = _unslipped(number, low, high) if number is not None and field.decimals else None
    code = "out_of_range" if guess is None else "out_of_range_slip"
    unit, unit_en = (f" {text}" if text else "" for text in (field.unit.zh, field.unit.en))
    inspection.refuse(path, code, low=low, high=high, unit=unit, unit_en=unit_en, guess=guess)
    return False


def _unslipped(number: Decimal, low: Decimal, high: Decimal) -> Decimal | None:
    """What was probably meant: two digits swapped (83.2 for 38.2) or the point forgotten (382)."""
    text = str(number)
    swapped = Decimal(text[1] + text[0] + text[2:]) if re.match("[0-9]{2}", text) else None
    for guess in (swapped, (number / 10).normalize()):
        if guess is not None and low <= guess <= high and low > 0:
            return guess
    return None


def _bool(_field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    return raw if isinstance(raw, bool) else inspection.refuse(path, "not_yes_no")


def _enum(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if isinstance(raw, str) and raw in field.values:
        return raw
    return inspection.refuse(path, "not_an_option")


def _multi(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    """Several of the options, or several short texts where the field has none; a repetition counts once.

    An option may be written as a reference (`{"id": "学区"}`): recipients are organisations in the catalogue.
    """
    items = _items(field, raw, path, inspection)
    check = _enum if field.options else _text
    named = [item["id"] if isinstance(item, Mapping) and set(item) == {"id"} else item for item in items or ()]
    chosen = [check(field, item, f"{path}.{place}", inspection) for place, item in enumerate(named)]
    if field.exclusive and field.exclusive in chosen and len(set(chosen)) > 1:
        label = next(option.label.zh for option in field.options if option.value == field.exclusive)
        inspection.refuse(path, "exclusive", option=label)
    return list(dict.fromkeys(item for item in chosen if item is not None))


def _list(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    items = _items(field, raw, path, inspection)
    if items is None or field.item is None:
        return None
    return [check_value(field.item, item, f"{path}.{place}", inspection) for place, item in enumerate(items)]


def _items(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if not isinstance(raw, list):
        return inspection.refuse(path, "not_list")
    if len(raw) < field.min_items:
        return inspection.refuse(path, "too_few", limit=field.min_items)
    limit = field.max_items or len(field.options) or 1000
    return raw if len(raw) <= limit else inspection.refuse(path, "too_many", limit=limit)


def _row(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if not isinstance(raw, Mapping):
        return inspection.refuse(path, "not_object")
    return check_parts(field.parts, raw, path, inspection)


def _date(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    try:
        day = date.fromisoformat(raw) if isinstance(raw, str) and _DATE.fullmatch(raw) else None
    except ValueError:
        day = None
    if day is None:
        return inspection.refuse(path, "bad_date")
    if not field.is_planned and day > local_date(inspection.context.now):
        return inspection.refuse(path, "in_future")
    return day.isoformat()


def _time(_field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    try:
        return parse_time(raw).strftime("%H:%M") if isinstance(raw, str) else inspection.refuse(path, "bad_time")
    except ValueError:
        return inspection.refuse(path, "bad_time")


def _instant(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    try:
        instant = parse_instant(raw) if isinstance(raw, str) else None
    except (ValueError, OverflowError):
        instant = None
    if instant is None:
        return inspection.refuse(path, "bad_instant")
    if not field.is_planned and instant > inspection.context.now + FUTURE_TOLERANCE:
        return inspection.refuse(path, "in_future")
    return instant.isoformat()


def _instant_pair(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if not isinstance(raw, Mapping) or set(raw) != {"from", "to"}:
        return inspection.refuse(path, "not_object")
    first, last = (_instant(field, raw[end], f"{path}.{end}", inspection) for end in ("from", "to"))
    if first is None or last is None:
        return None
    if last < first:
        return inspection.refuse(f"{path}.to", "too_early", zh="开始", en="from")
    return {"from": first, "to": last}


def _reference(_field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    """An opaque id; the label that goes out with it may come back and is dropped."""
    known = isinstance(raw, Mapping) and set(raw) <= {"id", "label"}
    if known and isinstance(raw.get("id"), str) and 0 < len(raw["id"]) <= _MAX_ID and not _UNSTORABLE.search(raw["id"]):
        return {"id": raw["id"]}
    return inspection.refuse(path, "bad_reference")


def _person(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    """Somebody known by id (parts then add to what is known), or a new person by parts."""
    if not isinstance(raw, Mapping):
        return inspection.refuse(path, "not_object")
    given = {name: value for name, value in raw.items() if name != "label"}
    if isinstance(given.get("person"), Mapping):  # a row that keeps the person apart from what the row adds
        given = {**given.pop("person"), **given}
    if "id" not in given:
        values = check_parts(field.parts, given, path, inspection)
        _warn_of_wanted(field, values, path, inspection)
        return values
    reference = _reference(field, {"id": given.pop("id")}, f"{path}.id", inspection)
    if reference is None:
        return None
    _check_known(field, reference["id"], path, inspection)
    return {**reference, **check_parts(field.parts, given, path, inspection, may_lack=True)}


def _check_known(field: Field, person_id: str, path: str, inspection: Inspection) -> None:
    context = inspection.context
    if field.known == "persons" and person_id not in context.persons:
        inspection.refuse(f"{path}.id", "unknown_person")
    if field.known == "accounts" and context.accounts is not None and person_id not in context.accounts:
        inspection.refuse(f"{path}.id", "unknown_account")


def _warn_of_wanted(field: Field, values: Mapping[str, Any], path: str, inspection: Inspection) -> None:
    for part in field.parts:
        if part.wanted_when and not is_given(values.get(part.key)) and part.wanted_when.holds(values.get):
            inspection.warn(f"{path}.{part.key}", "wanted", zh=part.label.zh, en=part.label.en)


def _sign(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    """`true` signs as the account of the session; an outside signer is keyed in where the field allows it."""
    if raw is True:
        return _own_signature(inspection)
    if not isinstance(raw, Mapping) or not field.is_outside_signer_allowed:
        return inspection.refuse(path, "bad_signature")
    return check_parts(field.parts, raw, path, inspection)


def _own_signature(inspection: Inspection) -> dict[str, Any]:
    context = inspection.context
    return {"by": {"id": context.account_id}, "at": context.now.isoformat(), "method": "session"}


def _file(_field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    if not isinstance(raw, Mapping) or not set(raw) <= {"id", "name", "size", "sha256", "label"}:
        return inspection.refuse(path, "bad_file")
    file = {name: raw[name] for name in ("id", "name", "sha256") if raw.get(name) is not None}
    texts = [value for value in file.values() if isinstance(value, str) and 0 < len(value) <= _MAX_ID]
    if "id" not in file or len(texts) < len(file) or any(_UNSTORABLE.search(text) for text in texts):
        return inspection.refuse(path, "bad_file")
    size = raw.get("size")
    if size is None:
        return file
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        return inspection.refuse(path, "bad_file")
    return file | {"size": size} if size <= MAX_FILE_BYTES else inspection.refuse(path, "file_too_large")


def _file_or_text(field: Field, raw: Any, path: str, inspection: Inspection) -> Any:
    return (_text if isinstance(raw, str) else _file)(field, raw, path, inspection)


CHECKS: dict[str, Check] = {
    "str": _text,
    "text": _text,
    "int": _int,
    "dec": _dec,
    "bool": _bool,
    "enum": _enum,
    "multi": _multi,
    "list": _list,
    "row": _row,
    "numbers": _row,
    "date": _date,
    "time": _time,
    "dt": _instant,
    "dt_pair": _instant_pair,
    "org": _reference,
    "ref": _reference,
    "person": _person,
    "sign": _sign,
    "file": _file,
    "file_or_text": _file_or_text,
}

_TYPED: dict[str, Callable[[Field, Any], Any]] = {
    "dt": lambda _, value: parse_instant(value),
    "dt_pair": lambda _, value: {end: parse_instant(value[end]) for end in ("from", "to")},
    "date": lambda _, value: date.fromisoformat(value),
    "time": lambda _, value: time.fromisoformat(value),
    "dec": lambda field, value: rounded(value, field.decimals),
    "row": lambda field, value: typed(field.parts, value),
    "list": lambda field, value: [_typed_value(field.item, item) for item in value] if field.item else value,
}


def typed(fields: tuple[Field, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored answers with datetime (UTC), date, time and Decimal in place of their JSON; other keys unchanged."""
    by_key = {field.key: field for field in fields}
    return {key: _typed_value(by_key.get(key), value) for key, value in values.items()}


def _typed_value(field: Field | None, value: Any) -> Any:
    if field is None or value is None or field.type not in _TYPED:
        return value
    return _TYPED[field.type](field, value)
