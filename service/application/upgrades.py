"""Moving running incidents to another version of a procedure: one command per incident, looked at before it is done.

All instances of the procedure in an incident move together or none does. An upgrade of many is a run: its items are
worked one by one, by whoever asks and by the worker, so that it survives a restart and can be watched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.application import accounts
from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain.access import Action, Principal, require
from service.domain.errors import (
    DefinitionUnreadable,
    EngineFailed,
    NoSuch,
    StateUnreadable,
    TocsinError,
    UpgradeRefused,
    ValueRefused,
)
from service.engine import upgrade
from service.engine.assembly import Assembly
from service.engine.differences import Change
from service.engine.upgrade import Blocker, LeftOut, Plan
from service.engine.upgrade_fit import fit
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

WAITING, MOVED, REFUSED = "waiting", "moved", "refused"
STEP_FAILED = "step_failed"  # a blocker: the first step on the new version fails

Run = Callable[[Callable[[UnitOfWork], None]], object]


@dataclass(frozen=True, slots=True)
class InstanceOutlook:
    """What the other version means for an instance: reasons against it, what changes at and ahead of its tokens."""

    instance: str
    process: str
    before: int
    person: str
    waiting: tuple[str, ...]
    blockers: tuple[Blocker, ...]
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...] = ()  # of steps it has done


@dataclass(frozen=True, slots=True)
class IncidentOutlook:
    """The same for an incident; without instances it has none that could move."""

    incident: str
    number: str
    instances: tuple[InstanceOutlook, ...]

    @property
    def can_move(self) -> bool:
        """Whether nothing speaks against it."""
        return not any(each.blockers for each in self.instances)


def candidates(connection: Connection, procedure: str, version: int) -> list[str]:
    """Incidents in which the procedure runs in another version than this one, oldest first."""
    table = sql.instances.c
    other = (table.procedure == procedure) & (table.status == "active") & (table.version != version)
    found = select(table.incident_id).where(other).distinct().order_by(table.incident_id)
    return list(connection.execute(found).scalars())


def move(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.UpgradeIncident, *, request_id: str = ""
) -> IncidentOutlook:
    """Move an incident. Raises UpgradeRefused with every reason, ValueRefused without a reason of one's own,
    NotAllowed, NoSuch, EngineFailed; nothing has changed then.
    """  # noqa: D205 - one sentence
    return _upgrade(uow, services, principal, command, request_id=request_id, is_strict=True)


def look(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.UpgradeIncident, *, request_id: str = ""
) -> IncidentOutlook:
    """What moving an incident would do; to be rehearsed. Where it can move it is moved: a step that fails shows."""
    return _upgrade(uow, services, principal, command, request_id=request_id, is_strict=False)


def _upgrade(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.UpgradeIncident, *, request_id: str,
    is_strict: bool,
) -> IncidentOutlook:  # fmt: skip
    if not command.reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    services.definitions.get(uow.connection, command.procedure, command.version)
    origin = Origin(principal.account_id, request_id=request_id, command_id=request_id)

    def work(on: Advance) -> IncidentOutlook:
        require(principal, Action.DEFINITION_UPGRADE, incident_subject(on.uow, on.incident))
        outlook = _outlook(on, command)
        if outlook.can_move:
            outlook = _moved(on, outlook, command)
        if is_strict and not outlook.can_move:
            raise UpgradeRefused(outlook.number, [each for one in outlook.instances for each in one.blockers])
        return outlook

    return advance(uow, services, command.incident, origin, work)


def _outlook(on: Advance, command: cmd.UpgradeIncident) -> IncidentOutlook:
    target = on.services.definitions.get(on.uow.connection, command.procedure, command.version)
    found = []
    for row in on.active_rows():
        if row["procedure"] == command.procedure and row["version"] != command.version:
            plan = _plan(on, row, target)
            outlook = InstanceOutlook(
                row["id"], row["process"], row["version"], row["person_id"] or "", plan.waiting, plan.blockers,
                plan.changes, tuple(each for each in plan.left_out if _has_done(on, row, each.element)),
            )  # fmt: skip
            found.append(outlook)
    return IncidentOutlook(on.incident_id, on.incident["number"], tuple(found))


def _has_done(on: Advance, row: Mapping[str, Any], element: str) -> bool:
    return on.facts.rows.has_completed(element, row["id"])


def _plan(on: Advance, row: Mapping[str, Any], target: Assembly) -> Plan:
    try:
        return upgrade.plan(on.live(row), target)
    except (StateUnreadable, DefinitionUnreadable) as error:
        return Plan((Blocker(error.code, error.element, error.cause),), (), ())


def _moved(on: Advance, outlook: IncidentOutlook, command: cmd.UpgradeIncident) -> IncidentOutlook:
    """Move every instance and all that follows; a step that fails speaks against the one that was moved last."""
    for number, each in enumerate(outlook.instances):
        try:
            _move(on, each, command)
            on.settle()
        except EngineFailed as error:
            blocker = Blocker(STEP_FAILED, error.element, error.cause)
            failed = [*outlook.instances]
            failed[number] = replace(each, blockers=(blocker,))
            return replace(outlook, instances=tuple(failed))
    return outlook


def _move(on: Advance, each: InstanceOutlook, command: cmd.UpgradeIncident) -> None:
    row = on.instance_row(each.instance)
    instance = on.live(row)
    old = instance.assembly
    target = on.services.definitions.get(on.uow.connection, command.procedure, command.version)
    fitted = fit(instance, target)
    on.replace(fitted.instance)
    told = {
        "procedure": command.procedure, "before": row["version"], "version": command.version,
        "reason": command.reason,
    }  # fmt: skip
    now = {**row, "version": command.version}
    on.step(now, lambda moved, context: upgrade.settle(moved, context, fitted, old, told))


# --- many at once ------------------------------------------------------------------------------


def start(
    uow: UnitOfWork, _services: Services, principal: Principal, command: cmd.UpgradeIncidents, *, request_id: str = ""
) -> str:
    """Begin to move incidents, all candidates where none is named; returns the id of the run.

    Raises NotAllowed, NoSuch, ValueRefused without a reason.
    """
    del request_id
    require(principal, Action.DEFINITION_UPGRADE)
    if not command.reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    table = sql.definitions.c
    it = (table.procedure == command.procedure) & (table.version == command.version)
    if uow.connection.execute(select(table.version).where(it)).first() is None:
        raise NoSuch("procedure", f"{command.procedure} {command.version}")
    possible = candidates(uow.connection, command.procedure, command.version)
    chosen = [each for each in possible if not command.incidents or each in command.incidents]
    run = uow.new_id()
    uow.connection.execute(
        insert(sql.upgrade_runs).values(
            id=run, procedure=command.procedure, version=command.version, reason=command.reason,
            started_by=principal.account_id, started_at=uow.now, ended_at=None if chosen else uow.now,
        )
    )  # fmt: skip
    for position, incident in enumerate(chosen):
        uow.connection.execute(
            insert(sql.upgrade_items).values(
                run_id=run, incident_id=incident, position=position, state=WAITING, detail=[]
            )
        )
    return run


def waiting(connection: Connection, limit: int, run: str = "") -> list[Mapping[str, Any]]:
    """Items that wait, of all runs or one, oldest run first, each with what its run says."""
    items, runs = sql.upgrade_items, sql.upgrade_runs
    columns = (items.c.run_id, items.c.incident_id, runs.c.procedure, runs.c.version, runs.c.reason, runs.c.started_by)
    joined = select(*columns).join(runs, runs.c.id == items.c.run_id).where(items.c.state == WAITING)
    if run:
        joined = joined.where(items.c.run_id == run)
    found = connection.execute(joined.order_by(runs.c.started_at, items.c.position).limit(limit)).mappings()
    return [dict(each) for each in found]


def work_item(uow: UnitOfWork, services: Services, item: Mapping[str, Any]) -> None:
    """Move the incident of an item and say so, in one unit of work; an item that is done already is left alone."""
    table = sql.upgrade_items
    it = (table.c.run_id == item["run_id"]) & (table.c.incident_id == item["incident_id"])
    if uow.connection.execute(select(table.c.state).where(it).with_for_update()).scalar() != WAITING:
        return
    principal = accounts.principal_of_account(uow.connection, item["started_by"], now=uow.now)
    command = cmd.UpgradeIncident(item["incident_id"], item["procedure"], item["version"], item["reason"])
    move(uow, services, principal, command, request_id=item["run_id"])
    _settle_item(uow, item, MOVED, [])


def give_up_item(uow: UnitOfWork, item: Mapping[str, Any], error: TocsinError) -> None:
    """Say why the incident of an item was not moved."""
    reasons: Sequence[Any] = error.reasons if isinstance(error, UpgradeRefused) else ()
    detail = [asdict(each) for each in reasons] or [
        {"code": error.code, "element": getattr(error, "element", ""), "detail": error.text()}
    ]
    _settle_item(uow, item, REFUSED, detail)


def _settle_item(uow: UnitOfWork, item: Mapping[str, Any], state: str, detail: Sequence[Mapping[str, Any]]) -> None:
    table, runs = sql.upgrade_items, sql.upgrade_runs
    it = (table.c.run_id == item["run_id"]) & (table.c.incident_id == item["incident_id"])
    uow.connection.execute(update(table).where(it).values(state=state, detail=list(detail)))
    left = select(table.c.incident_id).where(table.c.run_id == item["run_id"], table.c.state == WAITING)
    if uow.connection.execute(left.limit(1)).first() is None:
        uow.connection.execute(update(runs).where(runs.c.id == item["run_id"]).values(ended_at=uow.now))


def work_one(run: Run, services: Services, item: Mapping[str, Any]) -> None:
    """Work an item by a command of its own; what is refused is said by a second one."""
    try:
        run(partial(work_item, services=services, item=item))
    except TocsinError as error:
        run(partial(give_up_item, item=item, error=error))
