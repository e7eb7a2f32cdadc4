"""Taking a workbook of the directory over: checked as a whole, looked at, and only then written, some rows at a time.

A workbook with one fault changes nothing. What was checked waits sealed until somebody confirms it; then it is
written by commands of their own, so that others are not kept waiting, and goes on where it was after a restart.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from service.application import accounts, directory_plan, directory_rows, directory_workbook, organisations
from service.application.directory_log import Change, record
from service.application.directory_steps import REMOVED, Plan
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import ADMINISTRATOR, Action, OrganisationSubject, Principal, require
from service.domain.clock import monotonic_seconds
from service.domain.errors import FieldError, NoSuch, RevisionChanged, TooLarge, ValueRefused
from service.persistence.database import Database
from service.persistence.sealing import Sealer, tokens_of
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

READING, REFUSED, CHECKED, WAITING, DONE = "reading", "refused", "checked", "waiting", "done"
AT_ONCE = 500  # rows written by one command
SLICE_SECONDS = 2.0  # of a round of the worker
SMALL = 200_000  # bytes: read while the caller waits
FEW = 500  # rows: written while the caller waits
MOST_ERRORS = 1_000
KEPT = timedelta(days=1)  # what nobody confirmed

OPERATOR = Principal("system", "", {"": frozenset({ADMINISTRATOR})})  # who has the machine

Run = Callable[[Callable[[UnitOfWork], Any]], Any]


@dataclass(frozen=True, slots=True)
class StartImport:
    """A workbook for an organisation and what lies below it, "" = for all of them."""

    organisation: str
    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ConfirmImport:
    """Write what was checked; with `remove` also take away what the workbook does not name."""

    id: str
    remove: bool = False


def start(
    uow: UnitOfWork, _services: Services, principal: Principal, command: StartImport, *, request_id: str = ""
) -> str:
    """Keep a workbook to be checked; returns the id of the import.

    Raises NotAllowed, NoSuch, TooLarge, ValueRefused.
    """
    del request_id
    organisation = command.organisation
    subject = organisations.subject(uow.connection, organisation) if organisation else OrganisationSubject("")
    require(principal, Action.ORGANISATION_CHANGE, subject)
    if not command.content:
        raise ValueRefused("file", "请选择文件", "choose a file")
    if len(command.content) > directory_workbook.LIMITS.file_bytes:
        raise TooLarge(directory_workbook.LIMITS.file_bytes)
    _drop_old(uow)
    made = uow.new_id()
    content = {"file": base64.b64encode(command.content).decode()}
    uow.connection.execute(
        insert(sql.directory_imports).values(
            id=made, organisation_id=organisation, file_name=command.file_name[-100:], state=READING,
            started_by=principal.account_id, started_at=uow.now, done=0, total=0,
            summary={"sha256": hashlib.sha256(command.content).hexdigest()},
            sealed=uow.sealer.seal_text(uow.connection, {made: content}),
        )
    )  # fmt: skip
    return made


def check(database: Database, run: Run, services: Services, sealer: Sealer, import_id: str, *, by: Principal) -> None:
    """Read the workbook and compare it with what is there; takes a while for a large one, on the caller's thread."""
    with database.read() as connection:
        row = _row(connection, import_id)
        content = base64.b64decode(_opened(connection, sealer, row)["file"])
        try:
            lines, errors = directory_workbook.read(services.organisations, content)
            found = directory_plan.plan(connection, sealer, services, by, lines)
            found = Plan(found.steps, found.counts, _in_order((*errors, *found.errors)))
        except (TooLarge, ValueRefused) as refused:
            fault = FieldError("0", refused.code, refused.text(), refused.text("en"))
            found = Plan((), {}, (fault,))
    run(partial(_keep, import_id=import_id, found=found))


def confirm(
    uow: UnitOfWork, _services: Services, principal: Principal, command: ConfirmImport, *, request_id: str = ""
) -> int:
    """Let what was checked be written; returns how many rows that are. Raises NoSuch, NotAllowed, RevisionChanged."""
    del request_id
    row = _mine(uow.connection, principal, command.id)
    if row["state"] != CHECKED:
        raise RevisionChanged(row["file_name"])
    steps = _opened(uow.connection, uow.sealer, row)["steps"]
    chosen = [each for each in steps if command.remove or each["change"] != REMOVED]
    sealed = uow.sealer.seal_text(uow.connection, {command.id: {"steps": chosen}})
    summary = {**row["summary"], "remove": command.remove}
    values = {"state": WAITING, "total": len(chosen), "done": 0, "sealed": sealed, "summary": summary}
    _set(uow, command.id, **values)
    if not chosen:
        _finish(uow, row, summary)
    return len(chosen)


