"""A view as JSON Schema 2020-12 and as hints for a page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.form_answers import usable_default
from service.domain.form_conditions import Condition, is_given
from service.domain.form_context import FillContext, Inspection
from service.domain.form_definitions import Entry, Field, View
from service.domain.form_rules import policy_number
from service.domain.identity_numbers import PHONE_PATTERN

Schema = dict[str, Any]
_MOST_LISTED = 200
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(view: View, *, locale: str, context: FillContext | None = None) -> Schema:
    """The JSON Schema of what `fill` takes.

    Titles, help and option labels are in the locale. Beside the standard's words: `x-class`,
    `x-output`, `x-unit`, `x-mask`, and `x-labels` (value to label). With a context, conditions on the
    record and on facts are decided and what the service supplies is not demanded; without one such
    fields are optional here though `fill` may demand them.
    """
    record = _Record(view, locale, context).schema()
    if view.is_list:
        rows = {"type": "array", "minItems": 1, "items": record}
        record = {"type": "object", "properties": {"rows": rows}, "required": ["rows"], "additionalProperties": False}
    return {"$schema": _DIALECT, "title": view.name.of(locale), "x-form": view.key, **record}


@dataclass(frozen=True, slots=True)
class Reading:
    """For whom a schema is written."""

    locale: str
    context: FillContext | None = None

    def known_ids(self, known: str) -> list[str] | None:
        """The ids a person may have, None where any will do or there are too many to list."""
        people: Mapping[str, Any] | frozenset[str] | None = None
        if self.context is not None and known:
            people = self.context.persons if known == "persons" else self.context.accounts
        return sorted(people) if people is not None and len(people) <= _MOST_LISTED else None


class _Record:
    """The schema of one record of a view."""

    def __init__(self, view: View, locale: str, context: FillContext | None) -> None:
        self.view = view
        self.locale = locale
        self.context = context
        self.known = Inspection(context) if context else None

    def schema(self) -> Schema:
        """Properties, what is required, and the conditions."""
        entries = [entry for entry in self.view.entries if not entry.field.is_auto]
        demands = [
            (entry.field.key, self._fragment(entry.requirement)) for entry in entries if not self._has_default(entry)
        ]
        conditions = [{"if": test, "then": {"required": [key]}} for key, test in demands if not isinstance(test, bool)]
        conditions += [
            extra for rule in self.view.rules if (extra := self._rule(rule.kind, rule.fields, rule.args, rule.when))
        ]
        schema: Schema = {
            "type": "object",
            "properties": {entry.field.key: self._property(entry.field) for entry in entries},
            "required": [key for key, test in demands if test is True],
            "additionalProperties": False,
        }
        return schema | ({"allOf": conditions} if conditions else {})

    def _has_default(self, entry: Entry) -> bool:
        default = entry.field.default
        if default is None or default.source != "context":
            return default is not None
        return self.context is not None and is_given(usable_default(entry.field, self.context))

    def _property(self, field: Field) -> Schema:
        schema = field_schema(field, Reading(self.locale, self.context))
        if field.default is not None and field.default.source == "value":
            schema["default"] = field.default.value
        if field.const is not None:
            schema["const"] = field.const
        if field.must_be is not None:
            schema["const"] = field.must_be
        return schema | ({"x-output": True} if field.is_output else {})

    def _fragment(self, condition: Condition) -> bool | Schema:
        """A condition as a schema of the record; true or false where it can be decided now."""
        if condition.kind in ("all", "any"):
            return self._joined(condition)
        head, _, rest = condition.field.partition(".")
        field = None if head.startswith("@") else self.view.field(head)
        if field is None:
            return self.known is not None and condition.holds(self.known.look_up)
        test = _TESTS[condition.kind](list(condition.values))
        if rest:
            return {"properties": {head: {"properties": {rest: test}, "required": [rest]}}, "required": [head]}
        return {"properties": {head: test}} | ({} if self._holds_absent(condition, field) else {"required": [head]})

    def _holds_absent(self, condition: Condition, field: Field) -> bool:
        """Whether the condition is true of a record without the field, counting its default."""
        default = field.default
        if self.context is not None:
            return condition.accepts(usable_default(field, self.context))
        return condition.accepts(default.value if default is not None and default.source == "value" else None)

    def _joined(self, condition: Condition) -> bool | Schema:
        parts = [self._fragment(part) for part in condition.parts]
        is_all = condition.kind == "all"
        if any(part is (not is_all) for part in parts):
            return not is_all
        schemas = [part for part in parts if not isinstance(part, bool)]
        return {"allOf" if is_all else "anyOf": schemas} if schemas else is_all

    def _rule(self, kind: str, fields: tuple[str, ...], args: Mapping[str, Any], when: Condition) -> Schema | None:
        """The part of a rule that a schema can say; `fill` says the rest."""
        if kind == "any_of":
            return {"anyOf": [{"required": [key]} for key in fields]}
        if kind == "contains_all" and isinstance(args["values"], list):
            held = [_holding(value, args.get("part", "")) for value in args["values"]]
            return {"properties": {fields[0]: {"allOf": [{"contains": each} for each in held]}}}
        limit = policy_number(self.context.policies.get(args["policy"])) if kind == "minimum" and self.context else None
        if limit is None:
            return None
        test, floor = self._fragment(when), {"properties": {fields[0]: {"minimum": int(limit)}}}
        if isinstance(test, bool):
            return floor if test else None
        return {"if": test, "then": floor}


def _holding(value: object, part: str) -> Schema:
    """An item that is the value, or a row that has it in a part."""
    return {"required": [part], "properties": {part: {"const": value}}} if part else {"const": value}


_TESTS: dict[str, Callable[[list[object]], Schema]] = {
    "in": lambda values: {"enum": values},
    "not_in": lambda values: {"not": {"enum": values}},
    "contains": lambda values: {"contains": {"enum": values}},
    "given": lambda _: {},
    "missing": lambda _: {"not": {}},
}


def field_schema(field: Field, reading: Reading) -> Schema:
    """The schema of one field or part, without default."""
    schema: Schema = {"title": field.label.of(reading.locale), **_TYPES[field.type](field, reading)}
    if field.help.zh:
        schema["description"] = field.help.of(reading.locale)
    if field.options:
        schema["x-labels"] = {option.value: option.label.of(reading.locale) for option in field.options}
    extras = {
        "x-class": field.field_class.value,
        "x-unit": field.unit.of(reading.locale),
        "x-mask": field.mask.value if field.mask else "",
    }
    return schema | {name: value for name, value in extras.items() if value}


def _text(field: Field, _reading: Reading) -> Schema:
    pattern = PHONE_PATTERN if field.check == "phone" else field.pattern or r"\S"
    schema: Schema = {"type": "string", "minLength": max(field.min_length, 1), "pattern": pattern}
    if field.max_length:
        schema["maxLength"] = field.max_length
    return schema | ({"examples": list(field.suggestions)} if field.suggestions else {})


def _number(field: Field, _reading: Reading) -> Schema:
    schema: Schema = {"type": "integer" if field.type == "int" else "number"}
    for name, limit in (("minimum", field.minimum), ("maximum", field.maximum)):
        if limit is not None:
            schema[name] = int(limit) if limit == int(limit) else float(limit)
    return schema


def _multi(field: Field, _reading: Reading) -> Schema:
    items: Schema = (
        {"enum": list(field.values)} if field.options else {"type": "string", "minLength": 1, "pattern": r"\S"}
    )
    schema = _array(field, items) | {"uniqueItems": True}
    if field.exclusive:
        # The exclusive option alone, or anything without it.
        schema["anyOf"] = [{"maxItems": 1}, {"not": {"contains": {"const": field.exclusive}}}]
    return schema


def _list(field: Field, reading: Reading) -> Schema:
    return _array(field, field_schema(field.item, reading) if field.item else {})


def _array(field: Field, items: Schema) -> Schema:
    limits = {"minItems": field.min_items, "maxItems": field.max_items or len(field.options)}
    return {"type": "array", "items": items, **{name: limit for name, limit in limits.items() if limit}}


def _parts(field: Field, reading: Reading) -> Schema:
    return {
        "type": "object",
        "properties": {part.key: field_schema(part, reading) for part in field.parts},
        "required": [part.key for part in field.parts if part.required],
        "additionalProperties": False,
    }


_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"}


def _reference(_field: Field, _reading: Reading) -> Schema:
    properties = {"id": _ID, "label": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": ["id"], "additionalProperties": False}


def _person(field: Field, reading: Reading) -> Schema:
    """Somebody known (id, to which parts may be added) or somebody new (parts, without id)."""
    new = _parts(field, reading)
    ids = reading.known_ids(field.known)
    if ids is not None and not ids:
        return new
    one = _ID if ids is None else {"enum": ids}
    known = {**new, "properties": {"id": one, "label": {"type": "string"}, **new["properties"]}, "required": ["id"]}
    return {"anyOf": [new, known]}


def _sign(field: Field, reading: Reading) -> Schema:
    return {"anyOf": [{"const": True}, _parts(field, reading)]} if field.is_outside_signer_allowed else {"const": True}


def _file(_field: Field, _reading: Reading) -> Schema:
    texts = {
        "id": _ID,
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "sha256": {"type": "string", "minLength": 1, "maxLength": 200},
    }
    properties = {**texts, "size": {"type": "integer", "minimum": 0, "maximum": 20 * 1024 * 1024}}
    return {"type": "object", "properties": properties, "required": ["id"], "additionalProperties": False}


def _pair(_field: Field, _reading: Reading) -> Schema:
    end = {"type": "string", "format": "date-time"}
    properties = {"from": end, "to": end}
    return {"type": "object", "properties": properties, "required": ["from", "to"], "additionalProperties": False}


_TYPES: dict[str, Callable[[Field, Reading], Schema]] = {
    "str": _text,
    "text": _text,
    "int": _number,
    "dec": _number,
    "bool": lambda _field, _reading: {"type": "boolean"},
    "enum": lambda field, _reading: {"type": "string", "enum": list(field.values)},
    "multi": _multi,
    "list": _list,
    "row": _parts,
    "numbers": _parts,
    "date": lambda _field, _reading: {"type": "string", "format": "date"},
    "time": lambda _field, _reading: {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    "dt": lambda _field, _reading: {"type": "string", "format": "date-time"},
    "dt_pair": _pair,
    "org": _reference,
    "ref": _reference,
    "person": _person,
    "sign": _sign,
    "file": _file,
    "file_or_text": lambda field, reading: {"anyOf": [_text(field, reading), _file(field, reading)]},
}

WIDGETS: Mapping[str, str] = {
    "str": "text",
    "text": "textarea",
    "int": "number",
    "dec": "number",
    "bool": "yes_no",
    "enum": "choice",
    "multi": "choices",
    "list": "rows",
    "row": "group",
    "numbers": "group",
    "date": "date",
    "time": "time",
    "dt": "datetime",
    "dt_pair": "datetime_pair",
    "org": "organisation",
    "ref": "reference",
    "person": "person",
    "sign": "signature",
    "file": "file",
    "file_or_text": "file_or_text",
}


def ui_hints(view: View, *, locale: str) -> list[dict[str, Any]]:
    """How a page shows a view: one entry per field, in order.

    Each has key, label, widget, unit, help, section (required | more), is_read_only (filled by the
    service), has_default, options [{value, label}], and one_tap: nothing has to be entered. Fields
    with parts have `parts` of the same shape, with `is_folded` for what is shown on demand.
    """
    return [_hint(entry.field, locale, view) | _section(entry) for entry in view.entries]


def _section(entry: Entry) -> dict[str, Any]:
    return {"section": "more" if entry.is_more else "required", "required": not entry.is_more}


def _hint(field: Field, locale: str, view: View) -> dict[str, Any]:
    default = field.default
    return {
        "key": field.key,
        "label": field.label.of(locale),
        "widget": field.widget or ("hidden" if field.const is not None else WIDGETS[field.type]),
        "unit": field.unit.of(locale),
        "help": field.help.of(locale),
        "decimals": field.decimals,
        "field_class": field.field_class.value,
        "is_read_only": field.is_auto,
        "has_default": default is not None,
        "default": default.source if default is not None else "",
        "one_tap": view.is_one_tap,
        "options": [{"value": option.value, "label": option.label.of(locale)} for option in field.options],
        "suggestions": list(field.suggestions),
        "parts": [_part_hint(part, field, locale, view) for part in (field.item.parts if field.item else field.parts)],
    }


def _part_hint(part: Field, whole: Field, locale: str, view: View) -> dict[str, Any]:
    is_folded = bool(whole.shown_parts) and part.key not in whole.shown_parts
    return _hint(part, locale, view) | {"required": part.required, "is_folded": is_folded}
