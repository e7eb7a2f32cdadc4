"""P26, drills and training: beginning the drill it planned, hearing of its end, taking over what came out of it.

P26 is real work; the drill is an incident of kind drill beside it. The drill tells of its end by a due row of the
training, because a unit of work goes on with one incident at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import answers, evaluation_reading
from service.application.evaluation_reading import happenings, objectives_of, pinned, plan_of
from service.application.scenario_library import shipped
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import TRAINER, Principal
from service.domain.clock import VirtualClock
from service.domain.errors import EngineFailed, TocsinError
from service.domain.evaluation import Evaluation, evaluate
from service.domain.evaluation_material import course_of
from service.engine import effects as fx
from service.persistence import queue
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

START, CLOSED = "msg_start_drill", "r_drill_closed"
KIND = "drill_closed"


def begin(on: Advance, row: Mapping[str, Any], effect: fx.MessageThrown) -> None:
    """Begin the drill that was planned; whoever planned it is its trainer. Raises EngineFailed where it cannot."""
    plan = on.facts.rows.latest("F44", instance=row["id"])
    files = shipped(on.services.scenarios)
    scenario = next((name for name, file in files.items() if file.document["catalogue"] == plan["scenario"]), "")
    organisation = on.incident["organisation_id"]
    trainer = Principal(on.origin.actor, "", {organisation: frozenset({TRAINER})})
    command = cmd.BeginScenario(scenario, organisation, float(plan["speed"]))
    try:
        drill = on.services.begin_drill(on.uow, on.services, trainer, command)
    except TocsinError as error:
        raise EngineFailed(effect.element, str(error), on.incident_id, row["id"]) from error
    on.record(ev.TrainingDrillBegun(drill), row=row, element=effect.element)


def follow(on: Advance, event: ev.Event) -> None:
    """A drill is over: the training that waits for it is told."""
    if not isinstance(event, ev.IncidentClosed):
        return
    table = sql.drill_trainings
    found = on.uow.connection.execute(select(table.c.incident_id).where(table.c.id == on.incident_id)).scalar()
    if found:
        now = on.uow.now
        queue.put(on.uow, kind=KIND, ref=on.incident_id, incident_id=found, due_at=now, real_due_at=now)


def closed(on: Advance, drill: str) -> None:
    """Answer the step that waits for the end of the drill, unless somebody has."""
    waiting = [task for task in on.rows.where(sql.tasks, incident_id=on.incident_id, element=CLOSED)]
    task = next((each for each in waiting if each["state"] in ("open", "claimed")), None)
    if task is None:
        return
    table = sql.drills
    stopped = on.uow.connection.execute(select(table.c.ended_at).where(table.c.id == drill)).scalar()
    reason = {"stop_reason": "导调员结束演练"} if stopped is not None else {}
    system = Principal("system", "", {task["organisation_id"]: frozenset({TRAINER})}, stands_in=True)
    answers.answer(on, answers.target_of_task(on, task), system, {"stopped_at": on.now.isoformat(), **reason})


def collect(on: Advance, row: Mapping[str, Any], effect: fx.ServiceReached) -> None:
    """P26.5: delays of tasks, missed limits, wrong ways, as the evaluation of the drill has them."""
    table = sql.drill_trainings
    drill = on.uow.connection.execute(select(table.c.id).where(table.c.incident_id == on.incident_id)).scalar()
    if drill is None:
        raise EngineFailed(effect.element, "no drill was begun", on.incident_id, row["id"])
    found = evaluated(on, drill)
    delays = [
        {"task": each.element.id, "seconds": round((each.took - each.planned).total_seconds())}
        for each in found.timings if each.kind == "task" and each.took is not None and each.planned is not None
    ]  # fmt: skip
    missed = [each.element.id for each in found.deviations if each.kind == "late"]
    wrong = [
        each.element.name for each in found.expectations()
        if each.expectation.kind == "branch" and each.state == "not_met"
    ]  # fmt: skip
    values = {"task_delays": delays, "missed_timers": missed, "wrong_branches": wrong}
    on.record(ev.RecordSaved("F44", "times", "", "", values), row=row, element=effect.element)


def evaluated(on: Advance, drill: str) -> Evaluation:
    """What came out of a drill, inside a unit of work of another incident."""
    log, table = sql.events, sql.incidents
    rows = [
        dict(each) for each in
        on.uow.connection.execute(select(log).where(log.c.stream == drill).order_by(log.c.seq)).mappings()
    ]  # fmt: skip
    incident = on.uow.connection.execute(select(table).where(table.c.id == drill)).mappings().one()
    objectives = objectives_of(rows)
    asked = evaluation_reading.asked(objectives)
    now = VirtualClock.from_json(on.services.clock, incident["clock"]).at(on.uow.now)
    course = course_of(happenings(on.uow, on.uow.sealer, rows, asked), now)
    bundles = {
        procedure: on.services.definitions.get(on.uow, procedure, version).bundle
        for procedure, version in pinned(rows).items()
    }
    return evaluate(course, plan_of(incident["procedure"], bundles), on.services.deadline_rules, objectives)