def drop(uow: UnitOfWork, _services: Services, principal: Principal, import_id: str, *, request_id: str = "") -> None:
    """Give an import up that nobody has confirmed. Raises NoSuch, NotAllowed, RevisionChanged."""
    del request_id
    row = _mine(uow.connection, principal, import_id)
    if row["state"] == WAITING:
        raise RevisionChanged(row["file_name"])
    _forget(uow, import_id)


class Importing:
    """Writes confirmed imports in the background; the steps of the one at work stay in memory."""

    def __init__(self, database: Database, run: Run, services: Services, sealer: Sealer) -> None:
        self._database, self._run, self._services, self._sealer = database, run, services, sealer
        self._steps: dict[str, list[dict[str, Any]]] = {}

    def work(self, *, seconds: float = SLICE_SECONDS) -> int:
        """Go on for a while with whatever waits, oldest first; returns how many rows were written."""
        until, written = monotonic_seconds() + seconds, 0
        while monotonic_seconds() < until:
            row = self._next()
            if row is None:
                self._steps.clear()
                break
            written += self.advance(row)
        return written

    def advance(self, row: Mapping[str, Any]) -> int:
        """Do the next piece of an import: check it, or write some rows; returns how many."""
        try:
            with self._database.read() as connection:
                principal = _principal(connection, row, self._services.clock.now())
        except NoSuch:  # whoever started it has been switched off meanwhile
            self._run(partial(_set, import_id=row["id"], state=REFUSED, ended_at=self._services.clock.now()))
            return 0
        if row["state"] == READING:
            check(self._database, self._run, self._services, self._sealer, row["id"], by=principal)
            return 1
        steps = self._steps_of(row)[row["done"] : row["done"] + AT_ONCE]
        self._run(partial(_write, services=self._services, principal=principal, row=row, steps=steps))
        return len(steps)

    def finish(self, import_id: str, said: Callable[[int, int], None]) -> None:
        """Write an import to its end in this thread; `said` hears how far it is."""
        while True:
            with self._database.read() as connection:
                row = _row(connection, import_id)
            said(row["done"], row["total"])
            if row["state"] != WAITING:
                return
            self.advance(row)

    def whole(self, command: StartImport, *, remove: bool, only_look: bool, locale: str) -> Iterator[tuple[bool, str]]:
        """Take over a workbook as who has the machine, in this thread: lines to be said, each whether it is a fault."""
        made = self._run(lambda uow: start(uow, self._services, OPERATOR, command))
        check(self._database, self._run, self._services, self._sealer, made, by=OPERATOR)
        with self._database.read() as connection:
            row = _row(connection, made)
        for path, _code, zh, en in row["summary"]["errors"]:
            yield True, f"{path}: {en if locale.startswith('en') else zh}"
        for kind, counts in row["summary"]["counts"].items():
            yield False, f"{kind}: " + ", ".join(f"{count} {change}" for change, count in counts.items())
        if row["state"] == REFUSED or only_look:
            self._run(lambda uow: drop(uow, self._services, OPERATOR, made))
            return
        total = self._run(lambda uow: confirm(uow, self._services, OPERATOR, ConfirmImport(made, remove=remove)))
        for done in range(0, total, AT_ONCE):
            with self._database.read() as connection:
                row = _row(connection, made)
            self.advance(row)
            yield False, f"{min(done + AT_ONCE, total)} / {total}"

    def _next(self) -> Mapping[str, Any] | None:
        table = sql.directory_imports
        waits = select(table).where(table.c.state.in_((READING, WAITING))).order_by(table.c.started_at).limit(1)
        with self._database.read() as connection:
            row = connection.execute(waits).mappings().first()
        return dict(row) if row else None

    def _steps_of(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        if row["id"] not in self._steps:
            with self._database.read() as connection:
                self._steps = {row["id"]: _opened(connection, self._sealer, row)["steps"]}
        return self._steps[row["id"]]


# --- inside -----------------------------------------------------------------------------------


def _keep(uow: UnitOfWork, *, import_id: str, found: Plan) -> None:
    """Put down what the check found: faults, or steps that wait to be confirmed."""
    row = _row(uow.connection, import_id)
    if row["state"] != READING:
        return
    errors = [[each.path, each.code, each.zh, each.en] for each in found.errors[:MOST_ERRORS]]
    summary = {**row["summary"], "counts": found.counts, "errors": errors, "faults": len(found.errors)}
    steps = [] if found.errors else [each.to_json() for each in found.steps]
    sealed = uow.sealer.seal_text(uow.connection, {import_id: {"steps": steps}})
    state = REFUSED if found.errors else CHECKED
    _set(uow, import_id, state=state, summary=summary, total=len(steps), sealed=sealed)


def _write(
    uow: UnitOfWork, *, services: Services, principal: Principal, row: Mapping[str, Any], steps: list[dict[str, Any]]
) -> None:
    """Write some steps and say how far that is, in one unit of work; another node may have been first."""
    uow.alone(f"import:{row['id']}")
    now = _row(uow.connection, row["id"])
    if now["state"] != WAITING or now["done"] != row["done"]:
        return
    directory_rows.write(uow, services, principal, steps, request_id=row["id"])
    done = row["done"] + len(steps)
    _set(uow, row["id"], done=done)
    if done >= row["total"]:
        _finish(uow, row, row["summary"])


def _finish(uow: UnitOfWork, row: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    uow.sealer.destroy(uow.connection, row["id"])  # the steps name people: nobody needs them any more
    _set(uow, row["id"], state=DONE, ended_at=uow.now, sealed="")
    event = ev.DirectoryImported(summary["sha256"], {**summary["counts"], "removed_too": summary["remove"]})
    by = Principal(row["started_by"], "")
    record(uow, row["organisation_id"] or "system", [Change(event, row["id"])], by=by, request_id=row["id"])


def _set(uow: UnitOfWork, import_id: str, **values: Any) -> None:
    uow.connection.execute(update(sql.directory_imports).where(sql.directory_imports.c.id == import_id).values(values))


def _row(connection: Connection, import_id: str) -> dict[str, Any]:
    table = sql.directory_imports
    row = connection.execute(select(table).where(table.c.id == import_id)).mappings().first()
    if row is None:
        raise NoSuch("import", import_id)
    return dict(row)


def _mine(connection: Connection, principal: Principal, import_id: str) -> dict[str, Any]:
    """An import of somebody; another's is none of his business."""
    row = _row(connection, import_id)
    if row["started_by"] != principal.account_id:
        raise NoSuch("import", import_id)
    return row


def _opened(connection: Connection, sealer: Sealer, row: Mapping[str, Any]) -> dict[str, Any]:
    opened = sealer.open_all(connection, tokens_of(row["sealed"]))
    return opened.get(row["id"], {})


def _principal(connection: Connection, row: Mapping[str, Any], now: datetime) -> Principal:
    if row["started_by"] == OPERATOR.account_id:
        return OPERATOR
    return accounts.principal_of_account(connection, row["started_by"], now=now)


def _drop_old(uow: UnitOfWork) -> None:
    table = sql.directory_imports
    old = (table.c.started_at < uow.now - KEPT) & table.c.state.in_((READING, REFUSED, CHECKED))
    for import_id in uow.connection.execute(select(table.c.id).where(old)).scalars().all():
        _forget(uow, import_id)


def _forget(uow: UnitOfWork, import_id: str) -> None:
    uow.sealer.destroy(uow.connection, import_id)
    uow.connection.execute(delete(sql.directory_imports).where(sql.directory_imports.c.id == import_id))


def _in_order(errors: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
    """By sheet as they came, then by row."""
    sheets = list(Counter(each.path.partition(".")[0] for each in errors))

    def place(each: FieldError) -> tuple[int, int]:
        sheet, _, rest = each.path.partition(".")
        number = rest.partition(".")[0]
        return sheets.index(sheet), int(number) if number.isdecimal() else 0

    return tuple(sorted(errors, key=place))
