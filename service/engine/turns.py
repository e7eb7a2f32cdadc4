"""The inside of an activity, once or in turns: standard loops and multi-instance, by BPMN 2.0 (13.3.6, 13.3.7).

How many instances there are is settled when the token arrives. Each turn works on a copy of the
activity's data with `loopCounter` (from 1) and its item; what it changes is taken over when it
ends, its output at the place of its item.
"""

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.task import Task

from service.domain import events as ev
from service.engine import scopes
from service.engine.assembly import scope_name
from service.engine.expressions import to_json
from service.engine.instance import EngineError, Instance, Run
from service.engine.joins import apply_changes, copied
from service.engine.model import Kind, Node, Repeat, Turns
from service.engine.sharing import COUNTER

MAX_INSTANCES = 1_000
_TURNS = "turns"


def enter(instance: Instance, task: Task, node: Node, tid: str) -> None:
    """Begin the inside of an activity that has just got its token."""
    repeat = node.repeat
    if repeat is None:
        scopes.begin(instance, tid, _scope(instance, task, node), copied(task.data), host=tid)
        return
    total, items = (None, None) if repeat.turns is Turns.LOOP else _instances(instance, task, node, repeat)
    outputs = [None] * (total or 0) if repeat.output else None
    task.internal_data[_TURNS] = {"total": total, "begun": 0, "done": 0, "items": items, "outputs": outputs}
    if total == 0 or not _may_begin(instance, task, repeat):
        _complete(instance, task, node, tid)
        return
    for _ in range(total or 1 if repeat.turns is Turns.PARALLEL else 1):
        _begin_turn(instance, task, node, tid)


def ended(instance: Instance, key: str, run: Run) -> None:
    """The inside of an activity, or one turn of it, is over."""
    tid, result = run.host, run.result or {}
    task = instance.live[tid]
    node = instance.node_of(task)
    if node is None:
        raise EngineError(run.scope, f"{tid} is no activity")
    instance.at = node.id
    if node.repeat is None:
        task.data = result
        _complete(instance, task, node, tid)
        return
    if node.kind in {Kind.SUBPROCESS, Kind.INLINE}:
        instance.emit(ev.IterationCompleted(key, instance.page_of(task), node.id, run.turn))
    kept = task.internal_data[_TURNS]
    kept["done"] += 1
    _take_over(task, node.repeat, run, result)
    if node.repeat.turns is Turns.LOOP:
        is_done = not _goes_on(instance, task, node.repeat)
    else:
        is_done = kept["done"] == kept["total"] or _is_complete(instance, task, node.repeat, run)
    if is_done:
        instance.stop_inside(tid)
        instance.sweep()
        _complete(instance, task, node, tid)
    elif node.repeat.turns is not Turns.PARALLEL:
        _begin_turn(instance, task, node, tid)


def _scope(instance: Instance, task: Task, node: Node) -> str:
    return node.called if node.kind is Kind.INLINE else scope_name(instance.page_of(task), node.id)


def _begin_turn(instance: Instance, task: Task, node: Node, tid: str) -> None:
    kept = task.internal_data[_TURNS]
    kept["begun"] += 1
    data = {**copied(task.data), COUNTER: kept["begun"]}
    if kept["items"] is not None and node.repeat and node.repeat.item:
        data[node.repeat.item] = copied(kept["items"][kept["begun"] - 1])
    scopes.begin(instance, instance.next_id(), _scope(instance, task, node), data, host=tid, turn=kept["begun"])


def _complete(instance: Instance, task: Task, node: Node, tid: str) -> None:
    kept = task.internal_data.pop(_TURNS, None)
    if kept is not None and kept["outputs"] is not None and node.repeat is not None:
        task.data[node.repeat.output] = kept["outputs"]
    del instance.live[tid]
    instance.completed(task, tid)
    task.run()


# --- how many -------------------------------------------------------------------------------------


def _instances(instance: Instance, task: Task, node: Node, repeat: Repeat) -> tuple[int, list[Any] | None]:
    """How many instances, and the items of the list they go through."""
    if not repeat.collection:
        return _number(instance, task, node, repeat.limit), None
    listed = to_json(instance.value(repeat.collection, task.data))
    if not isinstance(listed, list):
        raise EngineError(node.id, f"{repeat.collection} is not a list")
    return _bounded(node, len(listed)), listed


def _number(instance: Instance, task: Task, node: Node, text: str) -> int:
    value = instance.value(text.removeprefix("="), task.data)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise EngineError(node.id, f"not a number of turns: {value!r}")
    return _bounded(node, int(value))


def _bounded(node: Node, count: int) -> int:
    if count > MAX_INSTANCES:
        raise EngineError(node.id, f"{count} instances, at most {MAX_INSTANCES}")
    return count


def _may_begin(instance: Instance, task: Task, repeat: Repeat) -> bool:
    return repeat.turns is not Turns.LOOP or not repeat.is_tested_before or _goes_on(instance, task, repeat)


def _goes_on(instance: Instance, task: Task, repeat: Repeat) -> bool:
    """Whether a loop takes another turn."""
    done = task.internal_data[_TURNS]["done"]
    if repeat.limit and done >= int(repeat.limit):
        return False
    return not repeat.condition or bool(instance.value(repeat.condition, {**task.data, COUNTER: done}))


# --- what a turn leaves ---------------------------------------------------------------------------


def _take_over(task: Task, repeat: Repeat, run: Run, result: Mapping[str, Any]) -> None:
    """What a turn changed becomes data of the activity; its counter, item and output stay its own."""
    kept = task.internal_data[_TURNS]
    own = {COUNTER, repeat.item, repeat.output_item}
    apply_changes(task.data, run.begun, {name: value for name, value in result.items() if name not in own})
    if kept["outputs"] is not None:
        outputs = list(kept["outputs"])
        outputs[run.turn - 1] = copied(result.get(repeat.output_item or repeat.output))
        kept["outputs"] = outputs


def _is_complete(instance: Instance, task: Task, repeat: Repeat, run: Run) -> bool:
    """Whether the completion condition holds after a turn; it sees the turn's data and BPMN's counters."""
    if not repeat.completion:
        return False
    kept = task.internal_data[_TURNS]
    names = {
        **task.data, **(run.result or {}), "numberOfInstances": kept["total"],
        "numberOfCompletedInstances": kept["done"], "numberOfTerminatedInstances": 0,
        "numberOfActiveInstances": kept["begun"] - kept["done"],
    }  # fmt: skip
    if kept["outputs"] is not None:
        names[repeat.output] = kept["outputs"]
    return bool(instance.value(repeat.completion, names))
