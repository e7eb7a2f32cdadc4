"""What belongs to signing in beside the account: attempts, second factors, tokens, passes, forms that wait.

Of every secret only a hash is kept; what must be read again (the secret of a second factor) is sealed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class SignInAttempt(SQLModel, table=True):
    """Failed attempts by the hash of what they are counted for; shared by all nodes."""

    __tablename__ = "sign_in_attempts"
    key: str = Field(primary_key=True)
    failures: int
    last_at: datetime = Field(index=True)
    blocked_until: datetime


class SignInStep(SQLModel, table=True):
    """A sign-in under way: a code is awaited, or the answer of an identity provider; used once."""

    __tablename__ = "sign_in_steps"
    token_hash: str = Field(primary_key=True)
    kind: str  # code | enrol | oidc
    account_id: str = ""
    data: dict[str, Any] = Field(sa_column=json_column())
    expires_at: datetime = Field(index=True)


class SecondFactor(SQLModel, table=True):
    """The authenticator of an account; `last_step` is the time step of the last code that was taken."""

    __tablename__ = "second_factors"
    account_id: str = Field(foreign_key="accounts.id", primary_key=True)
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime
    confirmed_at: datetime | None = None
    last_step: int = 0


class RecoveryCode(SQLModel, table=True):
    """A code that stands in for the authenticator once."""

    __tablename__ = "recovery_codes"
    account_id: str = Field(foreign_key="accounts.id", primary_key=True)
    code_hash: str = Field(primary_key=True)


class AccessToken(SQLModel, table=True):
    """A token by which a program acts for an account; `hint` are its last characters, for telling it apart."""

    __tablename__ = "access_tokens"
    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    name: str
    hint: str
    token_hash: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=json_column())
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class EmergencyPass(SQLModel, table=True):
    """One task for somebody without an account; `account_id` is the account made when it was used."""

    __tablename__ = "emergency_passes"
    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    task_id: str = Field(index=True)
    incident_id: str
    issued_by: str
    issued_at: datetime
    reason: str
    scan_until: datetime
    account_id: str = Field(default="", index=True)
    used_at: datetime | None = None
    ends_at: datetime | None = None
    revoked_at: datetime | None = None


class KeptForm(SQLModel, table=True):
    """What was typed when a session had ended, encrypted with a key only that browser has."""

    __tablename__ = "kept_forms"
    id: str = Field(primary_key=True)
    account_id: str
    content: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(index=True)
