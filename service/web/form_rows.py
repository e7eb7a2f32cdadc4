"""Rows of a list: adding one, taking one away, and how each is shown.

A list of people stays usable when it is long: a complete row is one line that opens. Where a view has
the field `removed_reason`, a row that stood there beforehand does not vanish but asks for that reason.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from service.domain.errors import FieldError, FormRefused
from service.domain.form_definitions import Field, View
from service.domain.form_messages import field_error
from service.web.form_models import FieldModel, Filled, Row
from service.web.form_values import Flat

REASON = "removed_reason"
REMOVED = "_removed"  # our own mark beside the fields of a row that is to leave
CHANGES = ("add:", "remove:", "restore:", "same:")
FEW = 3  # so many rows stand open
_FACTS = 3
_TEXTS = ("str", "text", "ref", "org")


def with_rows(do: str, flat: Flat, kept: Collection[str] = ()) -> Filled:
    """A form with one row more (`add:rows`), one less (`remove:rows.2`) or one back (`restore:rows.2`).

    `same:rows` fills what is empty with what the first row says, but for the person. `kept` are persons whose
    rows only leave with a reason.
    """
    action, _, name = do.partition(":")
    if action == "same":
        return Filled(flat | _as_first(name, flat))
    if action == "add":
        return Filled(flat, more_rows={name: 1})
    if action == "restore":
        return Filled(
            {key: value for key, value in flat.items() if key not in (f"{name}.{REMOVED}", f"{name}.{REASON}")}
        )
    if _one(flat, f"{name}.person.id") in kept:
        return Filled({**flat, f"{name}.{REMOVED}": ["true"]})
    return Filled({key: value for key, value in flat.items() if key != name and not key.startswith(f"{name}.")})


def renumbered(view: View, flat: Flat) -> Flat:
    """The rows counted from 0 without gaps, as the errors of the check will count them; empty ones dropped."""
    moved: dict[str, str] = {}
    for name in _lists(view):
        heads = sorted(
            {int(match[1]) for key in flat if (match := re.match(rf"{re.escape(name)}\.(\d{{1,4}})(\.|$)", key))}
        )
        filled = [head for head in heads if is_filled(flat, f"{name}.{head}")]
        moved |= {f"{name}.{head}": f"{name}.{place}" for place, head in enumerate(filled)}
        moved |= {f"{name}.{head}": "" for head in heads if head not in filled}
    return {_moved(key, moved): value for key, value in flat.items() if _moved(key, moved)}


def unreasoned(view: View, flat: Flat) -> tuple[FieldError, ...]:
    """An error for each row that is to leave without a reason."""
    reason = view.field(REASON)
    if reason is None:
        return ()
    names = (key.removesuffix(f".{REMOVED}") for key in flat if key.endswith(f".{REMOVED}"))
    return tuple(
        field_error(f"{name}.{REASON}", "required", zh=reason.label.zh, en=reason.label.en)
        for name in names
        if not _one(flat, f"{name}.{REASON}").strip()
    )


def require_reasons(view: View, flat: Flat) -> None:
    """Raises FormRefused for rows that are to leave without a reason."""
    if errors := unreasoned(view, flat):
        raise FormRefused(errors)


def known_rows(view: View, defaults: Mapping[str, object]) -> frozenset[str]:
    """Persons of the rows a list begins with, where they may leave it with a reason only."""
    rows = defaults.get("rows") if view.field(REASON) is not None else None
    persons = [row.get("person") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []
    return frozenset(str(each["id"]) for each in persons if isinstance(each, Mapping) and each.get("id"))


def shown(row: Row, flat: Flat, name: str, known: Collection[str]) -> Row:
    """A row with its heading, whether it stands open, and whether it is to leave."""
    models = (*row.fields, *row.folded)
    person = _one(flat, f"{name}.person.id")
    row = replace(
        row,
        title=next((title for title in map(_title, models) if title), ""),
        facts=tuple(fact for fact in map(_fact, models) if fact)[:_FACTS],
        mark="" if not known or not person else "known" if person in known else "added",
        is_open=not all(_is_complete(each) for each in models),
    )
    if not (_one(flat, f"{name}.{REMOVED}") or _one(flat, f"{name}.{REASON}")):
        return replace(row, fields=_without_reason(row.fields), folded=_without_reason(row.folded))
    reason = tuple(each for each in models if each.name == f"{name}.{REASON}")
    kept = tuple(
        (key, value)
        for key, values in flat.items()
        if key.startswith(f"{name}.") and not key.endswith((f".{REASON}", f".{REMOVED}"))
        for value in values
    )
    return replace(
        row,
        is_removed=True,
        kept=kept,
        fields=tuple(replace(each, is_required=True, is_optional=False, when="") for each in reason),
        folded=(),
    )


# --- inside -----------------------------------------------------------------------------------


def _as_first(name: str, flat: Flat) -> Flat:
    """The empty inputs of the rows that stay, as the first of these has them."""
    heads = sorted({int(match[1]) for key in flat if (match := re.match(rf"{re.escape(name)}\.(\d{{1,4}})\.", key))})
    staying = [head for head in heads if not _one(flat, f"{name}.{head}.{REMOVED}")]
    if not staying:
        return {}
    first = f"{name}.{staying[0]}."
    said = {key.removeprefix(first): values for key, values in flat.items() if key.startswith(first)}
    own = ("person.", REASON, REMOVED)
    return {
        f"{name}.{head}.{key}": values
        for head in staying
        for key, values in said.items()
        if not key.startswith(own) and not any(value.strip() for value in flat.get(f"{name}.{head}.{key}", []))
    }


def _lists(view: View) -> list[str]:
    return ["rows"] if view.is_list else [each.key for each in view.fields if _has_rows(each)]


def _has_rows(field: Field) -> bool:
    return field.type == "list" and field.item is not None and field.item.type not in _TEXTS


def is_filled(flat: Flat, name: str) -> bool:
    """Whether anything was entered into a row."""
    return any(
        value.strip() for key, values in flat.items() if key == name or key.startswith(f"{name}.") for value in values
    )


def _moved(key: str, moved: Mapping[str, str]) -> str:
    """The key under the new number of its row, "" where the row is dropped."""
    match = re.match(r"([a-z_]+\.\d{1,4})(?=\.|$)", key)
    if match is None or match[1] not in moved:
        return key
    return moved[match[1]] + key[match.end() :] if moved[match[1]] else ""


def _one(flat: Flat, name: str) -> str:
    return next(iter(flat.get(name, [])), "")


def _without_reason(models: tuple[FieldModel, ...]) -> tuple[FieldModel, ...]:
    return tuple(each for each in models if not each.name.endswith(f".{REASON}"))


def _title(model: FieldModel) -> str:
    """Who a row is about."""
    if model.widget == "chosen":
        return model.placeholder
    if model.widget != "person":
        return ""
    chosen = next((each.label for each in model.choices if each.is_chosen), "")
    return chosen or next((part.value for part in (*model.parts, *model.folded) if part.name.endswith(".name")), "")


def _fact(model: FieldModel) -> str:
    """A value worth a place in the line of a closed row."""
    if model.widget == "number" and model.value:
        return f"{model.value}{model.unit}"
    if model.widget in ("choice", "choices", "select"):
        return "、".join(each.label for each in model.choices if each.is_chosen)
    return ""


def _is_complete(model: FieldModel) -> bool:
    """Whether nothing is wrong and nothing demanded is empty."""
    parts: tuple[FieldModel, ...] = (*model.parts, *model.folded)
    if model.error or any(part.error for part in parts):
        return False
    if model.widget == "person" and not model.value:
        return all(_is_complete(part) for part in parts) and bool(_title(model))
    is_given = bool(model.value) or any(each.is_chosen for each in model.choices) or bool(_title(model))
    return is_given or not model.is_required or model.widget in ("person", "group")


def condition_in_row(condition: Any, prefix: str, own: Collection[str]) -> Any:
    """A condition as scripts follow it, its fields named as in this row."""
    if "field" not in condition:
        return {kind: [condition_in_row(part, prefix, own) for part in parts] for kind, parts in condition.items()}
    head = condition["field"].partition(".")[0]
    return {**condition, "field": f"{prefix}{condition['field']}"} if head in own else condition
