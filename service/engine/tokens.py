"""Tokens and the marking they make: the library's task and workflow with an index of who is ready and who waits.

The library finds ready and waiting tasks by walking the whole tree after every single node, names tasks
by random numbers and composes a log line for each change of state. Here a change of state keeps two small
sets, which say the same (a test compares them with the walk), and ids count up from 1.
"""

from typing import Any

from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

WAITING = TaskState.WAITING | TaskState.STARTED


class Token(Task):
    """A task of the library that tells its marking what becomes of it."""

    def __init__(
        self, workflow: Any, task_spec: Any, parent: Any = None, state: int = TaskState.MAYBE, number: int = 0
    ) -> None:  # fmt: skip
        super().__init__(workflow, task_spec, parent, state, number or workflow.next_id())
        workflow.note(self)

    def _set_state(self, value: int) -> None:
        if value != self.state:
            self._state = value
            self.workflow.note(self)

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> "Token":
        if self.has_state(TaskState.PREDICTED_MASK) and state & TaskState.PREDICTED_MASK == 0:
            message = "a task that may never come cannot have a child that comes"
            raise WorkflowException(message, task_spec=self.task_spec)
        token = Token(self.workflow, task_spec, self, state)
        if state == TaskState.READY:
            token._ready()
        return token


class Marking(BpmnWorkflow):
    """The tokens of one scope in motion; `ready` and `waiting` are by id, in the order they came into that state.

    `has_moved` stays set until somebody has pruned the marking.
    """

    def __init__(self, spec: Any, gate: Any) -> None:
        """An empty marking: `begin` puts the first token, `state.load` puts stored ones."""
        self.last_id = 0
        self.ready: dict[int, Token] = {}
        self.waiting: dict[int, Token] = {}
        self.has_moved = True
        super().__init__(spec, {}, script_engine=gate, deserializing=True)
        self.task_tree: Any = None

    def begin(self) -> None:
        """Put a token at the start."""
        self.task_tree = Token(self, self.spec.start, state=TaskState.FUTURE)
        self.task_tree.task_spec._predict(self.task_tree, mask=TaskState.NOT_FINISHED_MASK)
        self.task_tree._ready()

    def next_id(self) -> int:
        """An id no token of this marking had."""
        self.last_id += 1
        return self.last_id

    def note(self, token: Token) -> None:
        """A token is new, or changed its state."""
        self.has_moved = True
        if token._state == TaskState.READY:
            self.ready[token.id] = token
        else:
            self.ready.pop(token.id, None)
        if token._state & WAITING:
            self.waiting[token.id] = token
        else:
            self.waiting.pop(token.id, None)

    def candidates(self) -> list[Token]:
        """Tokens that may go on, oldest first."""
        found = {**self.ready, **self.waiting}
        return [found[id_] for id_ in sorted(found)]

    def update_waiting_tasks(self) -> None:
        """As the library does after every node, without the walk."""
        for token in list(self.waiting.values()):
            if token._state == TaskState.WAITING:
                token.task_spec._update(token)

    def _task_removed_notify(self, task: Any) -> None:
        self.ready.pop(task.id, None)
        self.waiting.pop(task.id, None)
