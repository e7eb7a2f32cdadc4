"""Engine incidents: a failed step leaves the stored state as it was, is visible, and an operator resolves it.

Nothing is tried again by itself: a step is deterministic, so what failed fails again until somebody changed something.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select, update

from service.application import abandoning, due_work, inbox
from service.application.failures import failure_of, put_on_record
from service.application.services import SYSTEM, Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import EngineFailed, NoSuch, ResolutionRefused, ValueRefused
from service.engine import runner
from service.engine.model import Kind
from service.engine.passing_over import obstacle
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

INSTANCE, INCIDENT = "instance", "incident"


def record(uow: UnitOfWork, services: Services, error: EngineFailed) -> None:
    """Record the failure of a rolled-back command, counting repeated ones; a failed due row is put on hold."""
    if not error.incident:
        return
    on = Advance(uow, services, error.incident, SYSTEM)
    if not on.incident:
        return
    error.due_row = _stored(on, error) if error.due_row else ""
    put_on_record(on, failure_of(error))
    uow.flush(error.incident)
    if error.due_row:
        _hold(uow, error.due_row, queue.NEVER)


def _stored(on: Advance, error: EngineFailed) -> str:
    """The due row that leads to the failure: one that was put in the command itself is gone with it."""
    due = queue.open_rows(on.uow.connection, on.incident_id, until=on.horizon)
    same = [each.id for each in due if each.instance_id == error.instance]
    known = {each.id for each in due}
    return error.due_row if error.due_row in known else next(iter([*same, *(each.id for each in due)]), "")


def _hold(uow: UnitOfWork, due_row: str, until: datetime) -> None:
    table = sql.due_rows
    uow.connection.execute(update(table).where(table.c.id == due_row).values(real_due_at=until))


def retry(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RetryEngineIncident, *, request_id: str = ""
) -> None:
    """Try again: the effect that failed, or, where a command was rolled back, whatever can move now.

    Raises EngineFailed if it fails again; then the count of attempts rises.
    """
    require(principal, Action.ENGINE_RETRY)
    row = _open(uow, command.engine_incident)

    def work(on: Advance) -> None:
        on.record(ev.EngineIncidentResolved(row["id"]))
        _again(on, row["retry"])
        stuck = on.instance_row(row["instance_id"])
        if stuck["status"] == "active":
            on.step(stuck, runner.proceed)

    if row["retry"].get("kind") == "due":
        _hold(uow, row["retry"]["target"], uow.now)
    advance(uow, services, row["incident_id"], Origin(principal.account_id, request_id=request_id), work, looks=True)


def _again(on: Advance, retry: Mapping[str, Any]) -> None:
    """What is to be run again by itself; a due row was released before."""
    if retry.get("kind") in {"start_child", "child_ended"}:
        inbox.retried(on, retry)
    elif retry.get("kind") == "timer":
        due_work.put_again(on, retry["target"])


def skip(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.SkipFailedElement, *, request_id: str = ""
) -> None:
    """Let the process go on past the element that failed, without what it does.

    A call is over without a result. Any other element is passed over when its token comes again: at once where a timer
    brought it, otherwise when the command that was rolled back is given again.
    Raises ResolutionRefused where something later needs what the element gives.
    """
    row = _to_resolve(uow, principal, command.engine_incident, command.reason)

    def work(on: Advance) -> None:
        stuck, element = on.instance_row(row["instance_id"]), str(row["element"])
        _check_passing(on, stuck, element)
        on.record(ev.EngineIncidentSkipped(row["id"], stuck["id"], element, command.reason), element=element)
        node = next(each for page in on.assembly(stuck).bundle.processes.values() if (each := page.nodes.get(element)))
        if node.kind in {Kind.CALL, Kind.OPEN}:
            visit, item = row["retry"]["target"], row["retry"].get("payload", {}).get("item", "")
            on.step(stuck, partial(_call_over, visit, item))
            return
        instance = on.live(stuck)
        instance.skips.add(element)
        instance.is_dirty = True
        on.changed.add(stuck["id"])
        if row["retry"].get("kind") == "due":
            _hold(uow, row["retry"]["target"], uow.now)
            due_work.catch_up(on, looks=True)

    advance(uow, services, row["incident_id"], Origin(principal.account_id, request_id=request_id), work, looks=True)


def _call_over(visit: str, item: str, instance: Any, context: Any) -> runner.StepResult:
    return runner.child_ended(instance, context, visit, item=item, result={}, error="")


def _check_passing(on: Advance, stuck: Mapping[str, Any], element: str) -> None:
    if stuck["status"] != "active" or not element:
        raise ResolutionRefused("没有可以跳过的一步", "there is no step to pass over")
    found = obstacle(on.assembly(stuck).bundle, element, on.fact_decisions)
    if found is not None:
        raise ResolutionRefused(found.reason, found.reason_en)


def cancel(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.CancelFailed, *, request_id: str = ""
) -> None:
    """End the instance that stopped, with what it called, or the whole incident; works on what cannot be read too.

    Whoever called the instance goes on without its result. Raises ResolutionRefused where that is needed later, and for
    a root alone: without it there is no incident.
    """
    row = _to_resolve(uow, principal, command.engine_incident, command.reason)
    if command.scope not in (INSTANCE, INCIDENT):
        raise ValueRefused("scope", "须为 instance 或 incident", "must be instance or incident")

    def work(on: Advance) -> None:
        stuck = on.instance_row(row["instance_id"])
        event = ev.EngineIncidentCancelled(row["id"], stuck["id"], command.scope, command.reason)
        on.record(event, element=str(row["element"]))
        if command.scope == INCIDENT:
            abandoning.incident(on)
            return
        if not stuck["parent_id"]:
            raise ResolutionRefused(
                "这是事件的主流程，只能取消整个事件", "it is the root of the incident: cancel the incident"
            )
        caller = on.instance_row(stuck["parent_id"])
        if caller["status"] == "active":
            _check_passing(on, caller, str(stuck["parent_element"]))
        abandoning.instance(on, stuck)
        abandoning.tell_caller(on, stuck)

    advance(uow, services, row["incident_id"], Origin(principal.account_id, request_id=request_id), work, looks=True)


def _to_resolve(uow: UnitOfWork, principal: Principal, engine_incident: str, reason: str) -> dict[str, Any]:
    require(principal, Action.ENGINE_RESOLVE)
    if not reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    return _open(uow, engine_incident)


def _open(uow: UnitOfWork, engine_incident: str) -> dict[str, Any]:
    table = sql.engine_incidents
    row = uow.connection.execute(select(table).where(table.c.id == engine_incident)).mappings().first()
    if row is None or row["state"] != "open":
        raise NoSuch("engine_incident", engine_incident)
    return dict(row)
