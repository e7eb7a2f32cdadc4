"""Service tasks of the catalogue: what the system itself does when a token passes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from service.application import clusters, inbox, registration, trainings
from service.domain import events as ev
from service.domain.errors import EngineFailed
from service.engine import effects as fx

if TYPE_CHECKING:
    from service.application.steps import Advance


def serve(on: Advance, row: Mapping[str, Any], effect: fx.ServiceReached) -> None:
    """Do what the service task means. Raises EngineFailed for one we do not know: never skipped."""
    if effect.element not in SERVICES:
        raise EngineFailed(effect.element, "no such service")
    SERVICES[effect.element](on, row, effect)


def hold_no_leave(on: Advance, row: Mapping[str, Any], effect: fx.ServiceReached) -> None:
    """A7: nobody on site leaves until an explicit exclusion (T37x)."""
    case = str(effect.data.get("person") or "")
    persons = registration.on_site_of(on, case)
    if persons:
        on.record(ev.PersonsHeld(case, persons), row=row, element=effect.element)


def revoke_cases(on: Advance, row: Mapping[str, Any], effect: fx.ServiceReached) -> None:
    """H5 for some of several persons: their instances are cancelled, the incident goes on.

    Where nobody is left after it, the whole incident is withdrawn: it would wait for nobody for ever.
    """
    record = on.facts.rows.latest("F00")
    for person in [entry["id"] for entry in record.get("cancel_persons") or []]:
        revoke(on, row, person, kind=str(record.get("cancel_kind") or "误报"))
    if not on.facts.rows.cases:
        inbox.put_signal(on, effect.element, "sig_cancel")
    clusters.wake_reporting(on)


def revoke(on: Advance, row: Mapping[str, Any], person: str, *, kind: str) -> None:
    """Withdraw one case: it counts nowhere, holds nobody, and its instance ends."""
    case = on.facts.rows.known[person]
    held = registration.on_site_of(on, person)
    on.record(ev.CaseRevoked(person, kind), row=row)
    if held:
        on.record(ev.PersonsReleased(person, held), row=row)
    for deadline in on.open_deadlines():
        if deadline["subject"] == person:
            on.record(ev.DeadlineCancelled(deadline["id"], "t_revoke_cases"), row=row)
    if case.instance:
        inbox.put(on, inbox.Effect("cancel", case.instance))


def nothing_to_do(_on: Advance, _row: Mapping[str, Any], _effect: fx.ServiceReached) -> None:
    """Reports are prefilled when their draft is opened, so nothing has to be stored here."""


SERVICES: dict[str, Callable[..., None]] = {
    "t_collect_times": trainings.collect,
    "hold_no_leave": hold_no_leave,
    "t_revoke_cases": revoke_cases,
    "t_collect_data": nothing_to_do,
}
