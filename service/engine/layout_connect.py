"""A flow between two boxes anywhere on a sheet: used where a person placed things freely."""

from collections.abc import Iterator, Mapping, Sequence

from service.engine.drawing import Bounds, Point
from service.engine.layout_labels import pairs
from service.engine.layout_tracks import crossing_count, on_one_line

Line = tuple[Point, ...]
STUBS = (15.0, 30.0, 45.0, 75.0)
BLOCKED = 100.0
SHARED = 25.0


def connect(source: Bounds, target: Bounds, boxes: Mapping[str, Bounds], flows: Sequence[Line]) -> Line:
    """The cheapest orthogonal line with at most two bends; `boxes` are to be avoided, the two ends left out."""
    solid = [box.grown(4) for box in boxes.values()]

    def price(line: Line) -> tuple[float, Line]:
        cost = 3.0 * (len(line) - 2)
        for start, end in pairs(line):
            cost += (abs(start[0] - end[0]) + abs(start[1] - end[1])) / 90
            cost += BLOCKED * sum(box.cut_by(start, end) for box in solid)
            cost += SHARED * sum(on_one_line((start, end), piece) for flow in flows for piece in pairs(flow))
            cost += BLOCKED * sum(box.grown(-2).cut_by(start, end) for box in (source, target))
        return cost + 12.0 * crossing_count([line, *flows]) - 12.0 * crossing_count(flows), line

    return min(price(line) for line in _lines(source, target))[1]


def _lines(a: Bounds, b: Bounds) -> Iterator[Line]:
    if a.cy == b.cy and a.right < b.x:
        yield (a.right, a.cy), (b.x, b.cy)
    if a.cx == b.cx and (a.bottom < b.y or b.bottom < a.y):
        yield (a.cx, a.bottom if a.bottom < b.y else a.y), (b.cx, b.y if a.bottom < b.y else b.bottom)
    sides_a = ((a.right, a.cy), (a.x, a.cy))
    for x, y in sides_a:
        yield (x, y), (b.cx, y), (b.cx, b.y if b.cy > y else b.bottom)
        for end in ((b.x, b.cy), (b.right, b.cy)):
            for middle in {
                (x + end[0]) / 2,
                *(x + s for s in STUBS),
                *(end[0] - s for s in STUBS),
                *(x - s for s in STUBS),
            }:
                yield (x, y), (middle, y), (middle, end[1]), end
    for out in ((a.cx, a.bottom), (a.cx, a.y)):
        for end in ((b.x, b.cy), (b.right, b.cy)):
            yield out, (a.cx, b.cy), end
        for into in ((b.cx, b.bottom), (b.cx, b.y)):
            low, high = max(out[1], into[1]), min(out[1], into[1])
            for middle in {(low + high) / 2, *(low + s for s in STUBS), *(high - s for s in STUBS)}:
                yield out, (a.cx, middle), (b.cx, middle), into
