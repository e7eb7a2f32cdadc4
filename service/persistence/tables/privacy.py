"""Who may see somebody's values for a while, what is asked to be taken out, and how persons are searched."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class PersonReveal(SQLModel, table=True):
    """Read table: values of a person shown to an account, until a time; the last reveal counts."""

    __tablename__ = "person_reveals"
    id: str = Field(primary_key=True)  # {incident}:{account}:{person}
    incident_id: str = Field(index=True)
    account_id: str = Field(index=True)
    person_id: str
    fields: list[str] = Field(sa_column=json_column())
    until: datetime  # real time


class BreakGlass(SQLModel, table=True):
    """Read table: access to the people of an incident without a task, with a reason and an end; times are real."""

    __tablename__ = "break_glass"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    account_id: str = Field(index=True)
    opened_at: datetime
    until: datetime
    ended_at: datetime | None = None


class ExportRequest(SQLModel, table=True):
    """Read table: an export somebody may not make alone; state is asked, approved, refused or made."""

    __tablename__ = "export_requests"
    id: str = Field(primary_key=True)
    incident_id: str = Field(index=True)
    kind: str
    key: str
    purpose: str
    fields: list[str] = Field(sa_column=json_column())
    rows: int
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str = ""


class PersonIndex(SQLModel, table=True):
    """Blind index: a keyed digest of a name, phone or identity number; made of the sealed values, again at any time."""

    __tablename__ = "person_index"
    person_id: str = Field(primary_key=True)
    digest: str = Field(primary_key=True, index=True)
    incident_id: str = Field(index=True)
    kind: str  # name | phone | id_no


class KeyRotation(SQLModel, table=True):
    """A rotation of keys; it goes on where it was stopped. `kind` is master or subjects."""

    __tablename__ = "key_rotations"
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    started_at: datetime
    ended_at: datetime | None = None
