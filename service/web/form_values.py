"""Between the JSON of a form and the flat names of an HTML form.

A name is the dotted path of the value: `person.name`, `rows.0.temperature`. `flatten` writes stored or
default values as inputs show them, `gather` reads what came back. What cannot be read as its type is
handed on as typed, so that the check of the form says what is wrong and the input is kept.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from service.domain.calendar import SHANGHAI
from service.domain.form_context import as_instant
from service.domain.form_definitions import Field, View
from service.web.shown import local_input

Flat = dict[str, list[str]]

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


# --- writing ------------------------------------------------------------------------------------


def flatten(fields: Iterable[Field], values: Mapping[str, Any], prefix: str = "") -> Flat:
    """Values of some fields by input name."""
    flat: Flat = {}
    for field in fields:
        value = values.get(field.key)
        if value is not None:
            _write(flat, field, prefix + field.key, value)
    return flat


def flatten_view(view: View, values: Mapping[str, Any]) -> Flat:
    """Values of a view by input name; of a list view those of every row."""
    if not view.is_list:
        return flatten(view.fields, values)
    flat: Flat = {}
    for place, row in enumerate(values.get("rows") or ()):
        flat |= flatten(view.fields, row, f"rows.{place}.")
    return flat


def _write(flat: Flat, field: Field, name: str, value: Any) -> None:
    if field.type == "list" and field.item is not None:
        _write_list(flat, field.item, name, value)
    elif field.type == "dt_pair" and isinstance(value, Mapping):
        for end in ("from", "to"):
            at = as_instant(value.get(end))
            flat[f"{name}.{end}"] = [local_input(at) if at else str(value.get(end) or "")]
    elif field.type in ("row", "numbers", "person", "sign", "file", "file_or_text") and isinstance(value, Mapping):
        if "id" in value:
            flat[f"{name}.id"] = [str(value["id"])]
        flat |= {f"{name}.{key}": [str(value[key])] for key in ("name", "size", "sha256") if key in value}
        flat.update(flatten(field.parts, value, f"{name}."))
    else:
        flat[name] = _texts(field, value)


def _write_list(flat: Flat, item: Field, name: str, value: Any) -> None:
    if item.type in ("str", "text"):
        flat[name] = ["\n".join(str(each) for each in value)]
    elif item.type in ("ref", "org"):
        flat[name] = [_id(each) for each in value]
    else:
        for place, each in enumerate(value):
            _write(flat, item, f"{name}.{place}", each)


def _texts(field: Field, value: Any) -> list[str]:
    if field.type == "multi":
        return [_id(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
    if field.type == "bool" or value is True:
        return [str(value).lower()]
    if field.type == "dt":
        at = as_instant(value)
        return [local_input(at) if at else str(value)]
    if field.type in ("ref", "org"):
        return [_id(value)]
    if field.type == "time":
        return [value.strftime("%H:%M") if hasattr(value, "strftime") else str(value)]
    return [str(value)]


def _id(value: Any) -> str:
    return str(value.get("id", "")) if isinstance(value, Mapping) else str(value)


# --- reading ------------------------------------------------------------------------------------


def gather(view: View, flat: Flat, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a view; `stored` has the file values by input name. Nothing is said of empty inputs."""
    reading = _Reading(flat, stored)
    if not view.is_list:
        return reading.record(_asked(view.fields), "")
    rows = [reading.record(_asked(view.fields), f"rows.{place}.") for place in reading.places("rows")]
    return {"rows": [row for row in rows if row]}


def _asked(fields: Iterable[Field]) -> list[Field]:
    return [field for field in fields if not field.is_auto and field.const is None]


class _Reading:
    def __init__(self, flat: Flat, stored: Mapping[str, Any]) -> None:
        self.flat = flat
        self.stored = stored

    def one(self, name: str) -> str:
        """The last value sent, since a hidden one may stand before the visible."""
        values = [value.strip() for value in self.flat.get(name, []) if value.strip()]
        return values[-1] if values else ""

    def places(self, name: str) -> list[int]:
        """Positions of the rows that were sent."""
        found = (re.match(rf"{re.escape(name)}\.(\d{{1,4}})(\.|$)", key) for key in [*self.flat, *self.stored])
        return sorted({int(match[1]) for match in found if match})

    def record(self, fields: Iterable[Field], prefix: str) -> dict[str, Any]:
        values = {field.key: self.value(field, prefix + field.key) for field in fields}
        return {key: value for key, value in values.items() if value not in (None, "", [], {})}

    def value(self, field: Field, name: str) -> Any:
        return _READERS.get(field.type, _text)(self, field, name)


