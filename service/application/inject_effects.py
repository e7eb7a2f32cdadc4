"""What an inject does beside being seen: a party speaks, a step is answered, a role is away.

A document, rumour or cue is seen and nothing more. A failure is asked for where something is sent
(`deliveries.outgoing`), as long as it lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from service.application import (
    answers,
    assignment,
    correlation,
    drill_clock,
    further_cases,
    message_taking,
    scripts,
    simulated,
)
from service.application.fill_contexts import Target
from service.application.queries.words import senders
from service.application.scenario_values import resolved
from service.application.simulated_chance import Draw
from service.domain import commands as cmd
from service.domain.access import Principal
from service.domain.errors import TocsinError
from service.domain.scenarios import Inject
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

OPENINGS = frozenset({"t_register_abnormal", "t_register_external"})  # they are open once, at the beginning


@dataclass(frozen=True, slots=True)
class Effect:
    """What will happen: `refused` says why nothing can, `outcome` what a message comes to."""

    run: Callable[[], None]
    outcome: str = ""
    refused: str = ""


def nothing() -> None:
    """It is only seen."""


def prepare(on: Advance, inject: Inject) -> Effect:
    """Look whether it can be done now; nothing is recorded yet."""
    preparing = {"message": _message, "outside_reply": _message, "data": _data, "absence": _absence}
    prepared = preparing.get(inject.kind)
    try:
        return prepared(on, inject) if prepared else Effect(nothing)
    except TocsinError as error:
        return Effect(nothing, refused=error.code)


def _message(on: Advance, inject: Inject) -> Effect:
    """The party says it by the door every message of an outside party comes through."""
    keys = _keys(on, inject.keys)
    waits = correlation.waiting(on, inject.message, keys)
    sender = next(iter(senders(inject.message)), "")
    if not waits:
        payload = resolved(dict(inject.data), scripts.known(on, _drill(on), str(keys.get("person", ""))))
        who = _as(on, sender, ())
    else:
        if len(waits) > 1:
            keys = {**keys, "instance": waits[0]["instance_id"]}
        target = answers.target_of_wait(on, waits[0])
        who = _as(on, sender, (waits[0].get("role"), *(waits[0].get("also") or ())))
        payload = _whole(on, target, who, inject)
    command = cmd.ReceiveMessage(on.incident_id, inject.message, keys, payload, f"inject:{inject.id}")
    outcome = "delivered" if waits or inject.message in message_taking.KEPT else "buffered"
    return Effect(partial(_say, on, who, command, sender), outcome)


def _say(on: Advance, who: Principal, command: cmd.ReceiveMessage, sender: str) -> None:
    on.origin = replace(on.origin, on_behalf_of=sender)
    message_taking.take(on, who, command)


def _data(on: Advance, inject: Inject) -> Effect:
    """An open task or wait of the element is answered as the scenario says."""
    task = next((row for row in on.rows.where(sql.tasks, incident_id=on.incident_id, element=inject.element)
                 if row["state"] in ("open", "claimed")), None)  # fmt: skip
    wait = None if task else _wait(on, inject.element)
    if task is None and wait is None:
        return _further_case(on, inject) if inject.element in OPENINGS else Effect(nothing, refused="not_open")
    target = answers.target_of_task(on, task) if task else answers.target_of_wait(on, wait or {})
    row: Mapping[str, Any] = task or wait or {}
    who = _as(on, str(row["role"]), row["also"])
    payload = _whole(on, target, who, inject)
    return Effect(partial(simulated.give, on, target, who, payload), "answered")


def _further_case(on: Advance, inject: Inject) -> Effect:
    """Where an incident began already, another sick person comes into it by its opening form."""
    who = _as(on, "", ("place_lead", "epi_office"))
    chosen = resolved(dict(inject.data), scripts.known(on, _drill(on), ""))
    view = further_cases.view_of(chosen)
    fields = {field.key for field in on.services.forms.view(view).fields}
    quick = {key: value for key, value in chosen.items() if key in fields}
    drawn = Draw(_drill(on), f"inject:{inject.id}", 0)
    payload = {**simulated.made(on, drawn, further_cases.target(on, view), who, quick), **chosen}
    return Effect(partial(_add, on, who, payload), "answered")


def _add(on: Advance, who: Principal, payload: Mapping[str, Any]) -> None:
    further_cases.add(on, who, payload)


def _wait(on: Advance, element: str) -> Row | None:
    found = on.rows.where(sql.waits, incident_id=on.incident_id, element=element)
    return next((row for row in found if row["form_key"]), None)


def _whole(on: Advance, target: Target, who: Principal, inject: Inject) -> Mapping[str, Any]:
    """The answer with what the scenario leaves open drawn. Raises FormRefused where the form does not take it."""
    drill = _drill(on)
    chosen = resolved(dict(inject.data), scripts.known(on, drill, target.person))
    payload = simulated.made(on, Draw(drill, f"inject:{inject.id}", 0), target, who, chosen)
    answers.checked(on, target, who, payload)
    on.done_at = None
    return payload


def _absence(on: Advance, inject: Inject) -> Effect:
    return Effect(partial(_leave, on, inject.role))


def _leave(on: Advance, role: str) -> None:
    """The role is away from now on: what is open goes to whoever stands in, or waits."""
    drill = _drill(on)
    for state in ("open", "claimed"):
        for task in on.rows.where(sql.tasks, incident_id=on.incident_id, state=state):
            if role not in (task["role"], *task["also"]):
                continue
            if drill_clock.is_simulated(drill, task):
                simulated.put_off(on, drill, task)
            elif state == "open" and assignment.steps_of(on, task["id"]):
                assignment.climb(on, task["id"])


def _keys(on: Advance, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Keys with persons by name as their ids."""
    names = {name: person for person, name in scripts.people(on, "all")}
    return {key: names.get(str(value), value) for key, value in keys.items()}


def _as(on: Advance, sender: str, roles: Any) -> Principal:
    held = frozenset(role for role in (sender, *roles) if role)
    return Principal(simulated.ACTOR, "", {str(on.incident["organisation_id"]): held}, stands_in=True)


def _drill(on: Advance) -> Mapping[str, Any]:
    return drill_clock.row_of(on) or {}
