"""Outside parties and message flows: collapsed pools above or below, flows upright between.

A message flow leaves its node at the top or bottom and runs straight to the party where it can,
else around with two bends. A party stands on the side where its flows are cheaper.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product

from service.engine.drawing import EVENTS, SHEET, Bounds, Connection, Drawing, Element, Point
from service.engine.layout_labels import pairs
from service.engine.layout_text import text_width

POOL_HEIGHT = 50.0
CORRIDOR = 50.0
BETWEEN = 24.0
MOST_FREE = 6
KEPT = 40
TIGHT = 5.0
MOST_SHIFTED = 3
OVER = 60.0

Line = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn already, absolute: shapes, texts, sequence flows, the pool, and where its headers end."""

    boxes: Mapping[str, Bounds]
    labels: Mapping[str, Bounds]
    flows: Mapping[str, Sequence[Point]]
    pool: Bounds
    left: float


@dataclass(frozen=True, slots=True)
class Outside:
    """Drawn parties and message flows by id."""

    parties: Mapping[str, Bounds]
    flows: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class _Party:
    """A party with its lines on one side, and the stretches its box may cover."""

    id: str
    upper: bool
    lines: Mapping[str, Line]
    spans: tuple[tuple[float, float], ...]


def draw_outside(drawing: Drawing, scene: Scene) -> Outside:
    """Place every collapsed party and its message flows, each party above or below as fits all best."""
    parties = [item for item in drawing.elements.values() if item.tag == "participant" and not item.process]
    own = {item.id: _flows_of(drawing, scene, item.id) for item in parties}
    heard = [item for item in parties if own[item.id]]
    ways = {
        (flow.id, upper): _ranked(drawing, scene, flow, upper=upper)
        for flows in own.values()
        for flow in flows
        for upper in (True, False)
    }
    best = float("inf"), Outside({}, {})
    choices = product((True, False), repeat=len(heard)) if len(heard) <= MOST_FREE else [(True,) * len(heard)]
    for sides in choices:
        cost, lines = _lines(own, heard, sides, ways)
        chosen = [_party(item, upper, own[item.id], lines) for item, upper in zip(heard, sides, strict=True)]
        more, outside = _stack(drawing, scene, chosen)
        more += OVER if _height(scene, outside) > SHEET[1] else 0.0
        if cost + more < best[0]:
            best = cost + more, outside
    silent = [item.id for item in parties if item.id not in best[1].parties]
    lowest = max([scene.pool.bottom, *(box.bottom for box in best[1].parties.values())])
    unheard = {
        ident: Bounds(scene.pool.x + 160.0 * number, lowest + BETWEEN, 140.0, POOL_HEIGHT)
        for number, ident in enumerate(silent)
    }
    return Outside({**best[1].parties, **unheard}, best[1].flows)


def _height(scene: Scene, outside: Outside) -> float:
    boxes = [scene.pool, *outside.parties.values()]
    return max(box.bottom for box in boxes) - min(box.y for box in boxes)


def _flows_of(drawing: Drawing, scene: Scene, party: str) -> list[Connection]:
    return [
        flow
        for flow in drawing.connections.values()
        if flow.tag == "messageFlow" and party in (flow.source, flow.target) and _node(flow, party) in scene.boxes
    ]


def _node(flow: Connection, party: str) -> str:
    return flow.target if flow.source == party else flow.source


def _ranked(drawing: Drawing, scene: Scene, flow: Connection, *, upper: bool) -> list[tuple[float, Line]]:
    """Ways from the pool's border to the node, cheapest first, other message flows left out of account."""
    node = flow.source if flow.source in scene.boxes else flow.target
    free = _around(drawing, node)
    inside = [way for way in _ways(drawing, scene, node, upper=upper) if way[1][0][0] >= scene.left]
    return sorted((extra + _trouble(scene, free, points), points) for extra, points in inside)[:KEPT]


def _lines(
    own: Mapping[str, Sequence[Connection]],
    parties: Sequence[Element],
    sides: Sequence[bool],
    ways: Mapping[tuple[str, bool], Sequence[tuple[float, Line]]],
) -> tuple[float, dict[str, Line]]:
    """The cheapest lines for one choice of sides, one flow after the other."""
    total, lines = 0.0, dict[str, Line]()
    for item, upper in zip(parties, sides, strict=True):
        for flow in own[item.id]:
            best, chosen = float("inf"), ways[flow.id, upper][0][1]
            for base, points in ways[flow.id, upper]:
                if base >= best:
                    break
                price = base + sum(
                    _meeting(*piece, *other, crossing=3.0)
                    for line in lines.values()
                    for piece in pairs(points)
                    for other in pairs(line)
                )
                if price < best:
                    best, chosen = price, points
            total += best
            lines[flow.id] = chosen
    return total, lines


def _party(item: Element, upper: bool, flows: Sequence[Connection], lines: Mapping[str, Line]) -> _Party:
    own = {flow.id: lines[flow.id] for flow in flows}
    xs = [points[0][0] for points in own.values()]
    first, last = min(xs), max(xs)
    width = max(text_width(item.name, 13) / 2 + 34, 100.0, last - first + 32)
    middle = (first + last - width) / 2
    lefts = (middle, last + TIGHT - width, first - TIGHT)  # centred, else aside to let another party's flows pass
    return _Party(item.id, upper, own, tuple((left, left + width) for left in lefts))


