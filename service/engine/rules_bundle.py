"""Runs every rule over a bundle, and checks what only the whole bundle shows: calls and pages."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from service.engine.intake_xml import LIMITS
from service.engine.known import Known
from service.engine.model import Bundle, Finding, Kind, Node, Process, Trigger
from service.engine.rules import Both, finding, has_errors
from service.engine.rules_decisions import check_decisions
from service.engine.rules_events import check_events
from service.engine.rules_expressions import check_expressions
from service.engine.rules_flow import check_flow
from service.engine.rules_labels import check_labels
from service.engine.rules_loops import check_loops
from service.engine.rules_names import check_names
from service.engine.rules_repeats import check_repeats
from service.engine.rules_tasks import check_tasks
from service.engine.soundness import check_soundness

CALLS: Final = frozenset({Kind.CALL, Kind.INLINE, Kind.OPEN})


def check_bundle(bundle: Bundle, known: Known) -> Iterator[Finding]:
    """Findings of all rules about the model, page by page in file order.

    A page beyond the size limit ends the check: the other rules cost more than its nodes deserve.
    """
    oversized = list(_check_sizes(bundle))
    yield from oversized
    if has_errors(oversized):
        return
    called = {
        node.called for process in bundle.processes.values() for node in process.nodes.values() if node.kind in CALLS
    }
    for process in bundle.processes.values():
        yield from _check_page(process, bundle, called)
        yield from check_flow(process, is_called=process.id in called)
        yield from check_tasks(process, known)
        yield from check_events(process)
        yield from check_repeats(process)
        yield from check_labels(process)
        yield from check_soundness(process)
        for node in process.nodes.values():
            if node.kind in CALLS:
                yield from _check_call(process, node, bundle, known)
    yield from check_loops(bundle)
    yield from check_expressions(bundle, known)
    yield from check_decisions(bundle, known)
    yield from check_names(bundle, known)


def _check_sizes(bundle: Bundle) -> Iterator[Finding]:
    for process in bundle.processes.values():
        count = max(len(process.nodes), len(process.flows) // 2)
        if count > LIMITS.nodes_per_page:
            yield finding("page_too_large", process.file, process.id, count=count, limit=LIMITS.nodes_per_page)
        elif (shown := _fullest_sheet(process)) > LIMITS.readable_nodes:
            yield finding("page_large", process.file, process.id, count=shown, limit=LIMITS.readable_nodes)


def _fullest_sheet(process: Process) -> int:
    """How many nodes the reader sees at once: the inside of a closed event sub-process is a sheet of its own."""
    nodes = Counter(process.sheet(ident) for ident in process.nodes)
    flows = Counter(process.sheet(flow.source) for flow in process.flows.values())
    return max((max(nodes[sheet], flows[sheet] // 2) for sheet in nodes), default=0)


def _check_page(process: Process, bundle: Bundle, called: Collection[str]) -> Iterator[Finding]:
    if process.id != bundle.entry and process.id not in called:
        yield finding("page_unused", process.file, process.id)
    if not process.pool:
        yield finding("pool_missing", process.file, process.id)


def _check_call(process: Process, node: Node, bundle: Bundle, known: Known) -> Iterator[Finding]:
    if node.kind is Kind.OPEN and not node.collection:
        yield finding("open_collection", process.file, node.id)
    if node.kind is Kind.INLINE and node.inputs:
        allowed = Both("调用另一个规程的调用活动", "a call of another procedure")
        shown = Both("同一规程的页的调用", "a call of a page of the same procedure")
        yield finding(
            "extension_misplaced", process.file, node.id, name="tocsin:inputs", element=shown, allowed=allowed
        )
    if not node.called:
        yield finding("call_target_missing", process.file, node.id)
        return
    page = bundle.processes.get(node.called)
    if page is not None:
        starts = [n for n in page.level() if n.kind is Kind.START]
        if starts and not any(n.trigger is Trigger.NONE for n in starts):
            yield finding("call_page_start", process.file, node.id, name=node.called)
    elif node.called not in known.procedures:
        yield finding("call_unknown_procedure", process.file, node.id, name=node.called)
