"""The watchdog: finds what has come to a stand without an error, because rows and state do not fit any more.

No command leaves such a thing behind; a damaged disk, a restore gone wrong or a fault of ours may. Nothing is repaired
by itself: each finding becomes one engine incident, which says what a retry would do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, literal, select, true

from service.application.failures import Failure, put_on_record
from service.application.live_instances import restored
from service.application.services import SYSTEM, Services
from service.application.steps import Advance
from service.domain.errors import DefinitionUnreadable, NoSuch, StateUnreadable
from service.engine.model import Kind, Node
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

OVERDUE = timedelta(minutes=10)  # a due row that nobody has worked for so long
TASKS = frozenset({Kind.USER, Kind.MANUAL, Kind.SEND, Kind.RECEIVE})

STANDSTILL = "standstill"
TIMER_LOST = "timer_lost"
TIMER_OVERDUE = "timer_overdue"
TASK_LOST = "task_lost"
WAIT_LOST = "wait_lost"
CHILD_LOST = "child_lost"
CHILD_UNHEARD = "child_unheard"

instances, waits, visits, tasks, due_rows = sql.instances, sql.waits, sql.element_visits, sql.tasks, sql.due_rows
is_active = instances.c.status == "active"


@dataclass(frozen=True, slots=True)
class Found:
    """A failure and its incident."""

    incident: str
    failure: Failure


def look(
    connection: Connection, services: Services, now: datetime, *, incident: str = "", deep: bool = False
) -> list[Found]:
    """Everything that stands still, of all incidents or one; `deep` reads the stored state of each instance too."""
    mine = instances.c.incident_id == incident if incident else true()
    found = [
        *_standing(connection, mine),
        *_unreadable(connection, services, mine),
        *_without_timer(connection, mine),
        *_overdue(connection, mine, now),
        *_without_row(connection, services, mine),
        *_unheard(connection, services, mine),
    ]
    return [*found, *_deep(connection, services, mine)] if deep else found


def put_found(uow: UnitOfWork, services: Services, incident: str, *, deep: bool = False) -> int:
    """Raise what stands still in an incident, each once; returns how many are new."""
    on = Advance(uow, services, incident, SYSTEM)
    found = look(uow.connection, services, uow.now, incident=incident, deep=deep)
    raised = [put_on_record(on, each.failure, again=False) for each in found]
    uow.flush(incident)
    return sum(raised)


# --- what is looked for -----------------------------------------------------------------------


def _rows(connection: Connection, statement: Select[Any]) -> list[Mapping[str, Any]]:
    return [dict(row) for row in connection.execute(statement).mappings()]


def _standing(connection: Connection, mine: ColumnElement[bool]) -> Iterator[Found]:
    """Active instances in which nothing waits."""
    waiting = exists().where(waits.c.instance_id == instances.c.id)
    open_visit = exists().where(visits.c.instance_id == instances.c.id, visits.c.state == "active")
    for row in _rows(connection, select(instances).where(mine, is_active, ~waiting, ~open_visit)):
        cause = "neither waiting nor finished"
        yield Found(row["incident_id"], Failure(row["id"], STANDSTILL, cause))


def _unreadable(connection: Connection, services: Services, mine: ColumnElement[bool]) -> Iterator[Found]:
    """Active instances without a stored state, or whose version of the definition is gone or does not load."""
    stored = exists().where(sql.instance_states.c.instance_id == instances.c.id)
    for row in _rows(connection, select(instances).where(mine, is_active, ~stored)):
        yield Found(row["incident_id"], Failure(row["id"], StateUnreadable.code, "nothing is stored"))
    bad: dict[tuple[str, int], str] = {}
    used = select(instances.c.procedure, instances.c.version).where(mine, is_active).distinct()
    for version in _rows(connection, used):
        try:
            services.definitions.get(connection, version["procedure"], version["version"])
        except (NoSuch, DefinitionUnreadable) as error:
            bad[version["procedure"], version["version"]] = getattr(error, "cause", "no such version")
    for (procedure, number), cause in bad.items():
        same = (instances.c.procedure == procedure) & (instances.c.version == number)
        for row in _rows(connection, select(instances).where(mine, is_active, same)):
            failure = Failure(row["id"], DefinitionUnreadable.code, cause, f"{procedure} {number}")
            yield Found(row["incident_id"], failure)


def _without_timer(connection: Connection, mine: ColumnElement[bool]) -> Iterator[Found]:
    """Timers that wait and will never fall due."""
    planned = exists().where(due_rows.c.id == literal("timer:") + waits.c.id)
    joined = select(waits).join(instances, instances.c.id == waits.c.instance_id)
    for row in _rows(connection, joined.where(mine, is_active, waits.c.due_at.is_not(None), ~planned)):
        retry = {"kind": "timer", "target": row["id"]}
        failure = Failure(row["instance_id"], TIMER_LOST, "its due row is gone", row["element"], row["id"], retry)
        yield Found(row["incident_id"], failure)


def _overdue(connection: Connection, mine: ColumnElement[bool], now: datetime) -> Iterator[Found]:
    """Due rows nobody works."""
    late = and_(due_rows.c.is_done.is_(False), due_rows.c.real_due_at < now - OVERDUE)
    joined = select(due_rows, instances.c.id.label("instance"), waits.c.element).select_from(
        due_rows.outerjoin(waits, waits.c.id == due_rows.c.ref)
        .join(sql.incidents, sql.incidents.c.id == due_rows.c.incident_id)
        .join(instances, instances.c.id == sql.incidents.c.root_instance)
    )
    for row in _rows(connection, joined.where(mine, late)):
        retry = {"kind": "due", "target": row["id"]}
        place, cause = row["id"], f"due {row['real_due_at'].isoformat()}, not worked"
        instance = row["instance_id"] or row["instance"]
        yield Found(row["incident_id"], Failure(instance, TIMER_OVERDUE, cause, row["element"] or "", place, retry))


def _without_row(connection: Connection, services: Services, mine: ColumnElement[bool]) -> Iterator[Found]:
    """Tokens at a task without a task, at an event without a wait, at a call that called nobody."""
    has_task = exists().where(tasks.c.id == visits.c.id, tasks.c.state.in_(("open", "claimed")))
    has_wait = exists().where(waits.c.id == visits.c.id)
    child = instances.alias()
    has_child = exists().where(child.c.parent_task == visits.c.id)
    columns = (visits, instances.c.procedure, instances.c.version)
    lonely = (
        select(*columns)
        .join(instances, instances.c.id == visits.c.instance_id)
        .where(mine, is_active, visits.c.state == "active", ~has_task, ~has_wait, ~has_child)
    )
    raised = sql.engine_incidents.c
    stopped = connection.execute(select(raised.id).where(raised.state == "open")).scalars().all()
    for row in _rows(connection, lonely):
        node = _node(connection, services, row)
        code = _lost(node) if node else ""
        if code and not (code == CHILD_LOST and any(f":{row['id']}:" in each for each in stopped)):
            failure = Failure(row["instance_id"], code, "the row it waits by is gone", row["element"], row["id"])
            yield Found(row["incident_id"], failure)


def _lost(node: Node) -> str:
    if node.kind in TASKS:
        return TASK_LOST
    return {Kind.CATCH: WAIT_LOST, Kind.CALL: CHILD_LOST}.get(node.kind, "")


def _node(connection: Connection, services: Services, row: Mapping[str, Any]) -> Node | None:
    try:
        bundle = services.definitions.get(connection, row["procedure"], row["version"]).bundle
    except (NoSuch, DefinitionUnreadable):
        return None
    page = bundle.processes.get(row["process"])
    return page.nodes.get(row["element"]) if page else None


def _unheard(connection: Connection, services: Services, mine: ColumnElement[bool]) -> Iterator[Found]:
    """Children that have ended while their call still waits; collections wait for more than that."""
    child, other = instances.alias(), instances.alias()
    running = exists().where(other.c.parent_task == visits.c.id, other.c.status == "active")
    columns = (
        visits, instances.c.procedure, instances.c.version, child.c.id.label("child"), child.c.result,
    )  # fmt: skip
    joined = (
        select(*columns)
        .join(instances, instances.c.id == visits.c.instance_id)
        .join(child, child.c.parent_task == visits.c.id)
        .where(mine, is_active, visits.c.state == "active", child.c.status != "active", ~running)
    )
    for row in _rows(connection, joined):
        node, visit = _node(connection, services, row), row["id"]
        if node is None or node.kind is not Kind.CALL:
            continue
        payload = {"parent": row["instance_id"], "visit": visit, "item": "", "result": row["result"], "error": ""}
        retry = {"kind": "child_ended", "target": f"{visit}:{row['child']}", "payload": payload}
        failure = Failure(row["instance_id"], CHILD_UNHEARD, "what it called has ended", row["element"], visit, retry)
        yield Found(row["incident_id"], failure)


def _deep(connection: Connection, services: Services, mine: ColumnElement[bool]) -> Iterator[Found]:
    """Stored states that cannot be read, or that wait for something no row tells of."""
    states = sql.instance_states
    joined = select(instances, states.c.state).join(states, states.c.instance_id == instances.c.id)
    for row in _rows(connection, joined.where(mine, is_active)):
        try:
            assembly = services.definitions.get(connection, row["procedure"], row["version"])
            instance = restored(assembly, row["id"], row["state"])
        except (NoSuch, DefinitionUnreadable):
            continue  # found above
        except StateUnreadable as error:
            yield Found(row["incident_id"], Failure(row["id"], error.code, error.cause))
            continue
        known = select(waits.c.id).where(waits.c.instance_id == row["id"])
        entered = select(visits.c.id).where(visits.c.instance_id == row["id"], visits.c.state == "active")
        rows = set(connection.execute(known.union(entered)).scalars())
        for tid in [*instance.live, *instance.armed]:
            if tid not in rows:
                task = instance.live.get(tid)
                element = task.task_spec.name if task else instance.armed[tid].element
                failure = Failure(row["id"], WAIT_LOST, "no row tells of this wait", element, tid)
                yield Found(row["incident_id"], failure)
