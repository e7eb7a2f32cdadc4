"""Tokens, waits and human work."""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class ElementEntered(Event):
    """A token waits at a node; `visit` is our id of that wait."""

    type: ClassVar[str] = "element_entered"
    visit: str
    process: str
    element: str
    flow: str


@event
@dataclass(frozen=True, slots=True)
class ElementCompleted(Event):
    """A node is done; `flows` are the sequence flows its token came by (several at a join)."""

    type: ClassVar[str] = "element_completed"
    visit: str
    process: str
    element: str
    flows: list[str]


@event
@dataclass(frozen=True, slots=True)
class IterationCompleted(Event):
    """One turn of a looped or multi-instance activity is done; `iteration` counts from 1."""

    type: ClassVar[str] = "iteration_completed"
    visit: str
    process: str
    element: str
    iteration: int


@event
@dataclass(frozen=True, slots=True)
class ElementCancelled(Event):
    """A wait was given up: its task, child or timer is gone."""

    type: ClassVar[str] = "element_cancelled"
    visit: str
    process: str
    element: str


@event
@dataclass(frozen=True, slots=True)
class TaskOpened(Event):
    """A human task; `kind` is user, send, receive or delivery. `rule` and `subject` name its deadline."""

    type: ClassVar[str] = "task_opened"
    task: str
    process: str
    element: str
    kind: str
    role: str
    also: list[str]
    form: str
    person: str
    rule: str
    subject: str


@event
@dataclass(frozen=True, slots=True)
class WaitArmed(Event):
    """A waiting event; `due` only for timers whose time is known."""

    type: ClassVar[str] = "wait_armed"
    wait: str
    process: str
    element: str
    trigger: str
    name: str
    expression: str
    listed: str
    form: str
    role: str
    also: list[str]
    person: str
    due: str | None


@event
@dataclass(frozen=True, slots=True)
class WaitMoved(Event):
    """The due time of a waiting timer changed, because a deadline was started, moved or met."""

    type: ClassVar[str] = "wait_moved"
    wait: str
    due: str | None


@event
@dataclass(frozen=True, slots=True)
class WaitEnded(Event):
    """A wait is over; `reason` is fired or cancelled."""

    type: ClassVar[str] = "wait_ended"
    wait: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class DecisionMade(Event):
    """A decision table was evaluated; outcomes that are facts of a person are sealed."""

    type: ClassVar[str] = "decision_made"
    decision: str
    element: str
    person: str
    rules: list[int]
    values: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class TaskClaimed(Event):
    """Somebody took the task for himself."""

    type: ClassVar[str] = "task_claimed"
    task: str
    assignee: str


@event
@dataclass(frozen=True, slots=True)
class TaskReleased(Event):
    """The task went back to its roles."""

    type: ClassVar[str] = "task_released"
    task: str


@event
@dataclass(frozen=True, slots=True)
class TaskDelegated(Event):
    """The task was handed to another person; the reason is kept as given by staff about work."""

    type: ClassVar[str] = "task_delegated"
    task: str
    assignee: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class TaskNotExecutable(Event):
    """The assignee says it cannot be done; the leaders are told."""

    type: ClassVar[str] = "task_not_executable"
    task: str
    reason: str


@event
@dataclass(frozen=True, slots=True)
class TaskCompleted(Event):
    """A form view was answered; the answers are in the `RecordSaved` before it."""

    type: ClassVar[str] = "task_completed"
    task: str
    done_at: str
    late_minutes: int
    late_reason: str


@event
@dataclass(frozen=True, slots=True)
class RecordSaved(Event):
    """A form view with its public answers; the rest is sealed under the person or the incident."""

    type: ClassVar[str] = "record_saved"
    form: str
    view: str
    person: str
    task: str
    answers: dict[str, Any]
