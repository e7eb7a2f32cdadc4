"""Places the texts that stand beside a shape or a flow: near, and across nothing.

Each text tries several places and line widths; the one that touches least wins, with a small
preference for the usual place (under an event, above a gateway, near the source of a flow).
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.engine.drawing import GATEWAYS, Bounds, Drawing, Point
from service.engine.layout_text import FONT, block

Segment = tuple[Point, Point]

ON_SHAPE = 100.0
ON_LABEL = 80.0
ON_FLOW = 40.0
ON_BORDER = 3.0
BY_OTHER = 1.3
CLOSE = 7.0
NEAR = 4.0


@dataclass(slots=True)
class Surroundings:
    """What a text must not touch: shapes, flows, lane borders (levels to avoid), other texts; `size` is its font's."""

    boxes: Mapping[str, Bounds]
    flows: Mapping[str, Sequence[Point]]
    borders: Sequence[float] = ()
    limits: Bounds | None = None
    size: float = FONT
    placed: dict[str, Bounds] = field(default_factory=dict)
    solid: list[Bounds] = field(init=False)
    pieces: list[tuple[str, Segment]] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what every place is tried against."""
        self.solid = [box.grown(1) for box in self.boxes.values()]
        self.pieces = [(owner, piece) for owner, points in self.flows.items() for piece in pairs(points)]

    def cost(self, ident: str, box: Bounds) -> float:
        """How badly a text at this place touches other things."""
        cost, room = 0.0, box.grown(2)
        for other in self.solid:
            if other.overlaps(box):
                cost += ON_SHAPE
        for owner, label in self.placed.items():
            if owner != ident and label.overlaps(room):
                cost += ON_LABEL
        wide = box.grown(CLOSE)
        for owner, piece in self.pieces:
            if wide.cut_by(*piece):
                cost += ON_FLOW if room.cut_by(*piece) else 0.0 if owner == ident else BY_OTHER
        cost += sum(ON_BORDER for y in self.borders if box.y < y < box.bottom)
        if self.limits and not self.limits.holds(box):
            cost += ON_SHAPE
        return cost


def pairs(points: Sequence[Point]) -> Iterator[Segment]:
    """Successive pairs of way points."""
    return itertools.pairwise(points)


def place_labels(drawing: Drawing, around: Surroundings, order: Iterable[str]) -> dict[str, Bounds]:
    """Bounds of the text of every named event, gateway and flow in `order`; two rounds, the second corrects."""
    idents = [ident for ident in order if _text(drawing, ident)]
    for _ in range(3):
        for ident in idents:
            around.placed.pop(ident, None)
            best = float("inf")
            for extra, box in sorted(_places(drawing, around, ident), key=lambda place: place[0]):
                if extra >= best:
                    break
                price = around.cost(ident, box) + extra
                if price < best:
                    best, around.placed[ident] = price, box
    return {ident: around.placed[ident] for ident in idents if ident in around.placed}


def _text(drawing: Drawing, ident: str) -> str:
    owner = drawing.elements.get(ident) or drawing.connections.get(ident)
    return owner.name if owner else ""


def _places(drawing: Drawing, around: Surroundings, ident: str) -> Iterator[tuple[float, Bounds]]:
    text = _text(drawing, ident)
    if ident in drawing.elements:
        element, box = drawing.elements[ident], around.boxes[ident]
        if element.tag == "boundaryEvent":
            yield from _beside_rider(text, box, around.size)
        elif element.tag in GATEWAYS:
            yield from _beside_gateway(text, box, around.size)
        else:
            yield from _beside_event(text, box, around.size)
    elif ident in around.flows:
        source = drawing.connections[ident].source
        siblings = [
            piece
            for other, flow in drawing.connections.items()
            if other != ident and flow.source == source and other in around.flows and flow.tag == "sequenceFlow"
            for piece in pairs(around.flows[other])
        ]
        yield from _beside_flow(text, around.flows[ident], siblings, around.size)


def _beside_event(text: str, box: Bounds, size: float) -> Iterator[tuple[float, Bounds]]:
    for extra, limit in ((0.0, 76.0), (0.6, 100.0), (1.0, 52.0)):
        width, height = block(text, limit, size)
        yield extra, Bounds(box.cx - width / 2, box.bottom + NEAR, width, height)
        yield extra + 1.5, Bounds(box.cx - width / 2, box.y - NEAR - height, width, height)
        for side in (box.right + NEAR, box.x - NEAR - width):
            yield extra + 2.0, Bounds(side, box.bottom - 6, width, height)
            yield extra + 2.2, Bounds(side, box.y + 6 - height, width, height)
            yield extra + 2.4, Bounds(side, box.cy - height - 3, width, height)
            yield extra + 2.6, Bounds(side, box.cy + 3, width, height)


def _beside_rider(text: str, box: Bounds, size: float) -> Iterator[tuple[float, Bounds]]:
    for extra, limit in ((0.0, 76.0), (0.5, 52.0), (0.8, 40.0), (1.2, 110.0), (2.0, 28.0)):
        width, height = block(text, limit, size)
        for lower in (box.cy + NEAR, box.bottom - 4, box.bottom + 6):
            yield extra, Bounds(box.right + 2, lower, width, height)
            yield extra + 0.3, Bounds(box.x - 2 - width, lower, width, height)
            yield extra + 0.6, Bounds(box.cx + NEAR, lower + 10, width, height)
            yield extra + 0.9, Bounds(box.cx - NEAR - width, lower + 10, width, height)
            for drop in (26.0, 44.0, 62.0):
                yield extra + 0.9 + drop / 50, Bounds(box.cx + NEAR, lower + drop, width, height)
                yield extra + 1.1 + drop / 50, Bounds(box.cx - NEAR - width, lower + drop, width, height)


def _beside_gateway(text: str, box: Bounds, size: float) -> Iterator[tuple[float, Bounds]]:
    for extra, limit in ((0.0, 84.0), (0.4, 62.0), (0.8, 110.0), (1.6, 50.0)):
        width, height = block(text, limit, size)
        yield extra, Bounds(box.cx - width / 2, box.y - NEAR + 1 - height, width, height)
        for drop in (2.0, 10.0, 16.0):
            yield extra + 1.0, Bounds(box.cx - 6 - width, box.y - drop + 8 - height, width, height)
            yield extra + 1.0, Bounds(box.cx + 6, box.y - drop + 8 - height, width, height)
            yield extra + 1.4, Bounds(box.cx - 6 - width, box.bottom + drop - 8, width, height)
            yield extra + 1.4, Bounds(box.cx + 6, box.bottom + drop - 8, width, height)
        yield extra + 1.2, Bounds(box.cx - width / 2, box.bottom + NEAR - 1, width, height)


def _beside_flow(
    text: str, points: Sequence[Point], siblings: Sequence[Segment], size: float
) -> Iterator[tuple[float, Bounds]]:
    """Near the source, but not where a flow from the same source runs on the same line."""
    for number, (start, end) in enumerate(pairs(points)):
        (x1, y1), (x2, y2) = _own_start(start, end, siblings), end
        shared = 6.0 if (x1, y1) == end else 0.0
        x1, y1 = start if shared else (x1, y1)
        wide = ((0.0, 60.0), (0.4, 90.0), (0.8, 40.0), (1.5, 140.0))
        for extra, limit in wide if y1 == y2 else ((0.0, 100.0), (0.4, 60.0), (0.8, 40.0)):
            width, height = block(text, limit, size)
            late = extra + 1.5 * number + shared
            if y1 == y2:
                yield from _along_level((x1, x2, y1), width, height, late)
            else:
                yield from _along_upright((x1, y1, y2), width, height, late)


def _own_start(start: Point, end: Point, siblings: Sequence[Segment]) -> Point:
    """Where a piece parts from the flows of the same source that begin on the same line."""
    axis = 0 if start[1] == end[1] else 1
    sign = 1 if end[axis] > start[axis] else -1
    reach = start[axis]
    for one, other in siblings:
        same = one[1 - axis] == other[1 - axis] == start[1 - axis]
        low, high = sorted((one[axis] * sign, other[axis] * sign))
        if same and low <= start[axis] * sign < high:
            reach = max(reach * sign, min(high, end[axis] * sign)) * sign
    return (reach, start[1]) if axis == 0 else (start[0], reach)


def _along_level(
    line: tuple[float, float, float], width: float, height: float, extra: float
) -> Iterator[tuple[float, Bounds]]:
    x1, x2, y = line
    sign = 1 if x2 > x1 else -1
    for step in (2.0, 12.0, 24.0, 48.0, 80.0, 120.0):
        if step > abs(x2 - x1):
            return
        left = x1 + step if sign > 0 else x1 - step - width
        spill = 1.5 if width + step > abs(x2 - x1) + 2 else 0.0
        yield extra + step / 30 + spill, Bounds(left, y - 3 - height, width, height)
        yield extra + step / 30 + spill + 0.3, Bounds(left, y + 3, width, height)


def _along_upright(
    line: tuple[float, float, float], width: float, height: float, extra: float
) -> Iterator[tuple[float, Bounds]]:
    x, y1, y2 = line
    sign = 1 if y2 > y1 else -1
    for step in (4.0, 14.0, 28.0, 50.0, 80.0, 120.0):
        if step > abs(y2 - y1):
            return
        top = y1 + step if sign > 0 else y1 - step - height
        spill = 1.0 if height + step > abs(y2 - y1) + 2 else 0.0
        yield extra + step / 30 + spill, Bounds(x + 5, top, width, height)
        yield extra + step / 30 + spill + 0.3, Bounds(x - 5 - width, top, width, height)
