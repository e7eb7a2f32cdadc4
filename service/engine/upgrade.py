"""Moving a running instance to another version of its definition: may it, and what changes for it.

`plan` looks and changes nothing. An instance may move where every step it waits at is there with the same kind,
place and inside, where its tokens can still come to an end, and where what lies ahead needs no value that only
steps behind it would have given. `settle` is the step that follows `upgrade_fit.fit`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.task import Task

from service.domain import events as ev
from service.engine import arming, retiming, runner
from service.engine import effects as fx
from service.engine.assembly import Assembly
from service.engine.differences import Change, differences
from service.engine.expressions import ExpressionError, compile_expression
from service.engine.instance import LIVE, TID, Instance, Run
from service.engine.model import Kind, Node, Process, Trigger
from service.engine.passing_over import given_by
from service.engine.rules_expressions import uses
from service.engine.upgrade_fit import Fitted
from service.engine.upgrade_game import Place, TooComplex, is_same_net, standstills

TASKS = frozenset({Kind.USER, Kind.MANUAL, Kind.SEND, Kind.RECEIVE})

# why an instance cannot move
SCOPE_GONE, ELEMENT_GONE, KIND_CHANGED, PLACE_CHANGED = "scope_gone", "element_gone", "kind_changed", "place_changed"
INSIDE_CHANGED, EVENT_CHANGED, TURNS_CHANGED = "inside_changed", "event_changed", "turns_changed"
JOIN_CHANGED, JOIN_STUCK, TOO_COMPLEX, VALUE_MISSING = "join_changed", "join_stuck", "too_complex", "value_missing"


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why an instance cannot move: a code, the element it is about, and what the code leaves open."""

    code: str
    element: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A deadline that the other version has a step start which lies behind the tokens; nobody starts it any more."""

    rule: str
    element: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What moving an instance would mean: reasons against it, and what changes at and ahead of its tokens.

    `left_out` are deadlines of steps behind; whether the instance ever did those steps its log says, not its state.
    """

    blockers: tuple[Blocker, ...]
    changes: tuple[Change, ...]
    waiting: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def plan(instance: Instance, target: Assembly) -> Plan:
    """Look at an instance with another version in mind."""
    blockers = [found for run in instance.runs.values() for found in _of_run(instance, target, run)]
    standing = _standing(instance)
    ahead = _ahead(target, standing, instance)
    if not blockers:
        blockers += _missing_values(instance, target, ahead)
    before = _ahead(instance.assembly, standing, instance)
    changes = differences(instance.assembly.bundle, target.bundle)
    touched = tuple(each for each in changes if _is_ahead(each, ahead | before, target, instance.assembly))
    waiting = sorted({element for _, element in standing})
    return Plan(tuple(dict.fromkeys(blockers)), touched, tuple(waiting), tuple(_left_out(instance, target, ahead)))


# --- what speaks against it -------------------------------------------------------------------


def _of_run(instance: Instance, target: Assembly, run: Run) -> Iterator[Blocker]:
    if run.scope not in target.specs:
        yield Blocker(SCOPE_GONE, run.scope.rpartition(":")[2])
        return
    if run.is_over:
        return
    marking: dict[bool, list[Place]] = {False: [], True: []}
    found = []
    for task in run.workflow.tasks.values():
        node = instance.node_of(task) if task.has_state(LIVE) else None
        if node is None or node.kind is Kind.BOUNDARY:
            continue
        against = list(_of_token(instance, target, run, task))
        found += against
        if not against and not instance.is_turn(task):
            for is_new, process in ((False, instance.assembly.process(run.scope)), (True, target.process(run.scope))):
                marking[is_new].append(_place(instance, process, task, node))
    yield from found
    if not found and any(marking.values()):
        yield from _stuck(instance, target, run, marking)


def _of_token(instance: Instance, target: Assembly, run: Run, task: Task) -> Iterator[Blocker]:
    old, new = instance.node_of(task), target.process(run.scope).nodes.get(task.task_spec.name)
    if old is None:
        return
    if new is None:
        yield Blocker(ELEMENT_GONE, old.id)
    elif new.kind is not old.kind:
        yield Blocker(KIND_CHANGED, old.id, f"{old.kind} → {new.kind}")
    elif new.parent != old.parent:
        yield Blocker(PLACE_CHANGED, old.id, new.parent)
    elif (new.called, new.collection) != (old.called, old.collection):
        yield Blocker(INSIDE_CHANGED, old.id, new.called or new.collection)
    elif new.repeat != old.repeat:
        yield Blocker(TURNS_CHANGED, old.id)
    elif old.kind is Kind.CATCH and not _is_same_catch(old, new):
        yield Blocker(EVENT_CHANGED, old.id, f"{old.trigger} → {new.trigger}")
    elif old.kind in {Kind.AND, Kind.OR}:
        spec = target.specs[run.scope].task_specs[old.id]
        if task.parent is None or task.parent.task_spec.name not in spec._inputs:
            yield Blocker(JOIN_CHANGED, old.id)


