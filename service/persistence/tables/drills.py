"""Drills: what a trainer chose for one, and who looks after it."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class Drill(SQLModel, table=True):
    """A read table: one row per drill, beside its incident, whose id it has.

    `speed` is what the trainer wants; the clock of the incident says how fast it runs. `roles` maps a role
    to `human` or `simulated`, `*` whoever is not named; without it that is a person.
    """

    __tablename__ = "drills"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    trainer: str
    seed: int
    speed: float
    is_paused: bool
    cause: str = ""  # why the clock runs as it does: an action of the trainer, or slow | floor | lost | ...
    slow_to: float | None = None
    floor_seconds: int = 0
    on_loss: str = "pause"  # pause | run
    code_word: str = ""
    roles: dict[str, Any] = Field(sa_column=json_column())
    scenario: str = ""  # id of the scenario, "" for free play
    script: dict[str, Any] = Field(sa_column=json_column())  # the scenario as drawn, which later changes do not touch
    trial: bool = False  # the trainer tries it on himself first
    observers: list[str] = Field(sa_column=json_column())
    starts_at: datetime
    ended_at: datetime | None = None


class DrillWatch(SQLModel, table=True):
    """Who was heard of when, in real time: the control page of the trainer, the service itself. No read table."""

    __tablename__ = "drill_watches"
    id: str = Field(primary_key=True)  # of the drill
    seen_at: datetime | None = None  # the control page; None: it was never open
    served_at: datetime | None = None  # the worker, which then looks again within `served_seconds`
    served_seconds: float = 0


class DrillInject(SQLModel, table=True):
    """A read table: one row per inject of a drill, of the scenario or improvised. `content` is what the script says."""

    __tablename__ = "drill_injects"
    id: str = Field(primary_key=True)  # drill:inject
    incident_id: str = Field(index=True)  # the drill
    inject: str
    place: int  # in the list
    kind: str
    trigger: str  # at | after | when | unless | reserve
    state: str = "pending"  # pending | reserve | sent | skipped
    due_at: datetime | None = None  # None while what it waits for has not happened
    sent_at: datetime | None = None
    until: datetime | None = None  # when an absence or failure is over
    by: str = ""  # trigger | trainer
    outcome: str = ""  # what its message came to, or why it was skipped
    to: list[str] = Field(sa_column=json_column())
    content: dict[str, Any] = Field(sa_column=json_column())


class OwnScenario(SQLModel, table=True):
    """A read table: scenarios an organisation wrote itself or changed a copy of."""

    __tablename__ = "own_scenarios"
    id: str = Field(primary_key=True)  # organisation:scenario
    organisation_id: str = Field(index=True)
    scenario: str
    document: dict[str, Any] = Field(sa_column=json_column())
    revision: int = 1
    changed_at: datetime
    changed_by: str


class DrillRest(SQLModel, table=True):
    """A moment at which everything in a drill had come to rest: what waited to fall due then. No read table."""

    __tablename__ = "drill_rests"
    incident_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)  # of the last event before it
    at: datetime
    due: bytes  # compressed JSON


class DrillState(SQLModel, table=True):
    """The engine state of an instance of a drill as it stood from a rest on. No read table."""

    __tablename__ = "drill_states"
    incident_id: str = Field(primary_key=True)
    instance_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    state: bytes  # compressed text, as in `instance_states`


class DrillDoor(SQLModel, table=True):
    """The way into a drill for people without an account; its PIN opens a waiting room and no more. No read table."""

    __tablename__ = "drill_doors"
    drill_id: str = Field(primary_key=True)
    pin: str = Field(index=True)
    opened_at: datetime
    opened_by: str
    open_until: datetime


class DrillGuest(SQLModel, table=True):
    """Somebody who came in by a PIN, and which role he was given. No read table."""

    __tablename__ = "drill_guests"
    id: str = Field(primary_key=True)
    drill_id: str = Field(index=True)
    account_id: str = Field(unique=True)
    name: str
    wish: str = ""
    state: str  # waiting | in | refused
    role: str = ""
    asked_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
