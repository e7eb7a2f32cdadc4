"""Where drawn lines meet: crossings of upright and level pieces."""

import itertools
from collections.abc import Sequence

from service.engine.drawing import Point


def crossing_count(lines: Sequence[Sequence[Point]]) -> int:
    """Number of places where two different lines run across each other; touching ends do not count."""
    levels, uprights = [], []
    for owner, points in enumerate(lines):
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            if y1 == y2:
                levels.append((owner, y1, min(x1, x2), max(x1, x2)))
            elif x1 == x2:
                uprights.append((owner, x1, min(y1, y2), max(y1, y2)))
    return sum(
        1
        for owner, y, left, right in levels
        for other, x, top, bottom in uprights
        if owner != other and left < x < right and top < y < bottom
    )


def on_one_line(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two parallel pieces lie on one line (closer than a pixel) and overlap or touch."""
    (a, b), (c, d) = one, other
    for axis, along in ((0, 1), (1, 0)):
        if a[axis] == b[axis] and c[axis] == d[axis] and abs(a[axis] - c[axis]) < 1:
            low, high = sorted((a[along], b[along]))
            near, far = sorted((c[along], d[along]))
            if low <= far and near <= high:
                return True
    return False
