"""What an instance waits for of the world: the facts that its waiting events and collections read."""

from collections.abc import Iterator

from service.engine.expressions import compile_expression
from service.engine.model import Bundle, Kind, Node, Process, Trigger

ANYTHING = "*"  # a wait that is not about the person of the instance
OWN = "."  # a wait that reads something: at least what happens in the instance or to its person


def watched_facts(bundle: Bundle, process_id: str) -> frozenset[str]:
    """Facts read by the waits of a process and of the pages it calls inline."""
    found: set[str] = set()
    for process in _pages(bundle, process_id, set()):
        for node in process.nodes.values():
            for text in _waits(node):
                found.add(OWN)
                expression = compile_expression(text)
                found |= expression.facts
                if expression.deadlines and "person" not in expression.names:
                    found.add(ANYTHING)
            found |= {node.collection} - {""}
    return frozenset(found)


def _pages(bundle: Bundle, process_id: str, seen: set[str]) -> Iterator[Process]:
    if process_id in seen:
        return
    seen.add(process_id)
    process = bundle.processes[process_id]
    yield process
    for node in process.nodes.values():
        if node.kind is Kind.INLINE:
            yield from _pages(bundle, node.called, seen)


def _waits(node: Node) -> Iterator[str]:
    if node.trigger is Trigger.CONDITIONAL:
        yield node.condition
    if node.trigger in {Trigger.DATE, Trigger.CYCLE} and node.timer.startswith("="):
        yield node.timer[1:]
    if node.kind is Kind.OPEN and node.completion:
        yield node.completion.removeprefix("=")
