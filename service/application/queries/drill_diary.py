"""The diary of a drill as it is read, and who looks on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.queries.drills import drill_row
from service.application.queries.reader import Reader
from service.application.queries.timeline import PRIVATE
from service.domain.access import Action
from service.persistence.tables import sql

PUBLIC = "drill_noted"
MOST = 100


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """One entry; `at` is the time of the drill."""

    seq: int
    at: datetime
    name: str
    text: str
    is_private: bool


@dataclass(frozen=True, slots=True)
class Observer:
    """Somebody who looks on."""

    username: str
    name: str


def entries(reader: Reader, drill: str) -> tuple[DiaryEntry, ...]:
    """The newest entries the reader may read, newest first: private ones for whoever controls the drill."""
    incident = reader.incident(drill)
    kinds = (PUBLIC, PRIVATE) if reader.may_with(Action.DRILL_CONTROL, incident) else (PUBLIC,)
    log = sql.events
    mine = select(log).where(log.c.stream == drill, log.c.type.in_(kinds)).order_by(log.c.seq.desc()).limit(MOST)
    rows = reader.rows(mine)
    names = reader.account_names({row["actor"] for row in rows})
    return tuple(
        DiaryEntry(
            row["seq"], row["at"], names.get(row["actor"], ""), _text(reader, row), row["type"] == PRIVATE
        )
        for row in rows
    )  # fmt: skip


def observers(reader: Reader, drill: str) -> tuple[Observer, ...]:
    """Who looks on."""
    row = drill_row(reader, drill)
    accounts = sql.accounts
    named = select(accounts.c.username, accounts.c.name).where(accounts.c.id.in_(row["observers"] if row else []))
    return tuple(Observer(each["username"], each["name"]) for each in reader.rows(named.order_by(accounts.c.name)))


def is_observer(reader: Reader, drill: str) -> bool:
    """Whether the reader looks on."""
    row = drill_row(reader, drill)
    return row is not None and reader.principal.account_id in row["observers"]


def _text(reader: Reader, row: dict[str, Any]) -> str:
    opened = reader.sealer.open_all(reader.connection, row["sealed"])
    return "".join(str(part.get("text", "")) for part in opened.values())
