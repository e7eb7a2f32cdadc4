"""A drawing in the making: boxes, flows and texts on one sheet, movable in parts."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from service.engine.drawing import Bounds, Point
from service.engine.layout_level import Level


@dataclass(slots=True)
class Canvas:
    """Everything placed so far, by element id."""

    boxes: dict[str, Bounds] = field(default_factory=dict)
    labels: dict[str, Bounds] = field(default_factory=dict)
    flows: dict[str, tuple[Point, ...]] = field(default_factory=dict)

    def copy(self) -> "Canvas":
        """An independent sheet with the same things on it."""
        return Canvas(dict(self.boxes), dict(self.labels), dict(self.flows))

    def add(self, level: Level, x: float, y: float) -> None:
        """Put a drawn level on the sheet with its origin at (x, y)."""
        for ident, box in level.boxes.items():
            self.boxes[ident] = box.moved(x, y)
        for ident, box in level.labels.items():
            self.labels[ident] = box.moved(x, y)
        for ident, points in level.flows.items():
            self.flows[ident] = tuple((px + x, py + y) for px, py in points)

    def insert(self, y: float, height: float) -> None:
        """Open a strip: all that lies below y moves down, upright flows across y grow longer."""
        for store in (self.boxes, self.labels):
            for ident, box in store.items():
                if box.cy > y:
                    store[ident] = box.moved(0, height)
        for ident, points in self.flows.items():
            self.flows[ident] = tuple((px, py + height if py > y else py) for px, py in points)

    def uprights_across(self, y: float) -> list[float]:
        """Where upright pieces of flows run across a level."""
        found = {
            x1
            for points in self.flows.values()
            for (x1, y1), (x2, y2) in itertools.pairwise(points)
            if x1 == x2 and min(y1, y2) <= y < max(y1, y2)
        }
        return sorted(found)


def free_between(taken: list[float], left: float, right: float, keep: float) -> Iterator[tuple[float, float]]:
    """Stretches from left to right that stay `keep` pixels off every taken x, left to right."""
    start = left
    for x in [*taken, right + keep]:
        if x - keep > start:
            yield start, min(x - keep, right)
        start = max(start, x + keep)
