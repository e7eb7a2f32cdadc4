"""How long sealed values live: each class is sealed with a key of its own, and destroyed when its time is over.

The subject of a seal is a person, or an incident for what is about nobody in particular; its key of a class is
`{subject}~{class}`. What was sealed before there were classes has the bare subject: it goes with the longest kept.
"""

from collections.abc import Mapping
from typing import Any

from service.domain.fields import FieldClass
from service.domain.form_definitions import Field

MARK = "~"
CLASSES = (FieldClass.CHILD_CRITICAL, FieldClass.PERSONAL, FieldClass.HEALTH)
RULES: Mapping[FieldClass, str] = {each: f"retention_{each.value}" for each in CLASSES}  # policies


def key_of(subject: str, field_class: str) -> str:
    """The subject of the key of a class."""
    return f"{subject}{MARK}{field_class}"


def subject_of(key: str) -> str:
    """Whose key it is."""
    return key.partition(MARK)[0]


def split(values: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[FieldClass, dict[str, Any]]:
    """Values by class; parts of a block go with their own class, what no field describes is personal.

    `merged` over the parts gives the values again.
    """
    found: dict[FieldClass, dict[str, Any]] = {}
    for name, value in values.items():
        for field_class, part in _parts(fields.get(name), value).items():
            found.setdefault(field_class, {})[name] = part
    return found


def merged(into: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Two parts of the same values in one: blocks and rows of lists are put together again."""
    result = dict(into)
    for name, value in more.items():
        result[name] = _both(result[name], value) if name in result else value
    return result


def _both(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return merged(one, other)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_both(left, right) for left, right in zip(one, other, strict=True)]
    return other


def _parts(field: Field | None, value: Any) -> dict[FieldClass, Any]:
    own = _class_of(field)
    if field is not None and isinstance(value, Mapping) and field.parts:
        found: dict[FieldClass, Any] = {**split(value, {part.key: part for part in field.parts})}
        return found or {own: value}
    if field is not None and isinstance(value, list) and field.item is not None:
        rows = [_parts(field.item, row) for row in value]
        classes = dict.fromkeys(each for row in rows for each in row) or {own: None}
        return {each: [row.get(each, {}) for row in rows] for each in classes}
    return {own: value}


def _class_of(field: Field | None) -> FieldClass:
    return field.field_class if field is not None and field.field_class.is_sealed else FieldClass.PERSONAL