def _is_same_catch(old: Node, new: Node) -> bool:
    is_timer = {old.trigger, new.trigger} <= {Trigger.DATE, Trigger.DURATION, Trigger.CYCLE}
    return is_timer or (old.trigger, old.message, old.signal) == (new.trigger, new.message, new.signal)


def _place(instance: Instance, process: Process, task: Task, node: Node) -> Place:
    """Where a token lies in the game: at the end of a flow where it waits at a join, else inside its node."""
    if node.kind not in {Kind.AND, Kind.OR}:
        return ("in", node.id)
    source = task.parent
    while source is not None and instance.node_of(source) is None:
        source = source.parent
    flows = [flow.id for flow in process.incoming(node.id) if source and flow.source == source.task_spec.name]
    return ("by", flows[0]) if flows else ("in", node.id)


def _stuck(instance: Instance, target: Assembly, run: Run, marking: Mapping[bool, list[Place]]) -> Iterator[Blocker]:
    """Joins that would wait for ever in the new version, and would not in the old one."""
    before, after = instance.assembly.process(run.scope), target.process(run.scope)
    if is_same_net(before, after):
        return
    try:
        stuck = standstills(after, marking[True])
        for join in sorted(stuck - standstills(before, marking[False])) if stuck else ():
            yield Blocker(JOIN_STUCK, join)
    except TooComplex:
        yield Blocker(TOO_COMPLEX, run.scope.rpartition(":")[2])


# --- what lies ahead ---------------------------------------------------------------------------


def _standing(instance: Instance) -> set[tuple[str, str]]:
    """Page and element of every token, boundary event and armed start that waits."""
    found = set()
    for run in instance.runs.values():
        if not run.is_over:
            for task in run.workflow.tasks.values():
                node = instance.node_of(task) if task.has_state(LIVE) else None
                if node is not None:
                    found.add((instance.page_of(task), node.id))
    return found | {(instance.page_of_run(armed.run), armed.element) for armed in instance.armed.values()}


def _ahead(assembly: Assembly, standing: set[tuple[str, str]], instance: Instance) -> set[tuple[str, str]]:
    """Page and element of every step a token of the instance may still come to, in a version."""
    pages = {instance.page_of_run(key) for key in instance.runs}
    pending = [at for at in standing if at[0] in assembly.bundle.processes]
    for page in pages & set(assembly.bundle.processes):
        pending += [(page, node.id) for node in _event_starts(assembly.bundle.processes[page])]
    seen = set(pending)
    while pending:
        page, element = pending.pop()
        for at in _next(assembly, page, element):
            if at not in seen:
                seen.add(at)
                pending.append(at)
    return {at for at in seen if at[1] in assembly.bundle.processes[at[0]].nodes}


def _event_starts(process: Process) -> list[Node]:
    subs = {node.id for node in process.nodes.values() if node.kind is Kind.EVENT_SUBPROCESS}
    return [node for node in process.nodes.values() if node.kind is Kind.START and node.parent in subs]


def _next(assembly: Assembly, page: str, element: str) -> Iterator[tuple[str, str]]:
    process = assembly.bundle.processes[page]
    node = process.nodes.get(element)
    if node is None:
        return
    yield from ((page, each) for each in process.following(element))
    if node.kind is Kind.SUBPROCESS:
        yield from ((page, each.id) for each in process.level(node.id) if each.kind is Kind.START)
    if node.called in assembly.bundle.processes:
        inner = assembly.bundle.processes[node.called]
        yield from ((inner.id, each.id) for each in inner.nodes.values() if each.kind is Kind.START)


def _is_ahead(change: Change, ahead: set[tuple[str, str]], new: Assembly, old: Assembly) -> bool:
    item = change.item
    elements = {element for _, element in ahead}
    if item.what == "node":
        return (item.place, item.id) in ahead
    if item.what == "flow":
        flows = [each.bundle.processes[item.place].flows.get(item.id) for each in (new, old)
                 if item.place in each.bundle.processes]  # fmt: skip
        return any(flow is not None and (item.place, flow.source) in ahead for flow in flows)
    tables = {node.decision for each in (new, old) for page in each.bundle.processes.values()
              for node in page.nodes.values() if node.id in elements}  # fmt: skip
    return item.place in tables or item.id in tables