def _around(drawing: Drawing, node: str) -> set[str]:
    """The node and the sub-processes around it; the first is the node."""
    around, parent = {node}, drawing.elements[node].parent
    while parent:
        around.add(parent)
        parent = drawing.elements[parent].parent
    return around


def _ways(drawing: Drawing, scene: Scene, node: str, *, upper: bool) -> Iterator[tuple[float, Line]]:
    box, border = scene.boxes[node], scene.pool.y if upper else scene.pool.bottom
    near = box.y if upper else box.bottom
    reach = abs(near - border) / 150
    event = drawing.elements[node].tag in EVENTS
    for offset in (0.0, -10.0, 10.0) if event else (0.0, -15.0, 15.0, -30.0, 30.0, -45.0, 45.0):
        sunk = (box.width / 2 - (box.width**2 / 4 - offset**2) ** 0.5) * (1 if upper else -1) if event else 0.0
        yield reach + abs(offset) / 60, ((box.cx + offset, border), (box.cx + offset, round(near + sunk)))
    away = -1 if upper else 1
    for step in (10.0, 16.0, 22.0, 28.0):
        y = near + away * step
        for reach_out in (14.0, 25.0, 36.0, 47.0):
            for x in (box.right + reach_out, box.x - reach_out):
                yield reach + 5.0 + step / 30, ((x, border), (x, y), (box.cx, y), (box.cx, near))
    for reach_out in (9.0, 20.0, 31.0, 42.0, 53.0):
        for x, side in ((box.right + reach_out, box.right), (box.x - reach_out, box.x)):
            for off in (0.0,) if event else (0.0, 14.0, -14.0, 22.0, -22.0):
                y = box.cy + off
                yield reach + 4.0 + abs(off) / 40, ((x, border), (x, y), (side, y))


def _trouble(scene: Scene, own: set[str], points: Line) -> float:
    cost = 0.0
    for start, end in pairs(points):
        for ident, box in scene.boxes.items():
            if ident not in own:
                cost += 90.0 * box.grown(4).cut_by(start, end)
        cost += sum(60.0 for label in scene.labels.values() if label.grown(2).cut_by(start, end))
        for line in scene.flows.values():
            cost += sum(_meeting(start, end, *piece, crossing=4.0) for piece in pairs(line))
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
    shared = low_one < high_two + 3 and low_two < high_one + 3
    return 0.0 if not shared or apart >= 10 else 90.0 if apart < 4 else 40.0


def _stack(drawing: Drawing, scene: Scene, parties: Sequence[_Party]) -> tuple[float, Outside]:
    """Cost and boxes of one choice of sides; overlapping boxes go outward, past no nearer box's flows."""
    total = 0.0
    bounds: dict[str, Bounds] = {}
    flows: dict[str, Line] = {}
    for upper in (True, False):
        side = [party for party in parties if party.upper == upper]
        cost, places = min((_shelved(order) for order in _orders(side)), key=lambda shelved: shelved[0])
        total += cost
        for party in side:
            bounds[party.id] = box = _box(scene.pool, *places[party.id], upper=upper)
            end = box.bottom if upper else box.y
            for ident, points in party.lines.items():
                line = ((points[0][0], end), *points[1:])
                flows[ident] = line if drawing.connections[ident].source == party.id else line[::-1]
    return total, Outside(bounds, flows)


def _orders(side: Sequence[_Party]) -> Iterator[list[tuple[_Party, tuple[float, float]]]]:
    """Every order, nearest first, with every stretch of each; of many parties the centred stretch only."""
    few = len(side) <= MOST_SHIFTED
    for order in permutations(side):
        for spans in product(*(party.spans if few else party.spans[:1] for party in order)):
            yield list(zip(order, spans, strict=True))


def _shelved(
    order: Sequence[tuple[_Party, tuple[float, float]]],
) -> tuple[float, dict[str, tuple[int, tuple[float, float]]]]:
    """Shelf and stretch of each party when placed in this order, and what that costs."""
    cost = 0.0
    places: dict[str, tuple[int, tuple[float, float]]] = {}
    for number, (party, span) in enumerate(order):
        before = [(places[other.id][0], other, stretch) for other, stretch in order[:number]]
        shelf = max((place for place, _, stretch in before if _touch(stretch, span)), default=-1) + 1
        cost += 4.0 * shelf + party.spans.index(span)
        cost += sum(90.0 * _cut(party, stretch) for place, _, stretch in before if place < shelf)
        cost += sum(90.0 * _cut(other, span) for place, other, _ in before if place > shelf)
        places[party.id] = shelf, span
    return cost, places


def _touch(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] + BETWEEN and other[0] < one[1] + BETWEEN


def _cut(party: _Party, span: tuple[float, float]) -> int:
    return sum(1 for points in party.lines.values() if span[0] - 4 < points[0][0] < span[1] + 4)


def _box(pool: Bounds, shelf: int, span: tuple[float, float], *, upper: bool) -> Bounds:
    away = CORRIDOR + shelf * (POOL_HEIGHT + BETWEEN)
    y = pool.y - away - POOL_HEIGHT if upper else pool.bottom + away
    return Bounds(span[0], y, span[1] - span[0], POOL_HEIGHT)
