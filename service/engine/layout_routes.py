"""Ways a flow can take between two items: orthogonal, at most two bends, only through free cells.

Every way is given with its own cost: bends, length, and habits of the house (leave a task on the
right, enter on the left, gateways branch up and down, loops go back underneath).
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from service.engine.drawing import Point
from service.engine.layout_grid import Grid
from service.engine.layout_plan import EVENT, Link

BEND = 2.0
PER_PIXEL = 1 / 90
LEAST_AROUND = 5.0
EDGE = 6.0
OFF_CENTRE = 1 / 60
TOUCH = 3.0
SAME_EXIT = 8.0  # two named flows of a gateway by one side: their labels would stand far from it


EASY_OUT = {"R": 0.0, "B": 0.3, "T": 0.8, "L": 9.0}
HARD_OUT = {"R": 0.0, "B": 2.0, "T": 2.5, "L": 9.0}
EASY_IN = {"L": 0.0, "T": 0.4, "B": 0.6, "R": 7.0}
HARD_IN = {"L": 0.0, "T": 1.2, "B": 1.6, "R": 7.0}


@dataclass(frozen=True, slots=True)
class Shifts:
    """Offsets to try: beside the middle of a gap, of a gutter, of a task's upper or lower border."""

    gap: tuple[float, ...] = (0.0,)
    gutter: tuple[float, ...] = (0.0,)
    port: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, slots=True)
class Route:
    """Way points and their cost; `leaves` and `enters` name the sides L, R, T, B."""

    points: tuple[Point, ...]
    cost: float
    leaves: str
    enters: str


@dataclass(frozen=True, slots=True)
class _End:
    x: float
    y: float
    half_w: float
    half_h: float
    col: int
    row: int
    rider: bool = False

    def upright(self, *, down: bool) -> float:
        return self.y + (self.half_h + (EVENT / 2 if self.rider else 0) if down else -self.half_h)


