"""A policy changed while an instance runs: the timers whose text reads it get their new due time.

A timer that reads a deadline needs none of this: it follows the deadline row.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial

from SpiffWorkflow.task import Task

from service.domain import events as ev
from service.domain.calendar import at_local, local_date
from service.engine import arming, firing, timers
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
    after: str
    keep: Callable[[datetime, datetime], None]


def retime(instance: Instance, keys: Set[str]) -> None:
    """Move the waiting timers that read one of these policies; one whose new time has passed fires now.

    A daily turn stays on its day, so that no day is left out and none counts twice. At most one timer fires per
    call, because it may end the others: call again until nothing moves.
    """
    for timer in list(_timers(instance)):
        if not _reads(timer.node, keys):
            continue
        instance.at = timer.node.id
        due, after = _new_due(instance, timer)
        if due == timer.due:
            continue
        if due <= instance.context.now:
            firing.fire(instance, timer.tid, {})
            return
        timer.keep(due, after)
        instance.emit(ev.WaitMoved(timer.tid, due.isoformat()))


def _reads(node: Node, keys: Set[str]) -> bool:
    if node.trigger not in {Trigger.DURATION, Trigger.CYCLE} or not node.timer.startswith("="):
        return False
    return bool(compile_expression(node.timer[1:]).policies & keys)


def _new_due(instance: Instance, timer: _Timer) -> tuple[datetime, datetime]:
    after = timer.base
    if timer.node.trigger is Trigger.CYCLE:
        after = instance.context.now
        scope = instance.context.scope(timer.data)
        schedule = timers.cycle(timer.node.timer, scope, timer.base)
        if schedule and schedule.daily:
            midnight = at_local(local_date(timer.due), time()) - timedelta.resolution
            after = max(midnight, datetime.fromisoformat(timer.after) if timer.after else timer.base)
    text = arming.due_of(instance, timer.node, timer.data, timer.base, after=after)
    return datetime.fromisoformat(text) if text else timer.due, after


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
                datetime.fromisoformat(kept["due"]), kept.get("after", ""), partial(_keep_event, task),
            )  # fmt: skip
    for tid, armed in instance.armed.items():
        if armed.due:
            data = arming.start_data(instance)
            yield _Timer(
                tid, instance.start_node(armed), data, datetime.fromisoformat(armed.base),
                datetime.fromisoformat(armed.due), armed.after, partial(_keep_armed, armed),
            )  # fmt: skip


def _behind_gateway(instance: Instance, gateway: Task) -> Iterator[_Timer]:
    kept = gateway.internal_data
    process = instance.assembly.process(gateway.workflow.spec.name)
    for tid, element in kept["arms"].items():
        if kept["dues"][tid]:
            yield _Timer(
                tid, process.nodes[element], gateway.data, datetime.fromisoformat(kept["base"]),
                datetime.fromisoformat(kept["dues"][tid]), "", partial(_keep_arm, gateway, tid),
            )  # fmt: skip


def _keep_event(task: Task, due: datetime, after: datetime) -> None:
    task.internal_data.update(due=due.isoformat(), after=after.isoformat())


def _keep_arm(gateway: Task, tid: str, due: datetime, _after: datetime) -> None:
    gateway.internal_data["dues"][tid] = due.isoformat()


def _keep_armed(armed: Armed, due: datetime, after: datetime) -> None:
    armed.due, armed.after = due.isoformat(), after.isoformat()
