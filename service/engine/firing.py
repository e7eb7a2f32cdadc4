"""Commands on waits: completing a task, firing an event, ending a child."""

from collections.abc import Mapping

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.domain import events as ev
from service.engine import effects as fx
from service.engine import raising, scopes
from service.engine.instance import EngineError, Instance
from service.engine.model import Kind, Node, Trigger
from service.engine.specs import CHOICE


def fire(instance: Instance, tid: str, outputs: Mapping[str, object]) -> None:
    """Complete the wait with this id. Raises EngineError if it is not waiting."""
    if tid in instance.armed:
        _start_event_subprocess(instance, tid, outputs)
        return
    for gateway in list(instance.live.values()):
        if tid in gateway.internal_data.get("arms", {}):
            _choose(instance, gateway, tid, outputs)
            return
    task = instance.live.get(tid)
    node = instance.node_of(task) if task is not None else None
    if task is None or node is None or not instance.can_be_completed(task):
        raise EngineError("", f"{tid} is not waiting")
    instance.at = node.id
    del instance.live[tid]
    if node.kind is Kind.BOUNDARY:
        _fire_boundary(instance, task, node, tid=tid, outputs=outputs)
        return
    merge(task.data, outputs)
    if node.kind in {Kind.CATCH, Kind.RECEIVE}:
        instance.emit(ev.WaitEnded(tid, "fired"))
    instance.completed(task, tid)
    task.run()


def merge(data: dict[str, object], outputs: Mapping[str, object]) -> None:
    """Put outputs into process data; fields of one form are merged by name."""
    for key, value in outputs.items():
        below = data.get(key)
        data[key] = {**below, **value} if isinstance(below, dict) and isinstance(value, Mapping) else value


def _choose(instance: Instance, gateway: Task, tid: str, outputs: Mapping[str, object]) -> None:
    arms = gateway.internal_data["arms"]
    for other in arms:
        instance.emit(ev.WaitEnded(other, "fired" if other == tid else "cancelled"))
    own, instance.at = gateway.internal_data["tid"], arms[tid]
    del instance.live[own]
    merge(gateway.data, outputs)
    instance.completed(gateway, own)
    gateway.internal_data[CHOICE] = arms[tid]
    gateway.run()
    event = next(child for child in gateway.children if child.task_spec.name == arms[tid])
    instance.completed(event, tid)
    event.run()


def _fire_boundary(instance: Instance, task: Task, node: Node, *, tid: str, outputs: Mapping[str, object]) -> None:
    instance.emit(ev.WaitEnded(tid, "fired"))
    if not node.interrupting and node.trigger not in {Trigger.DATE, Trigger.DURATION}:
        again = task.parent._add_child(task.task_spec, TaskState.WAITING)
        kept = {key: task.internal_data[key] for key in ("base", "seen") if key in task.internal_data}
        again.internal_data.update(kept, after=instance.context.horizon.isoformat())
    task.task_spec.event_definition.catch(task)
    task.task_spec._update(task)
    merge(task.data, outputs)
    instance.completed(task, tid)
    task.run()


def _start_event_subprocess(instance: Instance, tid: str, outputs: Mapping[str, object]) -> None:
    armed = instance.armed[tid]
    start = instance.start_node(armed)
    instance.at = start.id
    instance.emit(ev.WaitEnded(tid, "fired"))
    data = dict(instance.runs[armed.run].data)
    merge(data, outputs)
    scopes.start_event_subprocess(instance, tid, start, data)


def child_ended(instance: Instance, tid: str, *, item: str, result: Mapping[str, object], error: str) -> None:
    """Give a call its child's result, or fire the boundary error event that catches its error."""
    task = instance.live.get(tid)
    node = instance.node_of(task) if task is not None else None
    if task is None or node is None:
        raise EngineError("", f"{tid} is not waiting for a child")
    if item:
        task.internal_data["ended"] = [*task.internal_data["ended"], item]
        instance.is_dirty = True
        return
    if not error:
        fire(instance, tid, {name: result[name] for name in node.outputs if name in result})
        return
    catcher = raising.from_child(instance, task, Trigger.ERROR, error)
    if not catcher:
        raise EngineError(node.id, f"nothing catches the error {error}")
    fire(instance, catcher, {})


def child_escalated(instance: Instance, tid: str, code: str) -> None:
    """Fire the event that catches a child's escalation; without one it goes on to the next caller."""
    task = instance.live.get(tid)
    if task is None:
        return
    catcher = raising.from_child(instance, task, Trigger.ESCALATION, code)
    if catcher:
        fire(instance, catcher, {})
    else:
        instance.ask(fx.EscalationThrown(task.task_spec.name, code), pause=True)
