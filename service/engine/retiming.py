"""A policy or the definition changed while an instance runs: the timers that read it get their new due time.

A timer that reads a deadline needs none of this: it follows the deadline row.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from SpiffWorkflow.task import Task

from service.domain import events as ev
from service.domain.calendar import at_local, local_date
from service.engine import arming, firing, timers
from service.engine.assembly import Assembly
from service.engine.expressions import compile_expression
from service.engine.instance import Armed, Instance
from service.engine.model import Kind, Node, Trigger


@dataclass(frozen=True, slots=True)
class _Timer:
    """A waiting timer, wherever the instance keeps it; `keep` stores its new due time and turn."""

    tid: str
    node: Node
    data: dict[str, object]
    base: datetime
    due: datetime
    keep: Callable[[datetime, datetime], None]


def retime(instance: Instance, before: Mapping[str, object], keys: Set[str]) -> None:
    """Move the waiting timers that read one of these policies; one whose new time has passed fires now.

    `before` are the policies as they were. A daily turn stays the same turn of the same day, so that none is left
    out and none comes twice.
    """
    passed = []
    for timer in [each for each in _timers(instance) if _reads(each.node, keys)]:
        instance.at = timer.node.id
        due, after = _new_due(instance, timer, before)
        if due <= instance.context.now < timer.due:
            passed.append(timer.tid)
            continue
        timer.keep(due, after)  # the same due time may be another turn after other ones
        instance.is_dirty = True
        if due != timer.due:
            instance.emit(ev.WaitMoved(timer.tid, due.isoformat()))
    _fire(instance, passed)


def replan(instance: Instance, old: Assembly) -> None:
    """The definition changed: timers that read otherwise count anew from their beginning; what has passed fires now."""
    passed = []
    for timer in list(_timers(instance)):
        before = _node_before(old, timer.node.id)
        if before is None or (before.trigger, before.timer) == (timer.node.trigger, timer.node.timer):
            continue
        instance.at = timer.node.id
        now = instance.context.now
        text = arming.due_of(instance, timer.node, timer.data, timer.base, after=now)
        due = datetime.fromisoformat(text) if text else timer.due
        if due <= now < timer.due:
            passed.append(timer.tid)
        elif due != timer.due:
            timer.keep(due, now)
            instance.emit(ev.WaitMoved(timer.tid, due.isoformat()))
    _fire(instance, passed)


def _node_before(old: Assembly, element: str) -> Node | None:
    return next((page.nodes[element] for page in old.bundle.processes.values() if element in page.nodes), None)


def _fire(instance: Instance, passed: list[str]) -> None:
    for tid in passed:
        instance.sweep()  # one that fires may have ended others
        if instance.is_waiting(tid):
            firing.fire(instance, tid, {})


def _reads(node: Node, keys: Set[str]) -> bool:
    if node.trigger not in {Trigger.DURATION, Trigger.CYCLE} or not node.timer.startswith("="):
        return False
    return bool(compile_expression(node.timer[1:]).policies & keys)


def _new_due(instance: Instance, timer: _Timer, before: Mapping[str, object]) -> tuple[datetime, datetime]:
    """The new due time, and the instant it is the first turn after."""
    after = timer.base
    if timer.node.trigger is Trigger.CYCLE:
        after = _same_turn(instance, timer, before) or instance.context.now
    text = arming.due_of(instance, timer.node, timer.data, timer.base, after=after)
    return datetime.fromisoformat(text) if text else timer.due, after


def _same_turn(instance: Instance, timer: _Timer, before: Mapping[str, object]) -> datetime | None:
    """Just before the turn of a daily timer that it waited for; None for an interval, which goes on with its next."""
    old, new = (
        timers.cycle(timer.node.timer, context.scope(timer.data), timer.base)
        for context in (replace(instance.context, policies=before), instance.context)
    )
    if not old or not new or not new.daily or len(old.daily) != len(new.daily):
        return None
    day = local_date(timer.due)
    turn = next((turn for turn, clock in enumerate(old.daily) if at_local(day, clock) == timer.due), None)
    return None if turn is None else at_local(day, new.daily[turn]) - timedelta.resolution


def _timers(instance: Instance) -> Iterator[_Timer]:
    for tid, task in instance.live.items():
        node = instance.node_of(task)
        if node is None:
            continue
        if node.kind is Kind.EVENT_GATEWAY:
            yield from _behind_gateway(instance, task)
        elif node.kind in {Kind.CATCH, Kind.BOUNDARY} and task.internal_data.get("due"):
            kept = task.internal_data
            yield _Timer(
                tid, node, task.data or task.parent.data, datetime.fromisoformat(kept["base"]),
                datetime.fromisoformat(kept["due"]), partial(_keep_event, task),
            )  # fmt: skip
    for tid, armed in instance.armed.items():
        if armed.due:
            data = instance.runs[armed.run].data
            yield _Timer(
                tid, instance.start_node(armed), data, datetime.fromisoformat(armed.base),
                datetime.fromisoformat(armed.due), partial(_keep_armed, armed),
            )  # fmt: skip


def _behind_gateway(instance: Instance, gateway: Task) -> Iterator[_Timer]:
    kept = gateway.internal_data
    process = instance.assembly.process(gateway.workflow.spec.name)
    for tid, element in kept["arms"].items():
        if kept["dues"][tid]:
            yield _Timer(
                tid, process.nodes[element], gateway.data, datetime.fromisoformat(kept["base"]),
                datetime.fromisoformat(kept["dues"][tid]), partial(_keep_arm, gateway, tid),
            )  # fmt: skip


def _keep_event(task: Task, due: datetime, after: datetime) -> None:
    task.internal_data.update(due=due.isoformat(), after=after.isoformat())


def _keep_arm(gateway: Task, tid: str, due: datetime, _after: datetime) -> None:
    gateway.internal_data["dues"][tid] = due.isoformat()


def _keep_armed(armed: Armed, due: datetime, after: datetime) -> None:
    armed.due, armed.after = due.isoformat(), after.isoformat()
