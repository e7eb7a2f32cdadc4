"""Working groups, invitations, and imports of the directory beside the rows they change."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class WorkingGroup(SQLModel, table=True):
    """A working group of an organisation; `kind` is its id in the catalogue, "" for one of the organisation's own."""

    __tablename__ = "working_groups"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    kind: str = ""
    name: str
    name_en: str = ""


class GroupMember(SQLModel, table=True):
    """Who works in a group; `is_head` leads it."""

    __tablename__ = "group_members"
    group_id: str = Field(foreign_key="working_groups.id", primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", primary_key=True, index=True)
    is_head: bool = False


class Invitation(SQLModel, table=True):
    """A link with which a person sets a password, once; only the hash of its secret is kept."""

    __tablename__ = "invitations"
    account_id: str = Field(foreign_key="accounts.id", primary_key=True)
    token_hash: str = Field(unique=True)
    created_at: datetime
    created_by: str
    expires_at: datetime


class DirectoryImport(SQLModel, table=True):
    """A workbook taken over row by row: what it says is sealed under its id, `done` of `total` rows are written."""

    __tablename__ = "directory_imports"
    id: str = Field(primary_key=True)
    organisation_id: str
    file_name: str
    state: str = Field(index=True)  # reading | refused | checked | waiting | done | dropped
    started_by: str
    started_at: datetime
    ended_at: datetime | None = None
    done: int = 0
    total: int = 0
    summary: dict[str, Any] = Field(sa_column=json_column())
    sealed: str = Field(sa_column=Column(Text, nullable=False))
