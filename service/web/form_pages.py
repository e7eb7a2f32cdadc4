"""A form view as a page shows it: fields with their inputs, choices, values and errors."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from gettext import NullTranslations
from typing import Any

from service.domain.errors import FieldError
from service.domain.form_answers import default_rows, default_value, usable_default
from service.domain.form_conditions import Condition, is_given
from service.domain.form_context import FillContext, Inspection
from service.domain.form_definitions import Entry, Field, View
from service.domain.form_schemas import WIDGETS
from service.web import form_rows
from service.web.form_models import Choice, Directory, FieldModel, Filled, FormModel, Row
from service.web.form_values import Flat, flatten
from service.web.translations import translations

# More choices than this are a drop-down instead of buttons.
MOST_BUTTONS = 12
_CLOCKS = ("now", "me")


class FormWriter:
    """Writes the model of one view."""

    def __init__(self, view: View, context: FillContext, directory: Directory, locale: str) -> None:
        self.view = view
        self.context = context
        self.directory = directory
        self.locale = locale
        self.words: NullTranslations = translations(locale)
        self.filled = Filled({})
        self._own = frozenset(each.key for each in view.fields)
        self._known = form_rows.known_rows(view, context.defaults)

    def write(self, filled: Filled) -> FormModel:
        """The form with its values."""
        self.filled = filled
        if self.view.is_list:
            self.filled = replace(filled, flat=filled.flat | self._row_defaults(filled.flat))
            return self._finish([self._list_view()], [])
        asked: list[FieldModel] = []
        more: list[FieldModel] = []
        for entry in self.view.entries:
            model = self._entry(entry)
            if model is not None:
                (more if self._is_minor(entry) and not model.error else asked).append(model)
        return self._finish(asked, more)

    def _finish(self, asked: list[FieldModel], more: list[FieldModel]) -> FormModel:
        if not asked:
            asked, more = more, []
        errors = tuple((input_id(error.path), self._message(error)) for error in self.filled.errors)
        is_open = any(self._given(model.name) for model in more if model.widget not in ("choice", "yes_no"))
        return FormModel(
            self.view.key, capital(self.view.name.of(self.locale)), tuple(asked), tuple(more), errors, is_open
        )

    def _message(self, error: FieldError) -> str:
        label = self._label_at(error.path)
        text = error.text(self.locale)
        return text if not label or label in text else f"{label}: {text}" if self._is_english else f"{label}：{text}"

    @property
    def _is_english(self) -> bool:
        return self.locale.startswith("en")

    def _label_at(self, path: str) -> str:
        head = next((part for part in path.split(".") if not part.isdigit() and part != "rows"), path)
        found = self.view.field(head)
        return capital(found.label.of(self.locale)) if found else ""

    # --- entries ------------------------------------------------------------------------------

    def _entry(self, entry: Entry, prefix: str = "") -> FieldModel | None:
        used = entry.field
        if used.is_auto or used.const is not None:
            return None
        demand = self._decided(entry.requirement)
        model = self._field(used, prefix + used.key)
        is_required = demand is True and not self._has_default(used)
        when = condition_text(entry.requirement, prefix, self._own) if demand is None else ""
        return replace(model, is_required=is_required, is_optional=demand is not True, when=when)

    def _is_minor(self, entry: Entry) -> bool:
        """Whether a field may stand folded away: not demanded, or filled in by the clock or the session."""
        default = entry.field.default
        if default is not None and default.source in _CLOCKS and entry.field.type != "sign":
            return True
        demand = self._decided(entry.requirement)
        return demand is False or (entry.is_more and self._has_default(entry.field))

    def _has_default(self, used: Field) -> bool:
        return is_given(default_value(used, self.context))

    def _decided(self, condition: Condition) -> bool | None:
        """Whether a condition holds, as far as it does not hang on what is entered here; None if it does."""
        if condition.kind in ("all", "any"):
            parts = [self._decided(part) for part in condition.parts]
            decisive = condition.kind == "any"
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        if self.view.field(condition.field.partition(".")[0]) is not None:
            return None
        return condition.holds(Inspection(self.context).look_up)

    # --- fields -------------------------------------------------------------------------------

    def _field(self, used: Field, name: str) -> FieldModel:
        model = FieldModel(
            name=name,
            id=input_id(name),
            label=capital(used.label.of(self.locale)),
            widget=used.widget or WIDGETS[used.type],
            help=used.help.of(self.locale),
            unit=used.unit.of(self.locale),
            value=self._value(name),
            suggestions=used.suggestions,
            error=self._error(name),
            repair=self._repair(name),
            is_required=used.required,
            is_optional=not used.required,
            max_length=used.max_length,
            step=f"0.{'0' * (used.decimals - 1)}1" if used.decimals else "1",
            placeholder=self._placeholder(used),
        )
        change = _CHANGES.get(model.widget)
        return change(self, used, model) if change else model

    def _value(self, name: str) -> str:
        values = self.filled.flat.get(name, [])
        return values[-1] if values else ""

    def _given(self, name: str) -> bool:
        return any(key == name or key.startswith(f"{name}.") for key in self.filled.flat)

    def _error(self, name: str) -> str:
        return next((error.text(self.locale) for error in self.filled.errors if error.path == name), "")

    def _repair(self, name: str) -> str:
        """What was probably meant, read from the message of a slip (`是不是 38.2？`)."""
        found = next((error for error in self.filled.errors if error.path == name), None)
        if found is None or found.code != "out_of_range_slip":
            return ""
        return found.en.rsplit("did you mean ", 1)[-1].rstrip("?")

    def _placeholder(self, used: Field) -> str:
        if used.default is not None and used.default.source == "now":
            return self.words.gettext("留空即为提交的时刻")
        return ""

    def _chosen(self, choices: Iterable[Choice], name: str) -> tuple[Choice, ...]:
        values = set(self.filled.flat.get(name, []))
        return tuple(replace(choice, is_chosen=choice.value in values) for choice in choices)

    def _options(self, used: Field) -> Iterable[Choice]:
        return (Choice(option.value, capital(option.label.of(self.locale))) for option in used.options)

    def choice(self, used: Field, model: FieldModel) -> FieldModel:
        """One of the options: buttons, or a drop-down where they are many."""
        widget = "choice" if len(used.options) <= MOST_BUTTONS else "select"
        return replace(model, widget=widget, choices=self._chosen(self._options(used), model.name))

    def choices(self, used: Field, model: FieldModel) -> FieldModel:
        """Several of the options; where the field has none, one a line."""
        if not used.options:
            return replace(model, widget="lines", value="\n".join(self.filled.flat.get(model.name, [])))
        return replace(model, choices=self._chosen(self._options(used), model.name))

    def yes_no(self, _used: Field, model: FieldModel) -> FieldModel:
        """Two buttons."""
        both = (Choice("true", self.words.gettext("是")), Choice("false", self.words.gettext("否")))
        return replace(model, choices=self._chosen(both, model.name))

    def pair(self, _used: Field, model: FieldModel) -> FieldModel:
        """From and to."""
        return replace(model, value=self._value(f"{model.name}.from"), end=self._value(f"{model.name}.to"))

    def place(self, _used: Field, model: FieldModel) -> FieldModel:
        """A place of the organisation, or one in words; what is typed wins over what is chosen."""
        values = self.filled.flat.get(model.name, [])
        known = self._chosen(self.directory.places, model.name)
        typed = [value for value in values if value and value not in {choice.value for choice in known}]
        return replace(model, choices=known, value=typed[-1] if typed else "")

    def file(self, _used: Field, model: FieldModel) -> FieldModel:
        """A file that was uploaded before is kept by hidden inputs, one for each part of its value."""
        kept = ((part, self._value(f"{model.name}.{part}")) for part in ("id", "name", "size", "sha256"))
        return replace(model, choices=tuple(Choice(value, value, group=part) for part, value in kept if value))

    def organisation(self, used: Field, model: FieldModel) -> FieldModel:
        """An organisation or class that is known; elsewhere its name in words."""
        known = self.directory.places if used.key == "org_unit" else self.directory.organisations
        if used.key != "org_unit" or not known:
            return replace(model, widget="text_known", choices=known)
        return replace(model, widget="select", choices=self._chosen(known, model.name))

    def reference(self, used: Field, model: FieldModel) -> FieldModel:
        """Something of the incident, by the choices the page was given for this field."""
        known = self.directory.references.get(used.key, ())
        widget = "select" if known else "text"
        return replace(model, widget=widget, choices=self._chosen(known, model.name))

    def person(self, used: Field, model: FieldModel) -> FieldModel:
        """Somebody known, or somebody new by name."""
        known = {"persons": self.directory.persons, "accounts": self.directory.accounts}.get(used.known, ())
        shown, folded = self._split_parts(used, model.name)
        if known:  # a name is demanded only of who is not on the list
            shown = tuple(replace(part, is_required=False) for part in shown)
        is_new = self._given(model.name) and not self._value(f"{model.name}.id")
        return replace(
            model,
            choices=self._chosen(known, f"{model.name}.id"),
            value=self._value(f"{model.name}.id"),
            parts=shown,
            folded=folded,
            is_open=is_new or any(part.error for part in (*shown, *folded)) or not known,
        )

    def _split_parts(self, used: Field, name: str) -> tuple[tuple[FieldModel, ...], tuple[FieldModel, ...]]:
        shown_first = used.shown_parts or tuple(part.key for part in used.parts if part.required)
        models = [(part.key, self._field(part, f"{name}.{part.key}")) for part in used.parts]
        shown = tuple(model for key, model in models if key in shown_first or model.error)
        return shown, tuple(model for key, model in models if model not in shown)

    def signature(self, used: Field, model: FieldModel) -> FieldModel:
        """The signature of who is signed in; where the field allows it, of somebody outside."""
        is_outside = used.is_outside_signer_allowed
        if used.default is not None and used.default.source == "me" and not is_outside:
            return replace(model, widget="signed", placeholder=self.context.account_name)
        parts = tuple(self._field(part, f"{model.name}.{part.key}") for part in used.parts) if is_outside else ()
        given = any(part.value or part.error for part in parts)
        return replace(
            model, value=self._value(model.name), placeholder=self.context.account_name, parts=parts, is_open=given
        )

    def group(self, used: Field, model: FieldModel) -> FieldModel:
        """A row or a set of numbers."""
        return replace(model, parts=tuple(self._field(part, f"{model.name}.{part.key}") for part in used.parts))

    def rows(self, used: Field, model: FieldModel) -> FieldModel:
        """A list: of texts one a line, of references chips, of anything else rows."""
        item = used.item
        if item is None:
            return model
        if item.type in ("str", "text"):
            return replace(model, widget="lines")
        if item.type in ("ref", "org"):
            known = self.directory.references.get(used.key, self.directory.places if item.type == "org" else ())
            return replace(model, widget="choices", choices=self._chosen(known, model.name))
        places = self._places(model.name, max(used.min_items, 1))
        return replace(model, rows=self._shown(model.name, [self._row(item, model.name, place) for place in places]))

    def _row(self, item: Field, name: str, place: int) -> Row:
        prefix = f"{name}.{place}"
        if item.type == "row":
            return Row(place, tuple(self._field(part, f"{prefix}.{part.key}") for part in item.parts))
        return Row(place, (replace(self._field(item, prefix), label=""),))

    def _shown(self, name: str, rows: list[Row]) -> tuple[Row, ...]:
        """The rows with their headings; a few stand open, of many only those that need something."""
        made = [form_rows.shown(row, self.filled.flat, f"{name}.{row.place}", self._known) for row in rows]
        extra = self.filled.more_rows.get(name, 0)
        fresh = {row.place for row in rows[len(rows) - extra :]}
        return tuple(
            replace(
                row, is_new=row.place in fresh, is_open=row.is_open or row.place in fresh or len(rows) <= form_rows.FEW
            )
            for row in made
        )

    def _places(self, name: str, least: int) -> list[int]:
        heads = (
            key.removeprefix(f"{name}.").partition(".")[0] for key in self.filled.flat if key.startswith(f"{name}.")
        )
        found = sorted({int(head) for head in heads if head.isdigit()})
        wanted = max(len(found), least) + self.filled.more_rows.get(name, 0)
        following = (max(found) + 1) if found else 0
        return found + list(range(following, following + wanted - len(found)))

    def _list_view(self) -> FieldModel:
        rows = self._shown("rows", [self._list_row(place) for place in self._places("rows", 1)])
        label = capital(self.view.name.of(self.locale))
        return FieldModel(name="rows", id="f-rows", label=label, widget="rows", rows=rows, error=self._error("rows"))

    def _row_defaults(self, flat: Flat) -> Flat:
        """What is stored of a field that is left empty, so that a row shows it; a blank row stays blank."""
        fields = [each for each in self.view.fields if each.default is not None and each.default.source not in _CLOCKS]
        known = {each.key: usable_default(each, self.context) for each in fields}
        filled = [place for place in self._places("rows", 0) if form_rows.is_filled(flat, f"rows.{place}")]
        rows = (flatten(fields, known, f"rows.{place}.") for place in filled)
        return {name: values for row in rows for name, values in row.items() if not flat.get(name, [""])[0]}

    def _list_row(self, place: int) -> Row:
        asked: list[FieldModel] = []
        more: list[FieldModel] = []
        for entry in self.view.entries:
            model = self._entry(entry, f"rows.{place}.")
            if model is not None:
                is_minor = self._is_minor(entry) or self._has_default(entry.field)
                (more if is_minor and not model.error else asked).append(_settled(model))
        return Row(place, tuple(asked), tuple(more))


_CHANGES: Mapping[str, Callable[[FormWriter, Field, FieldModel], FieldModel]] = {
    "choice": FormWriter.choice,
    "choices": FormWriter.choices,
    "yes_no": FormWriter.yes_no,
    "datetime_pair": FormWriter.pair,
    "place": FormWriter.place,
    "file": FormWriter.file,
    "file_or_text": FormWriter.file,
    "organisation": FormWriter.organisation,
    "reference": FormWriter.reference,
    "person": FormWriter.person,
    "signature": FormWriter.signature,
    "group": FormWriter.group,
    "rows": FormWriter.rows,
}


def _settled(model: FieldModel) -> FieldModel:
    """A row is about somebody: who is chosen already stands there as a name; another one is another row."""
    name = next((choice.label for choice in model.choices if choice.is_chosen), "")
    if model.widget != "person" or not name or model.error:
        return model
    return replace(model, widget="chosen", placeholder=name)


def input_id(path: str) -> str:
    """The id of an input by its path."""
    return "f-" + path.replace(".", "-")


def capital(text: str) -> str:
    """English labels of the forms are written small; a label begins with a capital."""
    return text[:1].upper() + text[1:]


def condition_text(condition: Condition, prefix: str, own: Collection[str]) -> str:
    """A condition as JSON for the script that shows and hides fields; in a row, fields are those of the row."""
    return json.dumps(form_rows.condition_in_row(_condition(condition), prefix, own), ensure_ascii=False)


def _condition(condition: Condition) -> dict[str, Any]:
    if condition.kind in ("all", "any"):
        return {condition.kind: [_condition(part) for part in condition.parts]}
    values = [str(value).lower() if isinstance(value, bool) else value for value in condition.values]
    return {"field": condition.field, "test": condition.kind, "values": values}


def defaults_of(view: View, context: FillContext) -> dict[str, Any]:
    """What the inputs begin with: values that are given beforehand, not those that say "now"."""
    if view.is_list:
        return {"rows": default_rows(view, context)}
    values = {
        each.key: default_value(each, context)
        for each in view.fields
        if each.default is not None and each.default.source != "now" and each.type != "sign"
    }
    return {key: value for key, value in values.items() if is_given(value)}
