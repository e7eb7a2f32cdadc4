"""What is to be placed on one level of a diagram: items, links, the main path, the order of lanes.

A level is the process itself or the inside of one sub-process. Boundary events are no items of
their own: they ride on their host, their flows start at the host's lower border.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.engine.drawing import ACTIVITIES, EVENTS, GATEWAYS, SHEET, Connection, Drawing, Element
from service.engine.layout_text import FONT, block, text_width

TASK = (110.0, 70.0)
GATEWAY = 50.0
EVENT = 36.0
FRAME = 80.0  # headers of pool and lanes, and a channel for message flows
SHELF = 100.0  # a collapsed party and the way to it


@dataclass(frozen=True, slots=True)
class Item:
    """A node with its size; `lane` is the index in drawing order; `contacts` its message flows.

    `room` is the width that the longest answer beside a gateway needs to its right, in two lines.
    """

    id: str
    width: float
    height: float
    lane: int
    gateway: bool = False
    event: bool = False
    contacts: int = 0
    riders: tuple[str, ...] = ()
    room: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """A flow between two items; `port` is the offset of a boundary event from its host's centre."""

    id: str
    source: int
    target: int
    origin: str
    boundary: bool = False
    port: float = 0.0
    back: bool = False
    main: bool = False
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Items and links of a level; `order` lists lane ids from top to bottom ("" where there are none).

    `room` is the width and height in pixels that a sheet of paper leaves for the level.
    """

    items: tuple[Item, ...]
    links: tuple[Link, ...]
    order: tuple[str, ...]
    room: tuple[float, float]


def make_plan(drawing: Drawing, parent: str, sizes: Mapping[str, tuple[float, float]]) -> Plan:
    """Collect a level; `sizes` holds the sizes of sub-processes that are drawn already."""
    nodes = [node for node in drawing.nodes(parent) if node.tag != "boundaryEvent" and not node.event_sub]
    index = {node.id: number for number, node in enumerate(nodes)}
    riders = _riders(drawing, parent)
    links = _links(drawing, index, riders)
    links = _with_main(_with_back(nodes, links), len(nodes))
    lane_of, order = _lanes(drawing, nodes, links, parent)
    contacts = [flow for flow in drawing.connections.values() if flow.tag == "messageFlow"]
    items = tuple(
        Item(
            node.id,
            *(sizes.get(node.id) or size_of(node)),
            lane=order.index(lane_of[node.id]),
            gateway=node.tag in GATEWAYS,
            event=node.tag in EVENTS,
            contacts=sum(1 for flow in contacts if node.id in (flow.source, flow.target)),
            riders=tuple(riders.get(node.id, ())),
            room=_room(drawing, node),
        )
        for node in nodes
    )
    return Plan(items, tuple(links), tuple(order), _sheet(drawing, parent))


def _sheet(drawing: Drawing, parent: str) -> tuple[float, float]:
    """What a sheet of paper leaves for a level beside the headers and a shelf of parties."""
    if parent:
        return SHEET
    parties = any(item.tag == "participant" and not item.process for item in drawing.elements.values())
    return SHEET[0] - FRAME, SHEET[1] - SHELF * parties


def _room(drawing: Drawing, node: Element) -> float:
    if node.tag not in GATEWAYS:
        return 0.0
    names = [flow.name for flow in drawing.connections.values() if flow.source == node.id and flow.name]
    needs = [block(name, max(text_width(name) / 2 + FONT, 48.0))[0] + 10 for name in names]
    return min(max(needs, default=0.0), 110.0)


def size_of(node: Element) -> tuple[float, float]:
    """Size of a node by its kind (design: task 110 by 70, gateway 50, event 36)."""
    if node.tag in GATEWAYS:
        return GATEWAY, GATEWAY
    if node.tag in EVENTS:
        return EVENT, EVENT
    return TASK if node.tag in ACTIVITIES else (100.0, 50.0)


def rider_offset(position: int, count: int) -> float:
    """Where on the lower border of a task its boundary event number `position` sits."""
    if count == 1:
        return 27.0
    if count == 2:
        return (-27.0, 27.0)[position]
    return -46.0 + 92.0 * position / (count - 1)


def _riders(drawing: Drawing, parent: str) -> dict[str, list[str]]:
    riders: dict[str, list[str]] = {}
    for node in drawing.nodes(parent):
        if node.tag == "boundaryEvent":
            riders.setdefault(node.host, []).append(node.id)
    return riders


def _links(drawing: Drawing, index: Mapping[str, int], riders: Mapping[str, list[str]]) -> list[Link]:
    host = {rider: (owner, place, len(group)) for owner, group in riders.items() for place, rider in enumerate(group)}
    links = []
    for flow in drawing.connections.values():
        if flow.tag != "sequenceFlow" or flow.target not in index:
            continue
        if flow.source in index:
            links.append(_link(flow, index[flow.source], index[flow.target]))
        elif flow.source in host and host[flow.source][0] in index:
            owner, place, count = host[flow.source]
            port = rider_offset(place, count)
            links.append(_link(flow, index[owner], index[flow.target], boundary=True, port=port))
    return links


def _link(flow: Connection, source: int, target: int, *, boundary: bool = False, port: float = 0.0) -> Link:
    return Link(flow.id, source, target, flow.source, boundary, port, labelled=bool(flow.name))


def _with_back(nodes: Sequence[Element], links: list[Link]) -> list[Link]:
    """Mark the links that close a cycle, seen depth first from the start events in file order."""
    leaving: dict[int, list[int]] = {}
    for number, link in enumerate(links):
        leaving.setdefault(link.source, []).append(number)
    back: set[int] = set()
    state: dict[int, str] = {}
    starts = [number for number, node in enumerate(nodes) if node.tag == "startEvent"]
    for root in [*starts, *range(len(nodes))]:
        if root in state:
            continue
        stack = [(root, iter(leaving.get(root, ())))]
        state[root] = "open"
        while stack:
            node, rest = stack[-1]
            step = next(rest, None)
            if step is None:
                state[node] = "done"
                stack.pop()
            elif state.get(links[step].target) == "open":
                back.add(step)
            elif links[step].target not in state:
                state[links[step].target] = "open"
                stack.append((links[step].target, iter(leaving.get(links[step].target, ()))))
    return [_changed(link, back=number in back) for number, link in enumerate(links)]


def _changed(link: Link, *, back: bool = False, main: bool = False) -> Link:
    return Link(
        link.id, link.source, link.target, link.origin, link.boundary, link.port, back or link.back, main, link.labelled
    )


def _with_main(links: list[Link], count: int) -> list[Link]:
    """Mark the longest path, the first in file order among equals, boundary events left out."""
    best: dict[int, tuple[int, int]] = {}
    for node in reversed(topological(count, links)):
        best[node] = (0, -1)
        for number, link in enumerate(links):
            if link.source == node and not link.back and not link.boundary and best[link.target][0] + 1 > best[node][0]:
                best[node] = (best[link.target][0] + 1, number)
    if not best:
        return links
    node = max(sorted(best), key=lambda number: best[number][0])
    main = set()
    while best[node][1] >= 0:
        main.add(best[node][1])
        node = links[best[node][1]].target
    return [_changed(link, main=number in main) for number, link in enumerate(links)]


def topological(count: int, links: Iterable[Link]) -> list[int]:
    """Node numbers so that every forward link goes from an earlier to a later one, file order among equals."""
    waiting = [0] * count
    after: dict[int, list[int]] = {}
    for link in links:
        if not link.back and link.source != link.target:
            waiting[link.target] += 1
            after.setdefault(link.source, []).append(link.target)
    ready = [number for number in range(count) if waiting[number] == 0]
    done = []
    while ready:
        node = min(ready)
        ready.remove(node)
        done.append(node)
        for target in after.get(node, ()):
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return done


def _lanes(
    drawing: Drawing, nodes: Sequence[Element], links: Sequence[Link], parent: str
) -> tuple[dict[str, str], list[str]]:
    """Lane of every node (a neighbour's where the file says none) and the lanes in order of first action."""
    lanes = [item.id for item in drawing.elements.values() if item.tag == "lane"]
    if parent or not lanes:
        return {node.id: "" for node in nodes}, [""]
    lane_of = {node.id: node.lane for node in nodes}
    for _ in nodes:
        for link in links:
            source, target = nodes[link.source].id, nodes[link.target].id
            lane_of[target] = lane_of[target] or lane_of[source]
            lane_of[source] = lane_of[source] or lane_of[target]
    for ident, lane in lane_of.items():
        lane_of[ident] = lane or lanes[0]
    first = layers(len(nodes), links)
    rank = {lane: (len(nodes), lanes.index(lane)) for lane in lanes}
    for number, node in enumerate(nodes):
        lane = lane_of[node.id]
        rank[lane] = min(rank[lane], (first[number], lanes.index(lane)))
    return lane_of, sorted(lanes, key=lambda lane: rank[lane])


def layers(count: int, links: Sequence[Link]) -> list[int]:
    """Column of every node by the longest forward path that leads to it."""
    layer = [0] * count
    for node in topological(count, links):
        for link in links:
            if link.source == node and not link.back and link.target != node:
                layer[link.target] = max(layer[link.target], layer[node] + 1)
    return layer
