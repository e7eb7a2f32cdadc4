"""Improvement actions as they are checked and recorded in the stream of an organisation."""

from datetime import timedelta

from sqlalchemy import select

from service.application import organisations
from service.application.projections import apply
from service.application.services import Services
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.errors import ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet

LONGEST = 500
FURTHEST = timedelta(days=730)
TARGETS = ("policy", "element", "form", "")


def plan(
    uow: UnitOfWork, services: Services, command: cmd.PlanImprovement, *, by: str, request_id: str
) -> str:  # fmt: skip
    """Plan an action after a drill, whoever may; returns its id. Raises ValueRefused (text, owner, due, target)."""
    table = sql.incidents
    row = uow.connection.execute(select(table).where(table.c.id == command.drill)).mappings().one()
    _check(uow, services, row["organisation_id"], command)
    improvement = uow.new_id()
    event = ev.ImprovementPlanned(
        improvement, command.drill, row["procedure"], command.finding, command.target, command.target_id,
        command.owner, command.due.isoformat(),
    )  # fmt: skip
    record(
        uow, row["organisation_id"], event, drill=command.drill, text=command.text.strip(), by=by, request_id=request_id
    )
    return improvement


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


def record(
    uow: UnitOfWork, organisation: str, event: ev.Event, *, drill: str, text: str, by: str, request_id: str
) -> None:  # fmt: skip
    """Append to the stream of the organisation and project at once; the text is sealed under the drill."""
    stream = f"org:{organisation}"
    key = "text" if isinstance(event, ev.ImprovementPlanned) else "note"
    new = NewEvent(
        event.type, uow.now, event.data(), {drill: {key: text}} if text else {}, actor=by,
        request_id=request_id, command_id=request_id, schema_version=event.schema_version,
    )  # fmt: skip
    stored = uow.append(stream, [new])[0]
    apply(uow.rows(WorkingSet(stream)), stored, event)
