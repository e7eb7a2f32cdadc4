"""Outside parties and message flows: collapsed pools above or below, flows upright between.

A message flow leaves its node at the top or bottom and runs straight to the party where it can,
else around with two bends. A party stands on the side where its flows are cheaper.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.engine.drawing import EVENTS, Bounds, Connection, Drawing, Point
from service.engine.layout_labels import pairs
from service.engine.layout_text import text_width

POOL_HEIGHT = 50.0
CORRIDOR = 64.0
BETWEEN = 24.0

Line = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn already, absolute: shapes, texts, sequence flows, and the pool around them."""

    boxes: Mapping[str, Bounds]
    labels: Mapping[str, Bounds]
    flows: Mapping[str, Sequence[Point]]
    pool: Bounds


@dataclass(frozen=True, slots=True)
class Outside:
    """Drawn parties and message flows by id."""

    parties: Mapping[str, Bounds]
    flows: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class _Party:
    id: str
    upper: bool
    lines: Mapping[str, Line]

    def span(self, name: str) -> tuple[float, float]:
        xs = [points[0][0] for points in self.lines.values()]
        wide = max(text_width(name) + 24, 100.0)
        left, right = min(xs) - 20, max(xs) + 20
        spare = max(0.0, wide - (right - left)) / 2
        return left - spare, right + spare


def draw_outside(drawing: Drawing, scene: Scene) -> Outside:
    """Place every collapsed party and its message flows."""
    messages = [flow for flow in drawing.connections.values() if flow.tag == "messageFlow"]
    parties: list[_Party] = []
    drawn: dict[str, Line] = {}
    for item in drawing.elements.values():
        if item.tag != "participant" or item.process:
            continue
        own = [flow for flow in messages if item.id in (flow.source, flow.target)]
        own = [flow for flow in own if _node(flow, item.id) in scene.boxes]
        sides = [_route_all(drawing, scene, own, drawn, upper=upper) for upper in (True, False)]
        upper = sides[0][0] <= sides[1][0]
        lines = sides[0 if upper else 1][1]
        drawn.update(lines)
        parties.append(_Party(item.id, upper, lines))
    return _stack(drawing, scene, parties)


def _node(flow: Connection, party: str) -> str:
    return flow.target if flow.source == party else flow.source


def _route_all(
    drawing: Drawing, scene: Scene, own: Sequence[Connection], drawn: Mapping[str, Line], *, upper: bool
) -> tuple[float, dict[str, Line]]:
    """Cost and lines of a party's flows, each from the pool's border to the node."""
    total, lines = 0.0, dict[str, Line]()
    for flow in own:
        node = flow.source if flow.source in scene.boxes else flow.target
        others = [*drawn.values(), *lines.values()]
        ranked = [
            (extra + _trouble(scene, node, points, others), number, points)
            for number, (extra, points) in enumerate(_ways(drawing, scene, node, upper=upper))
        ]
        cost, _, points = min(ranked)
        total += cost
        lines[flow.id] = points
    return total, lines


def _ways(drawing: Drawing, scene: Scene, node: str, *, upper: bool) -> Iterator[tuple[float, Line]]:
    box, border = scene.boxes[node], scene.pool.y if upper else scene.pool.bottom
    near = box.y if upper else box.bottom
    reach = abs(near - border) / 150
    event = drawing.elements[node].tag in EVENTS
    for offset in (0.0,) if event else (0.0, -15.0, 15.0, -30.0, 30.0, -45.0, 45.0):
        yield reach + abs(offset) / 60, ((box.cx + offset, border), (box.cx + offset, near))
    away = -1 if upper else 1
    for step in (10.0, 16.0, 22.0, 28.0):
        y = near + away * step
        for reach_out in (14.0, 22.0, 30.0, 38.0, 46.0):
            for x in (box.right + reach_out, box.x - reach_out):
                yield reach + 5.0 + step / 30, ((x, border), (x, y), (box.cx, y), (box.cx, near))
    for reach_out in (14.0, 22.0, 30.0, 38.0, 46.0):
        for x, side in ((box.right + reach_out, box.right), (box.x - reach_out, box.x)):
            yield reach + 4.0, ((x, border), (x, box.cy), (side, box.cy))


