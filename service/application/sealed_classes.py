"""Which class each sealed value of an event has: its key, and so its life, follows from that."""

from collections.abc import Mapping
from typing import Any

from service.domain import events as ev
from service.domain.fields import FieldClass
from service.domain.form_definitions import Field
from service.domain.forms import FormLibrary
from service.domain.retention import key_of, split

_HEALTH = frozenset({"contact_listed", "contact_judged", "decision_made"})
Sealed = Mapping[str, Mapping[str, Any]]


def by_class(forms: FormLibrary, event: ev.Event, sealed: Sealed) -> dict[str, dict[str, Any]]:
    """Values by the key that seals them. A message is only on its way into a record: it goes with the first class."""
    fields = _fields(forms, event)
    found: dict[str, dict[str, Any]] = {}
    for subject, values in sealed.items():
        if isinstance(event, ev.MessageReceived):
            found[key_of(subject, FieldClass.CHILD_CRITICAL)] = dict(values)
        elif event.type in _HEALTH:
            found[key_of(subject, FieldClass.HEALTH)] = dict(values)
        else:
            for field_class, part in split(values, fields).items():
                found[key_of(subject, field_class)] = part
    return found


def _fields(forms: FormLibrary, event: ev.Event) -> Mapping[str, Field]:
    if isinstance(event, ev.PersonRegistered):
        return {part.key: part for part in forms.form("F01").fields["person"].parts}
    if isinstance(event, ev.RecordSaved) and forms.has(f"{event.form}#{event.view}"):
        return {field.key: field for field in forms.view(f"{event.form}#{event.view}").fields}
    return {}
