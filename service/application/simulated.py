"""Simulated roles of a drill: they answer their open tasks after a while, with answers the forms take.

Everything is drawn from the drill's seed, the step and how often it was asked: the same seed gives the same
delays and answers, however the clock ran and whichever ids were given.
"""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from service.application import answers, drill_clock, due_rows
from service.application.fill_contexts import Target, context_for
from service.application.reporting import SIGNING
from service.application.services import Origin
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.errors import Conflict, EngineFailed, FormRefused, TocsinError
from service.domain.form_samples import sample
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


def plan(on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any]) -> None:
    """Let the task be answered after a while that the seed gives."""
    outside = task["role"] in OUTSIDE_PARTIES
    typical = TYPICAL_OUTSIDE if outside else TYPICAL
    drawn = _chance(on, drill, task, "delay").lognormvariate(math.log(typical.total_seconds()), SPREAD)
    due_rows.put(on, KIND, task["id"], on.now + timedelta(seconds=round(drawn, 3)), task["instance_id"])


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
    refused: list[str] = []
    for number in range(TRIES):
        data = _made(on, drill, target, who, number)
        on.done_at = None
        try:
            answers.checked(on, target, who, data)
        except Conflict as error:  # not yet: something else has to be done first
            if on.now - task["created_at"] < PATIENCE:
                due_rows.put(on, KIND, task["id"], on.now + AGAIN, task["instance_id"])
                return
            refused = [error.code]
        except FormRefused as error:
            refused = [each.path for each in error.errors]
        else:
            _give(on, target, who, data)
            return
    on.record(ev.DrillAnswerFailed(task["id"], task["element"], refused), row=target.instance, element=task["element"])


def _give(on: Advance, target: Target, who: Principal, data: Mapping[str, Any]) -> None:
    """Answer with what was checked; what is refused after that stops the step and is seen by an operator."""
    is_late = target.due_at is not None and on.now > target.due_at
    late_reason = "演练" if is_late or target.element in SIGNING else ""
    try:
        answers.answer(on, target, who, data, late_reason)
    except EngineFailed:
        raise
    except TocsinError as error:
        raise EngineFailed(target.element, error.code, on.incident_id, target.instance["id"]) from error


def _made(on: Advance, drill: Mapping[str, Any], target: Target, who: Principal, number: int) -> dict[str, Any]:
    """An answer; from the third try on one to everything the form offers."""
    view = on.services.forms.view(target.form_key)
    context = context_for(on.view, target, who)
    seed = _chance(on, drill, target.task or {}, f"answer:{number}").randrange(2**31)
    return sample(
        view,
        context,
        seed=seed,
        is_full=number >= TRIES // 2,
        prefer={**_usual()["any"], **_usual().get(view.form, {})},
    )


def _chance(on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any], what: str) -> random.Random:
    """Chance by seed, step and the how manieth task of that step this is."""
    known = sorted(on.rows.where(sql.tasks, incident_id=on.incident_id, element=task["element"]), key=_order)
    number = [each["id"] for each in known].index(task["id"])
    key = f"{drill['seed']}:{task['element']}:{number}:{what}"
    return random.Random(zlib.crc32(key.encode()))  # noqa: S311 - not for secrets


def _order(task: Mapping[str, Any]) -> tuple[Any, ...]:
    return task["created_at"], task["instance_id"], int(task["id"].rpartition("-")[2])


@cache
def _usual() -> dict[str, dict[str, str]]:
    """The usual answers: form -> field -> answer, `any` for every form."""
    found: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("simulated_answers.yaml").read_text("utf-8")
    )
    return found
