"""Definitions, the event log with its heads, engine state and the queue of due work."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class Definition(SQLModel, table=True):
    """A deployed bundle version. `content` maps file name to text; same hash, same version."""

    __tablename__ = "definitions"
    procedure: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    bundle_hash: str = Field(index=True)
    name: str
    name_en: str = ""
    content: dict[str, str] = Field(sa_column=json_column())
    is_active: bool = True  # new incidents begin with it; at most one version of a procedure
    deployed_at: datetime
    deployed_by: str
    retired_at: datetime | None = None  # when another version took its place, or nothing did


class UpgradeRun(SQLModel, table=True):
    """Somebody moves running incidents to another version of a procedure; the items are worked one by one."""

    __tablename__ = "upgrade_runs"
    id: str = Field(primary_key=True)
    procedure: str = Field(index=True)
    version: int
    reason: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None = None


class UpgradeItem(SQLModel, table=True):
    """One incident of an upgrade; `detail` says why it was not moved."""

    __tablename__ = "upgrade_items"
    run_id: str = Field(primary_key=True)
    incident_id: str = Field(primary_key=True)
    position: int
    state: str = Field(index=True)  # waiting | moved | refused
    detail: list[dict[str, Any]] = Field(sa_column=json_column())


class EventRow(SQLModel, table=True):
    """One event. `stream` is the incident id (or `org:…`, `access`); append-only."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_actor", "actor", "real_at"), Index("ix_events_type", "type", "real_at"))
    stream: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    instance: str = ""
    procedure: str = ""
    version: int = 0
    element: str = ""
    type: str
    schema_version: int = 1
    at: datetime
    real_at: datetime
    actor: str = ""
    role: str = ""
    on_behalf_of: str = ""
    command_id: str = ""
    request_id: str = ""
    data: dict[str, Any] = Field(sa_column=json_column())
    sealed: dict[str, str] = Field(sa_column=json_column())
    prev_hash: str
    hash: str


class StreamHead(SQLModel, table=True):
    """Last seq and hash of a stream; the row that is locked first."""

    __tablename__ = "stream_heads"
    stream: str = Field(primary_key=True)
    seq: int
    hash: str


class ChainSeal(SQLModel, table=True):
    """A hash over all stream heads at a time, so that a removed stream is found."""

    __tablename__ = "chain_seals"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    heads: dict[str, str] = Field(sa_column=json_column())
    prev_hash: str
    hash: str


class SubjectKey(SQLModel, table=True):
    """The key of one person's sealed values, itself encrypted by the master key."""

    __tablename__ = "subject_keys"
    subject: str = Field(primary_key=True)
    wrapped: str
    created_at: datetime
    rotated_at: datetime | None = None  # when a newer key was put in front of those before


class InstanceState(SQLModel, table=True):
    """Stored engine state of one instance; the specification is in `definitions`."""

    __tablename__ = "instance_states"
    instance_id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    revision: int
    state: str = Field(sa_column=Column(Text, nullable=False))


class InboxRow(SQLModel, table=True):
    """An effect on another instance, unique by (source event, target), drained in the same unit."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("incident_id", "source_seq", "target", "kind"),)
    id: int | None = Field(default=None, primary_key=True)
    incident_id: str = Field(index=True)
    source_seq: int
    target: str
    kind: str
    payload: dict[str, Any] = Field(sa_column=json_column())
    is_done: bool = False


class DueRow(SQLModel, table=True):
    """Something with a due time: a timer, a ladder level, a message's expiry, a delivery.

    `due_at` is in the incident's clock, `real_due_at` its image in real time (what is polled).
    """

    __tablename__ = "due_rows"
    __table_args__ = (Index("ix_due_rows_open", "is_done", "real_due_at"),)
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str = ""
    kind: str  # timer | ladder | message | delivery | pass
    ref: str  # wait id, deadline id + level, message id, delivery id, task id @ account id
    due_at: datetime
    real_due_at: datetime
    is_done: bool = False
