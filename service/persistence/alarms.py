"""The alarm clock of several nodes: jobs that say "look at this", beside the rows that say what is due.

The rows (`due_rows`, `deliveries`) are the truth. A job only wakes a worker; one that is lost, doubled or
late is harmless. There is one waiting job per thing to look at (its queueing lock), and one at work (its
lock). Jobs are written for what falls due within HORIZON; for the rest the sweep of the workers, which
looks that far ahead, writes them when they come near. So the queue stays short however many timers wait.

The times of jobs are the database's own (now + a delay): a node whose clock is wrong wakes nobody late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Interval,
    String,
    bindparam,
    cast,
    column,
    delete,
    exists,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from service.persistence.postgres import JOB_SCHEMA
from service.persistence.queue import DELIVERY, INCIDENT, SENT_BY_WORKER
from service.persistence.tables import Delivery, DueRow, table_of
from service.persistence.unit_of_work import UnitOfWork

QUEUE = "tocsin"
HORIZON = timedelta(seconds=30)
MOST = 5_000  # woken by one sweep
AT_ONCE = timedelta(0)

_due = table_of(DueRow)
_deliveries = table_of(Delivery)
_fields = ("queue_name", "task_name", "priority", "lock", "queueing_lock", "args", "scheduled_at")
JOBS = table(
    "procrastinate_jobs",
    *[column(name) for name in ("id", "status", "worker_id", *_fields)],
    schema=JOB_SCHEMA,
)
_workers = table("procrastinate_workers", column("id"), column("last_heartbeat"), schema=JOB_SCHEMA)
_is_waiting = text("status = 'todo'")
_is_at_work = JOBS.c.status == literal_column("'doing'")


@dataclass(frozen=True, slots=True)
class Health:
    """How the queue stands: jobs waiting, at work, of workers that fell silent; workers that are there."""

    waiting: int
    running: int
    stalled: int
    workers: int


def lock_of(kind: str, ref: str) -> str:
    """The lock of what a job looks at."""
    return f"{kind}:{ref}"


def arm(connection: Connection, uow: UnitOfWork) -> None:
    """Write the jobs a unit of work asked for (`UnitOfWork.wake`), in its own transaction: `connection`."""
    for (kind, ref), at in sorted(uow.wakes.items()):
        after = max(at - uow.now, AT_ONCE)
        # The sweep would send a delivery at once: one that is to wait has its job however long that is.
        if after <= HORIZON or kind == DELIVERY:
            wake(connection, kind, ref, after=after)


def wake(
    connection: Connection, kind: str, ref: str, *, after: timedelta = AT_ONCE, priority: int = 0, attempt: int = 0
) -> None:
    """Let a worker look at something after a while; if that is asked already, at the earlier of the two times.

    In one statement, because a refused job of the queue's own API would lose the whole transaction.
    """
    row = {
        "queue_name": QUEUE,
        "task_name": kind,
        "priority": priority,
        "lock": lock_of(kind, ref),
        "queueing_lock": lock_of(kind, ref),
        "args": cast({"ref": ref, "attempt": attempt}, JSONB),
        "scheduled_at": func.now() + cast(after, Interval),
    }
    new = postgresql.insert(JOBS).values(row)
    earlier = func.least(JOBS.c.scheduled_at, new.excluded.scheduled_at)
    more = func.greatest(JOBS.c.priority, new.excluded.priority)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=[JOBS.c.queueing_lock],
            index_where=_is_waiting,
            set_={"scheduled_at": earlier, "priority": more},
        )
    )


def sweep(connection: Connection, now: datetime) -> int:
    """Write a job for everything due within HORIZON of `now` that has none waiting; returns how many."""
    soonest = func.min(_due.c.real_due_at)
    near = (
        select(_due.c.incident_id, func.greatest(soonest - bindparam("now", now), literal(AT_ONCE, Interval)))
        .where(_due.c.is_done.is_(False), _due.c.real_due_at <= now + HORIZON)
        .group_by(_due.c.incident_id)
        .order_by(soonest)
        .limit(MOST)
        .subquery()
    )
    queued = (
        select(_deliveries.c.id)
        .where(_deliveries.c.state == "queued", _deliveries.c.channel.in_(SENT_BY_WORKER))
        # What is being sent just now is asked for again by whoever sends it, after its pause if that failed.
        .where(~exists().where(JOBS.c.lock == func.concat(f"{DELIVERY}:", _deliveries.c.id), _is_at_work))
        .order_by(_deliveries.c.queued_at)
        .limit(MOST)
        .subquery()
    )
    due = _write(connection, INCIDENT, near.c[0], near.c[1])
    return due + _write(connection, DELIVERY, queued.c[0], literal(AT_ONCE, Interval))


def _write(connection: Connection, kind: str, ref: Any, after: Any) -> int:
    lock = func.concat(f"{kind}:", ref)
    args = func.jsonb_build_object("ref", ref, "attempt", literal_column("0"))
    rows = select(literal(QUEUE), literal(kind), literal_column("0"), lock, lock, args, func.now() + after)
    statement = postgresql.insert(JOBS).from_select(list(_fields), rows)
    quiet = statement.on_conflict_do_nothing(index_elements=[JOBS.c.queueing_lock], index_where=_is_waiting)
    return connection.execute(quiet).rowcount


def rescue(connection: Connection, silent: timedelta) -> int:
    """Give the jobs of workers that fell silent to somebody else; returns how many.

    The job is taken away and asked for anew: a second waiting job of the same lock would be refused.
    A worker that was only asleep finds its job gone, and what it still tries to store is fenced.
    """
    dead = select(_workers.c.id).where(_workers.c.last_heartbeat < func.now() - cast(silent, Interval))
    is_stalled = JOBS.c.worker_id.is_(None) | JOBS.c.worker_id.in_(dead)
    taken = connection.execute(
        delete(JOBS)
        .where(JOBS.c.queue_name == QUEUE, cast(JOBS.c.status, String) == "doing", is_stalled)
        .returning(JOBS.c.task_name, JOBS.c.args)
    ).all()
    for task, args in taken:
        wake(connection, task, args["ref"], attempt=int(args.get("attempt", 0)))
    connection.execute(delete(_workers).where(_workers.c.last_heartbeat < func.now() - cast(silent, Interval)))
    return len(taken)


def health(connection: Connection, silent: timedelta) -> Health:
    """How the queue stands."""
    alive = select(_workers.c.id).where(_workers.c.last_heartbeat >= func.now() - cast(silent, Interval))
    status = cast(JOBS.c.status, String)
    is_stalled = (status == "doing") & (JOBS.c.worker_id.is_(None) | JOBS.c.worker_id.not_in(alive))
    counts = select(
        func.count().filter(status == "todo"), func.count().filter(status == "doing"), func.count().filter(is_stalled)
    ).where(JOBS.c.queue_name == QUEUE)
    waiting, running, stalled = connection.execute(counts).one()
    workers = connection.execute(select(func.count()).select_from(alive.subquery())).scalar_one()
    return Health(waiting, running, stalled, workers)