class Ways:
    """All ways of the links of one grid."""

    def __init__(self, grid: Grid, shifts: Shifts) -> None:
        """Remember the grid and the offsets to try."""
        self.grid = grid
        self.shifts = shifts

    def of(self, link: Link) -> list[Route]:
        """Every way of a link, cheapest first; empty if all are blocked."""
        found = [route for _, tier in self.tiers(link) for route in tier]
        return sorted(found, key=lambda route: (route.cost, route.points))

    def tiers(self, link: Link) -> Iterator[tuple[float, list[Route]]]:
        """The ways in three lots, each with the least it can cost: straight, onward, around."""
        source, target = self._end(link.source, link), self._end(link.target, None)
        straight = self._straight(source, target, link)
        yield 0.0, [self._priced(link, *way) for way in straight]
        for least, ways in ((BEND, self._onward), (LEAST_AROUND, self._roundabout)):
            found = [self._priced(link, *way) for way in ways(source, target, link)]
            yield least, sorted(found, key=lambda route: (route.cost, route.points))

    def _end(self, number: int, link: Link | None) -> _End:
        grid = self.grid
        item = grid.plan.items[number]
        col, row = grid.cols[number], grid.rows[number]
        rider = bool(link and link.boundary)
        x = grid.col_x[col] + (link.port if link and rider else 0.0)
        return _End(x, grid.row_y[row], item.width / 2, item.height / 2, col, row, rider)

    def _straight(self, a: _End, b: _End, link: Link) -> Iterator[tuple[tuple[Point, ...], str]]:
        if a.row == b.row and a.col < b.col and not link.boundary and self.grid.row_free(a.row, a.col, b.col):
            yield ((a.x + a.half_w, a.y), (b.x - b.half_w, b.y)), "RL"
        elif (
            a.col == b.col
            and a.row != b.row
            and (b.row > a.row or not a.rider)
            and self._column_free(a.col, a.row, b.row)
        ):
            reach, down = (b.half_w - 8 if b.half_w > 50 else 0), b.row > a.row
            for port in self._outs(link):
                x = a.x + port
                if abs(x - b.x) <= reach:
                    yield ((x, a.upright(down=down)), (x, b.upright(down=not down))), "BT" if down else "TB"

    def _onward(self, source: _End, target: _End, link: Link) -> Iterator[tuple[tuple[Point, ...], str]]:
        if not link.boundary and source.col < target.col:
            yield from self._right_left(source, target)
            yield from self._right_upright(source, target)
        for out in self._outs(link):
            yield from self._upright_level(source, target, out)
            for into in self._ports(link.target):
                yield from self._upright_upright(source, target, out, into)

    def _roundabout(self, source: _End, target: _End, link: Link) -> Iterator[tuple[tuple[Point, ...], str]]:
        if not link.boundary:
            yield from self._right_right(source, target)
            if source.col > target.col:
                yield from self._left_upright(source, target)
        for out in self._outs(link):
            for into in self._ports(link.target):
                yield from self._around(source, target, out, into)

    def _tracks(self, gutter: int, source: _End) -> list[float]:
        """Levels to try in a gutter: inside the frame, and beneath a boundary event that starts there."""
        low, high = EDGE, self.grid.height - EDGE
        if source.rider:
            low = source.upright(down=True) + 1
        wanted = [self.grid.gutter_y[gutter] + shift for shift in self.shifts.gutter]
        tracks = [y for y in wanted if low <= y <= high]
        return tracks or [y for y in (min(wanted[0], high),) if low <= y]

    def _outs(self, link: Link) -> tuple[float, ...]:
        return (0.0,) if link.boundary else self._ports(link.source)

    def _ports(self, number: int) -> tuple[float, ...]:
        return self.shifts.port if self.grid.plan.items[number].width > 100 else (0.0,)

    def _right_left(self, a: _End, b: _End) -> Iterator[tuple[tuple[Point, ...], str]]:
        grid = self.grid
        start, end = (a.x + a.half_w, a.y), (b.x - b.half_w, b.y)
        if a.row == b.row:
            return
        for gap in range(a.col + 1, b.col + 1):
            if grid.row_free(a.row, a.col, gap) and grid.row_free(b.row, gap - 1, b.col):
                for shift in self.shifts.gap:
                    x = grid.gap_x[gap] + shift
                    yield (start, (x, a.y), (x, b.y), end), "RL"

    def _right_right(self, a: _End, b: _End) -> Iterator[tuple[tuple[Point, ...], str]]:
        grid = self.grid
        if a.row == b.row:
            return
        far = max(a.col, b.col) + 1
        if grid.row_free(a.row, a.col, far) and grid.row_free(b.row, b.col, far):
            for shift in self.shifts.gap:
                x = grid.gap_x[far] + shift
                yield ((a.x + a.half_w, a.y), (x, a.y), (x, b.y), (b.x + b.half_w, b.y)), "RR"

    def _right_upright(self, a: _End, b: _End) -> Iterator[tuple[tuple[Point, ...], str]]:
        if a.row == b.row or not self.grid.row_free(a.row, a.col, b.col + 1):
            return
        if self._column_free(b.col, a.row, b.row):
            down = b.row > a.row
            for port in self.shifts.port if b.half_w > 50 else (0.0,):
                x = b.x + port
                yield ((a.x + a.half_w, a.y), (x, a.y), (x, b.upright(down=not down))), "RT" if down else "RB"

    def _left_upright(self, a: _End, b: _End) -> Iterator[tuple[tuple[Point, ...], str]]:
        if a.row == b.row or not self.grid.row_free(a.row, b.col - 1, a.col):
            return
        if self._column_free(b.col, a.row, b.row):
            down = b.row > a.row
            for port in self.shifts.port if b.half_w > 50 else (0.0,):
                x = b.x + port
                yield ((a.x - a.half_w, a.y), (x, a.y), (x, b.upright(down=not down))), "LT" if down else "LB"

    def _column_free(self, col: int, one: int, other: int) -> bool:
        return self.grid.col_free(col, min(one, other), max(one, other))

    def _upright_level(self, a: _End, b: _End, port: float) -> Iterator[tuple[tuple[Point, ...], str]]:
        """Down or up to the target's row, then level into it: from the left, going back from the right."""
        if a.row == b.row or a.col == b.col or (a.rider and b.row < a.row):
            return
        down = b.row > a.row
        beyond = b.row + 1 if down else b.row - 1
        if not self._column_free(a.col, a.row, beyond):
            return
        x = a.x + port
        if self.grid.row_free(b.row, min(a.col, b.col), max(a.col, b.col)):
            enters = "L" if b.col > a.col else "R"
            side = b.x - b.half_w if enters == "L" else b.x + b.half_w
            yield ((x, a.upright(down=down)), (x, b.y), (side, b.y)), ("B" if down else "T") + enters

    def _upright_upright(self, a: _End, b: _End, out: float, into: float) -> Iterator[tuple[tuple[Point, ...], str]]:
        """Down (or up) out of the source and on in the same sense into the target."""
        if a.row == b.row or (a.rider and b.row < a.row):
            return
        grid, down = self.grid, b.row > a.row
        sides = "BT" if down else "TB"
        upper, lower = sorted(((a.row, a.col), (b.row, b.col)))
        x1, x2 = a.x + out, b.x + into
        start, end = a.upright(down=down), b.upright(down=not down)
        if x1 == x2:
            return
        for gutter in range(upper[0] + 1, lower[0] + 1):
            if grid.col_free(upper[1], upper[0], gutter) and grid.col_free(lower[1], gutter - 1, lower[0]):
                for y in self._tracks(gutter, a):
                    yield ((x1, start), (x1, y), (x2, y), (x2, end)), sides

    def _around(self, a: _End, b: _End, out: float, into: float) -> Iterator[tuple[tuple[Point, ...], str]]:
        """Underneath (or above) both: out at the bottom, back in at the bottom."""
        if a.col == b.col and a.row == b.row:
            return
        grid = self.grid
        x1, x2 = a.x + out, b.x + into
        lowest, highest = max(a.row, b.row), min(a.row, b.row)
        for gutter in range(lowest + 1, min(lowest + 4, grid.row_count + 1)):
            if x1 != x2 and grid.col_free(a.col, a.row, gutter) and grid.col_free(b.col, b.row, gutter):
                for y in self._tracks(gutter, a):
                    yield ((x1, a.upright(down=True)), (x1, y), (x2, y), (x2, b.upright(down=True))), "BB"
        for gutter in () if a.rider else range(highest, max(highest - 3, -1), -1):
            if x1 != x2 and grid.col_free(a.col, gutter - 1, a.row) and grid.col_free(b.col, gutter - 1, b.row):
                for y in self._tracks(gutter, a):
                    yield ((x1, a.upright(down=False)), (x1, y), (x2, y), (x2, b.upright(down=False))), "TT"

    def _priced(self, link: Link, points: tuple[Point, ...], sides: str) -> Route:
        items = self.grid.plan.items
        source, target = items[link.source], items[link.target]
        length, (x1, y1) = 0.0, points[0]
        for x2, y2 in points[1:]:
            length += abs(x1 - x2) + abs(y1 - y2)
            x1, y1 = x2, y2
        cost = BEND * (len(points) - 2) + PER_PIXEL * length
        if not link.boundary:
            easy = source.gateway
            cost += (EASY_OUT if easy else HARD_OUT)[sides[0]] - (6.0 if link.back and sides[0] == "L" else 0.0)
        columns = self.grid.col_x
        if sides[0] in "TB" and not link.boundary:
            cost += OFF_CENTRE * abs(points[0][0] - columns[self.grid.cols[link.source]])
        if sides[1] in "TB":
            cost += OFF_CENTRE * abs(points[-1][0] - columns[self.grid.cols[link.target]])
        cost += (EASY_IN if target.gateway else HARD_IN)[sides[1]]
        if sides == "TT":
            cost += 9.0 if link.back else 5.0
        if target.event and sides[1] == "B":
            cost += 1.0
        return Route(points, cost, sides[0], sides[1])


