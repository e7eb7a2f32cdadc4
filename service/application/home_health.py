"""The daily summary of the health at home (F22, T44): one a day for the whole school, whatever is suspended and why.

The suspension that began to be taught first sums up for all of them; when it is over the next one goes on, also in
another incident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, select

from service.application.clusters import of_school
from service.persistence import queue
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

SUSPENSION = "class_suspension"


@dataclass(frozen=True, slots=True)
class Taught:
    """A suspension whose classes are taught online since `since`; `ended` is None while it runs."""

    instance: str
    incident: str
    order: str
    since: datetime
    ended: datetime | None


def taught(connection: Connection, incident: Mapping[str, Any]) -> list[Taught]:
    """The suspensions of the incident's school that are, or were, taught online, in order; a drill sees its own."""
    record, instance = sql.records.c, sql.instances.c
    is_online = (record.form == "F18") & (record.view == "online") & record.is_revoked.is_(False)
    columns = (instance.id, instance.incident_id, instance.inputs, instance.ended_at, record.at)
    statement = (
        select(*columns)
        .join(sql.records, record.instance_id == instance.id)
        .join(sql.incidents, sql.incidents.c.id == instance.incident_id)
        .where(of_school(incident), is_online)
        .order_by(record.at, instance.id)
    )
    return [
        Taught(row.id, row.incident_id, str(row.inputs.get("order") or ""), row.at, row.ended_at)
        for row in connection.execute(statement)
    ]


def summing_up(rows: list[Taught]) -> tuple[Taught, datetime] | None:
    """The suspension that sums up, and since when; None while none is taught."""
    first = next((row for row in rows if row.ended is None), None)
    if first is None:
        return None
    before = [row.ended for row in rows if row.ended is not None and row.since <= first.since]
    return first, max([first.since, *before])


def classes_elsewhere(connection: Connection, incident: Mapping[str, Any]) -> list[str]:
    """Classes of suspensions that run in other incidents of the school."""
    others = [row.instance for row in taught(connection, incident) if not row.ended and row.incident != incident["id"]]
    record = sql.records.c
    decided = (record.form == "F18") & (record.view == "decide") & record.instance_id.in_(others)
    rows = connection.execute(select(record.data).where(decided)).scalars() if others else ()
    return [str(entry["id"]) for data in rows for entry in data.get("scope") or []]


def reported_days(connection: Connection, incident: Mapping[str, Any]) -> set[date]:
    """Days the school has a summary of."""
    record = sql.records.c
    is_summary = (record.form == "F22") & (record.view == "report") & record.is_revoked.is_(False)
    joined = select(record.data).join(sql.incidents, sql.incidents.c.id == record.incident_id)
    rows = connection.execute(joined.where(of_school(incident), is_summary)).scalars()
    return {date.fromisoformat(data["report_date"]) for data in rows}


def ended(on: Advance, row: Mapping[str, Any]) -> None:
    """A suspension is over: another incident of the school may have to sum up from now on."""
    if row["process"] != SUSPENSION:
        return
    here: ColumnElement[bool] = sql.incidents.c.id != on.incident_id
    runs = sql.instances.c.ended_at.is_(None) & (sql.instances.c.process == SUSPENSION)
    joined = select(sql.incidents.c.id).join(sql.instances, sql.instances.c.incident_id == sql.incidents.c.id)
    others = on.uow.connection.execute(joined.where(of_school(on.incident), here, runs).distinct()).scalars()
    for incident in list(others):
        queue.put(
            on.uow, kind="wake", ref=f"{incident}:home_health", incident_id=incident, due_at=on.now,
            real_due_at=on.uow.now,
        )  # fmt: skip
