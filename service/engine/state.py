"""Instance state to and from its stored form; the specification is not in it.

The form is ours and small: one list per library task, data only where it differs from the parent
task's. What an open collection has begun, and what of it has ended, stands apart (`lists`) and its text is
kept: it is as long as the list of people and rarely changes. `FORMAT` rises when the shape changes; old
formats keep loading (golden states in tests).
A check sum tells a damaged form from one that is as it was written; what was done stands in the log.
"""

import json
import zlib
from collections.abc import Callable, Mapping, Set
from typing import Any

from SpiffWorkflow.util.task import TaskState

from service.domain import json_text
from service.engine.assembly import Assembly
from service.engine.instance import TID, Armed, Instance, Lists, Run
from service.engine.specs import ScriptGate
from service.engine.state_formats import EARLIER, UNNUMBERED, WITHIN, current, numbered
from service.engine.tokens import Marking, Token

FORMAT = 5
ITEMS, ENDED = "items", "ended"
_write = json_text.writer()


class StateError(ValueError):
    """What is stored is no state of this instance: damaged, cut off, unknown, or not of its definition."""


def dump(instance: Instance) -> str:
    """The stored form of an instance, as JSON text."""
    apart = frozenset(tid for tid, task in instance.live.items() if ENDED in task.internal_data)
    state = {
        "process": instance.process_id,
        "counter": instance.counter,
        "status": instance.status,
        "end": instance.end,
        "error": instance.error,
        "armed": {tid: [a.element, a.value, a.due, a.base, a.after, a.run] for tid, a in instance.armed.items()},
        "runs": {key: _dump_run(run, apart) for key, run in instance.runs.items()},
    }
    if instance.skips:
        state["skips"] = sorted(instance.skips)
    body = _write(state)
    if not apart:
        return _with_sum(body)
    lists = _lists(instance, apart)
    rest = body[1:]
    return f'{{"format":{FORMAT},"sum":{zlib.crc32(rest.encode(), lists.sum)},"state":{lists.text}{rest}}}'


def _with_sum(body: str) -> str:
    return f'{{"format":{FORMAT},"sum":{zlib.crc32(body.encode())},"state":{body}}}'


def _lists(instance: Instance, apart: Set[str]) -> Lists:
    """How a state with lists begins. A list that changes is another list, so the same ones have the same text."""
    found = {tid: instance.live[tid].internal_data for tid in sorted(apart)}
    of = [each for data in found.values() for each in (data[ITEMS], data[ENDED])]
    known = instance.lists
    if known is not None and len(known.of) == len(of) and all(a is b for a, b in zip(known.of, of, strict=True)):
        return known
    text = f'{{"lists":{_write({tid: [data[ITEMS], data[ENDED]] for tid, data in found.items()})},'
    instance.lists = Lists(of, text, zlib.crc32(text.encode()))
    return instance.lists


def rewritten(text: str, change: Callable[[str], str]) -> str:
    """A stored form of the newest format with its body changed; for copies under other ids."""
    return _with_sum(change(_body(text)))


def _body(text: str) -> str:
    return text.partition('"state":')[2][:-1]


def _dump_run(run: Run, apart: Set[str]) -> dict[str, Any]:
    return {
        "scope": run.scope, "start": run.start, "parent": run.parent, "host": run.host, "turn": run.turn,
        "over": run.is_over, "terminated": run.is_terminated, "result": run.result, "begun": run.kept,
        "main": None if run.is_over else _dump_workflow(run.workflow, apart),
    }  # fmt: skip


def _dump_workflow(marking: Marking, apart: Set[str]) -> dict[str, Any]:
    """Tokens by place, so that a state does not grow with the number of tokens there ever were."""
    place = {number: place for place, number in enumerate(marking.tasks, start=1)}
    return {
        "spec": marking.spec.name,
        "root": place[marking.task_tree.id],
        "last": place.get(marking.last_task.id) if marking.last_task else None,
        "completed": marking.completed,
        "success": marking.success,
        "tasks": [_dump_token(token, place, apart) for token in marking.tasks.values()],
    }


