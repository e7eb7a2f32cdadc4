"""An instance on the specifications of another version: every token stays where it is, nothing has moved yet.

Tokens keep their ids, data and way; a passed step the new version does not have stands as a nameless one. What
was foreseen behind a token is forgotten and foreseen anew. Activities get the boundary events they have now.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine import state
from service.engine.assembly import Assembly, split_name, start_spec
from service.engine.instance import LIVE, TID, EngineError, Instance, Run
from service.engine.model import Kind, Node, Process, Trigger

TIMERS = frozenset({Trigger.DATE, Trigger.DURATION, Trigger.CYCLE})
_FORESEEN = TaskState.MAYBE | TaskState.LIKELY | TaskState.FUTURE


@dataclass(slots=True)
class Fitted:
    """The instance on the new version. `gone` are ids of events nobody waits for any more.

    `starts` are event sub-processes that begin to wait, by the key of their run; `arms` are events that begin to
    wait behind an event gateway, by its own id.
    """

    instance: Instance
    gone: list[str] = field(default_factory=list)
    starts: list[tuple[str, str]] = field(default_factory=list)
    arms: dict[str, list[str]] = field(default_factory=dict)


def is_same_event(old: Node | None, new: Node | None) -> bool:
    """Whether who waits at an event goes on waiting there: the same place and kind of event; a timer may be another."""
    if old is None or new is None:
        return False
    same = (old.kind, old.attached_to, old.parent) == (new.kind, new.attached_to, new.parent)
    is_timer = old.trigger in TIMERS and new.trigger in TIMERS
    named = (old.message, old.signal, old.error_code, old.escalation_code)
    return same and (is_timer or old.trigger is new.trigger) and named == (
        new.message, new.signal, new.error_code, new.escalation_code,
    )  # fmt: skip


def fit(instance: Instance, target: Assembly) -> Fitted:
    """A copy of an instance on another version; the plan has found nothing against it."""
    copy = state.load(instance.assembly, instance.id, state.dump(instance))
    fitted = Fitted(copy)
    for key, run in copy.runs.items():
        _fit_starts(fitted, target, key, run)
        if not run.is_over:
            _fit_run(fitted, target, run)
    fitted.instance = state.load(target, instance.id, state.dump(copy))
    fitted.instance.is_dirty = True
    for task in fitted.instance.tasks():
        if task.has_state(LIVE) and not task._children:
            task.task_spec._predict_hook(task)
    return fitted


def _fit_starts(fitted: Fitted, target: Assembly, key: str, run: Run) -> None:
    """Event sub-processes of a scope: those that are gone, and those that begin to wait."""
    copy, scope = fitted.instance, run.scope
    old, new, parent = copy.assembly.process(scope), target.process(scope), scope.partition(":")[2]
    for tid, armed in list(copy.armed.items()):
        if armed.run == key and not is_same_event(old.nodes.get(armed.element), new.nodes.get(armed.element)):
            fitted.gone.append(tid)
            del copy.armed[tid]
    if run.is_over and run.result is None:
        return  # an interrupting one took its place
    waiting = {armed.element for armed in copy.armed.values() if armed.run == key}
    for sub in new.level(parent):
        if sub.kind is Kind.EVENT_SUBPROCESS:
            start = next(node for node in new.level(sub.id) if node.kind is Kind.START)
            if start.id not in waiting and not is_same_event(old.nodes.get(start.id), start):
                fitted.starts.append((key, start.id))


def _fit_run(fitted: Fitted, target: Assembly, run: Run) -> None:
    old, new = fitted.instance.assembly.process(run.scope), target.process(run.scope)
    workflow = run.workflow
    starts = [node.id for node in new.level(run.scope.partition(":")[2]) if node.kind is Kind.START]
    run.start = run.start if run.start in starts or not run.start else next(iter(starts), "")
    spec = start_spec(target, run.scope, run.start)
    _forget_foreseen(workflow)
    for task in list(_hosts(fitted.instance, run)):
        _fit_boundary(fitted, (old, new), task, spec)
    for task in workflow.tasks.values():
        task.task_spec = _spec(spec, task)
    for task in workflow.tasks.values():
        if task.task_spec.name in new.nodes and new.nodes[task.task_spec.name].kind is Kind.EVENT_GATEWAY:
            _fit_arms(fitted, (old, new), task)


def _spec(spec: Any, task: Task) -> Any:
    found = spec.task_specs.get(task.task_spec.name)
    if found is None and not task.has_state(TaskState.FINISHED_MASK):
        raise EngineError(task.task_spec.name, "the new version has no such step")
    return found or spec.start


def _forget_foreseen(workflow: BpmnWorkflow) -> None:
    for task in list(workflow.tasks.values()):
        if task.id in workflow.tasks and task.has_state(_FORESEEN):
            workflow._remove_task(task.id)


def _hosts(instance: Instance, run: Run) -> Iterator[Task]:
    """Activities at work in a run, those inside their own turn left out: they have no boundary events there."""
    for task in run.workflow.tasks.values():
        is_activity = TID in task.internal_data and not isinstance(task.task_spec, BoundaryEvent)
        if is_activity and task.has_state(LIVE) and not instance.is_turn(task):
            yield task


def _fit_boundary(fitted: Fitted, processes: tuple[Process, Process], task: Task, spec: Any) -> None:
    """The boundary events of an activity at work: some gone, some new; one that has fired does not come again."""
    old, new = processes
    host, workflow = task.task_spec.name, task.workflow
    had = {node.id: node for node in old.boundaries(host)}
    has = {node.id: node for node in new.boundaries(host)}
    split = task.parent if task.parent is not None and task.parent.task_spec.name == split_name(host) else None
    waiting = {child.task_spec.name: child for child in split.children if _waits(child)} if split is not None else {}
    for name, child in waiting.items():
        if not is_same_event(had.get(name), has.get(name)):
            fitted.gone.append(child.internal_data[TID])
            workflow._remove_task(child.id)
    added = [name for name, node in has.items() if not is_same_event(had.get(name), node)]
    if has and split is None:
        split = _put_before(task, spec.task_specs[split_name(host)])
    for name in added:
        Task(workflow, spec.task_specs[name], parent=split, state=TaskState.WAITING)


def _waits(task: Task) -> bool:
    return isinstance(task.task_spec, BoundaryEvent) and bool(task.has_state(LIVE)) and TID in task.internal_data


def _put_before(task: Task, spec: Any) -> Task:
    """Put the library's split between a token and where it came from; a task stands behind its parent in the store."""
    workflow, parent = task.workflow, task.parent
    split = Task(workflow, spec, state=TaskState.COMPLETED)
    split._parent, split._children = parent.id, [task.id]
    split.data = dict(parent.data)
    parent._children[parent._children.index(task.id)] = split.id
    task._parent = split.id
    later = {id_: each for id_, each in workflow.tasks.items() if id_ != split.id}
    workflow.tasks.clear()
    for id_, each in later.items():
        if id_ == task.id:
            workflow.tasks[split.id] = split
        workflow.tasks[id_] = each
    return split


def _fit_arms(fitted: Fitted, processes: tuple[Process, Process], gateway: Task) -> None:
    """The events behind an event gateway that waits: some gone, some new."""
    old, new = processes
    arms: dict[str, str] = gateway.internal_data.get("arms", {})
    if not arms:
        return
    behind = [flow.target for flow in new.outgoing(gateway.task_spec.name)]
    for tid, element in list(arms.items()):
        if element not in behind or not is_same_event(old.nodes.get(element), new.nodes.get(element)):
            fitted.gone.append(tid)
            del arms[tid]
            gateway.internal_data["dues"].pop(tid, None)
    fresh = [element for element in behind if element not in arms.values()]
    if fresh:
        fitted.arms[gateway.internal_data[TID]] = fresh
