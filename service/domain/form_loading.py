"""Reads form files into definitions and refuses what it does not understand.

A mistake in a form file must show when the service starts, not when a task is open, so unknown
keys, unknown types, fields without a class and outputs of sealed classes are all errors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from service.domain.fields import FieldClass, Mask
from service.domain.form_conditions import ALWAYS, NEVER, Condition, FormDefinitionError, parse_condition
from service.domain.form_definitions import Default, Entry, Field, Form, Option, Rule, Text, View
from service.domain.form_rules import RULES
from service.domain.form_values import CHECKS

Codes = Mapping[str, tuple[Option, ...]]

_DIRECT = ("widget", "exclusive", "min_length", "max_length", "pattern", "check", "min_items", "max_items")
_RENAMED = {"auto": "is_auto", "output": "is_output", "planned": "is_planned", "outside": "is_outside_signer_allowed"}
_FIELD_KEYS = frozenset(
    {
        "key",
        "label",
        "type",
        "class",
        "mask",
        "options",
        "suggestions",
        "item",
        "parts",
        "block",
        "decimals",
        "help",
        "unit",
    }
    | {"required", "required_when", "wanted_when", "min", "max", "default", "must_be"}
    | {*_DIRECT, *_RENAMED}
)
_SOURCES = ("now", "me", "context")


class FormReader:
    """Reads forms that share code lists and blocks."""

    def __init__(self, codes: Mapping[str, Any], blocks: Mapping[str, Any]) -> None:
        self._codes: Codes = {name: tuple(map(_option, items)) for name, items in codes.items()}
        self._blocks: dict[str, tuple[str, tuple[Field, ...]]] = {}
        for name, block in blocks.items():
            base = self._blocks[block["extends"]][1] if block["extends"] else ()
            parts = tuple(self.field(part, f"block {name}") for part in block["parts"])
            self._blocks[name] = (str(block["known"]), base + parts)

    def form(self, raw: Mapping[str, Any]) -> Form:
        """Read one form.

        Raises:
            FormDefinitionError: The file breaks a rule of the format.
        """
        form_id = str(raw["id"])
        fields = {field.key: field for field in (self.field(item, form_id) for item in raw["fields"])}
        if len(fields) != len(raw["fields"]):
            _refuse(form_id, "two fields have the same key")
        rules = tuple(_rule(item, form_id) for item in raw.get("rules", ()))
        views = {name: _view(form_id, name, view, (fields, rules)) for name, view in raw["views"].items()}
        return Form(form_id, str(raw["key"]), _text(raw["name"]), fields, views)

    def field(self, raw: Mapping[str, Any], where: str) -> Field:
        """Read one field or part; `where` names the file in messages."""
        key = str(raw.get("key", "item"))
        where = f"{where}.{key}"
        unknown = set(raw) - _FIELD_KEYS
        if unknown:
            _refuse(where, f"unknown keys {sorted(unknown)}")
        if raw.get("type") not in CHECKS:
            _refuse(where, f"unknown type {raw.get('type')!r}")
        known, parts = self._parts(raw, where)
        field = Field(
            key=key,
            label=_text(raw.get("label", {"zh": key, "en": key})),
            type=str(raw["type"]),
            field_class=_field_class(raw, where),
            mask=Mask(raw["mask"]) if "mask" in raw else None,
            options=self._options(raw.get("options"), where),
            item=self._item(raw, where),
            parts=parts,
            known=known,
            default=_default(raw.get("default"), where),
            help=_text(raw.get("help", {})),
            **_conditions(raw),
            **_limits(raw),
        )
        if field.is_output and field.field_class.is_sealed:
            _refuse(where, "personal and health values never become process data")
        return field

    def _item(self, raw: Mapping[str, Any], where: str) -> Field | None:
        if raw["type"] != "list":
            return None
        return self.field({"class": raw["class"], **raw["item"]}, where)

    def _parts(self, raw: Mapping[str, Any], where: str) -> tuple[str, tuple[Field, ...]]:
        if raw["type"] == "sign":
            return "", self._blocks["signer"][1]
        if raw["type"] == "person":
            if raw.get("block") not in self._blocks:
                _refuse(where, f"unknown block {raw.get('block')!r}")
            return self._blocks[str(raw["block"])]
        if raw["type"] == "numbers":
            bounds = {"type": "int", "class": raw["class"], "min": 0, "max": raw.get("max", 0), "required": True}
            return "", tuple(self.field({**bounds, **part}, where) for part in raw["parts"])
        return "", tuple(self.field(part, where) for part in raw.get("parts", ()))

    def _options(self, raw: Any, where: str) -> tuple[Option, ...]:
        if raw is None:
            return ()
        if isinstance(raw, list):
            return tuple(map(_option, raw))
        name, only = (raw["list"], raw["only"]) if isinstance(raw, Mapping) else (raw, None)
        if name not in self._codes:
            _refuse(where, f"unknown code list {name!r}")
        return tuple(option for option in self._codes[name] if only is None or option.value in only)


def _refuse(where: str, why: str) -> None:
    msg = f"{where}: {why}"
    raise FormDefinitionError(msg)


def _text(raw: Mapping[str, str]) -> Text:
    return Text(raw.get("zh", ""), raw.get("en", ""))


def _option(raw: Mapping[str, str]) -> Option:
    return Option(raw["value"], Text(raw.get("zh", raw["value"]), raw["en"]))


def _field_class(raw: Mapping[str, Any], where: str) -> FieldClass:
    if raw.get("class") not in set(FieldClass):
        _refuse(where, "every field has a class: public, internal, personal, health, child_critical")
    return FieldClass(raw["class"])


def _default(raw: Mapping[str, Any] | None, where: str) -> Default | None:
    if raw is None:
        return None
    if "value" in raw:
        return Default("value", raw["value"])
    if raw.get("source") not in _SOURCES:
        _refuse(where, f"unknown default {raw!r}")
    return Default(str(raw["source"]))


def _conditions(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parse_condition(raw[name]) for name in ("required_when", "wanted_when") if name in raw}


def _limits(raw: Mapping[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {name: raw[name] for name in (*_DIRECT, "decimals", "required", "must_be") if name in raw}
    limits |= {name: raw[key] for key, name in _RENAMED.items() if key in raw}
    limits |= {name: Decimal(str(raw[key])) for key, name in (("min", "minimum"), ("max", "maximum")) if key in raw}
    unit = raw.get("unit", "")
    limits["unit"] = _text(unit) if isinstance(unit, Mapping) else Text(unit, unit)
    limits["suggestions"] = tuple(raw.get("suggestions", ()))
    return limits


def _rule(raw: Mapping[str, Any], where: str) -> Rule:
    kind = str(raw["rule"])
    if kind not in RULES:
        _refuse(where, f"unknown rule {kind!r}")
    fields = raw["fields"] if "fields" in raw else [raw["field"]] if "field" in raw else [raw["earlier"], raw["later"]]
    args = {key: value for key, value in raw.items() if key not in ("rule", "field", "fields", "when")}
    when = parse_condition(raw["when"]) if "when" in raw else ALWAYS
    return Rule(kind, tuple(name for name in fields if not name.startswith("@")), args, when)


def _view(form_id: str, name: str, raw: Mapping[str, Any], parts: tuple[Mapping[str, Field], tuple[Rule, ...]]) -> View:
    fields, rules = parts
    where = f"{form_id}#{name}"
    entries = tuple(_entries(raw, fields, where))
    keys = {entry.field.key for entry in entries}
    if len(keys) != len(entries):
        _refuse(where, "a field stands twice")
    own = tuple(_rule(item, where) for item in raw.get("rules", ()))
    return View(
        key=where,
        form=form_id,
        name=_text(raw["name"]),
        entries=entries,
        is_list=bool(raw.get("list", False)),
        rules=own + tuple(rule for rule in rules if keys & set(rule.fields)),
    )


def _entries(raw: Mapping[str, Any], fields: Mapping[str, Field], where: str) -> Iterator[Entry]:
    for is_more, items in ((False, raw["required"]), (True, raw["more"])):
        for item in items:
            said: Mapping[str, Any] = item if isinstance(item, Mapping) else {"field": item}
            unknown = set(said) - {"field", "when", "const", "default", "needs", "shows"}
            if said["field"] not in fields or unknown:
                _refuse(where, f"unknown field {said['field']!r} or keys {sorted(unknown)}")
            field = _as_used(fields[said["field"]], said, where)
            yield Entry(field, _requirement(field, said, is_more=is_more), is_more)


def _requirement(field: Field, said: Mapping[str, Any], *, is_more: bool) -> Condition:
    """A field of `required` is demanded always, one of `more` by its own condition; `when` says otherwise."""
    if field.is_auto:
        return NEVER
    if "when" in said:
        return parse_condition(said["when"]) if said["when"] is not None else NEVER
    return (field.required_when or NEVER) if is_more else ALWAYS


def _as_used(field: Field, said: Mapping[str, Any], where: str) -> Field:
    changes: dict[str, Any] = {}
    if "default" in said:
        changes["default"] = _default(said["default"], where)
    if "const" in said:
        changes["const"] = said["const"]
    if "needs" in said:
        changes["parts"] = tuple(replace(part, required=part.key in said["needs"]) for part in field.parts)
    if "shows" in said:
        changes["shown_parts"] = tuple(said["shows"])
    return replace(field, **changes) if changes else field
