"""The duty roster of organisations, to whom tasks were assigned, and how people are reached outside the page.

Shifts, stand-ins, swaps and absences are read tables of the organisation's stream; assignments are read
tables of the incident's. Channels and quiet hours are settings, each change noted in the access log.
"""

from datetime import datetime

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from service.persistence.tables.base import json_column


class ShiftTemplate(SQLModel, table=True):
    """A shift as it comes again: from a time of day for some hours, on some weekdays (1 = Monday)."""

    __tablename__ = "shift_templates"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True)
    name: str
    begins: str  # HH:MM, Asia/Shanghai
    hours: int
    weekdays: list[int] = Field(sa_column=json_column())
    members: int = 1  # besides the leader


class Shift(SQLModel, table=True):
    """One shift; what was handed over is in `sealed`."""

    __tablename__ = "shifts"
    __table_args__ = (Index("ix_shifts_organisation_time", "organisation_id", "ends_at"),)
    id: str = Field(primary_key=True)
    organisation_id: str
    name: str
    starts_at: datetime = Field(index=True)
    ends_at: datetime
    state: str  # draft | published | removed
    members: int = 1  # how many are wanted besides the leader
    published_by: str = ""
    published_at: datetime | None = None
    handed_by: str = ""
    handed_at: datetime | None = None
    received_by: str = ""
    received_at: datetime | None = None
    sealed: str = Field(default="{}", sa_column=Column(Text, nullable=False))


class ShiftPerson(SQLModel, table=True):
    """Somebody on a shift; `position` orders the members, the leader has 0. `missed_at`: did not sign in in time."""

    __tablename__ = "shift_people"
    id: str = Field(primary_key=True)  # {shift}:{account}
    shift_id: str = Field(index=True)
    account_id: str
    duty: str  # leader | member
    position: int
    stands_in_for: str = ""
    signed_in_at: datetime | None = None
    missed_at: datetime | None = None


class StandIn(SQLModel, table=True):
    """The ordered stand-ins of a role (§6)."""

    __tablename__ = "stand_ins"
    id: str = Field(primary_key=True)  # {organisation}:{role}:{position}
    organisation_id: str = Field(index=True)
    role: str
    position: int
    account_id: str


class ShiftSwap(SQLModel, table=True):
    """Somebody asks another to take his place on a shift; the leader approves what the other accepted."""

    __tablename__ = "shift_swaps"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True)
    shift_id: str = Field(index=True)
    asker: str
    other: str
    state: str  # asked | accepted | declined | approved | refused | withdrawn
    reason: str = ""
    asked_at: datetime
    moved_at: datetime
    moved_by: str


class Absence(SQLModel, table=True):
    """Leaving the post, reported in advance (外出报备), with who stands in."""

    __tablename__ = "absences"
    id: str = Field(primary_key=True)
    organisation_id: str = Field(index=True)
    account_id: str
    stand_in: str = ""
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    reported_at: datetime
    withdrawn_at: datetime | None = None


class DutyGap(SQLModel, table=True):
    """A gap in the roster that was told to those who can fill it, once."""

    __tablename__ = "duty_gaps"
    id: str = Field(primary_key=True)  # {organisation}:{kind}:{where}
    organisation_id: str = Field(index=True)
    at: datetime


class Assignment(SQLModel, table=True):
    """To whom a task came, when, at which level; `until`: then it climbs if nobody has accepted it."""

    __tablename__ = "assignments"
    id: str = Field(primary_key=True)  # {task}#{step}:{account}
    incident_id: str = Field(index=True)
    organisation_id: str
    task_id: str = Field(index=True)
    account_id: str = Field(index=True)  # "" where nobody could be found at this level
    step: int
    level: str  # duty | role | stand_in | leader | superior
    place: int = 0  # the how manieth stand-in
    role: str = ""
    at: datetime
    until: datetime | None = None


class Channel(SQLModel, table=True):
    """A way to a person or an organisation outside the page; the address is sealed under the channel."""

    __tablename__ = "channels"
    id: str = Field(primary_key=True)
    owner: str = Field(index=True)  # account:<id> or organisation:<id>
    kind: str  # wecombot | dingtalk | feishu | mail | ntfy | other
    name: str
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    is_active: bool = True
    created_at: datetime
    created_by: str
    window_start: datetime | None = None  # of the minute whose messages are counted
    window_count: int = 0
    test_asked_at: datetime | None = None
    tested_at: datetime | None = None
    test_error: str = ""


class QuietHours(SQLModel, table=True):
    """When a person is not to be woken, unless it is urgent and he allows that."""

    __tablename__ = "quiet_hours"
    account_id: str = Field(primary_key=True)
    begins: str = ""  # HH:MM, Asia/Shanghai; empty: none
    ends: str = ""
    urgent_anyway: bool = True
