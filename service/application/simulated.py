"""Simulated roles of a drill: they answer their open tasks after a while, with answers the forms take.

Everything is drawn from the drill's seed, the step and how often it was asked: the same seed gives the same
delays and answers, however the clock ran and whichever ids were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from sqlalchemy import select

from service.application import answers, drill_clock, due_rows, scripts, simulated_chance
from service.application.fill_contexts import Target, context_for
from service.application.scenario_values import resolved
from service.application.services import Origin
from service.application.simulated_chance import Draw
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.errors import Conflict, EngineFailed, FormRefused, TocsinError, ValueRefused
from service.domain.form_samples import sample
from service.domain.scenarios import Answer, Delay
from service.domain.standing import OUTSIDE_PARTIES
from service.persistence import queue
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

KIND = "simulated"
ACTOR = "simulated"
TYPICAL = timedelta(minutes=3)  # half of all answers come sooner
TYPICAL_OUTSIDE = timedelta(minutes=15)
SPREAD = 0.5  # of the logarithm: nine of ten lie within a factor of 2.3
STAND_IN = timedelta(minutes=10)  # until whoever stands in for an absent role has taken over
SLIPPED = "tasks answered wrongly once"  # part of a working set
TRIES = 6
AGAIN, PATIENCE = timedelta(hours=1), timedelta(days=3)  # where an answer must wait for somebody else's


def follow(on: Advance, event: ev.Event) -> None:
    """Plan an answer for a task that opened; one that is closed needs none."""
    if isinstance(event, ev.TaskOpened):
        drill, task = drill_clock.row_of(on), on.rows.get(sql.tasks, event.task)
        if drill is not None and task is not None and drill_clock.is_simulated(drill, task):
            plan(on, drill, task)
    elif isinstance(event, ev.TaskCompleted):
        queue.cancel(on.uow, KIND, event.task)
    elif isinstance(event, ev.ElementCancelled):
        queue.cancel(on.uow, KIND, event.visit)


def plan(on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any], *, again: str = "") -> None:
    """Let the task be answered after a while that the scenario and the seed give; not while everybody is away."""
    drawn = Draw.of(on, drill, task)
    chosen = _chosen(on, drawn, task)
    outside = task["role"] in OUTSIDE_PARTIES
    usual = Delay(TYPICAL_OUTSIDE if outside else TYPICAL, SPREAD)
    due = on.now + drawn.delay(chosen.after or usual, f"delay{again}")
    away = scripts.away_until(on, drill, task["role"], due)
    if away is not None:
        due = due + STAND_IN if scripts.has_stand_in(on, drill, task) else max(due, away + (due - on.now))
    due_rows.put(on, KIND, task["id"], due, task["instance_id"])


def put_off(on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any]) -> None:
    """Whoever would answer a task is away from now on."""
    plan(on, drill, task)


def cast(on: Advance, drill: Mapping[str, Any], role: str, played_by: str) -> None:
    """Hand a role over, with what it has open; `*` is whoever is not named."""
    if drill_clock.player_of(drill["roles"], role) == played_by:
        return
    on.record(ev.DrillRoleChanged(role, played_by))
    after = drill_clock.row_of(on) or drill
    for state in ("open", "claimed"):
        for task in on.rows.where(sql.tasks, incident_id=on.incident_id, state=state):
            if drill_clock.is_simulated(drill, task) == drill_clock.is_simulated(after, task):
                continue
            if drill_clock.is_simulated(after, task):
                plan(on, drill, task)
            else:
                queue.cancel(on.uow, KIND, task["id"])


def answer(on: Advance, task_id: str) -> None:
    """Answer a task whose time has come, unless somebody was first or took the role over."""
    drill, task = drill_clock.row_of(on), on.rows.get(sql.tasks, task_id)
    if drill is None or task is None or task["state"] not in ("open", "claimed"):
        return
    roles = frozenset({task["role"], *task["also"]})
    who = Principal(ACTOR, "", {task["organisation_id"]: roles}, stands_in=True)
    asked, on.origin = on.origin, Origin(actor=ACTOR, role=task["role"])
    try:
        _answer(on, drill, task, who)
    finally:
        on.origin, on.done_at = asked, None


def _answer(on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any], who: Principal) -> None:
    target = answers.target_of_task(on, task)
    drawn = Draw.of(on, drill, task)
    chosen = _chosen(on, drawn, task)
    if _slips(on, drawn, chosen, task):
        on.record(ev.DrillAnswerSlipped(task["id"], task["element"]), row=target.instance, element=task["element"])
        _slipped(on).add(task["id"])
        plan(on, drill, task, again=":again")
        return
    refused: list[str] = []
    for number in range(TRIES):
        on.done_at = None
        try:
            data = made(on, replace(drawn, attempt=number), target, who, _filled(on, drill, target, chosen))
            answers.checked(on, target, who, data)
        except Conflict as error:  # not yet: something else has to be done first
            if on.now - task["created_at"] < PATIENCE:
                due_rows.put(on, KIND, task["id"], on.now + AGAIN, task["instance_id"])
                return
            refused = [error.code]
        except FormRefused as error:
            refused = [each.path for each in error.errors]
        except ValueRefused as error:
            refused = [error.code]
        else:
            give(on, target, who, data)
            return
    on.record(ev.DrillAnswerFailed(task["id"], task["element"], refused), row=target.instance, element=task["element"])


def _slips(on: Advance, drawn: Draw, chosen: Answer, task: Mapping[str, Any]) -> bool:
    """Whether the role answers wrongly first; once a task, however often it is asked."""
    if not chosen.error_rate or drawn.chance("slip").random() >= chosen.error_rate:
        return False
    return task["id"] not in _slipped(on)


def _slipped(on: Advance) -> set[str]:
    """Tasks that were answered wrongly once; read from the log once, then kept with the rows."""
    known: set[str] | None = on.parts.get(SLIPPED)
    if known is None:
        log = sql.events
        mine = (log.c.stream == on.incident_id) & (log.c.type == ev.DrillAnswerSlipped.type)
        rows = on.uow.connection.execute(select(log.c.data).where(mine)).scalars()
        known = on.parts[SLIPPED] = {each["task"] for each in rows}
    return known


def give(on: Advance, target: Target, who: Principal, data: Mapping[str, Any]) -> None:
    """Answer with what was checked; what is refused after that stops the step and is seen by an operator."""
    is_late = target.due_at is not None and on.now > target.due_at
    try:
        answers.answer(on, target, who, data, "演练" if is_late else "")
    except EngineFailed:
        raise
    except TocsinError as error:
        raise EngineFailed(target.element, error.code, on.incident_id, target.instance["id"]) from error


def made(on: Advance, drawn: Draw, target: Target, who: Principal, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with what is chosen; the rest is drawn, from the third try on for everything the form offers."""
    view = on.services.forms.view(target.form_key)
    return sample(
        view,
        context_for(on.view, target, who, chosen),
        seed=drawn.chance(f"answer:{drawn.attempt}").randrange(2**31),
        is_full=drawn.attempt >= TRIES // 2,
        prefer={**_usual()["any"], **_usual().get(view.form, {})},
        chosen=chosen,
    )


def _chosen(on: Advance, drawn: Draw, task: Mapping[str, Any]) -> Answer:
    script = scripts.of(on, drawn.drill)
    if script is None:
        return Answer()
    if not script.is_about_persons(task["element"]):
        return script.answer_of(task["element"], drawn.number)
    person = scripts.name_of(on, task["person_id"] or "")
    of_person = simulated_chance.of_person(on, task)
    return script.answer_of(task["element"], drawn.number, person=person, of_person=of_person)


def _filled(on: Advance, drill: Mapping[str, Any], target: Target, chosen: Answer) -> dict[str, Any]:
    return dict(resolved(dict(chosen.data), scripts.known(on, drill, target.person)))


@cache
def _usual() -> dict[str, dict[str, str]]:
    """The usual answers: form -> field -> answer, `any` for every form."""
    found: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("simulated_answers.yaml").read_text("utf-8")
    )
    return found
