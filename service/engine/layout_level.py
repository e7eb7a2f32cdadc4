"""Draws one level: spots, flows and texts together, the best of several attempts."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from service.engine.drawing import Bounds, Drawing, Point
from service.engine.layout_grid import Grid
from service.engine.layout_labels import Surroundings, pairs, place_labels
from service.engine.layout_plan import Plan, make_plan
from service.engine.layout_search import best_spots
from service.engine.layout_tracks import crossing_count, on_one_line
from service.engine.layout_wires import wire

ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Level:
    """A drawn level with its own origin: boxes, flow points and texts by id; lane bands from top to bottom."""

    boxes: Mapping[str, Bounds]
    flows: Mapping[str, tuple[Point, ...]]
    labels: Mapping[str, Bounds]
    bands: tuple[tuple[str, float, float], ...]
    width: float
    height: float
    cost: float


def draw_level(drawing: Drawing, parent: str, sizes: Mapping[str, tuple[float, float]]) -> Level:
    """Draw the process itself (parent "") or the inside of a sub-process."""
    return draw_levels(drawing, parent, sizes)[0]


def draw_levels(drawing: Drawing, parent: str, sizes: Mapping[str, tuple[float, float]]) -> list[Level]:
    """Several drawings of a level, the best first."""
    plan = make_plan(drawing, parent, sizes)
    if not plan.items:
        return [Level({}, {}, {}, (), 160.0, 110.0, 0.0)]
    seen: list[tuple[list[float], list[float]]] = []
    levels = []
    for found in best_spots(plan):
        if (found.spots.cols, found.spots.rows) in seen:
            continue
        seen.append((found.spots.cols, found.spots.rows))
        levels.append(_attempt(drawing, plan, Grid(plan, found.spots), found.cost))
        if len(levels) == ATTEMPTS:
            break
    return sorted(levels, key=lambda level: level.cost)


def _attempt(drawing: Drawing, plan: Plan, grid: Grid, spent: float) -> Level:
    boxes = grid.boxes()
    order = [*boxes, *(link.id for link in plan.links)]
    borders = [grid.lane_band(lane)[0] for lane in range(1, len(plan.order))]
    limits = Bounds(0, 0, grid.width, grid.height)
    labels: dict[str, Bounds] = {}
    best: tuple[float, dict[str, tuple[Point, ...]], dict[str, Bounds]] | None = None
    for _ in range(3):
        routes = wire(grid, boxes, labels)
        flows = {ident: route.points for ident, route in routes.items()}
        around = Surroundings(boxes, flows, borders, limits)
        labels = place_labels(drawing, around, order)
        trouble = sum(around.cost(ident, box) for ident, box in labels.items())
        bends = sum(len(points) - 2 for points in flows.values())
        price = trouble + 12.0 * crossing_count(list(flows.values())) + 2.0 * bends
        price += 60.0 * _mixed_up(plan, flows)
        price += sum(90.0 for points in flows.values() if len(points) > 4)
        price += sum(route.cost for route in routes.values() if route.cost > 80)
        if best is None or price < best[0]:
            best = price, flows, labels
    assert best is not None  # noqa: S101 - the loop above ran
    bands = tuple((lane, *grid.lane_band(number)) for number, lane in enumerate(plan.order))
    return Level(boxes, best[1], best[2], bands, grid.width, grid.height, best[0] + spent)


def _mixed_up(plan: Plan, flows: Mapping[str, tuple[Point, ...]]) -> int:
    """Pairs of flows without a common end that lie on one line."""
    return sum(
        any(on_one_line(piece, beside) for piece in pairs(flows[one.id]) for beside in pairs(flows[other.id]))
        for one, other in combinations(plan.links, 2)
        if one.origin != other.origin and one.target != other.target
    )
