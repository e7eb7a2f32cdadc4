"""What a token does at a node: wait there with an id of ours, or pass at once."""

from collections.abc import Mapping

from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.task import Task

from service.domain import events as ev
from service.engine import arming, raising, turns
from service.engine import effects as fx
from service.engine.decisions import evaluate as decide
from service.engine.expressions import resolve, to_json
from service.engine.instance import TID, EngineError, Instance
from service.engine.model import Kind, Node, Trigger
from service.engine.sharing import share

_SILENT = {Trigger.NONE, Trigger.TERMINATE, Trigger.LINK, Trigger.ERROR, Trigger.ESCALATION}
TASKS = {Kind.USER, Kind.MANUAL, Kind.SEND, Kind.RECEIVE}


def waits_outside(instance: Instance, task: Task) -> bool:
    """True for tokens the library keeps waiting and we must name: boundary events."""
    return isinstance(task.task_spec, BoundaryEvent) and instance.node_of(task) is not None


def take(instance: Instance, task: Task) -> None:
    """Take one token one node further."""
    node = instance.node_of(task)
    instance.at = node.id if node is not None else instance.at
    if node is None:
        task.run()
    elif node.kind is Kind.BOUNDARY and TID not in task.internal_data:
        arming.arm_boundary(instance, task, node)
    elif task.task_spec.manual:
        _wait(instance, task, node)
    else:
        _pass(instance, task, node)


def _enter(instance: Instance, task: Task, node: Node) -> str:
    tid = instance.hold(task)
    flows = instance.flows_into(task)
    instance.emit(ev.ElementEntered(tid, instance.page_of(task), node.id, flows[0] if flows else ""))
    if not instance.is_turn(task):
        instance.mark_deadlines(node, "enter", task.data)
    return tid


def _wait(instance: Instance, task: Task, node: Node) -> None:
    if node.id in instance.skips:
        _skip(instance, task, node)
        return
    if instance.is_host(task, node):
        turns.enter(instance, task, node, _enter(instance, task, node))
        return
    if node.kind is Kind.SEND and _channel(instance, task, node) == "auto":
        instance.ask(fx.SendReached(node.id, dict(task.data)), pause=True)
        _run(instance, task, "")
        return
    tid = _enter(instance, task, node)
    if node.kind in TASKS:
        _open_task(instance, task, node, tid)
    elif node.kind is Kind.CALL:
        inputs = resolved_inputs(instance, node, task.data)
        instance.ask(fx.ChildWanted(tid, node.id, node.called, inputs), pause=True)
    elif node.kind is Kind.OPEN:
        task.internal_data.update(items=[], ended=[])
    elif node.kind is Kind.EVENT_GATEWAY:
        arming.arm_gateway(instance, task, node)
    else:
        arming.arm_catch(instance, task, node, tid)


def _channel(instance: Instance, task: Task, node: Node) -> str:
    return str(resolve(node.channel or "auto", instance.context.scope(task.data)))


def _open_task(instance: Instance, task: Task, node: Node, tid: str) -> None:
    rule, subject = instance.bound(node, task.data)
    page = instance.page_of(task)
    person = str(task.data.get("person") or "")
    instance.emit(
        ev.TaskOpened(tid, page, node.id, node.kind.value, node.role, list(node.also), node.form, person, rule, subject)
    )
    if node.kind is Kind.RECEIVE:
        instance.emit(arming.wait_event(tid, page, node, person=person, due=None))


def resolved_inputs(instance: Instance, node: Node, data: Mapping[str, object]) -> dict[str, object]:
    """Values of the declared inputs of a call or a throw."""
    scope = instance.context.scope(data)
    values = {name: resolve(text, scope) for name, text in node.inputs.items()}
    return {name: to_json(value) for name, value in values.items()}


def _run(instance: Instance, task: Task, tid: str) -> None:
    if isinstance(task.task_spec, MultiChoice):
        task.run()  # a gateway without a way out has not been passed
        instance.completed(task, tid)
        return
    instance.completed(task, tid)
    task.run()


