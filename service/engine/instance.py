"""A live process instance: the library moves the tokens, this class decides what each one means.

Every wait of the instance (task, call, event, armed start of an event sub-process) has an id of
ours, `{instance}-{n}` from a stored counter, kept in the library task's internal data; the same
commands on the same state therefore give the same events (the library's own ids are random).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.domain import events as ev
from service.engine import effects as fx
from service.engine.assembly import NESTED, Assembly, scope_name, start_spec
from service.engine.expressions import evaluate
from service.engine.inclusive import TOOK
from service.engine.model import Kind, Node, Process
from service.engine.specs import ScriptGate
from service.engine.tokens import Marking

TID = "tid"
LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED


class EngineError(Exception):
    """The instance cannot go on; the stored state stands and the cause is shown to an operator."""

    def __init__(self, element: str, cause: str) -> None:
        super().__init__(f"{element}: {cause}")
        self.element, self.cause = element, cause


class Standstill(EngineError):
    """The instance neither waits nor is finished: its tokens wait for others that cannot come."""


@dataclass(slots=True)
class Run:
    """One scope in motion: the main flow (key ""), a page, a sub-process, one turn of an activity.

    `parent` is the key of the scope around it, None for the main flow; `host` is the wait of the
    activity whose inside it is, "" for an event sub-process; `turn` counts from 1. A scope that
    `is_over` has no token left and only waits for its event sub-processes; `result` is its data then.
    """

    scope: str
    start: str
    workflow: Marking
    parent: str | None = None
    host: str = ""
    turn: int = 0
    is_over: bool = False
    is_terminated: bool = False
    result: dict[str, Any] | None = None
    kept: dict[str, Any] | None = None  # what it began with, once it is over

    @property
    def begun(self) -> dict[str, Any]:
        """The data it began with."""
        data: dict[str, Any] = self.workflow.task_tree.data if self.kept is None else self.kept
        return data

    @property
    def data(self) -> dict[str, Any]:
        """What its event sub-processes see: the data it began with, or what it left."""
        return self.begun if self.result is None else self.result

    def close(self, result: dict[str, Any] | None) -> None:
        """No token is left."""
        self.kept, self.is_over, self.result = dict(self.begun), True, result


@dataclass(slots=True)
class Armed:
    """An event sub-process that waits for its start event.

    `value` is what its condition gave last; a cycle keeps its phase from `base` and goes on after `after`.
    `run` is the key of the scope it belongs to.
    """

    element: str
    value: Any = None
    due: str | None = None
    base: str = ""
    after: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of the open collections as they were stored last: themselves, their text, the check sum so far."""

    of: list[Any]
    text: str
    sum: int


