"""Organisations, places, accounts and what belongs to signing in."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text, true
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class Organisation(SQLModel, table=True):
    """An organisation of the hierarchy; classes and sites of a school are `Place` rows."""

    __tablename__ = "organisations"
    id: str = Field(primary_key=True)
    name: str
    name_en: str = ""
    type: str
    parent_id: str | None = Field(default=None, foreign_key="organisations.id", index=True)
    contact: str = Field(default="", sa_column_kwargs={"server_default": ""})
    address: str = Field(default="", sa_column_kwargs={"server_default": ""})
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": true()})


class Place(SQLModel, table=True):
    """A class, room or site of an organisation; `positions_fixed` gives F01 its default."""

    __tablename__ = "places"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    name: str
    kind: str  # class | room | outdoor | vehicle
    positions_fixed: bool = False
    lead_account_id: str | None = None
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": true()})


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
    """Account, organisation, role: who is a candidate of a task, from and until when (None: no limit)."""

    __tablename__ = "memberships"
    account_id: str = Field(foreign_key="accounts.id", primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", primary_key=True, index=True)
    role: str = Field(primary_key=True, index=True)
    valid_from: datetime | None = None
    valid_until: datetime | None = None


class Session(SQLModel, table=True):
    """A browser session or bearer token; only the hash of the secret is kept.

    One that was ended stays for a day, so that a form sent too late can be given back to its writer.
    """

    __tablename__ = "sessions"
    token_hash: str = Field(primary_key=True)
    id: str = Field(unique=True)  # names it without opening it
    account_id: str = Field(foreign_key="accounts.id", index=True)
    kind: str  # cookie | bearer
    csrf: str
    method: str = "password"
    device: str = ""
    task_id: str = ""  # the only task of an emergency pass
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


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
    value: Any = Field(sa_column=json_column())
    valid_from: datetime
    reason: str
    changed_by: str


class DirectoryState(SQLModel, table=True):
    """One row: its version moves whenever organisations, places, accounts, roles or sessions change."""

    __tablename__ = "directory_state"
    id: int = Field(default=1, primary_key=True)
    version: int
