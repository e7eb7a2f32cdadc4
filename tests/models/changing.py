"""Another version of a random model's bundle: steps inserted, left out, renamed, branches and boundary events added."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from service.engine.model import Bundle, Flow, Kind, Node, Process, Trigger
from service.engine.upgrade_game import TooComplex, standstills

Change = Callable[[Process, Random, str], Process | None]


def changed(bundle: Bundle, rng: Random, *, times: int = 3) -> Bundle:
    """The bundle with some random changes; one that would make a version which cannot end by itself is left out."""
    pages = dict(bundle.processes)
    for number in range(times):
        page = pages[rng.choice(sorted(pages))]
        made = rng.choice(CHANGES)(page, rng, f"new{number}")
        if made is not None and _ends(made):
            pages[page.id] = made
    return replace(bundle, processes=pages)


def _ends(process: Process) -> bool:
    subs = ["", *(node.id for node in process.nodes.values() if node.kind is Kind.EVENT_SUBPROCESS)]
    starts = [node for sub in subs for node in process.level(sub) if node.kind is Kind.START]
    try:
        return not any(standstills(process, [("in", start.id)]) for start in starts)
    except TooComplex:
        return False


def _insert(process: Process, rng: Random, name: str) -> Process | None:
    flows = [each for each in process.flows.values() if process.nodes[each.source].kind is not Kind.EVENT_GATEWAY]
    flow = rng.choice(sorted(flows, key=lambda each: each.id))
    parent = process.nodes[flow.source].parent
    return _with(
        process, [Node(name, Kind.USER, role="nurse", parent=parent)],
        [replace(flow, target=name), Flow(f"f_{name}", name, flow.target)],
    )  # fmt: skip


def _leave_out(process: Process, rng: Random, _name: str) -> Process | None:
    simple = [
        node for node in process.nodes.values()
        if node.kind in {Kind.USER, Kind.MANUAL} and len(process.outgoing(node.id)) == 1
        and len(process.incoming(node.id)) == 1 and not process.boundaries(node.id)
    ]  # fmt: skip
    if not simple:
        return None
    node = rng.choice(sorted(simple, key=lambda each: each.id))
    [before], [after] = process.incoming(node.id), process.outgoing(node.id)
    flows = {key: each for key, each in process.flows.items() if key != after.id}
    flows[before.id] = replace(before, target=after.target)
    nodes = {key: each for key, each in process.nodes.items() if key != node.id}
    return replace(process, nodes=nodes, flows=flows)


def _branch(process: Process, rng: Random, name: str) -> Process | None:
    forks = [n for n in process.nodes.values() if n.kind is Kind.AND and len(process.incoming(n.id)) == 1]
    joins = [n for n in process.nodes.values() if n.kind is Kind.AND and len(process.incoming(n.id)) > 1]
    pairs = [(fork, join) for fork in forks for join in joins if fork.parent == join.parent]
    if not pairs:
        return None
    fork, join = rng.choice(sorted(pairs, key=lambda pair: (pair[0].id, pair[1].id)))
    node = Node(name, Kind.USER, role="nurse", parent=fork.parent)
    return _with(process, [node], [Flow(f"f_{name}_1", fork.id, name), Flow(f"f_{name}_2", name, join.id)])


def _guard(process: Process, rng: Random, name: str) -> Process | None:
    hosts = [node for node in process.nodes.values() if node.kind in {Kind.USER, Kind.MANUAL, Kind.CALL}]
    if not hosts:
        return None
    host = rng.choice(sorted(hosts, key=lambda each: each.id))
    event = Node(
        name, Kind.BOUNDARY, Trigger.DURATION, timer="PT50M", attached_to=host.id, interrupting=False,
        parent=host.parent,
    )  # fmt: skip
    end = Node(f"{name}_end", Kind.END, parent=host.parent)
    return _with(process, [event, end], [Flow(f"f_{name}", name, end.id)])


def _unguard(process: Process, rng: Random, _name: str) -> Process | None:
    events = [node for node in process.nodes.values() if node.kind is Kind.BOUNDARY]
    if not events:
        return None
    event = rng.choice(sorted(events, key=lambda each: each.id))
    nodes = {key: each for key, each in process.nodes.items() if key != event.id}
    return replace(process, nodes=nodes, flows={k: f for k, f in process.flows.items() if f.source != event.id})


def _retime(process: Process, rng: Random, _name: str) -> Process | None:
    timers = [node for node in process.nodes.values() if node.trigger is Trigger.DURATION]
    if not timers:
        return None
    node = rng.choice(sorted(timers, key=lambda each: each.id))
    return _with(process, [replace(node, timer=rng.choice(("PT5M", "PT5H")))], [])


def _with(process: Process, nodes: list[Node], flows: list[Flow]) -> Process:
    return replace(
        process, nodes={**process.nodes, **{each.id: each for each in nodes}},
        flows={**process.flows, **{each.id: each for each in flows}},
    )  # fmt: skip


CHANGES: tuple[Change, ...] = (_insert, _insert, _leave_out, _branch, _branch, _guard, _unguard, _retime)
