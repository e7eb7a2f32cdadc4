"""Read tables of incidents, instances, tokens, tasks and deadlines."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column

_IS_OPEN, _HAS_ONE = text("ended_at IS NULL"), text("assignee IS NOT NULL")  # of a task


class Incident(SQLModel, table=True):
    """What people see. `clock` is a list of segments."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_opened_at", "opened_at", "id"),)
    id: str = Field(primary_key=True)
    number: str = Field(index=True)
    organisation_id: str = Field(index=True)
    procedure: str = Field(index=True)
    version: int
    kind: str  # real | drill
    status: str = Field(index=True)
    result: str = ""
    place: str = ""
    opened_at: datetime
    closed_at: datetime | None = None
    opened_by: str
    root_instance: str
    policies: dict[str, Any] = Field(sa_column=json_column())
    clock: list[dict[str, Any]] = Field(sa_column=json_column())


class StatusChange(SQLModel, table=True):
    """Each status an incident went through."""

    __tablename__ = "status_changes"
    incident_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    status: str
    at: datetime


class Instance(SQLModel, table=True):
    """A process instance of an incident; `person_id` for case instances."""

    __tablename__ = "instances"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    procedure: str
    process: str
    version: int
    parent_id: str | None = Field(default=None, index=True)
    parent_element: str = ""
    parent_task: str = ""
    person_id: str | None = None
    status: str  # active | completed | cancelled | failed
    inputs: dict[str, Any] = Field(sa_column=json_column())
    result: dict[str, Any] = Field(sa_column=json_column())
    started_at: datetime
    ended_at: datetime | None = None


class ElementVisit(SQLModel, table=True):
    """Each time a node was entered; the situation board is a count over these rows."""

    __tablename__ = "element_visits"
    id: str = Field(primary_key=True)  # task id, or {instance}:{seq}
    incident_id: str = Field(index=True)
    instance_id: str = Field(index=True)
    process: str
    element: str
    state: str  # waiting | active | completed | cancelled | failed
    entered_at: datetime
    left_at: datetime | None = None


class Task(SQLModel, table=True):
    """A human task. `name` comes from the definition; `due_at` from the bound deadline."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_open", "state", "organisation_id", "role"),
        Index("ix_tasks_assignee", "assignee", sqlite_where=_HAS_ONE, postgresql_where=_HAS_ONE),
        Index("ix_tasks_due", "due_at", "created_at", "id", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    )
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str = Field(index=True)
    organisation_id: str
    procedure: str
    process: str
    element: str
    role: str
    also: list[str] = Field(sa_column=json_column())
    form_key: str
    kind: str  # user | send | receive | delivery
    state: str  # open | claimed | completed | cancelled
    person_id: str | None = None
    assignee: str | None = None
    deadline_id: str | None = None
    due_at: datetime | None = None
    created_at: datetime
    ended_at: datetime | None = None
    completed_by: str | None = None
    done_at: datetime | None = None
    is_late: bool = False
    late_reason: str = ""


class TaskRole(SQLModel, table=True):
    """Role of a task, one row for the lane and one for each further role: the inbox index."""

    __tablename__ = "task_roles"
    __table_args__ = (Index("ix_task_roles_held", "organisation_id", "role"),)
    task_id: str = Field(primary_key=True)
    role: str = Field(primary_key=True, index=True)
    organisation_id: str


class Wait(SQLModel, table=True):
    """A waiting event of an instance: timer, message, signal, condition, or an armed start."""

    __tablename__ = "waits"
    id: str = Field(primary_key=True)  # {instance}-{n}
    incident_id: str = Field(index=True)
    instance_id: str = Field(index=True)
    process: str
    element: str
    trigger: str
    name: str = ""  # message or signal
    expression: str = ""
    listed: str = ""
    form_key: str = ""
    role: str = ""
    also: list[str] = Field(sa_column=json_column())
    person_id: str | None = None
    armed_at: datetime
    due_at: datetime | None = None


class Deadline(SQLModel, table=True):
    """A deadline row; unique by (incident, rule, subject)."""

    __tablename__ = "deadlines"
    __table_args__ = (UniqueConstraint("incident_id", "rule", "subject"),)
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str = ""
    rule: str
    subject: str = ""
    started_at: datetime
    due_at: datetime
    level: int = -1  # last ladder level reached, -1 = none
    met_at: datetime | None = None
    met_by: str = ""
    cancelled_at: datetime | None = None
    late_minutes: int = 0
    reason: str = ""


class EngineIncident(SQLModel, table=True):
    """A stuck or failed instance: the stored state stands, an operator may retry, skip or cancel.

    `code` is that of the error, or what the watchdog found, `resolution` how it was resolved.
    """

    __tablename__ = "engine_incidents"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str
    element: str
    cause: str
    state: str  # open | resolved
    attempts: int = 1
    code: str = "engine_failed"
    resolution: str = ""  # retried | skipped | cancelled | gone
    reason: str = ""
    at: datetime
    last_at: datetime | None = None  # of the last attempt
    retry: dict[str, Any] = Field(sa_column=json_column())  # the command to run again
