"""Columns and rows: where the items of a level stand, and the free ways between them.

A column is as wide as its widest item, 60 pixels apart (more where a long answer stands); a row
is 110 high, or a multiple of it around a taller item. Gaps run upright between columns, gutters
level between rows; flows use both.
"""

from dataclasses import dataclass

from service.engine.drawing import Bounds
from service.engine.layout_plan import EVENT, Plan, rider_offset

GAP = 60.0
ROW = 110.0
MARGIN = 30.0
BELOW = 20.0  # room under boundary events of the last row, where no lane fixes the height


@dataclass(slots=True)
class Spots:
    """Column and row (counted within the lane) of every item; fractions open a new one between two."""

    cols: list[float]
    rows: list[float]

    def copy(self) -> "Spots":
        """An independent copy."""
        return Spots(self.cols[:], self.rows[:])

    def settled(self, plan: Plan) -> "Spots":
        """Whole numbers without empty columns or rows."""
        rank = {value: float(number) for number, value in enumerate(sorted(set(self.cols)))}
        rows = self.rows[:]
        for lane in range(len(plan.order)):
            members = [number for number, item in enumerate(plan.items) if item.lane == lane]
            level = {value: float(place) for place, value in enumerate(sorted({self.rows[m] for m in members}))}
            for member in members:
                rows[member] = level[self.rows[member]]
        return Spots([rank[value] for value in self.cols], rows)


class Grid:
    """Pixel geometry of settled spots."""

    def __init__(self, plan: Plan, spots: Spots) -> None:
        """Compute columns, rows and centres; two items on one spot make `clash` true."""
        self.plan = plan
        self.cols = [int(value) for value in spots.cols]
        self._number_rows(spots)
        self.cells: dict[tuple[int, int], int] = {}
        for number in range(len(plan.items)):
            self.cells[self.cols[number], self.rows[number]] = number
        self.clash = len(self.cells) < len(plan.items)
        self._measure_columns()
        self._measure_rows()

    def _number_rows(self, spots: Spots) -> None:
        plan = self.plan
        self.lane_rows = [1] * len(plan.order)
        for number, item in enumerate(plan.items):
            self.lane_rows[item.lane] = max(self.lane_rows[item.lane], int(spots.rows[number]) + 1)
        first = [sum(self.lane_rows[:lane]) for lane in range(len(plan.order))]
        self.rows = [first[item.lane] + int(spots.rows[number]) for number, item in enumerate(plan.items)]
        self.row_count = sum(self.lane_rows)

    def _measure_columns(self) -> None:
        count = max(self.cols, default=-1) + 1
        widths, gaps = [EVENT] * count, [GAP] * count
        for number, item in enumerate(self.plan.items):
            widths[self.cols[number]] = max(widths[self.cols[number]], item.width)
            gaps[self.cols[number]] = max(gaps[self.cols[number]], item.room)
        x = MARGIN
        self.col_x: list[float] = []
        self.gap_x = [MARGIN / 2]
        for width, gap in zip(widths, gaps, strict=True):
            self.col_x.append(x + width / 2)
            x += width + gap
            self.gap_x.append(x - gap / 2)
        self.width = x - gaps[-1] + MARGIN if count else 2 * MARGIN + EVENT

    def _measure_rows(self) -> None:
        heights = [ROW] * self.row_count
        for number, item in enumerate(self.plan.items):
            while heights[self.rows[number]] < item.height + 40:
                heights[self.rows[number]] += ROW
        self.row_y: list[float] = []
        self.gutter_y = [0.0]
        for height in heights:
            self.row_y.append(self.gutter_y[-1] + height / 2)
            self.gutter_y.append(self.gutter_y[-1] + height)
        last = {self.rows[number] for number, item in enumerate(self.plan.items) if item.riders}
        below = BELOW if self.plan.order == ("",) and self.row_count - 1 in last else 0.0
        self.height = self.gutter_y[-1] + below

    def row_free(self, row: int, left: int, right: int) -> bool:
        """Whether no item stands in a row strictly between two columns."""
        for col in range(left + 1, right):  # noqa: SIM110 - runs a million times per drawing, a generator doubles it
            if (col, row) in self.cells:
                return False
        return True

    def col_free(self, col: int, upper: int, lower: int) -> bool:
        """Whether no item stands in a column strictly between two rows."""
        for row in range(upper + 1, lower):  # noqa: SIM110 - as above
            if (col, row) in self.cells:
                return False
        return True

    def box(self, number: int) -> Bounds:
        """Bounds of an item."""
        item = self.plan.items[number]
        x, y = self.col_x[self.cols[number]], self.row_y[self.rows[number]]
        return Bounds(x - item.width / 2, y - item.height / 2, item.width, item.height)

    def boxes(self) -> dict[str, Bounds]:
        """Bounds of all items and of the boundary events on their lower borders."""
        boxes = {}
        for number, item in enumerate(self.plan.items):
            boxes[item.id] = box = self.box(number)
            for place, rider in enumerate(item.riders):
                x = box.cx + rider_offset(place, len(item.riders))
                boxes[rider] = Bounds(x - EVENT / 2, box.bottom - EVENT / 2, EVENT, EVENT)
        return boxes

    def lane_band(self, lane: int) -> tuple[float, float]:
        """Upper and lower border of a lane."""
        first = sum(self.lane_rows[:lane])
        return self.gutter_y[first], self.gutter_y[first + self.lane_rows[lane]]
