"""Read tables of persons, records, decisions, reports and what came in or goes out; and drafts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class Person(SQLModel, table=True):
    """A person of an incident. Name, phone, identity number … are in `sealed`."""

    __tablename__ = "persons"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    organisation_id: str = Field(index=True)
    member_id: str | None = None
    code: str  # what lists show beside surname and class
    kind: str  # case | onsite | contact | returning
    org_unit: str = ""
    case_no: int = 0
    case_status: str = ""
    instance_id: str | None = None
    registered_at: datetime
    is_revoked: bool = False
    hold_leave: bool = False
    is_neighbour: bool = False
    held_by: list[str] = Field(sa_column=json_column())
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class Contact(SQLModel, table=True):
    """A person on the contact list of a case; his class as a contact is in `sealed`."""

    __tablename__ = "contacts"
    id: str = Field(primary_key=True)  # {case}:{person}
    incident_id: str = Field(index=True)
    case_id: str = Field(index=True)
    person_id: str = Field(index=True)
    stage: str  # initial | final | removed
    status: str = ""  # 待转运 | 隔离中 | 转阳 | 解除 | 失联; empty while only listed
    mode: str = ""  # code of quarantine_mode
    other_org: str = ""
    instance_id: str | None = None  # the medical_observation
    observed_from: datetime | None = None
    observed_until: datetime | None = None
    registered_at: datetime
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class Record(SQLModel, table=True):
    """One answered form view; a form's record is all its views of (instance, form, person)."""

    __tablename__ = "records"
    id: str = Field(primary_key=True)  # {incident}:{seq}
    incident_id: str = Field(index=True)
    instance_id: str
    person_id: str | None = None
    form: str
    view: str
    element: str
    task_id: str = ""
    at: datetime
    real_at: datetime
    actor: str
    is_revoked: bool = False
    data: dict[str, Any] = Field(sa_column=json_column())
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class DecisionRow(SQLModel, table=True):
    """Result of a decision; health outcomes are sealed."""

    __tablename__ = "decision_results"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str
    person_id: str | None = None
    decision: str
    at: datetime
    rules: list[int] = Field(sa_column=json_column())
    data: dict[str, Any] = Field(sa_column=json_column())
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class Report(SQLModel, table=True):
    """A report R.. of an incident; the texts are in the record of its draft."""

    __tablename__ = "reports"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str
    kind: str  # report_kind
    document: str  # R01, R01w, R02, R03, R04, R18 …
    number: str = ""
    state: str  # draft | signed | sent | cancelled
    record_id: str = ""
    corrects: list[str] = Field(sa_column=json_column())
    persons: list[str] = Field(sa_column=json_column())
    drafter: str = ""
    drafted_at: datetime | None = None
    signer: str = ""
    signed_at: datetime | None = None
    sent_at: datetime | None = None
    is_late: bool = False


class Delivery(SQLModel, table=True):
    """Something that leaves the building; sent by the worker through a gateway."""

    __tablename__ = "deliveries"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str
    element: str
    message: str
    recipient: str  # role id of the outside party, or person:<id>
    channel: str  # auto | phone | manual | notice
    report_id: str | None = None
    state: str  # queued | sent | acknowledged | failed
    attempts: int = 0
    queued_at: datetime
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    receipt: str = ""
    last_error: str = ""
    data: dict[str, Any] = Field(sa_column=json_column())
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class Notice(SQLModel, table=True):
    """A notice in a role's inbox (reminder, escalation, cancellation)."""

    __tablename__ = "notices"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    organisation_id: str
    role: str = Field(index=True)
    code: str
    data: dict[str, Any] = Field(sa_column=json_column())
    at: datetime


class Message(SQLModel, table=True):
    """An inbound message: buffered until an event waits for it, delivered once, or expired."""

    __tablename__ = "messages"
    id: str = Field(primary_key=True)  # {incident}:{message id}
    incident_id: str = Field(index=True)
    name: str
    keys: dict[str, Any] = Field(sa_column=json_column())
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    state: str  # buffered | delivered | expired | refused
    received_at: datetime
    expires_at: datetime | None = None
    delivered_to: str = ""


class Draft(SQLModel, table=True):
    """What somebody typed into a task and did not submit; sealed as a whole."""

    __tablename__ = "drafts"
    task_id: str = Field(primary_key=True)
    account_id: str = Field(primary_key=True)
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    saved_at: datetime


class Attachment(SQLModel, table=True):
    """An uploaded file; the content is encrypted on disk under its id."""

    __tablename__ = "attachments"
    id: str = Field(primary_key=True)
    name: str
    size: int
    sha256: str
    media_type: str
    incident_id: str | None = Field(default=None, index=True)  # once an answer names the file
    uploaded_by: str
    uploaded_at: datetime