@dataclass(slots=True)
class _Run:
    at: float
    low: float
    high: float
    link: Link
    through: bool


class Traffic:
    """Flows drawn so far; says what one more would cost in crossings and shared lines."""

    def __init__(self, *, near: float = 0.5, crossing: float = 12.0) -> None:
        """`near` is the distance in pixels under which two parallel lines count as one."""
        self.levels: list[_Run] = []
        self.uprights: list[_Run] = []
        self.near = near
        self.crossing = crossing
        self.exits: dict[str, dict[str, str]] = {}

    def add(self, link: Link, route: Route) -> None:
        """Draw a flow."""
        for level, run in _runs(link, route.points):
            (self.levels if level else self.uprights).append(run)
        if link.labelled:
            self.exits.setdefault(link.origin, {})[link.id] = route.leaves

    def remove(self, link: Link) -> None:
        """Take a flow away again."""
        self.levels = [run for run in self.levels if run.link.id != link.id]
        self.uprights = [run for run in self.uprights if run.link.id != link.id]
        self.exits.get(link.origin, {}).pop(link.id, None)

    def price(self, link: Link, route: Route, limit: float = float("inf")) -> float:
        """Cost of adding a route; stops counting above the limit."""
        cost = 0.0
        if link.labelled:
            cost += SAME_EXIT * list(self.exits.get(link.origin, {}).values()).count(route.leaves)
        for level, run in _runs(link, route.points):
            across, along = (self.uprights, self.levels) if level else (self.levels, self.uprights)
            at, low, high = run.at, run.low, run.high
            for other in across:
                if low < other.at < high and other.low < at < other.high:
                    cost += self.crossing
            for other in along:
                # touching counts too: two flows that meet in a corner would read as one
                if abs(other.at - at) < self.near and low < other.high + TOUCH and other.low < high + TOUCH:
                    cost += self._shared(link, run, other)
            if cost > limit:
                return cost
        return cost

    def _shared(self, link: Link, run: _Run, other: _Run) -> float:
        mine = other.link
        if mine.target == link.target or mine.origin == link.origin:
            return 0.0 if abs(run.at - other.at) < 0.5 else 2.0
        return 1.5 if run.through and other.through and abs(run.at - other.at) < 0.5 and self.near < 1 else 26.0


def _runs(link: Link, points: tuple[Point, ...]) -> Iterator[tuple[bool, _Run]]:
    last = len(points) - 2
    for number, ((x1, y1), (x2, y2)) in enumerate(itertools.pairwise(points)):
        through = 0 < number < last
        if y1 == y2:
            yield True, _Run(y1, min(x1, x2), max(x1, x2), link, through)
        else:
            yield False, _Run(x1, min(y1, y2), max(y1, y2), link, through)
