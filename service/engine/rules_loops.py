"""Rules against running without end: loops that never wait, pages that unfold each other."""

from collections.abc import Iterator, Mapping, Set
from typing import Final

from service.engine.model import Bundle, Finding, Kind, Node, Process
from service.engine.rules import finding

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


def _has_wait(process: Process) -> bool:
    return any(node.kind in _WAITING or _confirms(node) for node in process.nodes.values())


def _confirms(node: Node) -> bool:
    return node.kind is Kind.SEND and node.channel in {"phone", "manual"}


def _passes(node: Node, waiting: Set[str]) -> bool:
    """Whether a token may pass the node without waiting."""
    if node.kind is Kind.SEND:
        return not _confirms(node)
    if node.kind is Kind.INLINE:
        return node.called not in waiting
    return node.kind in _AUTOMATIC


def _check_busy(process: Process, waiting: Set[str]) -> Iterator[Finding]:
    passing = [node.id for node in process.nodes.values() if _passes(node, waiting)]
    edges: dict[str, list[str]] = {node: [] for node in passing}
    for flow in process.flows.values():
        if flow.source in edges and flow.target in edges:
            edges[flow.source].append(flow.target)
    reported: set[str] = set()
    for node in passing:
        if node in reported:
            continue
        circle = _circle(edges, node)
        if circle:
            reported.update(circle)
            yield finding("busy_loop", process.file, node, loop=" → ".join(circle))


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
