"""An oracle beside the engine: a log is legal only if every token came from somewhere.

It knows nothing of scopes or waits, only what BPMN 2.0 says of single nodes: how many tokens a node
gives to each of its flows, and how many it takes.
"""

from collections import Counter
from collections.abc import Iterable

from service.domain import events as ev
from service.engine.model import Bundle, Kind, Process

ONE_WAY = {Kind.XOR, Kind.EVENT_GATEWAY}


def check_legal(bundle: Bundle, events: Iterable[ev.Event]) -> None:
    """Raises AssertionError at the first completed node whose tokens nobody gave, or that took too few."""
    done: Counter[str] = Counter()
    came: Counter[str] = Counter()
    for event in events:
        if not isinstance(event, ev.ElementCompleted):
            continue
        page = bundle.processes[event.process]
        node, incoming = page.nodes[event.element], [flow.id for flow in page.incoming(event.element)]
        if node.kind is Kind.AND:
            assert sorted(event.flows) == sorted(incoming), f"{node.id} took {event.flows} of {incoming}"
        elif node.kind is Kind.OR:
            assert set(event.flows) <= set(incoming), f"{node.id} took {event.flows}"
            assert event.flows, f"{node.id} took nothing"
        else:
            assert len(event.flows) == (1 if incoming else 0), f"{node.id} came by {event.flows}"
        came.update(event.flows)
        for flow in event.flows:
            _check_given(page, flow, done, came)
        done[event.element] += 1


def _check_given(page: Process, flow: str, done: Counter[str], came: Counter[str]) -> None:
    source = page.nodes[page.flows[flow].source]
    given = done[source.id]
    assert came[flow] <= given, f"{flow} was walked {came[flow]} times, {source.id} done {given}"
    if source.kind in ONE_WAY:
        walked = sum(came[each.id] for each in page.outgoing(source.id))
        assert walked <= given, f"{source.id} was done {given} times and left {walked} times"
