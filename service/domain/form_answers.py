"""Answering a view: defaults, checks, demands and rules, then the split by class."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from service.domain.errors import FieldError, FormRefused
from service.domain.form_conditions import is_given
from service.domain.form_context import FillContext, Inspection
from service.domain.form_definitions import Field, View
from service.domain.form_messages import field_error
from service.domain.form_rules import apply_rules
from service.domain.form_values import check_value, shown_name

_MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Answers:
    """The accepted answers of one view, as JSON values.

    `values` has every field answered, by default or by a person. `public` and `sealed` are its
    parts by class; of a list view each holds `{"rows": [...]}` in the same order. `outputs` is
    process data, {form: {field: value}} with None for an output of the view that was left empty.
    `warnings` are accepted oddities (fever, wrong thermometer, outside the session, still wanted).
    """

    values: dict[str, Any]
    public: dict[str, Any]
    sealed: dict[str, Any]
    outputs: dict[str, dict[str, Any]]
    warnings: list[FieldError] = field(default_factory=list)

    def named(self, names: Iterable[str]) -> dict[str, Any]:
        """Process data beside `outputs`: what a task declares by name, as far as it is an answer that is not sealed."""
        return {name: self.public[name] for name in names if name in self.public}


def fill(view: View, data: object, context: FillContext) -> Answers:
    """Check what was entered into a view.

    Args:
        view: The view the task names.
        data: JSON as it came in; anything but an object is refused. A null counts as not answered.
        context: What the service knows.

    Raises:
        FormRefused: With all errors, each with its path (`person.name`, `rows.0.temperature`).
    """
    if view.is_list:
        return _fill_rows(view, data, context)
    inspection = _inspect(view, data, context, "")
    if inspection.errors:
        raise FormRefused(inspection.errors)
    return _answers(view, inspection.values, inspection.warnings)


def _fill_rows(view: View, data: object, context: FillContext) -> Answers:
    frame = Inspection(context)
    rows = data.get("rows") if isinstance(data, Mapping) else None
    for key in data if isinstance(data, Mapping) else ():
        if key != "rows":
            frame.refuse(shown_name(key), "unknown_field")
    if not isinstance(rows, list):
        frame.refuse("rows", "not_list")
    elif not rows:
        frame.refuse("rows", "too_few", limit=1)
    elif len(rows) > _MAX_ROWS:
        frame.refuse("rows", "too_many", limit=_MAX_ROWS)
    if frame.errors:
        raise FormRefused(frame.errors)
    seen = [_inspect(view, row, context, f"rows.{place}.") for place, row in enumerate(rows or ())]
    errors = [error for inspection in seen for error in inspection.errors]
    if errors:
        raise FormRefused(errors)
    parts = [_answers(view, inspection.values, inspection.warnings) for inspection in seen]
    return Answers(
        values={"rows": [part.values for part in parts]},
        public={"rows": [part.public for part in parts]},
        sealed={"rows": [part.sealed for part in parts]},
        outputs=_outputs_of_rows(parts),
        warnings=[warning for part in parts for warning in part.warnings],
    )


def _outputs_of_rows(parts: list[Answers]) -> dict[str, dict[str, Any]]:
    """Of a list only whether any row answers an output field, never which row and what."""
    named = {(form, key) for part in parts for form, fields in part.outputs.items() for key in fields}
    found: dict[str, dict[str, Any]] = {}
    for form, key in sorted(named):
        found.setdefault(form, {})[key] = any(is_given(part.outputs[form].get(key)) for part in parts)
    return found


def _inspect(view: View, data: object, context: FillContext, prefix: str) -> Inspection:
    inspection = Inspection(context, prefix)
    if not isinstance(data, Mapping):
        inspection.errors.append(field_error(prefix.rstrip("."), "not_object"))
        return inspection
    known = {entry.field.key for entry in view.entries}
    for key in data:
        if key not in known:
            inspection.refuse(shown_name(key), "unknown_field")
    for entry in view.entries:
        _take(entry.field, data.get(entry.field.key), inspection)
    for entry in view.entries:
        key, label = entry.field.key, entry.field.label
        is_missing = key not in inspection.values and key not in inspection.failed
        if is_missing and entry.requirement.holds(inspection.look_up):
            inspection.refuse(key, "required", zh=label.zh, en=label.en)
    apply_rules(view, inspection)
    return inspection


def _take(field: Field, raw: object, inspection: Inspection) -> None:
    """Put the answer or the default of a field into the record."""
    if field.is_auto:
        if raw is not None:
            inspection.refuse(field.key, "auto_field", zh=field.label.zh, en=field.label.en)
        return
    given = raw if is_given(raw) else usable_default(field, inspection.context)
    if not is_given(given):
        return
    value = check_value(field, given, field.key, inspection)
    if field.key in inspection.failed:
        return
    if field.const is not None and value != field.const:
        inspection.refuse(field.key, "not_an_option")
    elif field.must_be is not None and value is not field.must_be:
        inspection.refuse(field.key, "must_be_true")
    else:
        inspection.values[field.key] = value


def usable_default(field: Field, context: FillContext) -> object:
    """The default, or None where the service supplies what the field cannot take: nobody typed that."""
    given = default_value(field, context)
    if not is_given(given):
        return given
    trial = Inspection(context)
    check_value(field, given, field.key, trial)
    return None if trial.errors else given


def default_value(field: Field, context: FillContext) -> object:
    """What an unanswered field gets, as input would write it; None where it has no default."""
    if field.default is None:
        return None
    if field.default.source == "value":
        return field.default.value
    if field.default.source == "now":
        return context.now.isoformat()
    if field.default.source == "me":
        return True if field.type == "sign" else {"id": context.account_id}
    return _as_json(context.defaults.get(field.key))


def default_rows(view: View, context: FillContext) -> list[dict[str, Any]]:
    """The rows a list view begins with: what the service supplies under `rows`, as input would write it."""
    rows = _as_json(context.defaults.get("rows"))
    known = {entry.field.key for entry in view.entries}
    if not view.is_list or not isinstance(rows, list):
        return []
    return [{key: row[key] for key in row if key in known} for row in rows if isinstance(row, Mapping)]


def _as_json(value: object) -> object:
    """What the service supplies may be typed; checks read JSON."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def _holds_files(field: Field) -> bool:
    """Whatever its class: the name of a file may be that of a person."""
    parts = (field, *field.parts, *((field.item, *field.item.parts) if field.item else ()))
    return any(part.type in {"file", "file_or_text"} for part in parts)


def _answers(view: View, values: dict[str, Any], warnings: list[FieldError]) -> Answers:
    sealed_keys = {field.key for field in view.fields if field.field_class.is_sealed or _holds_files(field)}
    outputs = {field.key: values.get(field.key) for field in view.fields if field.is_output}
    return Answers(
        values=values,
        public={key: value for key, value in values.items() if key not in sealed_keys},
        sealed={key: value for key, value in values.items() if key in sealed_keys},
        outputs={view.form: outputs} if outputs else {},
        warnings=warnings,
    )