def _trouble(scene: Scene, node: str, points: Line, others: Sequence[Line]) -> float:
    cost = 0.0
    for start, end in pairs(points):
        for ident, box in scene.boxes.items():
            room = box.grown(-1) if ident == node else box.grown(4)
            cost += 90.0 * room.cut_by(start, end)
        cost += sum(16.0 for label in scene.labels.values() if label.grown(2).cut_by(start, end))
        for line in scene.flows.values():
            cost += sum(_meeting(start, end, *piece, crossing=4.0) for piece in pairs(line))
        for line in others:
            cost += sum(_meeting(start, end, *piece, crossing=3.0) for piece in pairs(line))
    return cost


def _meeting(a: Point, b: Point, c: Point, d: Point, *, crossing: float) -> float:
    """Cost of two pieces: crossing each other, or side by side too close."""
    upright, other = a[0] == b[0], c[0] == d[0]
    if upright != other:
        (x, y1), (_, y2) = (a, b) if upright else (c, d)
        (x1, y), (x2, _) = (c, d) if upright else (a, b)
        return crossing if min(x1, x2) < x < max(x1, x2) and min(y1, y2) < y < max(y1, y2) else 0.0
    axis, along = (0, 1) if upright else (1, 0)
    apart = abs(a[axis] - c[axis])
    low_one, high_one = sorted((a[along], b[along]))
    low_two, high_two = sorted((c[along], d[along]))
    shared = low_one < high_two and low_two < high_one
    return 12.0 if shared and apart < 8 else 0.0


def _stack(drawing: Drawing, scene: Scene, parties: Sequence[_Party]) -> Outside:
    """Give every party a box on its side; overlapping ones move outward, the narrow one stays inside."""
    bounds: dict[str, Bounds] = {}
    flows: dict[str, Line] = {}
    for upper in (True, False):
        side = [party for party in parties if party.upper == upper and party.lines]
        shelves: list[list[tuple[float, float]]] = []
        spans = {party.id: party.span(drawing.elements[party.id].name) for party in side}
        for party in sorted(side, key=lambda one: (spans[one.id][1] - spans[one.id][0], spans[one.id])):
            span = _inside(spans[party.id], scene.pool)
            shelf = _shelf(shelves, span)
            shelves[shelf].append(span)
            box = _box(scene.pool, span, shelf, upper=upper)
            bounds[party.id] = box
            end = box.bottom if upper else box.y
            for ident, points in party.lines.items():
                flows[ident] = ((points[0][0], end), *points[1:])
    lonely = [party for party in parties if not party.lines]
    for number, party in enumerate(lonely):
        x = scene.pool.x + 160.0 * number
        bounds[party.id] = Bounds(x, scene.pool.bottom + 3 * (CORRIDOR + POOL_HEIGHT), 140.0, POOL_HEIGHT)
    turned = {ident: points if drawing.connections[ident].source in bounds else points[::-1] for ident, points in flows.items()}
    return Outside(bounds, turned)


def _inside(span: tuple[float, float], pool: Bounds) -> tuple[float, float]:
    left, right = span
    if left < pool.x:
        return pool.x, max(right, pool.x + right - left) if right - left < 180 else right
    return left, right


def _shelf(shelves: list[list[tuple[float, float]]], span: tuple[float, float]) -> int:
    for number, shelf in enumerate(shelves):
        if all(span[1] + BETWEEN <= left or right + BETWEEN <= span[0] for left, right in shelf):
            return number
    shelves.append([])
    return len(shelves) - 1


def _box(pool: Bounds, span: tuple[float, float], shelf: int, *, upper: bool) -> Bounds:
    away = CORRIDOR + shelf * (POOL_HEIGHT + BETWEEN)
    y = pool.y - away - POOL_HEIGHT if upper else pool.bottom + away
    return Bounds(span[0], y, span[1] - span[0], POOL_HEIGHT)
