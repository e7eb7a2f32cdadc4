"""Emergency sign-in: somebody without an account scans the QR code of one open task and does it, within an hour.

The code is good once and for a few minutes. Whoever scans it gives a name; an account without roles and without a
password is made under it, the task is handed to it, and nothing else can be seen with it. At the end the
task, if it is still open, goes back to its roles.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.application import access_log, accounts, attempts, due_rows, pass_end, tasks
from service.application.queries.form_contexts import lists_persons
from service.application.queries.reader import Reader, node_of
from service.application.services import Origin, Services
from service.application.sessions import SignedIn, begin_session
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoSuch, ValueRefused
from service.persistence import queue
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

SCAN_WITHIN = timedelta(minutes=10)
LENGTH = timedelta(hours=1)
NAME_LENGTH = 30
REASON_LENGTH = 200
SIGNED_FORM = "F00#sign"  # a signature is given by the person who has the role, never by a stand-in

_passes = sql.emergency_passes


@dataclass(frozen=True, slots=True)
class PassView:
    """A pass as those see it who hand it out; `name` is what its user called himself, "" while nobody has used it."""

    id: str
    reason: str
    issued_at: datetime
    ends_at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who scanned a code: the name he gives, his device in words, his language."""

    name: str
    device: str = ""
    locale: str = "zh_CN"


def issue(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.IssuePass, *, request_id: str = ""
) -> str:
    """Make a pass for an open task and return its secret, which only the QR code shows.

    Raises NotAllowed, TaskNotOpen, and ValueRefused for a step that shows lists of people or is a signature.
    """

    def work(on: Advance) -> str:
        row = tasks.open_task(on, command.task)
        require(principal, Action.TASK_PASS, tasks.subject_of(on, row))
        _check(services, row, command.reason)
        secret, made = secrets.token_urlsafe(24), uow.new_id()
        uow.connection.execute(
            insert(_passes).values(
                id=made, token_hash=_hash(secret), task_id=command.task, incident_id=row["incident_id"],
                issued_by=principal.account_id, issued_at=uow.now, reason=command.reason.strip(),
                scan_until=uow.now + SCAN_WITHIN, account_id="",
            )
        )  # fmt: skip
        event = ev.EmergencyPassIssued(made, command.task, row["incident_id"], command.reason.strip())
        access_log.append(uow, event, actor=principal.account_id)
        return secret

    incident = tasks.incident_of(uow, services, command.task)
    return advance(uow, services, incident, Origin(principal.account_id, request_id=request_id), work)


def find(connection: Connection, secret: str, *, now: datetime) -> str:
    """The task of a pass that may still be scanned. Raises NoSuch."""
    row = _row(connection, secret)
    if row is None or _over(row, now):
        raise NoSuch("pass", "")
    return str(row["task_id"])


def named(connection: Connection, services: Services, task: str) -> tuple[str, str, str]:
    """What a task is called, in both languages, and its organisation: all that is shown before a name is given."""
    columns = (sql.tasks.c.element, sql.tasks.c.organisation_id, sql.instances.c.procedure, sql.instances.c.version)
    joined = sql.tasks.join(sql.instances, sql.instances.c.id == sql.tasks.c.instance_id)
    row = connection.execute(select(*columns).select_from(joined).where(sql.tasks.c.id == task)).one()
    bundle = services.definitions.pinned(connection, row.procedure, row.version).bundle
    node = node_of(bundle, row.element)
    return (node.name, node.name_en, row.organisation_id) if node else ("", "", row.organisation_id)


def use(uow: UnitOfWork, services: Services, secret: str, holder: Holder) -> SignedIn:
    """Begin the hour of somebody who scanned a pass. Of two who scan it one gets it.

    Raises NoSuch for a pass that is unknown, used, revoked or too old, TaskNotOpen, ValueRefused without a name.
    """
    holder = replace(holder, name=" ".join(holder.name.split()))
    if not 1 <= len(holder.name) <= NAME_LENGTH:
        raise ValueRefused("name", f"须为1至{NAME_LENGTH}个字", f"needs 1 to {NAME_LENGTH} characters")
    uow.alone(f"pass:{_hash(secret)}")
    row = _row(uow.connection, secret)
    if row is None or _over(row, uow.now):
        raise NoSuch("pass", "")
    origin = Origin(actor=row["issued_by"])
    return advance(uow, services, row["incident_id"], origin, lambda on: _begin(on, row, holder))