def _dump_token(token: Token, place: Mapping[int, int], apart: Set[str]) -> list[Any]:
    parent, internal = token.parent, token.internal_data
    if apart and internal.get(TID) in apart:
        internal = {key: value for key, value in internal.items() if key not in (ITEMS, ENDED)}
    return [
        place[token.id],
        None if parent is None else place[parent.id],
        [place[child] for child in token._children],
        token.task_spec.name,
        token.state,
        token.triggered,
        internal,
        None if parent is not None and token.data == parent.data else token.data,
    ]


def load(assembly: Assembly, instance_id: str, text: str) -> Instance:
    """Restore an instance on its pinned definition. Raises StateError."""
    state = _opened(text)
    try:
        return _load(assembly, instance_id, state)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        message = f"it does not fit its definition: {error!r}"
        raise StateError(message) from error


def _opened(text: str) -> dict[str, Any]:
    """The state in its present shape, whatever format it is of."""
    try:
        stored = json.loads(text)
    except ValueError as error:
        message = f"it is no JSON: {error}"
        raise StateError(message) from error
    format_ = stored.get("format") if isinstance(stored, dict) else None
    if format_ in EARLIER:
        return current(stored)
    if format_ not in (UNNUMBERED, WITHIN, FORMAT):
        message = f"unknown state format {format_}"
        raise StateError(message)
    state, body = stored.get("state"), _body(text)
    if not isinstance(state, dict) or stored.get("sum") != zlib.crc32(body.encode()):
        message = "its check sum is wrong"
        raise StateError(message)
    return numbered(state) if format_ == UNNUMBERED else state


def _load(assembly: Assembly, instance_id: str, state: Mapping[str, Any]) -> Instance:
    instance = Instance(assembly, instance_id, state["process"])
    instance.counter, instance.status = state["counter"], state["status"]
    instance.end, instance.error = state["end"], state["error"]
    instance.skips = set(state.get("skips", ()))
    instance.armed = {tid: Armed(*values) for tid, values in state["armed"].items()}
    for key, stored in state["runs"].items():
        instance.runs[key] = _load_run(instance, stored)
    instance.index()
    for tid, (items, ended) in state.get("lists", {}).items():
        instance.live[tid].internal_data.update({ITEMS: items, ENDED: ended})
    return instance


def _load_run(instance: Instance, stored: Mapping[str, Any]) -> Run:
    scope, start = stored["scope"], stored["start"]
    gate = ScriptGate()
    gate.evaluator = instance.value
    workflow = Marking(instance.spec_of(scope, start), gate)
    if stored["main"] is not None:
        _fill(workflow, stored["main"])
    # The first states with scopes as runs did not keep what one that is over began with.
    begun = stored.get("begun") or ({} if stored["over"] else None)
    return Run(
        scope, start, workflow, stored["parent"], stored["host"], stored["turn"],
        stored["over"], stored["terminated"], stored["result"], begun,
    )  # fmt: skip


def _fill(workflow: Marking, stored: Mapping[str, Any]) -> None:
    for number, parent, children, spec, task_state, triggered, internal, data in stored["tasks"]:
        token = Token(workflow, _spec(workflow.spec, spec, task_state), state=task_state, number=number)
        token._parent, token._children = parent, children
        token.triggered, token.internal_data = triggered, internal
        token.data = json.loads(json.dumps(token.parent.data)) if data is None else data
    workflow.last_id = max(workflow.tasks, default=0)
    workflow.task_tree = workflow.tasks[stored["root"]]
    workflow.completed, workflow.success = stored["completed"], stored["success"]
    workflow.last_task = workflow.tasks.get(stored["last"])


def _spec(specs: Any, name: str, task_state: int) -> Any:
    """The specification of a token; a passed one stands as nameless where the assembly has no such part any more."""
    if name not in specs.task_specs and task_state & TaskState.FINISHED_MASK:
        return specs.start
    return specs.task_specs[name]
