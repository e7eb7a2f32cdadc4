"""The audit log as something people use: every look at it, every file made of it and every check of it is logged."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.application.access_log import ACCESS_STREAM
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import SYSTEM, Action, Principal, require
from service.domain.errors import ValueRefused
from service.persistence import chain_checks
from service.persistence.database import Database
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork

PURPOSES = ("inspection", "superior", "archive", "data_subject", "other")
Run = Callable[[Callable[[UnitOfWork], None]], object]
_checks = sql.chain_checks


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is asked of the log; empty means whatever. Times are aware, `until` not included."""

    kinds: tuple[str, ...] = ()
    account: str = ""
    incident: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditFile:
    """A file made of the log, for a purpose of PURPOSES."""

    asked: AuditFilter
    purpose: str
    format: str
    content: bytes
    rows: int


def note_look(
    uow: UnitOfWork, _services: Services, principal: Principal, asked: AuditFilter, rows: int, *, request_id: str = ""
) -> None:
    """Log that somebody looked."""
    said = ev.AuditRead(
        list(asked.kinds), asked.account, asked.incident, asked.person,
        asked.since.isoformat() if asked.since else "", asked.until.isoformat() if asked.until else "", rows,
    )  # fmt: skip
    _log(uow, said, principal.account_id, request_id)


def note_file(
    uow: UnitOfWork, _services: Services, principal: Principal, file: AuditFile, *, request_id: str = ""
) -> str:
    """Log that somebody took a part of the log out; returns the file's SHA-256. Raises ValueRefused for the purpose."""
    if file.purpose not in PURPOSES:
        raise ValueRefused("purpose", "请选择用途", "must be one of the list")
    digest = hashlib.sha256(file.content).hexdigest()
    persons = [file.asked.person] if file.asked.person else []
    said = ev.ExportMade(uow.new_id(), "audit", file.format, file.purpose, [], file.rows, digest, persons=persons)
    _log(uow, said, principal.account_id, request_id)
    return digest


# --- checking the chains --------------------------------------------------------------------------


def start_check(uow: UnitOfWork, _services: Services, principal: Principal, *, request_id: str = "") -> str:
    """Begin to check all chains in the background; a check that runs is taken for it. Returns its id."""
    del request_id
    require(principal, Action.AUDIT_VERIFY, SYSTEM)
    uow.alone("chain-check")
    running = uow.connection.execute(select(_checks.c.id).where(_checks.c.ended_at.is_(None))).scalar()
    if running:
        return str(running)
    check = uow.new_id()
    total = chain_checks.total(uow.connection)
    row = {"id": check, "started_by": principal.account_id, "started_at": uow.now, "stream": "", "seq": 0, "events": 0}
    nothing = {"ended_at": None, "bad_stream": "", "bad_seq": 0, "bad_reason": ""}
    uow.connection.execute(insert(_checks).values(**row, **nothing, total=total))
    return check


def go_on_checking(database: Database, run: Run) -> bool:
    """Check a further stretch of a check that runs, outside of any writing transaction; whether there was one."""
    with database.read() as connection:
        row = _running(connection)
        if row is None:
            return False
        found = chain_checks.check_stretch(connection, row["stream"], row["seq"])
    run(partial(_note_stretch, row=row, found=found))
    return True


def _running(connection: Connection) -> Mapping[str, Any] | None:
    found = connection.execute(select(_checks).where(_checks.c.ended_at.is_(None)).order_by(_checks.c.id).limit(1))
    row = found.mappings().first()
    return dict(row) if row else None


def _note_stretch(uow: UnitOfWork, *, row: Mapping[str, Any], found: chain_checks.Stretch) -> None:
    """Store how far it is, unless somebody else was first."""
    events = row["events"] + found.read
    values: dict[str, Any] = {"stream": found.stream, "seq": found.seq, "events": events}
    if found.is_last:
        values["ended_at"] = uow.now
    if found.bad:
        values |= {"bad_stream": found.bad.stream, "bad_seq": found.bad.seq, "bad_reason": found.bad.reason}
    still = (_checks.c.id == row["id"]) & (_checks.c.events == row["events"]) & _checks.c.ended_at.is_(None)
    if uow.connection.execute(update(_checks).where(still).values(values)).rowcount and found.is_last:
        bad = found.bad
        said = (bad.stream, bad.seq, bad.reason) if bad else ("", 0, "")
        _log(uow, ev.AuditVerified(row["id"], events, *said), row["started_by"], "")


def _log(uow: UnitOfWork, event: ev.Event, actor: str, request_id: str) -> None:
    new = NewEvent(
        event.type, uow.now, event.data(), actor=actor, request_id=request_id, command_id=request_id,
        schema_version=event.schema_version,
    )  # fmt: skip
    uow.append(ACCESS_STREAM, [new])
