"""Proving the log, and what ends the life of personal values: holds, runs of erasures and what came of them."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class ChainCheck(SQLModel, table=True):
    """A check of all hash chains: where it stands, and what it found; `bad_reason` empty while nothing is wrong."""

    __tablename__ = "chain_checks"
    id: str = Field(primary_key=True)
    started_by: str
    started_at: datetime
    ended_at: datetime | None = None
    stream: str = ""  # the last event that was read
    seq: int = 0
    events: int = 0
    total: int = 0
    bad_stream: str = ""
    bad_seq: int = 0
    bad_reason: str = ""


class LegalHold(SQLModel, table=True):
    """Nothing of an incident, or of one person of it, is erased while a hold stands; the reason is sealed."""

    __tablename__ = "legal_holds"
    id: str = Field(primary_key=True)  # {incident}:{seq}
    incident_id: str = Field(index=True)
    person_id: str = ""
    set_at: datetime
    set_by: str
    lifted_at: datetime | None = None
    lifted_by: str = ""
    sealed: str


class ErasureRun(SQLModel, table=True):
    """Somebody erases what is due, or what a person asked for; the items are worked one by one."""

    __tablename__ = "erasure_runs"
    id: str = Field(primary_key=True)
    started_by: str
    started_at: datetime
    ended_at: datetime | None = None
    basis: str  # retention | request
    organisation_id: str


class ErasureItem(SQLModel, table=True):
    """One incident, or one person of it, in a run; `due` maps a class to the rule it falls under."""

    __tablename__ = "erasure_items"
    run_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    incident_id: str = Field(index=True)
    person_id: str = ""
    state: str = Field(index=True)  # waiting | erased | refused
    due: dict[str, Any] = Field(sa_column=json_column())
    detail: dict[str, Any] = Field(sa_column=json_column())
