"""Improvement actions: what an organisation changes after a drill, with owner and due date, until done or dropped.

They are work of the organisation and no part of any drill: they stand in its stream, in real time.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from service.application import organisations
from service.application.incidents import incident_subject
from service.application.projections import apply
from service.application.services import Services
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, may, require
from service.domain.errors import AlreadyExists, NoSuch, NotADrill, NotAllowed, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet

LONGEST = 500
FURTHEST = timedelta(days=730)
TARGETS = ("policy", "element", "form", "")
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
    _check(uow, services, row["organisation_id"], command)
    improvement = uow.new_id()
    event = ev.ImprovementPlanned(
        improvement, command.drill, row["procedure"], command.finding, command.target, command.target_id,
        command.owner, command.due.isoformat(),
    )  # fmt: skip
    _record(uow, row["organisation_id"], event, command.drill, command.text.strip(), principal, request_id)
    return improvement


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
    _record(uow, row["organisation_id"], event, row["drill_id"], note, principal, request_id)


def _check(uow: UnitOfWork, services: Services, organisation: str, command: cmd.PlanImprovement) -> None:
    text = command.text.strip()
    if not text:
        raise ValueRefused("text", "请写明改什么", "say what is to be changed")
    if len(text) > LONGEST:
        raise ValueRefused("text", f"最多 {LONGEST} 字", f"at most {LONGEST} characters")
    people = organisations.candidates(uow.connection, organisation, list(services.organisations.roles), now=uow.now)
    if command.owner not in {each.account_id for each in people}:
        raise ValueRefused("owner", "请选本单位人员", "choose somebody of the organisation")
    if not uow.now < command.due <= uow.now + FURTHEST:
        raise ValueRefused("due", "须晚于今天，两年以内", "must be after today and within two years")
    if command.target not in TARGETS:
        raise ValueRefused("target", "须为 policy、element 或 form", "must be policy, element or form")


def _row(uow: UnitOfWork, improvement: str) -> dict[str, Any] | None:
    table = sql.improvements
    row = uow.connection.execute(select(table).where(table.c.id == improvement)).mappings().first()
    return dict(row) if row else None


def _concerns(uow: UnitOfWork, principal: Principal, row: dict[str, Any]) -> bool:
    return row["owner"] == principal.account_id or _may_review(uow, principal, row["organisation_id"])


def _may_review(uow: UnitOfWork, principal: Principal, organisation: str) -> bool:
    subject = incident_subject(uow, {"organisation_id": organisation, "kind": "drill"})
    return may(principal, Action.DRILL_REVIEW, subject)


def _record(
    uow: UnitOfWork, organisation: str, event: ev.Event, drill: str, text: str, by: Principal, request_id: str
) -> None:  # fmt: skip
    """Append to the stream of the organisation and project at once; the text is sealed under the drill."""
    stream = f"org:{organisation}"
    key = "text" if isinstance(event, ev.ImprovementPlanned) else "note"
    new = NewEvent(
        event.type, uow.now, event.data(), {drill: {key: text}} if text else {}, actor=by.account_id,
        request_id=request_id, command_id=request_id, schema_version=event.schema_version,
    )  # fmt: skip
    stored = uow.append(stream, [new])[0]
    apply(uow.rows(WorkingSet(stream)), stored, event)