def refused(uow: UnitOfWork, secret: str, *, address: str) -> None:
    """Log a scan in vain and count it for the address. Raises TooManyAttempts."""
    attempts.begin(uow, attempts.of_address("pass", address))
    row = _row(uow.connection, secret)
    reason = (_over(row, uow.now) or "closed") if row else "unknown"
    access_log.append(uow, ev.EmergencyPassRefused(reason, row["id"] if row else ""))


def revoke(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RevokePass, *, request_id: str = ""
) -> bool:
    """Let a pass count no more, put its user out and give the task back; False if it was over.

    Raises NoSuch, NotAllowed.
    """
    found = uow.connection.execute(select(_passes).where(_passes.c.id == command.emergency_pass)).mappings().first()
    if found is None:
        raise NoSuch("pass", command.emergency_pass)

    def work(on: Advance) -> bool:
        row = on.rows.get(sql.tasks, found["task_id"])
        if row is None:
            raise NoSuch("task", found["task_id"])
        require(principal, Action.TASK_PASS, tasks.subject_of(on, row))
        still = (_passes.c.id == found["id"]) & _passes.c.revoked_at.is_(None)
        if uow.connection.execute(update(_passes).where(still).values(revoked_at=uow.now)).rowcount == 0:
            return False
        if found["account_id"]:
            ref = pass_end.ref_of(found["task_id"], found["account_id"])
            pass_end.give_back(on, ref)
            queue.cancel(uow, "pass", ref)
        access_log.append(uow, ev.EmergencyPassRevoked(found["id"]), actor=principal.account_id)
        return True

    origin = Origin(principal.account_id, request_id=request_id)
    return advance(uow, services, found["incident_id"], origin, work)


def of_task(reader: Reader, task: str) -> list[PassView]:
    """The passes of a task that are good for something, the newest first."""
    rows = reader.rows(select(_passes).where(_passes.c.task_id == task).order_by(_passes.c.issued_at.desc()))
    good = [row for row in rows if row["revoked_at"] is None and reader.now < (row["ends_at"] or row["scan_until"])]
    names = reader.account_names([row["account_id"] for row in good])
    return [
        PassView(
            row["id"], row["reason"], row["issued_at"], row["ends_at"] or row["scan_until"],
            names.get(row["account_id"], ""),
        )
        for row in good
    ]  # fmt: skip


# --- inside -----------------------------------------------------------------------------------


def _check(services: Services, row: Mapping[str, Any], reason: str) -> None:
    key = row["form_key"]
    if row["kind"] != "user" or key == SIGNED_FORM:
        raise ValueRefused("task", "这一步须由本岗位的人办理", "this step must be done by somebody of the role")
    if services.forms.has(key) and lists_persons(services.forms.view(key)):
        raise ValueRefused("task", "这一步会列出多人，不能交给没有账号的人", "this step lists people")
    if not 1 <= len(reason.strip()) <= REASON_LENGTH:
        raise ValueRefused("reason", "须写明理由", "must say why")


def _begin(on: Advance, row: Mapping[str, Any], holder: Holder) -> SignedIn:
    uow = on.uow
    task = tasks.open_task(on, row["task_id"])
    account = accounts.create_account(
        uow, accounts.NewAccount(f"pass-{row['id']}", holder.name, accounts.hash_of_nothing(), locale=holder.locale)
    )  # fmt: skip
    ends = uow.now + LENGTH
    uow.connection.execute(
        update(_passes).where(_passes.c.id == row["id"]).values(account_id=account, used_at=uow.now, ends_at=ends)
    )
    event = ev.TaskDelegated(task["id"], account, row["reason"])
    on.record(event, row=on.instance_row(task["instance_id"]))
    due_rows.put(on, "pass", pass_end.ref_of(task["id"], account), on.clock.at(ends))
    access_log.append(uow, ev.EmergencyPassUsed(row["id"], account, ends.isoformat()), actor=account)
    return begin_session(uow, account, kind="pass", length=LENGTH, method="pass", device=holder.device, task=task["id"])


def _row(connection: Connection, secret: str) -> dict[str, Any] | None:
    row = connection.execute(select(_passes).where(_passes.c.token_hash == _hash(secret))).mappings().first()
    return dict(row) if row else None


def _over(row: Mapping[str, Any], now: datetime) -> str:
    """Why a pass cannot be scanned any more, "" if it can."""
    if row["revoked_at"] is not None:
        return "revoked"
    if row["used_at"] is not None:
        return "used"
    return "" if now < row["scan_until"] else "expired"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
