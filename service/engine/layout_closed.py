"""Closed event sub-processes: one shape each, in a free cell of their lane, or where it grows for them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from service.engine.drawing import SHEET, Bounds, Connection, Drawing
from service.engine.layout_canvas import Canvas
from service.engine.layout_grid import ROW
from service.engine.layout_plan import TASK

STEP = 20.0
BETWEEN = 14.0
LINE_APART = 10.0

Band = tuple[str, float, float]


def place_closed(drawing: Drawing, canvas: Canvas, bands: Sequence[Band], frame: Bounds) -> tuple[list[Band], float]:
    """Place them all; returns the bands and the width of the frame, grown where a lane had no cell left.

    Those that exchange messages come first: each wants a column of its own with a free way out of the pool.
    """
    heard = {end for flow in drawing.connections.values() if flow.tag == "messageFlow" for end in _ends(flow)}
    subs = [item for item in drawing.elements.values() if item.event_sub and not item.children and not item.parent]
    grown = list(bands)
    placed: list[str] = []
    for item in sorted(subs, key=lambda one: one.id not in heard):
        alone = [canvas.boxes[other] for other in placed if item.id in heard or other in heard]
        number = next((n for n, band in enumerate(grown) if band[0] == item.lane), len(grown) - 1)
        spot = _best(canvas, grown[number], frame, alone, heard=item.id in heard)
        while spot is None:
            wider = replace(frame, width=frame.width + TASK[0] + BETWEEN)
            if wider.right <= SHEET[0]:
                frame = wider
            else:
                grown = _add_row(canvas, grown, number)
            spot = _best(canvas, grown[number], frame, alone, heard=item.id in heard)
        canvas.boxes[item.id] = spot
        placed.append(item.id)
    return grown, frame.width


def _ends(flow: Connection) -> tuple[str, str]:
    return flow.source, flow.target


def _add_row(canvas: Canvas, bands: Sequence[Band], number: int) -> list[Band]:
    canvas.insert(bands[number][2], ROW)
    return [
        (lane, top + ROW * (place > number), bottom + ROW * (place >= number))
        for place, (lane, top, bottom) in enumerate(bands)
    ]


def _best(canvas: Canvas, band: Band, frame: Bounds, alone: Sequence[Bounds], *, heard: bool) -> Bounds | None:
    """The cell with the fewest shapes in the way of messages, the lowest row, the leftmost place."""

    def price(spot: Bounds) -> tuple[int, int, float, float]:
        shared = sum(other.x - BETWEEN < spot.right and spot.x - BETWEEN < other.right for other in alone)
        return shared, _in_the_way(canvas, spot) if heard else 0, -spot.y, spot.x

    return min(_cells(canvas, band, frame), key=price, default=None)


def _cells(canvas: Canvas, band: Band, frame: Bounds) -> Iterator[Bounds]:
    """Free places in the rows of a lane."""
    width, height = TASK
    area = Bounds(frame.x, band[1], frame.width, band[2] - band[1])
    solid = [box.grown(BETWEEN) for box in [*canvas.boxes.values(), *canvas.labels.values()] if box.overlaps(area)]
    lines = [piece for points in canvas.flows.values() for piece in itertools.pairwise(points) if area.cut_by(*piece)]
    y = area.y + (ROW - height) / 2
    while y + height < area.bottom:
        x = area.x + BETWEEN
        while x + width + BETWEEN <= area.right:
            spot = Bounds(x, y, width, height)
            room = spot.grown(LINE_APART)
            if not any(box.overlaps(spot) for box in solid) and not any(room.cut_by(*line) for line in lines):
                yield spot
            x += STEP
        y += ROW


def _in_the_way(canvas: Canvas, spot: Bounds) -> int:
    """Shapes above or below, whichever are fewer."""
    beside = [box for box in canvas.boxes.values() if box.x - BETWEEN < spot.cx < box.right + BETWEEN]
    return min(sum(box.bottom <= spot.y for box in beside), sum(box.y >= spot.bottom for box in beside))
