"""Joins of our own: they count tokens as BPMN 2.0 says and never mix what belongs to two branches.

The library's joins count what passed in an earlier turn of a loop, so a join in a loop fires with
one branch missing, and they merge data by position and by who came last. Here a token that waits
is a task in state WAITING; a join takes one per incoming flow and no more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.specs import Stepwise

_ARRIVED = "arrived"
_END = "End"  # the library's name of the last node of every specification


class ProcessSpec(BpmnProcessSpec):
    """A specification whose end waits by our rules."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        last, theirs = self.task_specs[_END], f"{name}.EndJoin"
        del self.task_specs[theirs]
        last.inputs = []
        self.end: EndJoin = EndJoin(self, theirs)
        self.end.connect(last)


class Join(Stepwise, BpmnTaskSpec):
    """A converging parallel gateway: takes one token of each incoming flow, the oldest ones first."""

    def _update_hook(self, my_task: Task) -> bool:
        tokens = waiting(my_task)
        if my_task not in tokens:
            arrived(my_task)
            tokens.append(my_task)
        taken = self._one_of_each(tokens, my_task)
        if taken is None:
            return False
        my_task.data = merged(taken)
        for token in taken:
            if token is not my_task:
                token.cancel()
        return True

    def _one_of_each(self, tokens: list[Task], newest: Task) -> list[Task] | None:
        wanted: Counter[str] = Counter(self._inputs)
        taken = []
        for token in sorted(tokens, key=lambda each: (each is not newest, arrival(each))):
            source = token.parent.task_spec.name
            if wanted[source]:
                wanted[source] -= 1
                taken.append(token)
        is_complete = newest in taken and not wanted.total()
        return sorted(taken, key=arrival) if is_complete else None


class EndJoin(Stepwise, BpmnTaskSpec):
    """The end of a scope: every token that ends joins here; the last one ends the scope."""

    def _update_hook(self, my_task: Task) -> bool:
        tokens = waiting(my_task)
        if my_task not in tokens:
            my_task._set_state(TaskState.WAITING)
            my_task.data = merged([*tokens, my_task])
            for token in tokens:
                token.cancel()
        return not any(self._is_moving(task) for task in my_task.workflow.tasks.values())

    def _is_moving(self, task: Task) -> bool:
        return task.has_state(TaskState.DEFINITE_MASK) and task.task_spec is not self and task.task_spec.name != _END


class HostJoin(Stepwise, BpmnTaskSpec):
    """Stands behind an activity and its boundary events: whoever ends the wait cancels the others."""

    def _update_hook(self, my_task: Task) -> bool:
        came = my_task.parent
        is_event = isinstance(came.task_spec, BoundaryEvent)
        if not (is_event and not came.task_spec.cancel_activity):
            for other in came.parent.children:
                if other is not came and other.has_state(TaskState.NOT_FINISHED_MASK):
                    other.cancel()
        return True


def merged(tokens: Sequence[Task]) -> dict[str, Any]:
    """Data of tokens that become one: what each branch changed since they parted, in order of arrival.

    A branch that did not touch a value cannot bring an old one back; lists are values, never merged.
    """
    base = _parting(tokens).data if len(tokens) > 1 else _data(tokens[0])
    result: dict[str, Any] = copied(base)
    for token in tokens:
        apply_changes(result, base, _data(token))
    return result


def apply_changes(result: dict[str, Any], base: Mapping[str, Any], branch: Mapping[str, Any]) -> None:
    """Put into `result` what a branch changed since `base`."""
    for key, value in branch.items():
        before = base.get(key)
        if key in base and before == value:
            continue
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            apply_changes(result[key], before if isinstance(before, dict) else {}, value)
        else:
            result[key] = copied(value)


def _parting(tokens: Sequence[Task]) -> Task:
    """The nearest task that all tokens come from."""
    common = _line(tokens[0])
    for token in tokens[1:]:
        line = {task.id for task in _line(token)}
        common = [task for task in common if task.id in line]
    return common[0]


def _line(task: Task) -> list[Task]:
    found = []
    while (task := task.parent) is not None:
        found.append(task)
    return found


def arrived(my_task: Task) -> None:
    """A token begins to wait at a join, behind those that are there."""
    my_task.internal_data[_ARRIVED] = 1 + max([arrival(token) for token in waiting(my_task)], default=0)
    my_task._set_state(TaskState.WAITING)


def waiting(my_task: Task) -> list[Task]:
    """Tokens that wait at the same join of the same workflow."""
    tasks = my_task.workflow.tasks.values()
    return [task for task in tasks if task.task_spec is my_task.task_spec and task.state == TaskState.WAITING]


def arrival(token: Task) -> int:
    """The turn in which a waiting token came."""
    number: int = token.internal_data[_ARRIVED]
    return number


def _data(token: Task) -> dict[str, Any]:
    """What a token carries: its own data once it waits at the end, else that of the node it came by."""
    data: dict[str, Any] = token.data or token.parent.data
    return data


def copied(value: Any) -> Any:
    """A copy of process data that shares nothing with it."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
