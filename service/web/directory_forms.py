"""Forms of the directory: plain fields with labels, errors beside them, kept as typed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from fastapi.responses import Response

from service.domain.calendar import at_local
from service.domain.errors import AlreadyExists, TocsinError, ValueRefused
from service.web.errors import status_of
from service.web.form_models import Choice
from service.web.posted import Posted
from service.web.site import Visit


@dataclass(frozen=True, slots=True)
class Input:
    """A field: `widget` is text, area, select, radio, checks, flag, date, number or password."""

    name: str
    label: str
    value: str = ""
    widget: str = "text"
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    is_needed: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class DirectoryForm:
    """A page with one form; `refusal` is said above it where no field is to blame."""

    title: str
    back: str
    back_label: str
    lead: str
    action: str
    fields: tuple[Input, ...]
    submit: str
    refusal: str = ""


Saved = Callable[[], Response]


def answered(visit: Visit, form: DirectoryForm, posted: Posted, save: Saved) -> Response:
    """Save and go on, or show the form again with what was typed and what is wrong with it."""
    try:
        return save()
    except TocsinError as error:
        return shown(visit, refused(visit, filled(form, posted), error), status=status_of(error))


def shown(visit: Visit, form: DirectoryForm, *, status: int = 200) -> Response:
    """The page of a form."""
    with visit.reader() as reader:
        return visit.page(reader, "organisations/form.html", form, status=status)


def filled(form: DirectoryForm, posted: Posted) -> DirectoryForm:
    """The form as it was sent."""
    return replace(form, fields=tuple(_filled(each, posted) for each in form.fields))


def refused(visit: Visit, form: DirectoryForm, error: TocsinError) -> DirectoryForm:
    """The form with an error beside the field that is to blame, else above it."""
    english = visit.locale.startswith("en")
    if isinstance(error, ValueRefused) and any(each.name == error.name for each in form.fields):
        text = error.reason_en if english else error.reason
        return replace(form, fields=tuple(_blamed(each, error.name, text) for each in form.fields))
    if isinstance(error, AlreadyExists):
        name = "username" if any(each.name == "username" for each in form.fields) else "name"
        return replace(form, fields=tuple(_blamed(each, name, error.text(visit.locale)) for each in form.fields))
    return replace(form, refusal=error.text(visit.locale))


def choices(options: Iterable[tuple[str, str]], chosen: Sequence[str] | str = ()) -> tuple[Choice, ...]:
    """Options as choices."""
    marked = (chosen,) if isinstance(chosen, str) else chosen
    return tuple(Choice(value, label, value in marked) for value, label in options)


def first_instant(text: str) -> datetime | None:
    """The beginning of a day as typed in a date field, in Shanghai; None for nothing. Raises ValueRefused."""
    return at_local(_day("valid_from", text), time()) if text else None


def end_of_day(text: str) -> datetime | None:
    """The end of a day as typed in a date field, that day included. Raises ValueRefused."""
    return at_local(_day("valid_until", text) + timedelta(days=1), time()) if text else None


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueRefused(name, "请填日期，如 2026-12-31", "a date such as 2026-12-31") from error


def _filled(each: Input, posted: Posted) -> Input:
    if each.widget == "password":
        return each
    if each.choices:
        sent = posted.all(each.name)
        return replace(each, choices=tuple(replace(one, is_chosen=one.value in sent) for one in each.choices))
    return replace(each, value=posted.get(each.name))


def _blamed(each: Input, name: str, text: str) -> Input:
    return replace(each, error=text) if each.name == name else each
