"""Answers as somebody without the right to them may see them."""

from collections.abc import Mapping
from typing import Any

from service.domain.fields import mask_value
from service.domain.form_definitions import Field


def masked(fields: tuple[Field, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored answers with every sealed value masked: `list_name` parts of persons stay as surname, ids stay.

    `fields` are those of the view or form the values belong to; a key that is none of them is left
    out, since nothing says how secret it is. Rows of a list view are masked one by one.
    """
    if set(values) == {"rows"} and "rows" not in {field.key for field in fields}:
        return {"rows": [masked(fields, row) for row in values["rows"]]}
    by_key = {field.key: field for field in fields}
    return {key: _masked(by_key[key], value) for key, value in values.items() if key in by_key}


def _masked(field: Field, value: Any) -> Any:
    if field.item is not None and isinstance(value, list):
        return [_masked(field.item, item) for item in value]
    if field.type == "row" and isinstance(value, Mapping):
        return masked(field.parts, value)
    if field.type == "person" and isinstance(value, Mapping):
        known = {"id": value["id"]} if "id" in value else {}
        return known | masked(field.parts, value)
    if field.type in ("org", "ref") and isinstance(value, Mapping):
        return {"id": value["id"]}
    if field.type == "sign" and isinstance(value, Mapping):
        return {**value, **({"name": mask_value(value["name"], field.parts[0].mask)} if "name" in value else {})}
    return mask_value(value, field.mask) if field.field_class.is_sealed else value
