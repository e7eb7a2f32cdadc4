"""The few task specifications our assembly needs beside the library's own.

Every wait is held by us: nothing in here reads a clock, catches an event or evaluates text by
itself. That is what makes timers, messages and conditions exact.
"""

from typing import Any

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, EndEvent
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.operators import Operator
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

CHOICE = "choice"


class Stepwise(TaskSpec):
    """Looks one node ahead.

    The library predicts a straight line of nodes to its end when a token reaches its beginning, by
    recursion: some 250 nodes are too many. Here a node gets its followers when its own token comes.
    """

    def _predict(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def _update(self, my_task: Task) -> None:
        if not my_task._children:
            self._predict_hook(my_task)
        super()._update(my_task)


class Pass(Stepwise, BpmnTaskSpec):
    """A node that is done as soon as it is reached."""


class Hold(Stepwise, BpmnTaskSpec):
    """A node that waits until the instance completes it: tasks, calls, intermediate events."""

    def __init__(self, wf_spec: Any, name: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.manual = True


class EventChoice(Hold):
    """An event-based gateway: goes on along the one event that happened.

    The library shares one due date between all timers behind such a gateway (trap 6); here the
    waits are rows of ours, and the winner is named before the gateway is run.
    """

    def _predict_hook(self, my_task: Task) -> None:
        my_task._sync_children(self.outputs, state=TaskState.MAYBE)

    def _run_hook(self, my_task: Task) -> bool:
        chosen = my_task.workflow.spec.get_task_spec_from_name(my_task.internal_data[CHOICE])
        my_task._sync_children([chosen], TaskState.FUTURE)
        for child in my_task.children:
            child.task_spec._predict(child, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
        return True


class Fork(Stepwise, BpmnTaskSpec):
    """A diverging parallel gateway.

    The library's gateway is split and join in one and drops the branches of an earlier visit when
    a second token passes (a non-interrupting event that fires twice); a pure split has no memory.
    """


class InclusiveFork(BpmnTaskSpec, MultiChoice):
    """A diverging inclusive gateway: every flow whose condition holds, else the default."""

    def __init__(self, wf_spec: Any, name: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.default_name = ""
        self.always: list[str] = []  # flows without a condition, of an activity

    def _run_hook(self, my_task: Task) -> bool:
        names = [name for condition, name in self.cond_task_specs if condition and condition._matches(my_task)]
        chosen = [*self.always, *(names or [self.default_name])]
        chosen = [name for name in chosen if name]
        if not chosen:
            message = f"no way out of {self.name} holds, and it has no default"
            raise WorkflowException(message, task_spec=self)
        my_task._sync_children(
            [my_task.workflow.spec.get_task_spec_from_name(name) for name in chosen], TaskState.FUTURE
        )
        for child in my_task.children:
            child.task_spec._predict(child, mask=TaskState.FUTURE | TaskState.PREDICTED_MASK)
        return True


class Parting(InclusiveFork):
    """The inclusive fork behind an activity with conditional flows, which nobody has drawn."""


class Ending(Stepwise, EndEvent):
    """An end event."""


class HostSplit(Stepwise, BoundaryEventSplit):
    """Stands before an activity with boundary events: starts it and their waiting."""


class HostEvent(Stepwise, BoundaryEvent):
    """A boundary event."""


class HeldEvent(EventDefinition):
    """The definition of every boundary event: fires only when the instance says so."""

    def catches(self, _my_task: Task, _event: Any) -> bool:
        """Never: the library delivers nothing to us."""
        return False


class FlowCondition(Operator):
    """A condition of a sequence flow, evaluated by the instance in the scope of the step."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def _matches(self, task: Task) -> bool:
        return bool(task.workflow.script_engine.condition(task, self.text))


class _NoEnvironment:
    """Takes the place of the library's environment, which is plain eval and exec (trap 9)."""

    def evaluate(self, *_args: Any, **_kwargs: Any) -> Any:
        message = "the library must not evaluate expressions"
        raise PermissionError(message)

    execute = evaluate
    call_service = evaluate


class ScriptGate(PythonScriptEngine):
    """The script engine of every workflow: hands conditions to our evaluator, refuses the rest."""

    def __init__(self) -> None:
        super().__init__(environment=_NoEnvironment())
        self.evaluator: Any = None

    def condition(self, task: Task, text: str) -> object:
        """Value of a flow condition for a token."""
        return self.evaluator(text, task.data)
