"""Every table, as SQLModel classes. Only `projections` writes the read tables.

Groups: accounts and organisations; definitions; the log (`EventRow` and its heads); engine state
(`InstanceState`); read tables (rebuilt from the log); working rows (queue, inbox, drafts).
Text columns with sealed values hold JSON {subject id: token}; see `sealing`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {  # type: ignore[assignment]
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


def _json() -> Any:
    return Column(JSON, nullable=False)


# --- accounts and organisations -------------------------------------------------------------


class Organisation(SQLModel, table=True):
    """An organisation of the hierarchy; classes and sites of a school are `Place` rows."""

    __tablename__ = "organisations"
    id: str = Field(primary_key=True)
    name: str
    name_en: str = ""
    type: str
    parent_id: str | None = Field(default=None, foreign_key="organisations.id", index=True)


class Place(SQLModel, table=True):
    """A class, room or site of an organisation; `positions_fixed` gives F01 its default."""

    __tablename__ = "places"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    name: str
    kind: str  # class | room | outdoor | vehicle
    positions_fixed: bool = False
    lead_account_id: str | None = None


class Member(SQLModel, table=True):
    """A person the organisation knows (pupil, staff) with a seat; the name is sealed."""

    __tablename__ = "members"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    place_id: str | None = Field(default=None, foreign_key="places.id", index=True)
    person_type: str
    seat_no: str = ""
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class Account(SQLModel, table=True):
    """Somebody who can sign in."""

    __tablename__ = "accounts"
    id: str = Field(primary_key=True)
    username: str = Field(unique=True)
    name: str
    password_hash: str
    locale: str = "zh_CN"
    is_active: bool = True


class Membership(SQLModel, table=True):
    """Account, organisation, role: who is a candidate of a task."""

    __tablename__ = "memberships"
    account_id: str = Field(foreign_key="accounts.id", primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", primary_key=True)
    role: str = Field(primary_key=True, index=True)


class Session(SQLModel, table=True):
    """A browser session or bearer token; only the hash of the secret is kept."""

    __tablename__ = "sessions"
    token_hash: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    kind: str  # cookie | bearer
    csrf: str
    created_at: datetime
    expires_at: datetime


class LoginAttempt(SQLModel, table=True):
    """Counts failed sign-ins per name and window; shared by all nodes."""

    __tablename__ = "login_attempts"
    username: str = Field(primary_key=True)
    window_start: datetime
    failures: int


class IdempotencyKey(SQLModel, table=True):
    """The first answer to a keyed POST, per principal and route, kept 24 h."""

    __tablename__ = "idempotency_keys"
    account_id: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    status: int
    response: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime


class PolicyOverride(SQLModel, table=True):
    """A policy value of one organisation; the newest row with `valid_from <= now` counts."""

    __tablename__ = "policy_overrides"
    id: str = Field(primary_key=True)
    key: str = Field(index=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    value: Any = Field(sa_column=_json())
    valid_from: datetime
    reason: str
    changed_by: str


# --- definitions ----------------------------------------------------------------------------


class Definition(SQLModel, table=True):
    """A deployed bundle version. `content` maps file name to text; same hash, same version."""

    __tablename__ = "definitions"
    procedure: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    bundle_hash: str = Field(index=True)
    name: str
    name_en: str = ""
    content: dict[str, str] = Field(sa_column=_json())
    is_active: bool = True
    deployed_at: datetime
    deployed_by: str


# --- the log --------------------------------------------------------------------------------


class EventRow(SQLModel, table=True):
    """One event. `stream` is the incident id (or `org:…`, `access`); append-only."""

    __tablename__ = "events"
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
    data: dict[str, Any] = Field(sa_column=_json())
    sealed: dict[str, str] = Field(sa_column=_json())
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
    heads: dict[str, str] = Field(sa_column=_json())
    prev_hash: str
    hash: str


class SubjectKey(SQLModel, table=True):
    """The key of one person's sealed values, itself encrypted by the master key."""

    __tablename__ = "subject_keys"
    subject: str = Field(primary_key=True)
    wrapped: str
    created_at: datetime


# --- engine state ---------------------------------------------------------------------------


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
    payload: dict[str, Any] = Field(sa_column=_json())
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
    kind: str  # timer | ladder | message | delivery
    ref: str = Field(index=True)  # wait id, deadline id + level, message id, delivery id
    due_at: datetime
    real_due_at: datetime
    is_done: bool = False


# --- read tables (rebuilt from the log) -----------------------------------------------------


class Incident(SQLModel, table=True):
    """What people see. `status` codes: procedures.md 0.4; `clock` is a list of segments."""

    __tablename__ = "incidents"
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
    policies: dict[str, Any] = Field(sa_column=_json())
    clock: list[dict[str, Any]] = Field(sa_column=_json())


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
    inputs: dict[str, Any] = Field(sa_column=_json())
    result: dict[str, Any] = Field(sa_column=_json())
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
    __table_args__ = (Index("ix_tasks_open", "state", "organisation_id", "role"),)
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str = Field(index=True)
    organisation_id: str
    procedure: str
    process: str
    element: str
    role: str
    also: list[str] = Field(sa_column=_json())
    form_key: str
    kind: str  # user | send | receive
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
    task_id: str = Field(primary_key=True)
    role: str = Field(primary_key=True, index=True)
    organisation_id: str = Field(index=True)


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
    also: list[str] = Field(sa_column=_json())
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


class Person(SQLModel, table=True):
    """A person of an incident. Name, phone, identity number … are in `sealed`."""

    __tablename__ = "persons"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    organisation_id: str = Field(index=True)
    member_id: str | None = None
    code: str  # what lists show beside surname and class
    kind: str  # case | onsite | contact
    org_unit: str = ""
    case_no: int = 0
    case_status: str = ""
    instance_id: str | None = None
    registered_at: datetime
    is_revoked: bool = False
    hold_leave: bool = False
    is_neighbour: bool = False
    held_by: list[str] = Field(sa_column=_json())
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
    data: dict[str, Any] = Field(sa_column=_json())
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
    rules: list[int] = Field(sa_column=_json())
    data: dict[str, Any] = Field(sa_column=_json())
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
    corrects: list[str] = Field(sa_column=_json())
    persons: list[str] = Field(sa_column=_json())
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
    data: dict[str, Any] = Field(sa_column=_json())
    sealed: str = Field(sa_column=Column(Text, nullable=False))


class Notice(SQLModel, table=True):
    """A notice in a role's inbox (reminder, escalation, cancellation)."""

    __tablename__ = "notices"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    organisation_id: str
    role: str = Field(index=True)
    code: str
    data: dict[str, Any] = Field(sa_column=_json())
    at: datetime


class Message(SQLModel, table=True):
    """An inbound message: buffered until an event waits for it, delivered once, or expired."""

    __tablename__ = "messages"
    id: str = Field(primary_key=True)  # {incident}:{message id}
    incident_id: str = Field(index=True)
    name: str
    keys: dict[str, Any] = Field(sa_column=_json())
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    state: str  # buffered | delivered | expired | refused
    received_at: datetime
    expires_at: datetime | None = None
    delivered_to: str = ""


class EngineIncident(SQLModel, table=True):
    """A stuck or failed instance: the stored state stands, an operator may retry."""

    __tablename__ = "engine_incidents"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    instance_id: str
    element: str
    cause: str
    state: str  # open | resolved
    attempts: int = 1
    at: datetime
    retry: dict[str, Any] = Field(sa_column=_json())  # the command to run again


# --- working rows ---------------------------------------------------------------------------


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
    uploaded_by: str
    uploaded_at: datetime
