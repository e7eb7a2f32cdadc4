"""A further sick person of an incident: the quick and the complete form of F01 at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.application import answers
from service.application.fill_contexts import Target
from service.domain.access import Principal

if TYPE_CHECKING:
    from service.application.steps import Advance

ELEMENT = "t_add_case"


def add(on: Advance, principal: Principal, data: Mapping[str, Any]) -> str:
    """Register the person and what is said of him; returns the person id. Raises FormRefused."""
    view = view_of(data)
    complete_fields = {field.key for field in on.services.forms.view("F01#complete").fields}
    quick_fields = {field.key for field in on.services.forms.view(view).fields}
    quick = {key: value for key, value in data.items() if key in quick_fields or key not in complete_fields}
    rest = {key: value for key, value in data.items() if key in complete_fields and key not in quick_fields}
    person = answers.record_only(on, target(on, view), principal, quick)
    if rest:
        answers.record_only(on, target(on, "F01#complete", person), principal, rest)
    return person


def view_of(data: Mapping[str, Any]) -> str:
    """The view of F01 that asks for the beginning."""
    return "F01#external" if data.get("source_kind") == "external" else "F01#quick"


def target(on: Advance, view: str, person: str = "") -> Target:
    """What is answered: nothing waits for it."""
    return Target(on.instance_row(on.incident["root_instance"]), "", ELEMENT, view, person, on.now, None)
