"""Tasks: the inbox, one task with its form, and what may be done with it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, TaskAnswer, TaskPageAnswer, page_of, task_answer, task_page_answer
from service.application import tasks as use_cases
from service.application.queries import Reader, cursors, inbox, task_pages
from service.application.queries.inbox import TaskFilter
from service.application.queries.reader import OPEN_STATES
from service.application.tasks import TaskOutcome
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/tasks", tags=["tasks"])

State = Literal["open", "claimed", "completed", "cancelled"]
Instant = Annotated[AwareDatetime, Field(strict=False)]


class Completion(Body):
    """The answer to a task; `done_at` in the body wins over the form."""

    data: dict[str, Any] = Field(default_factory=dict)
    done_at: Instant | None = None
    late_reason: str = Field(default="", max_length=500)


class Delegation(Body):
    """To whom and why."""

    to: str
    reason: str = Field(min_length=1, max_length=500)


class Reason(Body):
    """Why it cannot be done."""

    reason: str = Field(min_length=1, max_length=500)


class DraftData(Body):
    """What is typed so far; nothing is checked."""

    data: dict[str, Any]


class Outcome(Answer):
    """What completing a task did: the tasks it opened, and those that closed with it."""

    task: str
    opened: list[str]
    closed: list[str]


class Saved(Answer):
    """A kept draft."""

    task: str
    saved_at: datetime


@router.get("")
def listed(
    door: Annotated[Door, permit(Action.SELF_READ)],
    *,
    state: Annotated[list[State] | None, Query()] = None,
    mine: bool = False,
    role: str = "",
    incident: str = "",
    overdue: bool | None = None,
    cursor: str = "",
    limit: int = cursors.LIMIT,
) -> Page[TaskAnswer]:
    """Tasks the caller may see, due first. Without `state` those not finished; `mine`: those the caller may do."""
    wanted = TaskFilter(
        whose="group" if mine else "all",
        states=tuple(state or OPEN_STATES),
        role=role,
        incident=incident,
        overdue=overdue,
    )
    found = door.read(lambda reader: inbox.listing(reader, wanted, cursor=cursor, limit=limit))
    return page_of([task_answer(each) for each in found.items], found.next)


@router.get("/{task}")
def one(task: str, door: Annotated[Door, permit(Action.TASK_READ)]) -> TaskPageAnswer:
    """One task with its form, draft and surroundings."""
    return door.read(lambda reader: _page(reader, task))


@router.post("/{task}/claim", response_model=TaskPageAnswer)
def claim(task: str, door: Annotated[Door, permit(Action.TASK_CLAIM)]) -> Response:
    """Take a task. 409 if somebody else has it."""
    return door.change(use_cases.claim, cmd.ClaimTask(task), lambda reader, _: _page(reader, task))


@router.post("/{task}/release", response_model=TaskPageAnswer)
def release(task: str, door: Annotated[Door, permit(Action.TASK_RELEASE)]) -> Response:
    """Give a task back to its roles."""
    return door.change(use_cases.release, cmd.ReleaseTask(task), lambda reader, _: _page(reader, task))


@router.post("/{task}/delegate", response_model=TaskPageAnswer)
def delegate(task: str, body: Delegation, door: Annotated[Door, permit(Action.TASK_DELEGATE)]) -> Response:
    """Hand a task to another candidate."""
    command = cmd.DelegateTask(task, body.to, body.reason)
    return door.change(use_cases.delegate, command, lambda reader, _: _page(reader, task))


@router.post("/{task}/draft", response_model=Saved)
def draft(task: str, body: DraftData, door: Annotated[Door, permit(Action.TASK_DRAFT)]) -> Response:
    """Keep what is typed so far, for the caller alone."""

    def saved(reader: Reader, _: None) -> Saved:
        return Saved(task=task, saved_at=reader.now)

    return door.change(use_cases.save_draft, cmd.SaveDraft(task, body.data), saved)


@router.post("/{task}/complete", response_model=Outcome)
async def complete(task: str, body: Completion, door: Annotated[Door, permit(Action.TASK_COMPLETE)]) -> Response:
    """Answer a task. 409 if it is no longer open, 422 with field errors; an overdue task stays completable."""
    command = cmd.CompleteTask(task, body.data, body.done_at, body.late_reason)
    return await door.complete(use_cases.complete, command, completed)


def completed(outcome: TaskOutcome) -> Outcome:
    """What completing a task did, as it is answered."""
    return Outcome(task=outcome.task, opened=list(outcome.opened), closed=list(outcome.closed))


@router.post("/{task}/not-executable", response_model=TaskPageAnswer)
def not_executable(task: str, body: Reason, door: Annotated[Door, permit(Action.TASK_REFUSE)]) -> Response:
    """Say that a task cannot be done: the leaders are told, it stays open."""
    command = cmd.MarkNotExecutable(task, body.reason)
    return door.change(use_cases.not_executable, command, lambda reader, _: _page(reader, task))


def _page(reader: Reader, task: str) -> TaskPageAnswer:
    return task_page_answer(task_pages.page(reader, task))
