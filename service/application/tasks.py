"""Human tasks: answering, claiming, handing over, drafts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service.application import answers, assignment, escalation, organisations
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import TRAINER, Action, Principal, TaskSubject, require
from service.domain.drill_players import playing
from service.domain.errors import IncidentClosed, NoSuch, NotAllowed, TaskClaimed, TaskNotOpen
from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

OPEN = ("open", "claimed")
OnTask = Callable[[Advance, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What completing a task did: ids of the tasks it opened and of those that closed with it."""

    task: str
    opened: tuple[str, ...]
    closed: tuple[str, ...]


def complete(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.CompleteTask, *, request_id: str = ""
) -> TaskOutcome:
    """Answer a task; it stays completable when late.

    Raises:
        TaskNotOpen: Somebody else was first, or the task was cancelled; says who and when.
        FormRefused: Every field error; nothing is stored.
        NotAllowed: The principal holds none of the task's roles.
    """

    def work(on: Advance) -> TaskOutcome:
        row = open_task(on, command.task)
        on.origin = origin(principal, row, request_id)
        require(principal, Action.TASK_COMPLETE, subject_of(on, row))
        on.done_at = command.done_at
        before = len(on.moved_tasks)  # a timer that was due may have moved some
        who = principal
        if on.origin.on_behalf_of:
            who = playing(principal, row["organisation_id"], {row["role"], *row["also"]})
        answers.answer(on, answers.target_of_task(on, row), who, command.data, command.late_reason)
        on.settle()
        uow.pending.remove(sql.drafts, command.task)
        return TaskOutcome(command.task, *_moved(on, before))

    incident = incident_of(uow, services, command.task)
    return advance(uow, services, incident, Origin(principal.account_id, request_id=request_id), work)