def _text(reading: _Reading, _field: Field, name: str) -> Any:
    return reading.one(name).replace("\r\n", "\n")


def _number(reading: _Reading, field: Field, name: str) -> Any:
    text = unicodedata.normalize("NFKC", reading.one(name)).replace(" ", "")
    for unit in ("℃", "°C", "°", field.unit.zh, field.unit.en):
        text = text.removesuffix(unit) if unit else text
    if not _NUMBER.fullmatch(text):
        return reading.one(name)
    return float(text) if "." in text else int(text)


def _yes_no(reading: _Reading, _field: Field, name: str) -> Any:
    return {"true": True, "false": False}.get(reading.one(name), reading.one(name))


def _instant(reading: _Reading, _field: Field, name: str) -> Any:
    return as_json_instant(reading.one(name))


def as_json_instant(text: str) -> str:
    """What a datetime input sends, which is Shanghai time, with its offset."""
    if not _LOCAL.fullmatch(text):
        return text
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).isoformat()
    except ValueError:
        return text


def _pair(reading: _Reading, _field: Field, name: str) -> Any:
    ends = {end: as_json_instant(reading.one(f"{name}.{end}")) for end in ("from", "to")}
    return ends if any(ends.values()) else None


def _several(reading: _Reading, field: Field, name: str) -> Any:
    values = [value.strip() for value in reading.flat.get(name, []) if value.strip()]
    if field.options:
        return values
    return [line.strip() for value in values for line in re.split(r"[\n、]", value) if line.strip()]


def _list(reading: _Reading, field: Field, name: str) -> Any:
    item = field.item
    if item is None:
        return None
    if item.type in ("str", "text"):
        return [line.strip() for line in reading.one(name).splitlines() if line.strip()]
    if item.type in ("ref", "org"):
        return [{"id": value.strip()} for value in reading.flat.get(name, []) if value.strip()]
    found = (reading.value(item, f"{name}.{place}") for place in reading.places(name))
    return [each for each in found if each not in (None, "", {}, [])]


def _parts(reading: _Reading, field: Field, name: str) -> Any:
    return reading.record(field.parts, f"{name}.")


def _person(reading: _Reading, field: Field, name: str) -> Any:
    chosen = reading.one(f"{name}.id")
    parts = reading.record(field.parts, f"{name}.")
    return {"id": chosen, **parts} if chosen else parts


def _reference(reading: _Reading, _field: Field, name: str) -> Any:
    chosen = reading.one(name)
    return {"id": chosen} if chosen else None


def _sign(reading: _Reading, field: Field, name: str) -> Any:
    if reading.one(name) == "true":
        return True
    return reading.record(field.parts, f"{name}.") if field.is_outside_signer_allowed else None


def _file(reading: _Reading, _field: Field, name: str) -> Any:
    if name in reading.stored:
        return reading.stored[name]
    if not reading.one(f"{name}.id"):
        return None
    file: dict[str, Any] = {key: reading.one(f"{name}.{key}") for key in ("id", "name", "sha256")}
    size = reading.one(f"{name}.size")
    if size.isdigit():
        file["size"] = int(size)
    return {key: value for key, value in file.items() if value != ""}


def _file_or_text(reading: _Reading, field: Field, name: str) -> Any:
    return _file(reading, field, name) or _text(reading, field, name)


_READERS: dict[str, Callable[[_Reading, Field, str], Any]] = {
    "int": _number,
    "dec": _number,
    "bool": _yes_no,
    "dt": _instant,
    "dt_pair": _pair,
    "multi": _several,
    "list": _list,
    "row": _parts,
    "numbers": _parts,
    "person": _person,
    "org": _reference,
    "ref": _reference,
    "sign": _sign,
    "file": _file,
    "file_or_text": _file_or_text,
}
