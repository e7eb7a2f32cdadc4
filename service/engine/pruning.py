"""Forgetting history: the state of an instance holds its tokens, not every node they passed.

The library keeps one task per node passed and walks the whole tree after each of them, so a loop
becomes slower with every turn, its stored state grows, and walks stop at depth 1,000 without a
word. What happened is in the event log. A passed task stays only while a living one needs it: as
the way its token came, or as the point where the branches of a join parted.
"""

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.util.task import TaskState

from service.engine.specs import Parting
from service.engine.tokens import Marking, Token


def prune(marking: Marking) -> None:
    """Forget the passed tokens of a marking that is still in motion."""
    if marking.has_moved and not marking.completed:
        _drop_ends(marking)
        _shorten(marking)
        marking.has_moved = False


def _drop_ends(marking: Marking) -> None:
    """Drop finished tokens from which nothing living descends."""
    for token in reversed(list(marking.tasks.values())):
        last: Token | None = token
        while last is not None and last.id in marking.tasks and _is_over(last):
            parent = last.parent
            marking._remove_task(last.id)
            last = parent


def _is_over(token: Token) -> bool:
    return bool(token._state & TaskState.FINISHED_MASK) and not token._children and token._parent is not None


def _shorten(marking: Marking) -> None:
    """Drop a passed token between two others where no branch begins.

    The node a waiting token came by stays, also across a split that nobody has drawn.
    """
    tokens = marking.tasks
    for token in list(tokens.values()):
        if token._state != TaskState.COMPLETED or token._parent is None or len(token._children) != 1:
            continue
        child, parent = tokens[token._children[0]], tokens[token._parent]
        if child._state != TaskState.COMPLETED or isinstance(child.task_spec, BoundaryEventSplit | Parting):
            continue
        parent._children[parent._children.index(token.id)] = child.id
        child._parent = parent.id
        del tokens[token.id]