def _moved(on: Advance, before: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tasks that were opened since, and those that were closed; one that came and went is neither."""
    since = on.moved_tasks[before:]
    fresh = {task for task, is_opened in since if is_opened}
    gone = {task for task, is_opened in since if not is_opened}
    return tuple(sorted(fresh - gone)), tuple(sorted(gone - fresh))


def incident_of(uow: UnitOfWork, services: Services, task: str) -> str:
    """The incident a task belongs to. Raises NoSuch."""
    instance = task.rpartition("-")[0]
    known = services.live.incident_of(instance)
    if known is None:
        known = str(_task(uow, task)["incident_id"])
        services.live.belongs(instance, known)
    return known


def claim(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.ClaimTask, *, request_id: str = ""
) -> None:
    """Take a task. Raises TaskClaimed if somebody else has it, TaskNotOpen if it is over."""

    def work(on: Advance, row: Mapping[str, Any]) -> None:
        require(principal, Action.TASK_CLAIM, subject_of(on, row))
        if row["assignee"] not in (None, principal.account_id):
            raise TaskClaimed(name_of(on, row["assignee"]))
        on.record(ev.TaskClaimed(row["id"], principal.account_id), row=on.instance_row(row["instance_id"]))

    _on_task(uow, services, principal, command.task, work, request_id=request_id)


def release(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.ReleaseTask, *, request_id: str = "",
    right: Action = Action.TASK_RELEASE,
) -> None:  # fmt: skip
    """Give a claimed task back to its roles."""

    def work(on: Advance, row: Mapping[str, Any]) -> None:
        require(principal, right, subject_of(on, row))
        on.record(ev.TaskReleased(row["id"]), row=on.instance_row(row["instance_id"]))

    _on_task(uow, services, principal, command.task, work, request_id=request_id)


def delegate(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.DelegateTask, *, request_id: str = "",
    right: Action = Action.TASK_DELEGATE,
) -> None:  # fmt: skip
    """Hand a task to another candidate. Raises NotAllowed if the other one is none."""

    def work(on: Advance, row: Mapping[str, Any]) -> None:
        require(principal, right, subject_of(on, row))
        roles = [row["role"], *row["also"]]
        people = organisations.candidates(uow.connection, row["organisation_id"], roles, now=uow.now)
        able = {person.account_id for person in people} | assignment.offered_to(assignment.steps_of(on, row["id"]))
        if command.to not in able:
            raise NotAllowed(Action.TASK_DELEGATE.value)
        event = ev.TaskDelegated(row["id"], command.to, command.reason)
        on.record(event, row=on.instance_row(row["instance_id"]))

    _on_task(uow, services, principal, command.task, work, request_id=request_id)


def not_executable(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.MarkNotExecutable, *, request_id: str = ""
) -> None:
    """Say that a task cannot be done: the leaders are told at once, the task stays open."""

    def work(on: Advance, row: Mapping[str, Any]) -> None:
        require(principal, Action.TASK_REFUSE, subject_of(on, row))
        instance = on.instance_row(row["instance_id"])
        on.record(ev.TaskNotExecutable(row["id"], command.reason), row=instance, element=row["element"])
        escalation.tell(on, escalation.LEADERS, "task_not_executable", {"task": row["id"], "element": row["element"]})

    _on_task(uow, services, principal, command.task, work, request_id=request_id)


def save_draft(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.SaveDraft, *, request_id: str = ""
) -> None:
    """Keep what is typed so far, sealed; nothing is checked and nothing is logged."""
    del services, request_id
    task = _task(uow, command.task)
    assigned = select(sql.assignments).where(sql.assignments.c.task_id == command.task)
    steps = [dict(row) for row in uow.connection.execute(assigned).mappings()]
    kind = uow.connection.execute(select(sql.incidents.c.kind).where(sql.incidents.c.id == task["incident_id"]))
    require(principal, Action.TASK_DRAFT, _subject(uow, task, steps, is_drill=kind.scalar() == "drill"))
    if task["state"] not in OPEN:
        raise TaskNotOpen(str(task["completed_by"] or ""), task["ended_at"])
    uow.alone(f"draft:{command.task}:{principal.account_id}")
    sealed = uow.sealer.seal_text(uow.connection, {task["incident_id"]: dict(command.data)})
    drafts = sql.drafts
    mine = (drafts.c.task_id == command.task) & (drafts.c.account_id == principal.account_id)
    uow.connection.execute(drafts.delete().where(mine))
    uow.connection.execute(
        drafts.insert().values(task_id=command.task, account_id=principal.account_id, sealed=sealed, saved_at=uow.now)
    )


def origin(principal: Principal, task: Mapping[str, Any], request_id: str) -> Origin:
    """The origin of a command on a task: the principal in the first role he holds of it."""
    roles = [task["role"], *task["also"]]
    held = principal.memberships.get(task["organisation_id"], frozenset())
    role = next((role for role in roles if role in held), "")
    if not role and TRAINER in principal.roles:  # who may answer it all the same is the trainer of a drill
        return Origin(principal.account_id, TRAINER, str(task["role"]), command_id=request_id, request_id=request_id)
    return Origin(actor=principal.account_id, role=role, request_id=request_id, command_id=request_id)


def subject_of(on: Advance, task: Mapping[str, Any]) -> TaskSubject:
    """The subject of access for a task."""
    return _subject(on.uow, task, assignment.steps_of(on, task["id"]), is_drill=on.incident["kind"] == "drill")


def _subject(
    uow: UnitOfWork, task: Mapping[str, Any], steps: Sequence[Mapping[str, Any]], *, is_drill: bool
) -> TaskSubject:
    tree = organisations.hierarchy(uow)
    return TaskSubject(
        organisation_id=task["organisation_id"], role=task["role"], also=tuple(task["also"]),
        assignee=task["assignee"], ancestors=tree.ancestors(task["organisation_id"]), is_drill=is_drill,
        offered=assignment.offered_to(steps),
    )  # fmt: skip


def name_of(on: Advance, account: str | None) -> str:
    """Display name of an account; empty for the system."""
    statement = select(sql.accounts.c.name).where(sql.accounts.c.id == account)
    return str(on.uow.connection.execute(statement).scalar() or "")


def _task(uow: UnitOfWork, task: str) -> dict[str, Any]:
    table = sql.tasks
    row = uow.connection.execute(select(table).where(table.c.id == task)).mappings().first()
    if row is None:
        raise NoSuch("task", task)
    return dict(row)


def open_task(on: Advance, task: str) -> Row:
    """The row of a task that is not over. Raises NoSuch, TaskNotOpen, IncidentClosed."""
    row = on.rows.get(sql.tasks, task)
    if row is None:
        raise NoSuch("task", task)
    if row["state"] not in OPEN:
        if row["state"] == "cancelled" and on.incident["closed_at"] is not None:
            raise IncidentClosed(on.incident["number"])
        raise TaskNotOpen(name_of(on, row["completed_by"]) or "—", row["ended_at"])
    return row


def _on_task(
    uow: UnitOfWork, services: Services, principal: Principal, task: str, work: OnTask, *, request_id: str
) -> None:  # fmt: skip
    row = _task(uow, task)
    advance(
        uow, services, row["incident_id"], origin(principal, row, request_id), lambda on: work(on, open_task(on, task))
    )