def _left_out(instance: Instance, target: Assembly, ahead: set[tuple[str, str]]) -> Iterator[LeftOut]:
    """Deadlines that steps behind start in the other version and did not start in this one."""
    for page in target.bundle.processes.values():
        before = instance.assembly.bundle.processes.get(page.id)
        for node in page.nodes.values() if before else ():
            old = before.nodes.get(node.id) if before else None
            if old is None or (page.id, node.id) in ahead:
                continue
            for rule in dict.fromkeys(_started_by(node)):
                if rule not in set(_started_by(old)):
                    yield LeftOut(rule, node.id)


def _started_by(node: Node) -> Iterator[str]:
    yield from (mark.rule for mark in node.deadlines if mark.act == "start")


def _missing_values(instance: Instance, target: Assembly, ahead: set[tuple[str, str]]) -> Iterator[Blocker]:
    """Names read ahead that only steps behind would give, and that were not read before."""
    known = {name for task in instance.tasks() for name in task.data} | {
        name for run in instance.runs.values() for name in run.data
    }
    coming: set[str] = set()
    behind: set[str] = set()
    for page in target.bundle.processes.values():
        for node in page.nodes.values():
            (coming if (page.id, node.id) in ahead else behind).update(given_by(node))
    lacking = behind - coming - known
    read_before = set(_reads(instance.assembly, lacking))
    for page_id, element, name in _reads(target, lacking):
        flow = target.bundle.processes[page_id].flows.get(element)
        at = flow.source if flow else element
        if (page_id, at) in ahead and (page_id, element, name) not in read_before:
            yield Blocker(VALUE_MISSING, at, name)


def _reads(assembly: Assembly, names: set[str]) -> Iterator[tuple[str, str, str]]:
    for page in assembly.bundle.processes.values():
        for use in uses(page):
            try:
                read = compile_expression(use.text).names
            except ExpressionError:
                continue
            for name in {each.partition(".")[0] for each in read} & names:
                yield page.id, use.element, name


# --- the step ----------------------------------------------------------------------------------


def settle(
    instance: Instance, context: fx.StepContext, fitted: Fitted, old: Assembly, told: Mapping[str, Any]
) -> runner.StepResult:
    """The first step on the new version: what waits is told anew, new events wait, timers are planned anew.

    `told` are procedure, versions and reason for the event. A timer whose new time has passed fires now.
    """
    return runner.act(instance, context, lambda: _settle(instance, fitted, old, told))


def _settle(instance: Instance, fitted: Fitted, old: Assembly, told: Mapping[str, Any]) -> None:
    instance.emit(
        ev.InstanceUpgraded(
            instance.id, told["procedure"], told["before"], told["version"], told["reason"],
            list(_tasks(instance)), list(_waits(instance)),
        )
    )  # fmt: skip
    for tid in fitted.gone:
        instance.emit(ev.WaitEnded(tid, "cancelled"))
    for key, element in fitted.starts:
        arming.arm_start(instance, instance.assembly.process(instance.runs[key].scope).nodes[element], key)
    for tid, elements in fitted.arms.items():
        arming.arm_behind(instance, instance.live[tid], elements)
    retiming.replan(instance, old)


def _tasks(instance: Instance) -> Iterator[dict[str, Any]]:
    """What the open tasks say in this version."""
    for tid, task in instance.live.items():
        node = instance.node_of(task)
        if node is not None and node.kind in TASKS and not instance.is_host(task, node):
            rule, subject = instance.bound(node, task.data)
            yield {
                "task": tid, "role": node.role, "also": list(node.also), "form": node.form, "rule": rule,
                "subject": subject,
            }  # fmt: skip


def _waits(instance: Instance) -> Iterator[dict[str, Any]]:
    """What the waiting events say in this version."""
    for tid, task in instance.live.items():
        node = instance.node_of(task)
        if node is None:
            continue
        if node.kind in {Kind.CATCH, Kind.BOUNDARY, Kind.RECEIVE}:
            yield _wait(tid, node)
        process = instance.assembly.process(task.workflow.spec.name)
        for arm, element in task.internal_data.get("arms", {}).items():
            yield _wait(arm, process.nodes[element])
    for tid, armed in instance.armed.items():
        yield _wait(tid, instance.start_node(armed))


def _wait(tid: str, node: Node) -> dict[str, Any]:
    told = arming.wait_event(tid, "", node, person="", due=None)
    names = ("wait", "trigger", "name", "expression", "listed", "form", "role", "also")
    return {name: getattr(told, name) for name in names}


__all__ = ["TID", "Blocker", "LeftOut", "Plan", "plan", "settle"]