def _skip(instance: Instance, task: Task, node: Node) -> None:
    """Pass over an element without what it does, once, because an operator said so."""
    instance.skips.discard(node.id)
    tid = task.internal_data.get(TID, "")
    instance.emit(
        ev.ElementCompleted(tid or instance.next_id(), instance.page_of(task), node.id, instance.flows_into(task))
    )
    task.run()


def _pass(instance: Instance, task: Task, node: Node) -> None:
    tid = task.internal_data.get(TID, "")
    instance.live.pop(tid, None)
    if node.id in instance.skips:
        _skip(instance, task, node)
        return
    if node.kind is Kind.RULE:
        _decide(instance, task, node)
    elif node.kind is Kind.SCRIPT:
        _assign(instance, task, node)
    elif node.kind is Kind.SERVICE:
        instance.ask(fx.ServiceReached(node.id, dict(task.data)), pause=True)
    elif node.kind is Kind.THROW or node.kind is Kind.END:
        _throw(instance, task, node)
    key = instance.run_of(task)
    if node.kind is Kind.END:
        _note_end(instance, key, node)
    _run(instance, task, tid)
    if node.kind is Kind.END and node.trigger is Trigger.ERROR:
        raising.error(instance, key, node, task.data)
    elif node.kind in {Kind.END, Kind.THROW} and node.trigger is Trigger.ESCALATION:
        raising.escalate(instance, key, node)


def _note_end(instance: Instance, key: str, node: Node) -> None:
    """Remember the end of the main flow, or of the event sub-process that took its place, and a termination."""
    run = instance.runs[key]
    run.is_terminated = run.is_terminated or node.trigger is Trigger.TERMINATE
    is_in_its_place = (
        run.parent == "" and not run.host and instance.runs[""].result is None and instance.runs[""].is_over
    )
    if key == "" or is_in_its_place:
        instance.end = node.id


def _decide(instance: Instance, task: Task, node: Node) -> None:
    """Evaluate the table once, or once for each row of a list: then with what is known of that row's person."""
    tables, context = instance.assembly.decisions, instance.context
    inputs = resolved_inputs(instance, node, task.data)
    for item in _listed(instance, node):
        names = {**task.data, **inputs, **({"person": item, "item": item} if item else {})}
        around = context.about(item) if item and context.about else context
        result = decide(node.decision, tables, around.scope(names))
        values = {name: to_json(value) for name, value in result.values.items()}
        if node.decision not in context.fact_decisions and not item:
            task.data[node.decision] = values
        instance.ask(fx.DecisionTaken(node.decision, node.id, values, result.matched, item), pause=True)


def _listed(instance: Instance, node: Node) -> tuple[str, ...]:
    """Rows of the fact list a node goes through; one nameless row where it has none."""
    if not node.each:
        return ("",)
    rows = instance.context.facts.get(node.each, ())
    return tuple(map(str, rows)) if isinstance(rows, list | tuple) else ()


def _assign(instance: Instance, task: Task, node: Node) -> None:
    for line in filter(None, (part.strip() for part in node.script.splitlines())):
        name, _, text = line.partition("=")
        share(instance, task, name.strip(), to_json(instance.value(text.strip(), task.data)))


def _throw(instance: Instance, task: Task, node: Node) -> None:
    if node.trigger is Trigger.MESSAGE:
        for item in _listed(instance, node):
            data = {**task.data, "item": item} if node.each else task.data
            inputs = resolved_inputs(instance, node, data)
            instance.ask(fx.MessageThrown(node.id, node.message, item, inputs), pause=True)
    elif node.trigger is Trigger.SIGNAL:
        instance.has_thrown = True
        instance.ask(fx.SignalThrown(node.id, node.signal), pause=True)
    elif node.trigger not in _SILENT:
        raise EngineError(node.id, f"a thrown {node.trigger} is not supported")
