"""Rules about events: what they wait for or throw, and where they may stand."""

from collections.abc import Iterator
from typing import Final

from service.engine.expressions import ExpressionError, compile_expression
from service.engine.model import Finding, Kind, Node, Process, Trigger
from service.engine.rules import Both, finding
from service.engine.timers import check_timer

TIMERS: Final = frozenset({Trigger.DATE, Trigger.DURATION, Trigger.CYCLE})
_CAUGHT: Final = TIMERS | {Trigger.MESSAGE, Trigger.SIGNAL, Trigger.CONDITIONAL}
_NESTED: Final = frozenset({Kind.CALL, Kind.OPEN, Kind.INLINE, Kind.SUBPROCESS})
_HOSTS: Final = _NESTED | {Kind.USER, Kind.MANUAL, Kind.SEND, Kind.RECEIVE}
_THROWN: Final = frozenset({Trigger.NONE, Trigger.MESSAGE, Trigger.SIGNAL, Trigger.LINK, Trigger.ESCALATION})
_STARTS: Final = frozenset({Trigger.NONE, Trigger.MESSAGE, Trigger.SIGNAL})
_ENDS: Final = frozenset(
    {Trigger.NONE, Trigger.TERMINATE, Trigger.MESSAGE, Trigger.SIGNAL, Trigger.ERROR, Trigger.ESCALATION}
)
_RAISED: Final = frozenset({Trigger.ERROR, Trigger.ESCALATION})
_WORDS: Final = {
    Trigger.DATE: Both("定时", "timer"),
    Trigger.DURATION: Both("定时", "timer"),
    Trigger.CYCLE: Both("循环定时", "cycle timer"),
    Trigger.SIGNAL: Both("信号", "signal"),
    Trigger.MESSAGE: Both("消息", "message"),
    Trigger.CONDITIONAL: Both("条件", "conditional"),
    Trigger.ERROR: Both("错误", "error"),
    Trigger.TERMINATE: Both("终止", "terminate"),
    Trigger.ESCALATION: Both("升级", "escalation"),
    Trigger.LINK: Both("链接", "link"),
}


def check_events(process: Process) -> Iterator[Finding]:
    """Findings about the events of a page."""
    for node in process.nodes.values():
        if node.kind is Kind.EVENT_SUBPROCESS:
            yield from _check_event_subprocess(process, node)
        elif node.kind is Kind.END:
            yield from _check_end(process, node)
        elif node.kind is Kind.THROW and node.trigger not in _THROWN:
            yield finding("unsupported_throw", process.file, node.id, trigger=_WORDS[node.trigger])
        elif node.kind is Kind.CATCH and node.trigger not in _CAUGHT | {Trigger.LINK}:
            yield finding("event_definition_missing", process.file, node.id)
        elif node.kind is Kind.BOUNDARY:
            yield from _check_boundary(process, node)
        elif node.kind is Kind.SUBPROCESS:
            yield from _check_subprocess(process, node)
        elif node.kind is Kind.START and not node.parent and node.trigger not in _STARTS:
            yield finding("unsupported_start", process.file, node.id, trigger=_WORDS[node.trigger])
        yield from _check_trigger(process, node)


def _check_trigger(process: Process, node: Node) -> Iterator[Finding]:
    if node.trigger is Trigger.MESSAGE and not node.message:
        yield finding("event_message", process.file, node.id)
    if node.trigger is Trigger.SIGNAL and not node.signal:
        yield finding("event_signal", process.file, node.id)
    if node.trigger is Trigger.CONDITIONAL and not node.condition:
        yield finding("event_condition", process.file, node.id)
    if node.trigger is Trigger.LINK:
        yield from _check_link(process, node)
    if node.trigger in _RAISED and node.kind in {Kind.END, Kind.THROW}:
        yield from _check_code(process, node)
    if node.trigger in TIMERS:
        yield from _check_timer(process, node)


def _check_timer(process: Process, node: Node) -> Iterator[Finding]:
    if not node.timer:
        yield finding("timer_missing", process.file, node.id)
    elif _compiles(node.timer):
        for problem in check_timer(str(node.trigger), node.timer):
            yield finding("timer_invalid", process.file, node.id, value=node.timer, detail=problem)
    if node.trigger is Trigger.CYCLE and not _may_repeat(node):
        yield finding("timer_cycle_place", process.file, node.id)


def _may_repeat(node: Node) -> bool:
    if node.kind is Kind.START and not node.parent:
        # Refused as a start event already.
        return True
    return node.kind in {Kind.BOUNDARY, Kind.START} and not node.interrupting


def _compiles(timer: str) -> bool:
    # A broken expression is reported once, with all the other expressions.
    if timer.startswith("="):
        try:
            compile_expression(timer[1:])
        except ExpressionError:
            return False
    return True


def _check_code(process: Process, node: Node) -> Iterator[Finding]:
    if node.trigger is Trigger.ERROR and not node.error_code:
        yield finding("event_error_code", process.file, node.id)
    if node.trigger is Trigger.ESCALATION and not node.escalation_code:
        yield finding("event_escalation_code", process.file, node.id)


def _check_link(process: Process, node: Node) -> Iterator[Finding]:
    level = [each for each in process.level(node.parent) if each.trigger is Trigger.LINK and each.link == node.link]
    caught = [each for each in level if each.kind is Kind.CATCH]
    has_ways = process.incoming(node.id) if node.kind is Kind.CATCH else process.outgoing(node.id)
    if not node.link or len(caught) != 1 or len(caught) == len(level) or has_ways:
        yield finding("event_link", process.file, node.id, name=node.link)


def _check_end(process: Process, node: Node) -> Iterator[Finding]:
    if node.trigger not in _ENDS:
        yield finding("unsupported_end", process.file, node.id, trigger=_WORDS[node.trigger])


def _check_boundary(process: Process, node: Node) -> Iterator[Finding]:
    host = process.nodes.get(node.attached_to)
    if host is None or host.kind not in _HOSTS or host.parent != node.parent:
        yield finding("boundary_host", process.file, node.id)
    elif node.trigger in _RAISED:
        if host.kind not in _NESTED or (node.trigger is Trigger.ERROR and not node.interrupting):
            yield finding("event_error_boundary", process.file, node.id)
    elif node.trigger not in _CAUGHT:
        yield finding("event_definition_missing", process.file, node.id)


def _check_event_subprocess(process: Process, node: Node) -> Iterator[Finding]:
    starts = [inner for inner in process.level(node.id) if inner.kind is Kind.START]
    is_one = len(starts) == 1 and starts[0].trigger in _CAUGHT | _RAISED
    if not is_one or (starts[0].trigger is Trigger.ERROR and not starts[0].interrupting):
        detail = ", ".join(f"{inner.id} ({inner.trigger})" for inner in starts) or "–"
        yield finding("event_sub_start", process.file, node.id, detail=detail)


def _check_subprocess(process: Process, node: Node) -> Iterator[Finding]:
    starts = [inner for inner in process.level(node.id) if inner.kind is Kind.START]
    if len(starts) != 1 or starts[0].trigger is not Trigger.NONE:
        detail = ", ".join(f"{inner.id} ({inner.trigger})" for inner in starts) or "–"
        yield finding("sub_start", process.file, node.id, detail=detail)
