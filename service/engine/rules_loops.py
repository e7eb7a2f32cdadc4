"""Rules against running without end: loops that never wait, pages that unfold, signals that raise each other."""

from collections.abc import Iterator, Mapping, Set
from datetime import timedelta
from typing import Final

from service.domain.calendar import parse_duration
from service.engine.expressions import ExpressionError, compile_expression
from service.engine.model import Bundle, Finding, Kind, Node, Process, Trigger
from service.engine.rules import finding
from service.engine.rules_expressions import script_lines

_AUTOMATIC: Final = frozenset({Kind.XOR, Kind.AND, Kind.OR, Kind.SCRIPT, Kind.RULE, Kind.THROW, Kind.SERVICE})
_WAITING: Final = frozenset({Kind.USER, Kind.MANUAL, Kind.RECEIVE, Kind.CALL, Kind.OPEN, Kind.CATCH})


def check_loops(bundle: Bundle) -> Iterator[Finding]:
    """Findings about loops of automatic nodes and pages that call each other in a circle."""
    calls = {
        process.id: [(n.id, n.called) for n in process.nodes.values() if n.kind is Kind.INLINE]
        for process in bundle.processes.values()
    }
    for process in bundle.processes.values():
        circle = _circle({page: [called for _node, called in nodes] for page, nodes in calls.items()}, process.id)
        if circle:
            element = next(node for node, called in calls[process.id] if called == circle[1])
            yield finding("call_recursion", process.file, element, loop=" → ".join(circle))
    waiting = {process.id for process in bundle.processes.values() if _has_wait(process)}
    for process in bundle.processes.values():
        yield from _check_busy(process, waiting)
    yield from _check_signals(bundle, waiting)


def _has_wait(process: Process) -> bool:
    return any(_waits(node) for node in process.nodes.values())


def _waits(node: Node) -> bool:
    is_link = node.trigger is Trigger.LINK
    return (node.kind in _WAITING and not is_link and not _takes_no_time(node)) or _confirms(node)


def _takes_no_time(node: Node) -> bool:
    """A timer of PT0S, or one as short: it is due as soon as a token comes to it."""
    if node.kind is not Kind.CATCH or node.trigger is not Trigger.DURATION or node.timer.startswith("="):
        return False
    try:
        return parse_duration(node.timer) == timedelta()
    except ValueError:
        return False


def _confirms(node: Node) -> bool:
    return node.kind is Kind.SEND and node.channel in {"phone", "manual"}


def _passes(process: Process, node: Node, waiting: Set[str]) -> bool:
    """Whether a token may pass the node without waiting."""
    if node.kind is Kind.SEND:
        return not _confirms(node)
    if node.kind is Kind.INLINE:
        return node.called not in waiting
    if node.kind is Kind.SUBPROCESS:
        return not any(_waits(inner) for inner in process.nodes.values() if _is_inside(process, inner, node.id))
    return node.kind in _AUTOMATIC or node.trigger is Trigger.LINK or _takes_no_time(node)


def _is_inside(process: Process, node: Node, parent: str) -> bool:
    while node.parent:
        if node.parent == parent:
            return True
        node = process.nodes[node.parent]
    return False


def _check_signals(bundle: Bundle, waiting: Set[str]) -> Iterator[Finding]:
    """A way from what a signal starts to where it is thrown again, along which nothing waits.

    Only what may be started again while it runs counts: an event that interrupts, or is waited for by a token, is gone.
    """
    where = {node.id: process for process in bundle.processes.values() for node in process.nodes.values()}
    started: dict[str, list[str]] = {}
    for process in bundle.processes.values():
        for node in process.nodes.values():
            if node.trigger is Trigger.SIGNAL and _starts_anew(node):
                started.setdefault(node.signal, []).append(node.id)
    edges = {each: _reached(bundle, where[each], each, waiting, started) for each in where}
    reported: set[str] = set()
    for first in (each for starts in started.values() for each in starts):
        circle = [] if first in reported else _circle(edges, first)
        if circle and not any(_can_change(process, circle) for process in bundle.processes.values()):
            reported.update(circle)
            yield finding("signal_loop", where[first].file, first, loop=" → ".join(circle))


def _starts_anew(node: Node) -> bool:
    is_start = node.kind is Kind.START
    return (is_start and not node.parent) or (node.kind in {Kind.START, Kind.BOUNDARY} and not node.interrupting)


def _reached(
    bundle: Bundle, process: Process, element: str, waiting: Set[str], started: Mapping[str, list[str]]
) -> list[str]:
    """Where a token that has come to a node gets at once, and what it starts there."""
    node = process.nodes[element]
    found: list[str] = []
    if node.kind in {Kind.START, Kind.BOUNDARY} or _passes(process, node, waiting):
        found += [flow.target for flow in process.outgoing(element)] + [each.id for each in process.links(node)]
    if node.kind is Kind.INLINE and node.called in bundle.processes:
        found += _plain_starts(bundle.processes[node.called], "")
    if node.kind is Kind.SUBPROCESS:
        found += _plain_starts(process, element)
    if node.kind in {Kind.THROW, Kind.END} and node.trigger is Trigger.SIGNAL:
        found += started.get(node.signal, [])
    return found


def _plain_starts(process: Process, parent: str) -> list[str]:
    return [node.id for node in process.level(parent) if node.kind is Kind.START and node.trigger is Trigger.NONE]


def _check_busy(process: Process, waiting: Set[str]) -> Iterator[Finding]:
    passing = [node.id for node in process.nodes.values() if _passes(process, node, waiting)]
    edges: dict[str, list[str]] = {node: [] for node in passing}
    for node in passing:
        ways = [flow.target for flow in process.outgoing(node)]
        ways += [caught.id for caught in process.links(process.nodes[node])]
        edges[node] = [target for target in ways if target in edges]
    reported: set[str] = set()
    for node in passing:
        if node in reported:
            continue
        circle = _circle(edges, node)
        if circle and not _can_change(process, circle):
            reported.update(circle)
            yield finding("busy_loop", process.file, node, loop=" → ".join(circle))


def _can_change(process: Process, circle: list[str]) -> bool:
    """Whether something in a loop sets a name that a way out of it asks for."""
    around = set(circle) & process.nodes.keys()
    asked: set[str] = set()
    given: set[str] = set()
    for node in (process.nodes[each] for each in around):
        given |= {name for _number, name, _text in script_lines(node.script)} | set(node.outputs) | {node.decision}
        for flow in process.outgoing(node.id):
            if flow.condition and len(process.outgoing(node.id)) > 1:
                asked |= _names(flow.condition)
    return bool(asked & given - {""})


def _names(text: str) -> set[str]:
    try:
        return {name.partition(".")[0] for name in compile_expression(text).names}
    except ExpressionError:
        return set()


def _circle(edges: Mapping[str, list[str]], start: str) -> list[str]:
    """A shortest way from a node back to itself, both ends included; empty if there is none."""
    came_from: dict[str, str] = {}
    pending = [start]
    while pending:
        current = pending.pop(0)
        for target in edges.get(current, []):
            if target == start:
                way = [start, current]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1] if len(way) > 1 else []
            if target not in came_from:
                came_from[target] = current
                pending.append(target)
    return []
