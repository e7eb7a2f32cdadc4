"""Converging inclusive gateways, by the letter of BPMN 2.0 (13.4.3).

A token that arrives waits until no other token can still come by a flow that has none: every way
from another token to an empty incoming flow is matched by a way to one that has a token already.
That can only be told when nothing else moves, so the instance asks (`release`) before it rests.
"""

from collections.abc import Iterable

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.joins import arrival, arrived, merged, waiting
from service.engine.model import Flow, Process
from service.engine.specs import InclusiveFork, Stepwise

TOOK = "took"  # the sequence flows the tokens taken came by
_MET = "met"


class InclusiveJoin(Stepwise, InclusiveFork):
    """An inclusive gateway with several ways in; it may have several ways out, too."""

    def _update_hook(self, my_task: Task) -> bool:
        if my_task.internal_data.get(_MET):
            return True
        arrived(my_task)
        return False


def release(process: Process, tokens: Iterable[Task]) -> bool:
    """Let one gateway of a workflow go on if it may; `tokens` are those of the same workflow. True if one did."""
    alive = [task for task in tokens if task.task_spec.name in process.nodes]
    joins = {task.task_spec.name: task for task in alive if _is_waiting(task)}
    for name in sorted(joins):
        held = waiting(joins[name])
        came = _oldest_of_each(process, name, held)
        others = {task.task_spec.name for task in alive if task.task_spec.name != name}
        if _may_go_on(process, name, came, others):
            _take(came)
            return True
    return False


def _is_waiting(task: Task) -> bool:
    return isinstance(task.task_spec, InclusiveJoin) and task.state == TaskState.WAITING


def _oldest_of_each(process: Process, name: str, held: list[Task]) -> dict[str, Task]:
    """The token that waited longest, by the incoming flow it came by."""
    came: dict[str, Task] = {}
    for token in sorted(held, key=arrival):
        came.setdefault(_flow(process, name, token).id, token)
    return came


def _flow(process: Process, name: str, token: Task) -> Flow:
    source = token.parent
    while source is not None and source.task_spec.name not in process.nodes:
        source = source.parent
    origin = source.task_spec.name if source is not None else ""
    return next(flow for flow in process.incoming(name) if flow.source == origin)


def _may_go_on(process: Process, name: str, came: dict[str, Task], others: set[str]) -> bool:
    incoming = process.incoming(name)
    full = {flow.source for flow in incoming if flow.id in came}
    empty = {flow.source for flow in incoming if flow.id not in came}
    return not any(_reaches(process, at, empty, name) and not _reaches(process, at, full, name) for at in others)


def _reaches(process: Process, at: str, targets: set[str], avoided: str) -> bool:
    """Whether a token at a node can come to one of the targets without passing the gateway itself."""
    seen, pending = {at}, [at]
    while pending:
        current = pending.pop()
        if current in targets:
            return True
        for following in process.following(current):
            if following not in seen and following != avoided:
                seen.add(following)
                pending.append(following)
    return False


def _take(came: dict[str, Task]) -> None:
    tokens = sorted(came.values(), key=arrival)
    last = tokens[-1]
    last.data = merged(tokens)
    last.internal_data.update({_MET: True, TOOK: sorted(came)})
    for token in tokens[:-1]:
        token.cancel()
    last.task_spec._update(last)
