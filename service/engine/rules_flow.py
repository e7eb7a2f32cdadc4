"""Rules about the sequence flow of a page: starts, ends, gateways, reachability."""

from collections.abc import Iterator
from typing import Final

from service.engine.model import Finding, Flow, Kind, Node, Process, Trigger
from service.engine.rules import finding

GATEWAYS: Final = frozenset({Kind.XOR, Kind.AND, Kind.OR, Kind.EVENT_GATEWAY})
_EVENTS: Final = frozenset({Kind.START, Kind.END, Kind.CATCH, Kind.THROW, Kind.BOUNDARY})


def check_flow(process: Process, *, is_called: bool) -> Iterator[Finding]:
    """Findings about how the nodes of a page are connected."""
    levels = ["", *(n.id for n in process.nodes.values() if n.kind in {Kind.EVENT_SUBPROCESS, Kind.SUBPROCESS})]
    for level in levels:
        yield from _check_level(process, level, is_called=is_called)
    seen: dict[tuple[str, str], str] = {}
    for flow in process.flows.values():
        yield from _check_crossing(process, flow)
        ends = (flow.source, flow.target)
        if ends in seen:
            yield finding("flow_duplicate", process.file, flow.id, other=seen[ends])
        seen.setdefault(ends, flow.id)
    for node in process.nodes.values():
        yield from _check_ends(process, node)
        yield from _check_outgoing(process, node)
    yield from _check_reach(process)


def _check_level(process: Process, level: str, *, is_called: bool) -> Iterator[Finding]:
    nodes = process.level(level)
    starts = [n for n in nodes if n.kind is Kind.START]
    element = level or process.id
    if not level and not starts:
        yield finding("start_missing", process.file, element)
    if not level and is_called and len(starts) > 1:
        yield finding("start_several", process.file, element, count=len(starts))
    if not any(n.kind is Kind.END for n in nodes):
        yield finding("end_missing", process.file, element)


def _check_crossing(process: Process, flow: Flow) -> Iterator[Finding]:
    if process.nodes[flow.source].parent != process.nodes[flow.target].parent:
        yield finding("flow_crosses", process.file, flow.id)


def _check_ends(process: Process, node: Node) -> Iterator[Finding]:
    incoming, outgoing = process.incoming(node.id), process.outgoing(node.id)
    if node.kind is Kind.START and incoming:
        yield finding("start_incoming", process.file, node.id)
    if node.kind is Kind.BOUNDARY and incoming:
        yield finding("boundary_incoming", process.file, node.id)
    if node.kind is Kind.END and outgoing:
        yield finding("end_outgoing", process.file, node.id)
    if node.kind is Kind.EVENT_SUBPROCESS and (incoming or outgoing):
        yield finding("event_sub_flow", process.file, node.id)
    is_link = node.kind is Kind.THROW and node.trigger is Trigger.LINK
    if node.kind not in {Kind.END, Kind.EVENT_SUBPROCESS} and not outgoing and not is_link:
        yield finding("node_dead_end", process.file, node.id)


def _check_outgoing(process: Process, node: Node) -> Iterator[Finding]:
    outgoing = process.outgoing(node.id)
    is_split = len(outgoing) > 1
    decides = node.kind in {Kind.XOR, Kind.OR} and is_split
    if node.default_flow and node.default_flow not in {flow.id for flow in outgoing}:
        yield finding("gateway_default_unknown", process.file, node.id, flow=node.default_flow)
    if decides:
        yield from _check_conditions(process, node, outgoing)
    elif node.kind not in GATEWAYS | _EVENTS and is_split:
        yield from _check_activity(process, node, outgoing)
    else:
        for flow in outgoing:
            if flow.condition is not None:
                yield finding("flow_condition_misplaced", process.file, flow.id)
    if node.kind is Kind.EVENT_GATEWAY:
        yield from _check_event_gateway(process, node, outgoing)


def _check_conditions(process: Process, node: Node, outgoing: list[Flow]) -> Iterator[Finding]:
    for flow in outgoing:
        if flow.id == node.default_flow:
            if flow.condition is not None:
                yield finding("gateway_default_condition", process.file, node.id, flow=flow.id)
        elif flow.condition is None:
            yield finding("gateway_condition_missing", process.file, node.id, flow=flow.id)
    always = node.kind is Kind.OR and any((flow.condition or "").casefold() == "true" for flow in outgoing)
    if not node.default_flow and not always:
        yield finding("gateway_no_default", process.file, node.id)


def _check_activity(process: Process, node: Node, outgoing: list[Flow]) -> Iterator[Finding]:
    """Several flows out of an activity: all of them, or those whose condition holds."""
    conditional = [flow for flow in outgoing if flow.condition is not None]
    default = [flow for flow in outgoing if flow.id == node.default_flow]
    if default and default[0].condition is not None:
        yield finding("gateway_default_condition", process.file, node.id, flow=node.default_flow)
    elif default and not conditional:
        yield finding("default_alone", process.file, node.id, flow=node.default_flow)
    if len(conditional) == len(outgoing):
        yield finding("gateway_no_default", process.file, node.id)


def _check_event_gateway(process: Process, node: Node, outgoing: list[Flow]) -> Iterator[Finding]:
    if len(outgoing) < 2:
        yield finding("event_gateway_few", process.file, node.id)
    for flow in outgoing:
        target = process.nodes[flow.target]
        catches = target.kind is Kind.CATCH and target.trigger is not Trigger.NONE
        if not catches and target.kind is not Kind.RECEIVE:
            yield finding("event_gateway_targets", process.file, node.id, name=target.id)
        elif len(process.incoming(target.id)) > 1:
            yield finding("event_gateway_shared", process.file, node.id, name=target.id)


def _check_reach(process: Process) -> Iterator[Finding]:
    if not any(node.kind is Kind.START for node in process.level()):
        # Without a start nothing is reachable; the missing start is the finding.
        return
    reached = {node.id for node in process.nodes.values() if node.kind in {Kind.START, Kind.EVENT_SUBPROCESS}}
    pending = list(reached)
    while pending:
        current = pending.pop()
        for target in process.following(current):
            if target not in reached:
                reached.add(target)
                pending.append(target)
    for node in process.nodes.values():
        # A boundary event on nothing has a finding of its own.
        is_lost_boundary = node.kind is Kind.BOUNDARY and node.attached_to not in process.nodes
        if node.id not in reached and not is_lost_boundary:
            yield finding("node_unreachable", process.file, node.id)
