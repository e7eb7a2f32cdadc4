"""Clusters of a school: its cases over all its incidents, and the one direct report they lead to.

The count is the school's, the report belongs to one incident: the one whose registration reached
the number. A case registered elsewhere later wakes that incident, which then owes a supplement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from service.persistence import queue
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

DIRECT_REPORT = "ca_direct_report"  # the call of the report, in the diagram of the root
WITHDRAWN = ("false_alarm", "merged")


@dataclass(frozen=True, slots=True)
class SchoolCase:
    """A person of the school registered as a case, at his first registration that was not revoked."""

    registered_at: datetime
    incident: str


def school_cases(connection: Connection, incident: Mapping[str, Any]) -> list[SchoolCase]:
    """Cases of the incident's school in order of registration, each person once; a drill sees only its own."""
    found: dict[str, SchoolCase] = {}
    wanted = {"id": incident["id"], "organisation": incident["organisation_id"], "kind": incident["kind"]}
    for person, member, registered_at, of_incident in connection.execute(_cases(incident["kind"] == "drill"), wanted):
        found.setdefault(member or person, SchoolCase(registered_at, of_incident))
    return list(found.values())


@cache
def _cases(is_drill: bool) -> Select[Any]:
    """The statement, made once: facts of every open incident ask for it after every command."""
    persons, incidents = sql.persons, sql.incidents
    of_school = (incidents.c.organisation_id == bindparam("organisation")) & (incidents.c.kind == bindparam("kind"))
    return (
        select(persons.c.id, persons.c.member_id, persons.c.registered_at, persons.c.incident_id)
        .join(incidents, incidents.c.id == persons.c.incident_id)
        .where(incidents.c.id == bindparam("id") if is_drill else of_school)
        .where(persons.c.kind == "case", persons.c.is_revoked.is_(False))
        .order_by(persons.c.registered_at, persons.c.id)
    )


def is_reported_elsewhere(connection: Connection, incident: Mapping[str, Any], since: datetime) -> bool:
    """True if another incident of the school, not withdrawn, started a direct report since then."""
    return bool(_reporting(connection, incident, sql.instances.c.started_at >= since))


def wake_reporting(on: Advance) -> None:
    """Let the open incident that reported the cluster look at its facts again: the count has risen."""
    is_open = sql.incidents.c.closed_at.is_(None)
    for incident in _reporting(on.uow.connection, on.incident, is_open):
        queue.put(
            on.uow, kind="wake", ref=f"{incident}:cluster", incident_id=incident, due_at=on.now, real_due_at=on.uow.now
        )


def _reporting(connection: Connection, incident: Mapping[str, Any], condition: ColumnElement[bool]) -> list[str]:
    """Other incidents of the school that run or ran a direct report, withdrawn ones left out."""
    instances, incidents = sql.instances, sql.incidents
    statement = (
        select(incidents.c.id)
        .join(instances, instances.c.incident_id == incidents.c.id)
        .where(of_school(incident), incidents.c.id != incident["id"], incidents.c.status.not_in(WITHDRAWN))
        .where(instances.c.parent_element == DIRECT_REPORT, instances.c.status != "cancelled", condition)
        .distinct()
    )
    return list(connection.execute(statement).scalars())


def of_school(incident: Mapping[str, Any]) -> ColumnElement[bool]:
    """Incidents of the same school, of the same kind; a drill stands alone."""
    incidents = sql.incidents
    is_same: ColumnElement[bool] = incidents.c.id == incident["id"]
    if incident["kind"] != "drill":
        is_same = (incidents.c.organisation_id == incident["organisation_id"]) & (incidents.c.kind == incident["kind"])
    return is_same
