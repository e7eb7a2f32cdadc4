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
    starts_at: datetime
    ended_at: datetime | None = None


class DrillWatch(SQLModel, table=True):
    """Who was heard of when, in real time: the control page of the trainer, the service itself. No read table."""

    __tablename__ = "drill_watches"
    id: str = Field(primary_key=True)  # of the drill
    seen_at: datetime | None = None  # the control page; None: it was never open
    served_at: datetime | None = None  # the worker, which then looks again within `served_seconds`
    served_seconds: float = 0
