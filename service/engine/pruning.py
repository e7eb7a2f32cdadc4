"""Forgetting history: the state of an instance holds its tokens, not every node they passed.

The library keeps one task per node passed and walks the whole tree after each of them, so a loop
becomes slower with every turn, its stored state grows, and walks stop at depth 1,000 without a
word. What happened is in the event log. A passed task stays only while a living one needs it: as
the way its token came, or as the point where the branches of a join parted.
"""

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.specs import Parting


def prune(workflow: BpmnWorkflow) -> None:
    """Forget the passed tasks of a workflow that is still in motion."""
    if not workflow.completed:
        _drop_ends(workflow)
        _shorten(workflow)


def _drop_ends(page: BpmnWorkflow) -> None:
    """Drop finished tasks from which nothing living descends."""
    for task in reversed(list(page.tasks.values())):
        last: Task | None = task
        while last is not None and last.id in page.tasks and _is_over(last):
            parent = last.parent
            page._remove_task(last.id)
            last = parent


def _is_over(task: Task) -> bool:
    return bool(task.has_state(TaskState.FINISHED_MASK)) and not task._children and task._parent is not None


def _shorten(page: BpmnWorkflow) -> None:
    """Drop a passed task between two others where no branch begins.

    The node a waiting token came by stays, also across a split that nobody has drawn.
    """
    for task in list(page.tasks.values()):
        if task.state != TaskState.COMPLETED or task._parent is None or len(task._children) != 1:
            continue
        child, parent = task.children[0], task.parent
        if child.state != TaskState.COMPLETED or isinstance(child.task_spec, BoundaryEventSplit | Parting):
            continue
        parent._children[parent._children.index(task.id)] = child.id
        child._parent = parent.id
        del page.tasks[task.id]
