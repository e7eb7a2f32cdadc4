"""Waiting events: giving them ids and due times, and firing those whose facts are there.

No event waits inside the library. Timers get a due time here and fire when their due row is
worked; messages and signals fire by id; conditions are looked at whenever facts may have changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.domain import events as ev
from service.engine import effects as fx
from service.engine import entering, firing, timers
from service.engine.expressions import to_json
from service.engine.instance import TID, Armed, Instance
from service.engine.model import Kind, Node, Trigger

TIMERS = {Trigger.DATE, Trigger.DURATION, Trigger.CYCLE}


def wait_event(tid: str, page: str, node: Node, *, person: str, due: str | None) -> ev.WaitArmed:
    """The event of a wait that begins."""
    trigger = Trigger.MESSAGE if node.kind is Kind.RECEIVE else node.trigger
    name = node.message or node.signal
    expression = node.condition or node.timer
    return ev.WaitArmed(
        tid, page, node.id, trigger.value, name, expression, node.listed, node.form, node.role,
        list(node.also), person, due,
    )  # fmt: skip


def due_of(
    instance: Instance, node: Node, data: Mapping[str, object], base: datetime, *, after: datetime | None = None
) -> str | None:
    """Due time of a timer event armed at `base`, in UTC; None if it has none (yet).

    Its expression sees `base` as now, so that looking again does not move it. A cycle keeps its
    phase from `base`; its next turn is the first one after `after`.
    """
    scope = replace(instance.context.scope(data), now=base)
    if node.trigger is Trigger.DATE:
        due = timers.due_date(node.timer, scope)
    elif node.trigger is Trigger.DURATION:
        due = timers.due_duration(node.timer, scope, base)
    elif node.trigger is Trigger.CYCLE:
        schedule = timers.cycle(node.timer, scope, base)
        due = timers.next_due(schedule, after or base) if schedule else None
    else:
        due = None
    return due.isoformat() if due else None


def arm_event_subprocesses(instance: Instance, key: str) -> None:
    """When a scope begins: one armed start per event sub-process of it (traps 2 and 22)."""
    scope = instance.runs[key].scope
    process = instance.assembly.process(scope)
    for parent in process.level(scope.partition(":")[2]):
        if parent.kind is not Kind.EVENT_SUBPROCESS:
            continue
        start = next(n for n in process.level(parent.id) if n.kind is Kind.START)
        arm_start(instance, start, key)


def arm_start(instance: Instance, node: Node, key: str, *, before: Armed | None = None) -> None:
    """The start event of an event sub-process begins to wait; `before` is its wait that has just fired."""
    tid = instance.next_id()
    instance.at = node.id
    data = instance.runs[key].data
    base = datetime.fromisoformat(before.base) if before else instance.context.now
    after = instance.context.horizon if before else base
    due = due_of(instance, node, data, base, after=after)
    value = before.value if before else None
    instance.armed[tid] = Armed(node.id, value, due, base.isoformat(), after.isoformat(), key)
    person = str(data.get("person") or "")
    instance.emit(wait_event(tid, instance.page_of_run(key), node, person=person, due=due))


def arm_boundary(instance: Instance, task: Task, node: Node) -> None:
    """A boundary event begins to wait together with its host."""
    tid = instance.hold(task)
    base = datetime.fromisoformat(task.internal_data.setdefault("base", instance.context.now.isoformat()))
    after = datetime.fromisoformat(task.internal_data.get("after", base.isoformat()))
    due = due_of(instance, node, task.data or task.parent.data, base, after=after)
    task.internal_data["due"] = due
    person = str((task.data or task.parent.data).get("person") or "")
    instance.emit(wait_event(tid, instance.page_of(task), node, person=person, due=due))


def arm_catch(instance: Instance, task: Task, node: Node, tid: str) -> None:
    """An intermediate event begins to wait."""
    due = due_of(instance, node, task.data, instance.context.now)
    task.internal_data.update(base=instance.context.now.isoformat(), due=due)
    person = str(task.data.get("person") or "")
    instance.emit(wait_event(tid, instance.page_of(task), node, person=person, due=due))


def arm_gateway(instance: Instance, task: Task, node: Node) -> None:
    """Each event behind an event-based gateway waits under an id of its own (trap 6)."""
    process = instance.assembly.process(task.workflow.spec.name)
    task.internal_data.update(arms={}, dues={}, base=instance.context.now.isoformat())
    arm_behind(instance, task, [flow.target for flow in process.outgoing(node.id)])


def arm_behind(instance: Instance, gateway: Task, elements: Sequence[str]) -> None:
    """Events behind an event-based gateway begin to wait."""
    process = instance.assembly.process(gateway.workflow.spec.name)
    for element in elements:
        target, tid = process.nodes[element], instance.next_id()
        due = due_of(instance, target, gateway.data, instance.context.now)
        gateway.internal_data["arms"][tid] = target.id
        gateway.internal_data["dues"][tid] = due
        person = str(gateway.data.get("person") or "")
        instance.emit(wait_event(tid, instance.page_of(gateway), target, person=person, due=due))


def react_to_facts(instance: Instance) -> bool:
    """Fire one condition that has come true, or grow one collection; True if something moved."""
    for tid, task in list(instance.live.items()):
        node = instance.node_of(task)
        if node is None:
            continue
        instance.at = node.id
        if node.kind is Kind.OPEN:
            moved = _grow(instance, tid, task, node)
        elif node.kind is Kind.EVENT_GATEWAY:
            moved = _react_gateway(instance, task)
        else:
            moved = _react_event(instance, tid, task, node)
        if moved:
            return True
    return any(_react_armed(instance, tid, armed) for tid, armed in list(instance.armed.items()))


def _react_event(instance: Instance, tid: str, task: Task, node: Node) -> bool:
    if node.trigger is Trigger.DATE and node.kind in {Kind.CATCH, Kind.BOUNDARY}:
        due = due_of(instance, node, task.data or task.parent.data, _base(task))
        if due != task.internal_data.get("due"):
            task.internal_data["due"] = due
            instance.emit(ev.WaitMoved(tid, due))
        return False
    if node.trigger is not Trigger.CONDITIONAL or node.kind not in {Kind.CATCH, Kind.BOUNDARY}:
        return False
    holds = bool(instance.value(node.condition, task.data or task.parent.data))
    seen = task.internal_data.get("seen", False)
    task.internal_data["seen"] = holds
    instance.is_dirty = instance.is_dirty or holds != seen
    if holds and not seen:
        firing.fire(instance, tid, {})
        return True
    return False


def _base(task: Task) -> datetime:
    return datetime.fromisoformat(task.internal_data["base"])


def _react_gateway(instance: Instance, task: Task) -> bool:
    process = instance.assembly.process(task.workflow.spec.name)
    for tid, element in task.internal_data["arms"].items():
        node = process.nodes[element]
        if node.trigger is Trigger.DATE:
            due = due_of(instance, node, task.data, _base(task))
            if due != task.internal_data["dues"][tid]:
                task.internal_data["dues"][tid] = due
                instance.emit(ev.WaitMoved(tid, due))
        if node.trigger is Trigger.CONDITIONAL and instance.value(node.condition, task.data):
            firing.fire(instance, tid, {})
            return True
    return False


def _react_armed(instance: Instance, tid: str, armed: Armed) -> bool:
    """Rising edge, each new truthy value, or once: as the diagram says (`tocsin:edge`)."""
    node = instance.start_node(armed)
    instance.at = node.id
    if node.trigger in {Trigger.DATE, Trigger.CYCLE}:  # their expressions may read deadlines and facts
        base, after = datetime.fromisoformat(armed.base), datetime.fromisoformat(armed.after)
        due = due_of(instance, node, instance.runs[armed.run].data, base, after=after)
        if due != armed.due:
            armed.due = due
            instance.emit(ev.WaitMoved(tid, due))
        return False
    if node.trigger is not Trigger.CONDITIONAL or (node.edge == "once" and armed.value):
        return False
    value = to_json(instance.value(node.condition, instance.runs[armed.run].data))
    before, armed.value = armed.value, value
    instance.is_dirty = instance.is_dirty or before != value
    if not value or (before and (node.edge != "each" or before == value)):
        return False
    firing.fire(instance, tid, {})
    return True


def fire_all(instance: Instance, tids: Sequence[str]) -> None:
    """Fire one wait after the other, before any token moves; those that have ended are passed over.

    A wait may stand there several times: an event that does not interrupt begins again, under another id.
    """
    again: dict[str, str] = {}
    for first in tids:
        tid = first
        while tid in again:
            tid = again[tid]
        if not instance.is_waiting(tid):
            continue
        armed, task = instance.armed.get(tid), instance.live.get(tid)
        firing.fire(instance, tid, {})
        if armed is not None:
            same = (armed.element, armed.run)
            fresh = next((each for each, other in instance.armed.items() if (other.element, other.run) == same), "")
        else:
            fresh = _boundary_again(instance, task) if task is not None else ""
        if fresh:
            again[tid] = fresh
        instance.sweep()  # an interrupting one has ended others


def _boundary_again(instance: Instance, fired: Task) -> str:
    """The boundary event that takes the place of one that has fired and does not interrupt, waiting now."""
    node = instance.node_of(fired)
    if node is None or node.kind is not Kind.BOUNDARY:
        return ""
    for task in fired.parent.children:
        if task.task_spec is fired.task_spec and task.state == TaskState.WAITING and TID not in task.internal_data:
            arm_boundary(instance, task, node)
            return str(task.internal_data[TID])
    return ""


def _grow(instance: Instance, tid: str, task: Task, node: Node) -> bool:
    """Start a child for every new row of an open collection; complete it when it may end."""
    rows = instance.context.facts.get(node.collection, ())
    fresh = _fresh(instance, tid, rows, task.internal_data["items"])
    for item in fresh:
        data = {**task.data, "item": item}
        inputs = {"person": item, **entering.resolved_inputs(instance, node, data)}
        instance.ask(fx.ChildWanted(tid, node.id, node.called, inputs, item=item), pause=True)
    if fresh:
        task.internal_data["items"] = [*task.internal_data["items"], *fresh]
        return True
    items, ended = task.internal_data["items"], task.internal_data["ended"]
    all_ended = len(ended) >= len(items) and set(items) <= set(ended)
    if all_ended and (not node.completion or instance.value(node.completion, task.data)):
        firing.fire(instance, tid, {})
        return True
    return False


def _fresh(instance: Instance, tid: str, rows: object, items: list[str]) -> list[str]:
    """Rows that have no child yet; a list that was looked at already, as the very same object, has none."""
    if not isinstance(rows, list | tuple) or instance.grown.get(tid) is rows:
        return []
    instance.grown[tid] = rows
    known = set(items)
    return list(dict.fromkeys(item for item in rows if item not in known))


def rearm_start(instance: Instance, node: Node, armed: Armed) -> None:
    """A non-interrupting event sub-process waits again after it has started."""
    if node.trigger in {Trigger.DATE, Trigger.DURATION}:
        return
    arm_start(instance, node, armed.run, before=armed)
