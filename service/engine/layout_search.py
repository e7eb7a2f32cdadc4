"""Finds good spots for the items of a level: systematic small moves from several first guesses.

A guess is scored by drawing every flow on the bare grid: blocked flows, crossings, bends, lengths,
the main path out of line, columns and rows used, what hangs over the sheet of paper. A guess too wide
for the sheet is folded: the columns that lose least are laid over their neighbours. No chance is
involved: the same file always gives the same drawing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.engine.layout_grid import Grid, Spots
from service.engine.layout_plan import Link, Plan, layers, topological
from service.engine.layout_routes import Route, Shifts, Traffic, Ways

BLOCKED = 160.0
CROOKED = 9.0
ABOVE_MAIN = 1.2
PER_COLUMN_PIXEL = 1 / 70
PER_ROW = 4.0
PER_PIXEL_OVER = 1 / 5
OVER = 60.0
BUDGET = 4000


@dataclass(frozen=True, slots=True)
class Found:
    """Spots and what they cost; lower is better."""

    spots: Spots
    cost: float


def best_spots(plan: Plan, budget: int = BUDGET) -> list[Found]:
    """Local optima from several first guesses, best first; `budget` bounds the scored moves of each."""
    starts = [guess.settled(plan) for guess in _guesses(plan)]
    starts += [folded for guess in starts if (folded := _folded(plan, guess))]
    tried = sorted((_improve(plan, start, budget // 5) for start in starts), key=lambda one: one.cost)
    found = [_improve(plan, one.spots, budget) for one in tried[:3]]
    return sorted([*found, *tried[3:]], key=lambda one: one.cost)


def score(plan: Plan, spots: Spots, limit: float = float("inf")) -> float:
    """Cost of settled spots; infinite if two items share one. Stops adding up above the limit."""
    grid = Grid(plan, spots)
    if grid.clash:
        return float("inf")
    cost = grid.width * PER_COLUMN_PIXEL + grid.row_count * PER_ROW + _overhang(plan, grid) + _habits(plan, grid)
    ways, traffic = Ways(grid, Shifts()), Traffic()
    for link in _drawing_order(plan, grid):
        best, chosen = _cheapest(ways, traffic, link)
        cost += best
        if cost > limit:
            break
        if chosen:
            traffic.add(link, chosen)
    return cost


def _overhang(plan: Plan, grid: Grid) -> float:
    over = max(0.0, grid.width - plan.room[0]) + max(0.0, grid.height - plan.room[1])
    return OVER + over * PER_PIXEL_OVER if over else 0.0


def _cheapest(ways: Ways, traffic: Traffic, link: Link) -> tuple[float, Route | None]:
    best, chosen = BLOCKED, None
    for least, tier in ways.tiers(link):
        if least >= best:
            break
        for route in tier:
            if route.cost >= best:
                break
            price = route.cost + traffic.price(link, route, best - route.cost)
            if price < best:
                best, chosen = price, route
    return best, chosen


def _drawing_order(plan: Plan, grid: Grid) -> Sequence[Link]:
    def reach(link: Link) -> tuple[bool, int, str]:
        cols = abs(grid.cols[link.source] - grid.cols[link.target])
        return link.back, cols * 2 + abs(grid.rows[link.source] - grid.rows[link.target]), link.id

    return sorted(plan.links, key=reach)


def _habits(plan: Plan, grid: Grid) -> float:
    cost = 0.0
    main_rows: dict[int, int] = {}
    for link in plan.links:
        one, other = plan.items[link.source], plan.items[link.target]
        if link.main:
            main_rows.setdefault(one.lane, grid.rows[link.source])
            if one.lane == other.lane and grid.rows[link.source] != grid.rows[link.target]:
                cost += CROOKED
    main = {number for link in plan.links if link.main for number in (link.source, link.target)}
    for number, item in enumerate(plan.items):
        if number not in main and grid.rows[number] < main_rows.get(item.lane, 0):
            cost += ABOVE_MAIN
        if item.contacts:
            col, row = grid.cols[number], grid.rows[number]
            above = sum((col, upper) in grid.cells for upper in range(row))
            below = sum((col, lower) in grid.cells for lower in range(row + 1, grid.row_count))
            cost += 2.0 * min(above, below) * item.contacts
    return cost


def _guesses(plan: Plan) -> Iterator[Spots]:
    count = len(plan.items)
    early = layers(count, plan.links)
    late = _late_layers(plan, early)
    for layer in (early, late):
        for turned in (False, True):
            yield Spots([float(col) for col in layer], _first_rows(plan, layer, turned=turned))


def _late_layers(plan: Plan, early: Sequence[int]) -> list[int]:
    """Columns with branches pushed as far right as their successors allow."""
    late = list(early)
    ends = {link.source for link in plan.links if not link.back}
    for node in reversed(topological(len(plan.items), plan.links)):
        after = [late[link.target] - 1 for link in plan.links if link.source == node and not link.back]
        if node in ends and after and not plan.items[node].riders:
            late[node] = max(late[node], min(after))
    return late


def _first_rows(plan: Plan, layer: Sequence[int], *, turned: bool) -> list[float]:
    """Main path on top of each lane, the others in the first free row below."""
    main = {number for link in plan.links if link.main for number in (link.source, link.target)}
    taken = {(layer[number], plan.items[number].lane, 0) for number in main}
    rows = [0.0] * len(plan.items)
    order = topological(len(plan.items), plan.links)
    for number in reversed(order) if turned else order:
        if number in main:
            continue
        row, lane = 0, plan.items[number].lane
        while (layer[number], lane, row) in taken:
            row += 1
        taken.add((layer[number], lane, row))
        rows[number] = float(row)
    seen: set[tuple[int, int, int]] = set()
    for number in sorted(main):
        spot = (layer[number], plan.items[number].lane, int(rows[number]))
        if spot in seen:
            rows[number] += 0.5
        seen.add(spot)
    return rows


def _folded(plan: Plan, spots: Spots) -> Spots | None:
    """The spots with so many columns laid over their left neighbours that they fit the sheet, None if they do."""
    folded = spots
    while Grid(plan, folded).width > plan.room[0] and max(folded.cols) > 0:
        tried = [_merged(plan, folded, column).settled(plan) for column in range(1, int(max(folded.cols)) + 1)]
        folded = min(tried, key=lambda one: score(plan, one))
    return folded if folded is not spots else None


def _merged(plan: Plan, spots: Spots, column: int) -> Spots:
    """A column on top of the one to its left; who finds his place taken stands below, in the row there or a new one."""
    merged = spots.copy()
    lanes = [item.lane for item in plan.items]
    taken = {(lanes[n], spots.rows[n]) for n, col in enumerate(spots.cols) if col == column - 1}
    moving = [n for n, col in enumerate(spots.cols) if col == column]
    for number in sorted(moving, key=lambda one: spots.rows[one]):
        merged.cols[number] = column - 1.0
        lane, row = lanes[number], spots.rows[number]
        if (lane, row) in taken:
            below = (lane, row + 1)
            is_free = below not in taken and not any((lanes[n], spots.rows[n]) == below for n in moving)
            row += 1.0 if is_free else 0.5
        taken.add((lane, row))
        merged.rows[number] = row
    merged.cols = [col - 1 if col > column else col for col in merged.cols]
    return merged


def _improve(plan: Plan, spots: Spots, budget: int) -> Found:
    """Take every move that makes it better, one item after the other, then whole rows and columns, until none does."""
    cost = score(plan, spots)
    seen: set[tuple[float, ...]] = set()
    moved = True
    while moved and budget > 0:
        moved = False
        for number in range(len(plan.items) + 1):
            moves = _moves(plan, spots, number) if number < len(plan.items) else _band_moves(plan, spots)
            for tried in moves:
                settled = tried.settled(plan)
                key = (*settled.cols, *settled.rows)
                if key in seen or not _ordered(plan, settled):
                    continue
                seen.add(key)
                budget -= 1
                price = score(plan, settled, cost)
                if price < cost - 1e-6:
                    spots, cost, moved = settled, price, True
                    break
            if budget <= 0:
                break
    return Found(spots, cost)


def _band_moves(plan: Plan, spots: Spots) -> Iterator[Spots]:
    """A whole row of a lane into or between the others, a whole column over its left neighbour."""
    for lane in range(len(plan.order)):
        members = [number for number, item in enumerate(plan.items) if item.lane == lane]
        rows = sorted({spots.rows[number] for number in members})
        for row in rows:
            group = [number for number in members if spots.rows[number] == row]
            for target in (*rows, *(other + 0.5 for other in rows), -0.5):
                if target != row:
                    yield _shifted(spots, group, 0.0, target - row)
    for column in range(1, int(max(spots.cols)) + 1):
        yield _merged(plan, spots, column)


def _ordered(plan: Plan, spots: Spots) -> bool:
    """Forward flows never run to the left; straight up or down is allowed."""
    return all(link.back or spots.cols[link.source] <= spots.cols[link.target] for link in plan.links)


def _moves(plan: Plan, spots: Spots, number: int) -> Iterator[Spots]:
    col, row = spots.cols[number], spots.rows[number]
    yield from _single(plan, spots, number)
    tail = _tail(plan, number)
    for group in (tail, _chain(plan, spots, number)):
        if len(group) > 1:
            for step in (-1.0, 1.0):
                yield _shifted(spots, group, step, 0.0)
    chain = _chain(plan, spots, number)
    if len(chain) > 1:
        for target in (row - 1, row + 1, row - 0.5, row + 0.5, row + 1.5, row - 1.5):
            if target >= -0.5:
                yield _shifted(spots, chain, 0.0, target - row)
    for other in range(number + 1, len(plan.items)):
        if plan.items[other].lane == plan.items[number].lane and abs(spots.cols[other] - col) <= 2:
            swapped = spots.copy()
            swapped.cols[number], swapped.cols[other] = swapped.cols[other], swapped.cols[number]
            swapped.rows[number], swapped.rows[other] = swapped.rows[other], swapped.rows[number]
            yield swapped


def _single(plan: Plan, spots: Spots, number: int) -> Iterator[Spots]:
    lane = plan.items[number].lane
    rows = {spots.rows[n] for n, item in enumerate(plan.items) if item.lane == lane}
    wanted = sorted({*rows, *(row + 0.5 for row in rows), -0.5})
    for step in (0.0, -1.0, 1.0, -0.5, 0.5, -2.0, 2.0):
        for row in wanted:
            if step == 0.0 and row == spots.rows[number]:
                continue
            moved = spots.copy()
            moved.cols[number] += step
            moved.rows[number] = row
            yield moved


def _shifted(spots: Spots, group: Sequence[int], cols: float, rows: float) -> Spots:
    moved = spots.copy()
    for member in group:
        moved.cols[member] += cols
        moved.rows[member] += rows
    return moved


def _tail(plan: Plan, number: int) -> list[int]:
    """The item and everything after it on forward flows."""
    group, todo = {number}, [number]
    while todo:
        node = todo.pop()
        for link in plan.links:
            if link.source == node and not link.back and link.target not in group:
                group.add(link.target)
                todo.append(link.target)
    return sorted(group)


def _chain(plan: Plan, spots: Spots, number: int) -> list[int]:
    """The unbroken run of linked items in the same row to both sides of an item."""
    lane, row = plan.items[number].lane, spots.rows[number]
    group, todo = {number}, [number]
    while todo:
        node = todo.pop()
        for link in plan.links:
            for here, there in ((link.source, link.target), (link.target, link.source)):
                same = plan.items[there].lane == lane and spots.rows[there] == row
                if here == node and same and there not in group:
                    group.add(there)
                    todo.append(there)
    return sorted(group)
