"""Read tables from events: the only code that writes them.

An applier gets the stored event and its payload and writes through the rows of the incident it is
handed, so that what is kept of them in memory stays right. Emptying the tables of an incident and
applying its stream again gives the same rows; nothing else may be known to an applier than the event
and the rows it wrote before.
"""

from sqlalchemy import Connection, delete, select

from service.application.projections import (
    contacts,
    drills,
    duty,
    engine,
    holds,
    improvements,
    incidents,
    outside,
    people,
    privacy,
    scenarios,
    upgrades,
    work,
)
from service.application.projections.registry import APPLIERS
from service.domain import events as ev
from service.persistence import tables as t
from service.persistence.tables import sql, table_of
from service.persistence.unit_of_work import StoredEvent, UnitOfWork
from service.persistence.working_set import IncidentRows, WorkingSet

READ_TABLES = (
    t.StatusChange, t.Instance, t.ElementVisit, t.Task, t.Wait, t.Deadline, t.Person, t.Contact, t.Record,
    t.DecisionRow, t.Report, t.Delivery, t.Notice, t.Message, t.EngineIncident, t.Assignment, t.LegalHold, t.Drill,
    t.DrillInject, t.PersonReveal, t.BreakGlass, t.ExportRequest, t.DrillTraining,
)  # fmt: skip
ROSTER_TABLES = (t.ShiftTemplate, t.Shift, t.StandIn, t.ShiftSwap, t.Absence, t.DutyGap, t.Improvement)

__all__ = [
    "READ_TABLES", "ROSTER_TABLES", "apply", "contacts", "drills", "duty", "engine", "holds", "improvements",
    "incident_streams", "incidents", "organisation_streams", "outside", "people", "privacy", "rebuild",
    "rebuild_roster", "scenarios", "upgrades", "work",
]  # fmt: skip


def apply(rows: IncidentRows, stored: StoredEvent, event: ev.Event) -> None:
    """Write what one event means; an event without an applier only stands in the log."""
    applier = APPLIERS.get(stored.type)
    if applier is not None:
        applier(rows, stored, event)


def incident_streams(connection: Connection) -> list[str]:
    """Streams of the log that are incidents, whatever the read tables say."""
    log = sql.events
    opened = select(log.c.stream).where(log.c.type == ev.IncidentOpened.type).order_by(log.c.stream)
    return list(connection.execute(opened).scalars())


def rebuild(uow: UnitOfWork, incident: str) -> int:
    """Empty the read tables of one incident and apply its stream again; returns the events applied."""
    connection = uow.connection
    task_ids = select(sql.tasks.c.id).where(sql.tasks.c.incident_id == incident)
    connection.execute(delete(sql.task_roles).where(sql.task_roles.c.task_id.in_(task_ids)))
    for table in READ_TABLES:
        connection.execute(delete(table).where(table_of(table).c.incident_id == incident))
    connection.execute(delete(sql.incidents).where(sql.incidents.c.id == incident))
    return _replay(uow, incident)


def organisation_streams(connection: Connection) -> list[str]:
    """Streams of the log that tell what happened to an organisation."""
    log = sql.events
    mine = select(log.c.stream).where(log.c.stream.startswith(duty.STREAM_PREFIX)).distinct().order_by(log.c.stream)
    return list(connection.execute(mine).scalars())


def rebuild_roster(uow: UnitOfWork, stream: str) -> int:
    """Empty the roster of an organisation and apply its stream again; returns the events looked at."""
    connection, organisation = uow.connection, stream.removeprefix(duty.STREAM_PREFIX)
    own = select(sql.shifts.c.id).where(sql.shifts.c.organisation_id == organisation)
    connection.execute(delete(sql.shift_people).where(sql.shift_people.c.shift_id.in_(own)))
    for table in ROSTER_TABLES:
        connection.execute(delete(table).where(table_of(table).c.organisation_id == organisation))
    connection.execute(delete(sql.deliveries).where(sql.deliveries.c.incident_id == stream))
    uow.directory_changed()
    return _replay(uow, stream)


def _replay(uow: UnitOfWork, stream: str) -> int:
    log = sql.events
    found = uow.connection.execute(select(log).where(log.c.stream == stream).order_by(log.c.seq)).mappings().all()
    rows = uow.rows(WorkingSet(stream))
    for row in found:
        if row["type"] in APPLIERS:
            apply(rows, StoredEvent(**row), ev.parse(row["type"], row["schema_version"], row["data"]))
    return len(found)
