"""Closed event sub-processes: one shape each, in a free cell of their lane, or where it grows for them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from service.engine.drawing import SHEET, Bounds, Connection, Drawing
from service.engine.layout_canvas import Canvas
from service.engine.layout_grid import ROW
from service.engine.layout_plan import TASK

STEP = 20.0
BETWEEN = 14.0
LINE_APART = 10.0
PARTY = 150.0

Band = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What a place should heed: columns to stay out of, other ends of its messages, stretches of other parties."""

    alone: Sequence[Bounds]
    near: Sequence[float]
    stretches: Sequence[tuple[float, float]]
    heard: bool


def place_closed(drawing: Drawing, canvas: Canvas, bands: Sequence[Band], frame: Bounds) -> tuple[list[Band], float]:
    """Place them all; returns the bands and the width of the frame, grown where a lane had no cell left.

    Those that exchange messages come first: each wants a column of its own with a free way out of the pool, beside
    the boxes of other parties and near to whom else its own party talks with.
    """
    heard = {end for flow in _messages(drawing) for end in (flow.source, flow.target)}
    subs = [item for item in drawing.elements.values() if item.event_sub and not item.children and not item.parent]
    grown = list(bands)
    placed: list[str] = []
    for item in sorted(subs, key=lambda one: one.id not in heard):
        alone = [canvas.boxes[other] for other in placed if item.id in heard or other in heard]
        wishes = _Wishes(alone, *_talks(drawing, canvas, item.id), item.id in heard)
        number = next((n for n, band in enumerate(grown) if band[0] == item.lane), len(grown) - 1)
        spot = _best(canvas, grown[number], frame, wishes)
        while spot is None:
            wider = replace(frame, width=frame.width + TASK[0] + BETWEEN)
            if wider.right <= SHEET[0]:
                frame = wider
            else:
                grown = _add_row(canvas, grown, number)
            spot = _best(canvas, grown[number], frame, wishes)
        canvas.boxes[item.id] = spot
        placed.append(item.id)
    return grown, frame.width


def _messages(drawing: Drawing) -> list[Connection]:
    return [flow for flow in drawing.connections.values() if flow.tag == "messageFlow"]


def _talks(drawing: Drawing, canvas: Canvas, ident: str) -> tuple[list[float], list[tuple[float, float]]]:
    """Where the parties of a node talk with others, and from where to where each other party does."""
    near: list[float] = []
    stretches: list[tuple[float, float]] = []
    for party in drawing.elements.values():
        if party.tag != "participant" or party.process:
            continue
        ends = {end for flow in _messages(drawing) if party.id in (flow.source, flow.target) for end in _ends(flow)}
        places = sorted(canvas.boxes[end].cx for end in ends - {ident} if end in canvas.boxes)
        if ident in ends:
            near += places
        elif places:
            stretches.append((places[0] - PARTY / 2, places[-1] + PARTY / 2))
    return near, stretches


def _ends(flow: Connection) -> tuple[str, str]:
    return flow.source, flow.target


def _add_row(canvas: Canvas, bands: Sequence[Band], number: int) -> list[Band]:
    canvas.insert(bands[number][2], ROW)
    return [
        (lane, top + ROW * (place > number), bottom + ROW * (place >= number))
        for place, (lane, top, bottom) in enumerate(bands)
    ]


def _best(canvas: Canvas, band: Band, frame: Bounds, wishes: _Wishes) -> Bounds | None:
    """The cell that meets the wishes best; the lowest row, the leftmost place among equals."""

    def price(spot: Bounds) -> tuple[int, int, float, float, float]:
        shared = sum(other.x - BETWEEN < spot.right and spot.x - BETWEEN < other.right for other in wishes.alone)
        blocked = _in_the_way(canvas, spot) if wishes.heard else 0
        blocked += sum(left < spot.cx < right for left, right in wishes.stretches) if wishes.heard else 0
        away = min((abs(spot.cx - x) for x in wishes.near), default=0.0)
        return shared, blocked, away, -spot.y, spot.x

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