class Instance:
    """The state of one instance and the log of the step in progress.

    `events`, `effects` and `is_paused` belong to the current step; `begin_step` empties them.
    `is_dirty` stays set until the state is stored.
    """

    def __init__(self, assembly: Assembly, instance_id: str, process_id: str) -> None:
        self.assembly, self.id, self.process_id = assembly, instance_id, process_id
        self.runs: dict[str, Run] = {}
        self.armed: dict[str, Armed] = {}
        self.counter = 0
        self.status = "active"
        self.end = self.error = ""
        self.live: dict[str, Task] = {}
        self.grown: dict[str, object] = {}  # the rows each open collection was last compared with; never stored
        self.lists: Lists | None = None
        self.has_thrown = False  # a signal, in this step
        self.skips: set[str] = set()  # elements an operator said to pass over once, without what they do
        self.at = ""  # the element a token is at; where an error happened
        self.events: list[ev.Event] = []
        self.effects: list[fx.Effect] = []
        self.is_paused = False
        self.is_dirty = False
        self._context: fx.StepContext | None = None
        self._specs: dict[tuple[str, str], Any] = {}

    # --- looking ------------------------------------------------------------------------------

    @property
    def process(self) -> Process:
        """The entry page of the instance."""
        return self.assembly.bundle.processes[self.process_id]

    @property
    def context(self) -> fx.StepContext:
        """What the current step may see."""
        if self._context is None:
            message = "no step in progress"
            raise RuntimeError(message)
        return self._context

    def tasks(self) -> Iterator[Task]:
        """Every library task of every run."""
        for run in list(self.runs.values()):
            yield from list(run.workflow.tasks.values())

    def run_of(self, task: Task) -> str:
        """Key of the run a token belongs to."""
        return next(key for key, run in self.runs.items() if run.workflow is task.workflow)

    def page_of_run(self, key: str) -> str:
        """Process id of the page a run is on."""
        return self.runs[key].scope.partition(":")[0]

    def is_turn(self, task: Task) -> bool:
        """True for the activity itself inside one of its turns."""
        return bool(task.workflow.spec.name == scope_name(self.page_of(task), task.task_spec.name))

    def node_of(self, task: Task) -> Node | None:
        """The diagram's node of a token; None for the library's own nodes."""
        return self.assembly.node(task.workflow.spec.name, task.task_spec.name)

    def page_of(self, task: Task) -> str:
        """Process id of the page a token is on."""
        return str(task.workflow.spec.name).partition(":")[0]

    def value(self, text: str, data: Mapping[str, object]) -> object:
        """Evaluate an expression in the scope of the step."""
        return evaluate(text, self.context.scope(data))

    def next_id(self) -> str:
        """A new id of ours."""
        self.counter += 1
        return f"{self.id}-{self.counter}"

    def start_node(self, armed: Armed) -> Node:
        """The start event an armed event sub-process waits for."""
        return self.assembly.process(self.runs[armed.run].scope).nodes[armed.element]

    def is_waiting(self, tid: str) -> bool:
        """True while the wait with this id can still fire."""
        task = self.live.get(tid)
        if task is not None:
            return self.can_be_completed(task)
        return tid in self.armed or any(tid in each.internal_data.get("arms", {}) for each in self.live.values())

    def can_be_completed(self, task: Task) -> bool:
        """False for what ends by itself: a scope with its last token, an event gateway with its event."""
        node = self.node_of(task)
        return node is not None and node.kind is not Kind.EVENT_GATEWAY and not self.is_host(task, node)

    def is_host(self, task: Task, node: Node) -> bool:
        """True for an activity whose inside runs as scopes of its own."""
        return node.kind in NESTED or (node.repeat is not None and not self.is_turn(task))

    # --- bookkeeping ----------------------------------------------------------------------------

    def begin_step(self, context: fx.StepContext) -> None:
        """Take a fresh context and empty the step's log."""
        self._context = context
        self.events, self.effects, self.is_paused = [], [], False

    def rest(self) -> None:
        """Let go of the last step: what it could see, what it recorded."""
        self._context, self.events, self.effects = None, [], []

    def emit(self, event: ev.Event) -> None:
        """Record what happened."""
        self.is_dirty = True
        self.events.append(event)

    def ask(self, effect: fx.Effect, *, pause: bool = False) -> None:
        """Ask the application for something; with `pause`, go on only with a fresh context."""
        self.is_dirty = True
        self.effects.append(effect)
        self.is_paused = self.is_paused or pause

    def launch(self, scope: str, start: str, data: Mapping[str, object]) -> Run:
        """Set a scope in motion at one start event, with its data."""
        key = (scope, start)
        spec = self._specs.setdefault(key, start_spec(self.assembly, scope, start))
        gate = ScriptGate()
        gate.evaluator = self.value
        workflow = Marking(spec, gate)
        workflow.begin()
        workflow.task_tree.data.update(data)
        return Run(scope, start, workflow)

    def spec_of(self, scope: str, start: str) -> Any:
        """The specification of a stored run."""
        return self._specs.setdefault((scope, start), start_spec(self.assembly, scope, start))

    def hold(self, task: Task) -> str:
        """Give a token that waits an id of ours."""
        tid = self.next_id()
        task.internal_data[TID] = tid
        self.live[tid] = task
        return tid

    def index(self) -> None:
        """Find the waits again after loading."""
        found = {t.internal_data[TID]: t for t in self.tasks() if TID in t.internal_data and t.has_state(LIVE)}
        self.live = {tid: found[tid] for tid in sorted(found, key=_number)}  # facts are looked at in this order

    def flows_into(self, task: Task) -> list[str]:
        """Sequence flows a token came by; all of them for a join of several."""
        node, page = self.node_of(task), task.workflow.spec.name
        if node is None:
            return []
        incoming = self.assembly.incoming(page, node.id)
        if node.kind is Kind.AND and len(incoming) > 1:
            return [flow.id for flow in incoming]
        if node.kind is Kind.OR and TOOK in task.internal_data:
            return list(task.internal_data[TOOK])
        parent = task.parent
        while parent is not None and self.node_of(parent) is None:
            parent = parent.parent
        flow = self.assembly.flow(page, parent.task_spec.name, node.id) if parent else ""
        return [flow] if flow else []

    def completed(self, task: Task, tid: str = "") -> None:
        """Record that a node is done, and do what its deadline marks say.

        What it declares as output is there from now on: null if nobody gave it.
        """
        node = self.node_of(task)
        if node is None:
            return
        for name in node.outputs:
            task.data.setdefault(name, None)
        visit = tid or self.next_id()
        if self.is_turn(task):
            turn = self.runs[self.run_of(task)].turn
            self.emit(ev.IterationCompleted(visit, self.page_of(task), node.id, turn))
            return
        self.emit(ev.ElementCompleted(visit, self.page_of(task), node.id, self.flows_into(task)))
        self.mark_deadlines(node, "complete", task.data)

    def mark_deadlines(self, node: Node, moment: str, data: Mapping[str, object]) -> None:
        """Resolve the deadline marks of a node for entering or completing it."""
        scope = self.context.scope(data)
        for mark in node.deadlines:
            if mark.on != moment or mark.act == "bind":
                continue
            if mark.when and not evaluate(mark.when.removeprefix("="), scope):
                continue
            rule = str(_resolve(mark.rule, scope))
            start = _resolve(mark.start, scope) if mark.act == "start" else None
            if start is not None and not isinstance(start, datetime):
                raise EngineError(node.id, f"start of {rule} is not a time: {start!r}")
            subjects = [_resolve(mark.subject, scope)]
            if mark.each:
                listed = scope.facts.get(mark.each, ())
                subjects = list(listed) if isinstance(listed, list | tuple) else []
            for subject in subjects:
                self.ask(fx.DeadlineAct(rule, str(subject or ""), mark.act, start, node.id), pause=True)

    def bound(self, node: Node, data: Mapping[str, object]) -> tuple[str, str]:
        """Rule and subject of the deadline a task shows; ("", "") without one."""
        scope = self.context.scope(data)
        for mark in node.deadlines:
            if mark.act == "bind":
                return str(_resolve(mark.rule, scope)), str(_resolve(mark.subject, scope) or "")
        return "", ""

    def sweep(self) -> None:
        """Record the waits the library has cancelled since the last look."""
        for tid, task in list(self.live.items()):
            if task.has_state(LIVE) and task.id in task.workflow.tasks:
                continue
            del self.live[tid]
            self._gave_up(tid, task)

    def _gave_up(self, tid: str, task: Task) -> None:
        node = self.node_of(task)
        if node is None:
            return
        self.emit(ev.ElementCancelled(tid, self.page_of(task), node.id))
        if self.is_host(task, node):
            self.stop_inside(tid)
        elif node.kind in {Kind.CALL, Kind.OPEN}:
            self.ask(fx.ChildrenAbandoned(tid, node.id), pause=True)
        if node.kind in {Kind.CATCH, Kind.BOUNDARY, Kind.RECEIVE}:
            self.emit(ev.WaitEnded(tid, "cancelled"))
        for arm in task.internal_data.get("arms", {}):
            self.emit(ev.WaitEnded(arm, "cancelled"))

    def disarm(self, key: str) -> None:
        """No event sub-process of a scope can start any more."""
        for tid in [tid for tid, armed in self.armed.items() if armed.run == key]:
            self.emit(ev.WaitEnded(tid, "cancelled"))
            del self.armed[tid]

    def stop_inside(self, host: str) -> None:
        """End the scopes inside an activity, and what is inside them."""
        for key in [key for key, run in self.runs.items() if run.host == host]:
            self.stop(key)

    def stop(self, key: str) -> None:
        """End a scope with all its tokens and event sub-processes; the sweep after it records the waits."""
        run = self.runs.pop(key, None)
        if run is None:
            return
        if not run.is_over:
            run.workflow.cancel()
        self.disarm(key)
        for inner in [inner for inner, other in self.runs.items() if other.parent == key and not other.host]:
            self.stop(inner)


def _number(tid: str) -> int:
    return int(tid.rpartition("-")[2])


def _resolve(text: str, scope: Any) -> object:
    return evaluate(text[1:], scope) if text.startswith("=") else text
