"""What a page shows of a form: fields with their inputs, choices, values and errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.errors import FieldError
from service.web.form_values import Flat


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen; `group` is the heading it stands under in a drop-down."""

    value: str
    label: str
    is_chosen: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list, with its position.

    `title` and `facts` are what a closed row says; `mark` is known (stood there beforehand), added or "";
    `kept` are the inputs of a row that is to leave, so that it can come back.
    """

    place: int
    fields: tuple["FieldModel", ...]
    folded: tuple["FieldModel", ...] = ()
    title: str = ""
    facts: tuple[str, ...] = ()
    mark: str = ""
    kept: tuple[tuple[str, str], ...] = ()
    is_open: bool = True
    is_new: bool = False
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldModel:
    """One input or group of inputs. `when` is a condition for scripts to follow, "" for always."""

    name: str
    id: str
    label: str
    widget: str
    help: str = ""
    unit: str = ""
    value: str = ""
    end: str = ""  # second value of a period
    choices: tuple[Choice, ...] = ()
    parts: tuple["FieldModel", ...] = ()
    folded: tuple["FieldModel", ...] = ()
    rows: tuple[Row, ...] = ()
    suggestions: tuple[str, ...] = ()
    is_required: bool = False
    is_optional: bool = False
    error: str = ""
    repair: str = ""
    when: str = ""
    step: str = ""
    max_length: int = 0
    placeholder: str = ""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class FormModel:
    """A form: what is asked, and what is filled in already or may be left out."""

    key: str
    name: str
    asked: tuple[FieldModel, ...]
    more: tuple[FieldModel, ...]
    errors: tuple[tuple[str, str], ...]  # (id of the input, message)
    is_more_open: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """What can be chosen: (id, label, group). `references` has the choices of reference fields by key."""

    persons: tuple[Choice, ...] = ()
    accounts: tuple[Choice, ...] = ()
    places: tuple[Choice, ...] = ()
    organisations: tuple[Choice, ...] = ()
    references: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the inputs and what is wrong with it; `rows` are list fields to show one more row of."""

    flat: Flat
    errors: Sequence[FieldError] = ()
    more_rows: Mapping[str, int] = field(default_factory=dict)
