"""Errors and escalations: from where they are thrown outward, to the nearest event that catches them.

An error ends what it leaves; an escalation does not, unless its catching event interrupts. Each is
caught once: by an event sub-process of the scope, else by a boundary event of the activity around
it, else the same one scope further out.
"""

from SpiffWorkflow.task import Task

from service.engine import effects as fx
from service.engine import firing, scopes
from service.engine.instance import Instance
from service.engine.model import Node, Trigger


def error(instance: Instance, key: str, node: Node, data: dict[str, object]) -> None:
    """An error end event of a scope was reached; what nobody catches ends the instance with the error."""
    catcher = _catcher(instance, key, Trigger.ERROR, node.error_code)
    if catcher:
        firing.fire(instance, catcher, {})
        return
    instance.error, instance.end = node.error_code, node.id
    scopes.end(instance, data)


def escalate(instance: Instance, key: str, node: Node) -> None:
    """An escalation was thrown; what nobody catches here goes on to the instance that called this one."""
    catcher = _catcher(instance, key, Trigger.ESCALATION, node.escalation_code)
    if catcher:
        firing.fire(instance, catcher, {})
    else:
        instance.ask(fx.EscalationThrown(node.id, node.escalation_code), pause=True)


def from_child(instance: Instance, call: Task, trigger: Trigger, code: str) -> str:
    """The wait that catches what a child threw; "" if nothing does."""
    return _boundary(instance, call, trigger, code) or _catcher(instance, instance.run_of(call), trigger, code)


def _catcher(instance: Instance, key: str | None, trigger: Trigger, code: str) -> str:
    while key is not None:
        run = instance.runs[key]
        armed = {tid: instance.start_node(each) for tid, each in instance.armed.items() if each.run == key}
        found = _fitting(armed, trigger, code)
        if not found and run.host:
            found = _boundary(instance, instance.live[run.host], trigger, code)
        if found:
            return found
        key = run.parent
    return ""


def _boundary(instance: Instance, host: Task, trigger: Trigger, code: str) -> str:
    """The boundary event of an activity that catches a code."""
    beside = {}
    for tid, task in instance.live.items():
        node = instance.node_of(task)
        if node is not None and node.attached_to == host.task_spec.name and task.parent is host.parent:
            beside[tid] = node
    return _fitting(beside, trigger, code)


def _fitting(waits: dict[str, Node], trigger: Trigger, code: str) -> str:
    """An event of exactly this code before one that takes every code."""
    for wanted in (code, ""):
        for tid, node in waits.items():
            own = node.error_code if trigger is Trigger.ERROR else node.escalation_code
            if node.trigger is trigger and own == wanted:
                return tid
    return ""
