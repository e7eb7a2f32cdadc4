"""What comes after a step, read from the diagram: the next steps a person or party will meet."""

from collections import deque

from service.engine.model import Bundle, Kind, Node, Process

SHOWN = frozenset({Kind.USER, Kind.MANUAL, Kind.RECEIVE, Kind.SEND, Kind.CALL, Kind.OPEN, Kind.END})
MOST = 4


def next_steps(bundle: Bundle, process: str, element: str) -> tuple[Node, ...]:
    """The steps that may follow, nearest first: gateways are looked through, pages followed in and out.

    An end is given only if nothing else follows; at most four, because it is a hint and no plan.
    """
    found: list[Node] = []
    ends: list[Node] = []
    queue = deque(_after(bundle, process, element))
    seen: set[tuple[str, str]] = set()
    while queue and len(found) < MOST:
        page, node = queue.popleft()
        if (page, node.id) in seen:
            continue
        seen.add((page, node.id))
        if node.kind is Kind.INLINE:
            queue.extend(_starts(bundle, node.called))
        elif node.kind is Kind.END and (callers := _callers(bundle, page)):
            queue.extend(step for at, caller in callers for step in _after(bundle, at, caller.id))
        elif node.kind in SHOWN:
            (ends if node.kind is Kind.END else found).append(node)
        else:
            queue.extend(_after(bundle, page, node.id))
    return tuple(found or ends[:1])


def _after(bundle: Bundle, page: str, element: str) -> list[tuple[str, Node]]:
    process = bundle.processes.get(page)
    if process is None:
        return []
    return [(page, process.nodes[flow.target]) for flow in process.outgoing(element) if flow.target in process.nodes]


def _starts(bundle: Bundle, page: str) -> list[tuple[str, Node]]:
    process = bundle.processes.get(page)
    starts = [node for node in process.level() if node.kind is Kind.START] if process else []
    return [(page, node) for node in starts]


def _callers(bundle: Bundle, page: str) -> list[tuple[str, Node]]:
    """Where a page is called inline from."""
    return [(process.id, node) for process in bundle.processes.values() for node in _inline(process, page)]


def _inline(process: Process, page: str) -> list[Node]:
    return [node for node in process.nodes.values() if node.kind is Kind.INLINE and node.called == page]
