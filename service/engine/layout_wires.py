"""Draws the flows of a level once the items stand: tracks apart, around shapes and labels.

Each flow takes the cheapest of its ways given all others; then every flow is taken up and laid
again until nothing gets better.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.engine.drawing import Bounds, Point
from service.engine.layout_grid import Grid
from service.engine.layout_plan import Link
from service.engine.layout_routes import Route, Shifts, Traffic, Ways

FINE = Shifts(
    gap=(0.0, -9.0, 9.0, -18.0, 18.0), gutter=(9.0, -9.0, 15.0, -15.0, 2.0), port=(0.0, -25.0, 25.0, -40.0, 40.0)
)
CLEARANCE = 5.0
THROUGH_SHAPE = 90.0
THROUGH_LABEL = 16.0
KEPT = 90
ROUNDS = 4


def wire(grid: Grid, boxes: Mapping[str, Bounds], labels: Mapping[str, Bounds]) -> dict[str, Route]:
    """Route of every link by id; `labels` are texts to keep clear of, by the element they belong to."""
    ways = Ways(grid, FINE)
    around = _Around(
        {ident: box.grown(CLEARANCE) for ident, box in boxes.items()},
        {ident: box.grown(-1) for ident, box in boxes.items()},
        {ident: box.grown(2) for ident, box in labels.items()},
    )
    choices = {link.id: _choices(ways, link, around) for link in grid.plan.links}
    order = sorted(grid.plan.links, key=lambda link: (link.back, choices[link.id][0].cost, link.id))
    traffic = Traffic(near=7.0)
    taken: dict[str, Route] = {}
    for _ in range(ROUNDS):
        before = dict(taken)
        for link in order:
            if link.id in taken:
                traffic.remove(link)
            taken[link.id] = _cheapest(traffic, link, choices[link.id])
            traffic.add(link, taken[link.id])
        if before == taken:
            break
    return taken


def _cheapest(traffic: Traffic, link: Link, choices: Sequence[Route]) -> Route:
    best, chosen = float("inf"), choices[0]
    for route in choices:
        if route.cost >= best:
            break
        price = route.cost + traffic.price(link, route, best - route.cost)
        if price < best:
            best, chosen = price, route
    return chosen


@dataclass(frozen=True, slots=True)
class _Around:
    wide: Mapping[str, Bounds]
    tight: Mapping[str, Bounds]
    labels: Mapping[str, Bounds]


def _choices(ways: Ways, link: Link, around: _Around) -> list[Route]:
    ends = {link.origin, ways.grid.plan.items[link.source].id, ways.grid.plan.items[link.target].id}
    found = ways.of(link) or [_detour(ways.grid, link)]
    priced = [
        Route(route.points, route.cost + _hits(route.points, link, ends, around), route.leaves, route.enters)
        for route in found
    ]
    return sorted(priced, key=lambda route: (route.cost, route.points))[:KEPT]


def _hits(points: Sequence[Point], link: Link, ends: set[str], around: _Around) -> float:
    cost = 0.0
    for start, end in itertools.pairwise(points):
        for ident, box in around.wide.items():
            if box.cut_by(start, end) and (ident not in ends or around.tight[ident].cut_by(start, end)):
                cost += THROUGH_SHAPE
        for owner, box in around.labels.items():
            if owner != link.id and box.cut_by(start, end):
                cost += THROUGH_LABEL
    return cost


def _detour(grid: Grid, link: Link) -> Route:
    """A way with four bends that is always free: gap, gutter, gap."""
    boxes = [grid.box(number) for number in (link.source, link.target)]
    source, target = boxes
    first, last = grid.gap_x[grid.cols[link.source] + 1], grid.gap_x[grid.cols[link.target]]
    if link.boundary:
        y = grid.gutter_y[grid.rows[link.source] + 1] + 9
        x = source.cx + link.port
        return Route(
            ((x, source.bottom + 18), (x, y), (last, y), (last, target.cy), (target.x, target.cy)), 60.0, "B", "L"
        )
    low = max(grid.rows[link.source], grid.rows[link.target])
    y = grid.gutter_y[low + 1 if link.back else max(low, 1)] + 9
    points = (
        (source.right, source.cy),
        (first, source.cy),
        (first, y),
        (last, y),
        (last, target.cy),
        (target.x, target.cy),
    )
    return Route(points, 60.0, "R", "L")
