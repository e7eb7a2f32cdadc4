"""Improvement actions: what an organisation changes after a drill, with owner and due date, until done or dropped.

They are work of the organisation and no part of any drill: they stand in its stream, in real time.
"""

from typing import Any

from sqlalchemy import select

from service.application import improvement_log
from service.application.incidents import incident_subject
from service.application.services import Services
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, may, require
from service.domain.errors import AlreadyExists, NoSuch, NotADrill, NotAllowed, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LONGEST = improvement_log.LONGEST
ENDS = ("done", "dropped")


def plan(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.PlanImprovement, *, request_id: str = ""
) -> str:
    """Plan an action for a finding of a drill, or for none; returns its id.

    Raises NoSuch, NotADrill, NotAllowed, ValueRefused (text, owner, due, target).
    """
    row = uow.connection.execute(sql.incidents.select().where(sql.incidents.c.id == command.drill)).mappings().first()
    if row is None:
        raise NoSuch("drill", command.drill)
    subject = incident_subject(uow, dict(row))
    require(principal, Action.INCIDENT_READ, subject)
    if row["kind"] != "drill":
        raise NotADrill(row["number"])
    require(principal, Action.DRILL_REVIEW, subject)
    return improvement_log.plan(uow, services, command, by=principal.account_id, request_id=request_id)


def end(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.EndImprovement, *, request_id: str = ""
) -> None:
    """Say that an action is done, or dropped and why. Raises NoSuch, NotAllowed, AlreadyExists where it is over."""
    del services
    uow.alone(f"improvement:{command.improvement}")
    row = _row(uow, command.improvement)
    if row is None or not _concerns(uow, principal, row):
        raise NoSuch("improvement", command.improvement)
    if command.state not in ENDS:
        raise ValueRefused("state", "须为 done 或 dropped", "must be done or dropped")
    if row["state"] != "open":
        raise AlreadyExists("改进措施已办结")
    note = command.note.strip()
    if command.state == "dropped" and not note:
        raise ValueRefused("note", "不再办理须写明原因", "say why it is dropped")
    if len(note) > LONGEST:
        raise ValueRefused("note", f"最多 {LONGEST} 字", f"at most {LONGEST} characters")
    if command.state == "dropped" and not _may_review(uow, principal, row["organisation_id"]):
        raise NotAllowed(str(Action.DRILL_REVIEW))
    event = ev.ImprovementEnded(command.improvement, command.state)
    improvement_log.record(
        uow,
        row["organisation_id"],
        event,
        drill=row["drill_id"],
        text=note,
        by=principal.account_id,
        request_id=request_id,
    )


def _row(uow: UnitOfWork, improvement: str) -> dict[str, Any] | None:
    table = sql.improvements
    row = uow.connection.execute(select(table).where(table.c.id == improvement)).mappings().first()
    return dict(row) if row else None


def _concerns(uow: UnitOfWork, principal: Principal, row: dict[str, Any]) -> bool:
    return row["owner"] == principal.account_id or _may_review(uow, principal, row["organisation_id"])


def _may_review(uow: UnitOfWork, principal: Principal, organisation: str) -> bool:
    subject = incident_subject(uow, {"organisation_id": organisation, "kind": "drill"})
    return may(principal, Action.DRILL_REVIEW, subject)
