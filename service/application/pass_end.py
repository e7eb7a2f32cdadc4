"""The end of an emergency pass: the task goes back to its roles, the account made for it is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from service.application import sessions
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from service.application.steps import Advance


def ref_of(task: str, account: str) -> str:
    """How a due row names the pass whose time runs out."""
    return f"{task}@{account}"


def give_back(on: Advance, ref: str) -> None:
    """Let the task go back where it is still open, and its holder out."""
    task, _, account = ref.rpartition("@")
    row = on.rows.get(sql.tasks, task)
    if row is not None and row["state"] == "claimed" and row["assignee"] == account:
        on.record(ev.TaskReleased(task), row=on.instance_row(row["instance_id"]))
    switch_off(on.uow, account)


def switch_off(uow: UnitOfWork, account: str) -> None:
    """Nobody acts by this account any more; its name stays for the log."""
    uow.connection.execute(update(sql.accounts).where(sql.accounts.c.id == account).values(is_active=False))
    sessions.end_all(uow, account)
