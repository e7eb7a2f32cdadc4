"""What a form file says, frozen: options, fields, rules, views, forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from service.domain.fields import FieldClass, Mask
from service.domain.form_conditions import ALWAYS, Condition


@dataclass(frozen=True, slots=True)
class Text:
    """A text in both languages."""

    zh: str = ""
    en: str = ""

    def of(self, locale: str) -> str:
        """The text in a locale (`zh_CN`, `en` …); Chinese where English is missing."""
        return (self.en or self.zh) if locale.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a code list; where the list has no codes the value is the Chinese word."""

    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Default:
    """`source` is value (a literal), now, me, or context (what the service supplies for this field)."""

    source: str
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `type` is a key of `form_values.CHECKS`; `parts` are those of a row, person or set of numbers."""

    key: str
    label: Text
    type: str
    field_class: FieldClass
    mask: Mask | None = None
    unit: Text = Text()
    options: tuple[Option, ...] = ()
    suggestions: tuple[str, ...] = ()
    exclusive: str = ""  # the option that excludes all others
    item: "Field | None" = None  # of a list
    parts: tuple["Field", ...] = ()
    known: str = ""  # what an {"id"} of a person is checked against: persons | accounts | nothing
    required: bool = False  # of a part
    required_when: Condition | None = None
    wanted_when: Condition | None = None  # a missing part is a warning, not an error
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int = 0
    min_length: int = 0
    max_length: int = 0
    pattern: str = ""
    check: str = ""  # id_no | phone
    min_items: int = 0
    max_items: int = 0
    default: Default | None = None
    must_be: bool | None = None
    const: Any = None
    is_auto: bool = False
    is_output: bool = False
    is_planned: bool = False  # may lie in the future
    is_outside_signer_allowed: bool = False
    shown_parts: tuple[str, ...] = ()  # what a page shows first; empty = all
    widget: str = ""
    help: Text = Text()

    @property
    def values(self) -> tuple[str, ...]:
        """The values of its options."""
        return tuple(option.value for option in self.options)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule across fields; `kind` is a key of `form_rules.RULES`, `args` what that kind needs."""

    kind: str
    fields: tuple[str, ...]
    args: Mapping[str, Any] = field(default_factory=dict)
    when: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Entry:
    """A field as one view uses it; `requirement` says when an answer is demanded."""

    field: Field
    requirement: Condition
    is_more: bool


@dataclass(frozen=True, slots=True)
class View:
    """One view of a form: what one task asks. `rules` are those that touch its fields."""

    key: str
    form: str
    name: Text
    entries: tuple[Entry, ...]
    is_list: bool
    rules: tuple[Rule, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its fields, the required ones first."""
        return tuple(entry.field for entry in self.entries)

    @property
    def is_one_tap(self) -> bool:
        """Whether it can be completed without entering anything."""
        asked = [entry.field for entry in self.entries if not entry.is_more]
        has_own_defaults = all(field.default is not None and field.default.source != "context" for field in asked)
        return bool(asked) and has_own_defaults and not self.is_list

    @property
    def certain(self) -> frozenset[str]:
        """Keys of the fields a diagram can read after every answer: outputs, what is always demanded, own defaults."""
        outputs = {field.key for field in self.fields if field.is_output}
        demanded = {entry.field.key for entry in self.entries if entry.requirement == ALWAYS}
        filled = {field.key for field in self.fields if _fills_itself(field)}
        return frozenset(outputs if self.is_list else outputs | demanded | filled)

    def field(self, key: str) -> Field | None:
        """The field of that key, None where the view does not have it."""
        return next((entry.field for entry in self.entries if entry.field.key == key), None)


def _fills_itself(field: Field) -> bool:
    return field.default is not None and field.default.source in {"value", "now"}


@dataclass(frozen=True, slots=True)
class Form:
    """One form: all its fields and its views by their short name (`quick`)."""

    id: str
    key: str
    name: Text
    fields: Mapping[str, Field]
    views: Mapping[str, View]
