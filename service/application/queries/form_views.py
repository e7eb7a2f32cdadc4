"""A form for people who look at it, not fill it: its views, and what each field takes and how well it is kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.application.queries.reader import Reader
from service.domain.form_conditions import ALWAYS, NEVER, Condition
from service.domain.form_definitions import Entry, Field, View
from service.engine.model import Bundle


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as a view asks it. `requirement` is always, never or when; `condition` says when, in words."""

    key: str
    label: str
    type: str
    field_class: str
    class_name: str
    requirement: str
    condition: str
    options: tuple[str, ...]
    limits: str
    is_auto: bool


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A view of a form, with the steps of this procedure that ask it."""

    key: str
    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form and one of its views."""

    id: str
    name: str
    view: View
    view_name: str
    is_list: bool
    fields: tuple[FieldRow, ...]
    views: tuple[ViewLink, ...]


def page(reader: Reader, bundle: Bundle, form_id: str, view: str) -> FormPage:
    """A form; of its views the one asked for, else the first that the procedure uses. Raises FormNotFound."""
    form = reader.services.forms.form(form_id)
    links = tuple(_links(reader, bundle, form_id))
    used = next((link.key for link in links if link.steps), next(iter(form.views)))
    shown = reader.services.forms.view(f"{form_id}#{view or used}")
    return FormPage(
        id=form_id,
        name=form.name.of(reader.locale),
        view=shown,
        view_name=shown.name.of(reader.locale),
        is_list=shown.is_list,
        fields=tuple(_field(reader, shown, entry) for entry in shown.entries),
        views=links,
    )


def _links(reader: Reader, bundle: Bundle, form_id: str) -> Iterator[ViewLink]:
    nodes = [node for page in bundle.processes.values() for node in page.nodes.values()]
    for key, view in reader.services.forms.form(form_id).views.items():
        steps = dict.fromkeys(reader.named(node) for node in nodes if node.form == view.key)
        yield ViewLink(key, view.name.of(reader.locale), tuple(steps))


def _field(reader: Reader, view: View, entry: Entry) -> FieldRow:
    field, demand = entry.field, entry.requirement
    is_open = demand not in (ALWAYS, NEVER)
    return FieldRow(
        key=field.key,
        label=field.label.of(reader.locale),
        type=reader.label("field_type", field.type),
        field_class=field.field_class.value,
        class_name=reader.label("field_class", field.field_class.value),
        requirement="when" if is_open else "always" if demand == ALWAYS else "never",
        condition=_said(reader, view, demand) if is_open else "",
        options=tuple(option.label.of(reader.locale) for option in (field.item or field).options),
        limits=_limits(reader, field),
        is_auto=field.is_auto or field.const is not None,
    )


def _limits(reader: Reader, field: Field) -> str:
    unit = field.unit.of(reader.locale)
    if field.minimum is None and field.maximum is None:
        return unit
    bounds = (f"{bound:f}" if bound is not None else "" for bound in (field.minimum, field.maximum))
    return f"{' – '.join(bounds)} {unit}".strip()


def _said(reader: Reader, view: View, condition: Condition) -> str:
    """A condition in words."""
    if condition.kind in ("all", "any"):
        joint = reader.pick(" 且 ", " and ") if condition.kind == "all" else reader.pick(" 或 ", " or ")
        return joint.join(_said(reader, view, part) for part in condition.parts)
    name = _name(reader, view, condition.field)
    if condition.kind == "given":
        return reader.pick(f"{name}已填写", f"{name} is filled in")
    if condition.kind == "missing":
        return reader.pick(f"{name}未填写", f"{name} is not filled in")
    values = reader.pick("、", ", ").join(_value(reader, view, condition.field, value) for value in condition.values)
    said = {
        "in": reader.pick(f"{name}为{values}", f"{name} is {values}"),
        "not_in": reader.pick(f"{name}不为{values}", f"{name} is not {values}"),
        "contains": reader.pick(f"{name}含{values}", f"{name} has {values}"),
    }
    return said[condition.kind]


def _name(reader: Reader, view: View, key: str) -> str:
    """A field of the form, on whatever view it stands, or a fact."""
    if key.startswith("@"):
        return reader.label("form_fact", key[1:])
    form = reader.services.forms.form(view.form)
    head, _, part = key.partition(".")
    field = form.fields.get(head)
    inner = next((each for each in field.parts if each.key == part), field) if field else None
    return inner.label.of(reader.locale) if inner else key


def _value(reader: Reader, view: View, key: str, value: object) -> str:
    if isinstance(value, bool):
        return reader.pick("是", "yes") if value else reader.pick("否", "no")
    if key == "@organisation_type":
        return reader.label("organisation_type", str(value))
    head, _, part = key.partition(".")
    field = reader.services.forms.form(view.form).fields.get(head)
    inner = next((each for each in field.parts if each.key == part), field) if field else None
    options = (inner.item or inner).options if inner else ()
    return next((option.label.of(reader.locale) for option in options if option.value == value), str(value))
