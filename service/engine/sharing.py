"""Process data that scripts set are shared, as BPMN says: every token of the instance sees them at once.

What people answer stays with the token that carries it: two branches that ask the same form must
not read each other's answers before they join.
"""

from collections.abc import Iterator

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.instance import LIVE, Instance
from service.engine.joins import copied
from service.engine.model import Node

COUNTER = "loopCounter"


def share(instance: Instance, task: Task, name: str, value: object) -> None:
    """Set a name on a token and wherever else it can be read; what belongs to a turn stays in it."""
    task.data[name] = value
    top = instance.run_of(task)
    while not _is_own(instance, top, name) and instance.runs[top].parent is not None:
        top = instance.runs[top].parent or ""
    for key in _within(instance, top, name):
        run = instance.runs[key]
        run.begun[name] = copied(value)
        if run.result is not None:
            run.result[name] = copied(value)
        for other in [each for each in run.workflow.tasks.values() if each.has_state(LIVE)]:
            if other is not task:
                _carrier(other).data[name] = copied(value)


def _within(instance: Instance, top: str, name: str) -> Iterator[str]:
    """A run and those inside it, without the turns that have the name for themselves."""
    yield top
    for key, run in list(instance.runs.items()):
        if run.parent == top and not _is_own(instance, key, name):
            yield from _within(instance, key, name)


def _carrier(task: Task) -> Task:
    """A token that waits for an event or at a join carries the data of the node before it until it goes on."""
    return task.parent if task.state == TaskState.WAITING and not task.data else task


def _is_own(instance: Instance, key: str, name: str) -> bool:
    run = instance.runs[key]
    host = instance.live.get(run.host)
    node: Node | None = instance.node_of(host) if host is not None else None
    repeat = node.repeat if node is not None else None
    return repeat is not None and name in {COUNTER, repeat.item, repeat.output_item}
