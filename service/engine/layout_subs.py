"""Event sub-processes: expanded boxes beneath the main flow of their lane, side by side in shelves.

Upright flows that run through to lower lanes keep their way: boxes stand between them.
"""

import itertools
from collections.abc import Mapping, Sequence
from math import ceil

from service.engine.drawing import Bounds, Drawing, Element
from service.engine.layout_canvas import Canvas, free_between
from service.engine.layout_grid import ROW
from service.engine.layout_level import Level

TITLE = 14.0
APART = 18.0
WIDTHS = (1.0, 1.15, 1.3, 1.45, 1.6)
SHEET = (1527.0, 1000.0)  # A3 landscape at 96 dots per inch, less margins, headers and parties
KEEP = 12.0
POCKET = 14.0

Band = tuple[str, float, float]


def fit_event_subs(
    drawing: Drawing, canvas: Canvas, levels: Mapping[str, Level], bands: Sequence[Band], frame: Bounds
) -> tuple[Canvas, list[Band], float]:
    """Place all event sub-processes in a frame so wide that the whole fits a landscape sheet best.

    What lies left of the frame stays free, for message flows.
    """
    best: tuple[float, Canvas, list[Band], float] | None = None
    for factor in WIDTHS if any(item.event_sub for item in drawing.elements.values()) else WIDTHS[:1]:
        sheet = canvas.copy()
        wide = Bounds(frame.x, frame.y, frame.width * factor, frame.height)
        grown, width = add_event_subs(drawing, sheet, levels, bands, wide)
        right = max([box.right for box in sheet.boxes.values()], default=wide.right) + APART
        width = max(frame.width, min(width, right - frame.x))
        bottom = grown[-1][2] if grown else frame.height
        shrunk = max(width / SHEET[0], bottom / SHEET[1], 1.0)
        if best is None or shrunk < best[0] - 0.02:
            best = shrunk, sheet, grown, width
    assert best is not None  # noqa: S101 - WIDTHS is not empty
    return best[1:]


def add_event_subs(
    drawing: Drawing, canvas: Canvas, levels: Mapping[str, Level], bands: Sequence[Band], frame: Bounds
) -> tuple[list[Band], float]:
    """Place all event sub-processes of the process; returns the grown bands and the width they need.

    `frame` is the area of the main flow. A sub-process in no lane stands beneath the last one.
    """
    subs = [item for item in drawing.elements.values() if item.event_sub and item.id in levels and not item.parent]
    known = {band[0] for band in bands}
    width, shift = frame.width, 0.0
    grown: list[Band] = []
    for number, (lane, top, bottom) in enumerate(bands):
        last = number == len(bands) - 1
        own = [item for item in subs if item.lane == lane or (last and item.lane not in known)]
        empty = not any(item.lane == lane for item in drawing.nodes() if item.id in canvas.boxes and not item.event_sub)
        start, end = top + shift, bottom + shift
        if own and not empty:
            own = _into_pockets(canvas, own, levels, Bounds(frame.x, start, frame.width, end - start))
        if own:
            taken = canvas.uprights_across(end)
            spots, tall = _shelves(own, levels, taken, Bounds(frame.x, 0, width, 0))
            have = end - start if empty else 0.0
            extra = max(0.0, ceil((tall - have) / ROW) * ROW)
            canvas.insert(end, extra)
            base = start if empty else end
            slack = (have + extra - tall) / 2
            for ident, box in spots.items():
                canvas.boxes[ident] = box.moved(0, base + slack)
                canvas.add(levels[ident], box.x, base + slack + box.y + TITLE)
                width = max(width, box.right + APART - frame.x)
            shift += extra
            end += extra
        grown.append((lane, start, end))
    return grown, width


def _into_pockets(canvas: Canvas, subs: Sequence[Element], levels: Mapping[str, Level], area: Bounds) -> list[Element]:
    """Put sub-processes where the lane is empty anyway; returns those that found no room."""
    homeless = []
    for item in sorted(subs, key=lambda one: -levels[one.id].height * levels[one.id].width):
        width, height = sub_size(levels[item.id])
        spot = _pocket(canvas, width, height, Bounds(area.x, area.y + 6, area.width - APART, area.height - 12))
        if spot is None:
            homeless.append(item)
            continue
        canvas.boxes[item.id] = spot
        canvas.add(levels[item.id], spot.x, spot.y + TITLE)
    return [item for item in subs if item in homeless]


def _pocket(canvas: Canvas, width: float, height: float, area: Bounds) -> Bounds | None:
    """The leftmost, then uppermost place in the area that touches nothing, on a raster of 10 pixels."""
    solid = [box.grown(POCKET) for box in [*canvas.boxes.values(), *canvas.labels.values()] if box.overlaps(area)]
    lines = [
        (start, end)
        for points in canvas.flows.values()
        for start, end in itertools.pairwise(points)
        if area.cut_by(start, end)
    ]
    x = area.x
    while x + width <= area.right:
        y = area.y
        while y + height <= area.bottom:
            spot = Bounds(x, y, width, height)
            room = spot.grown(POCKET - 2)
            if not any(box.overlaps(spot) for box in solid) and not any(room.cut_by(*line) for line in lines):
                return spot
            y += 10
        x += 10
    return None


def sub_size(level: Level) -> tuple[float, float]:
    """Size of the box around a drawn inside."""
    return level.width, level.height + TITLE


def _shelves(
    subs: Sequence[Element], levels: Mapping[str, Level], taken: list[float], area: Bounds
) -> tuple[dict[str, Bounds], float]:
    """Boxes relative to the strip's upper border, and the height of the strip."""
    sizes = {item.id: sub_size(levels[item.id]) for item in subs}
    free = list(free_between(taken, area.x, area.right - APART, KEEP))
    beyond = max([area.x, *(x + KEEP for x in taken)])
    ordered = sorted(subs, key=lambda item: -sizes[item.id][1])
    spots: dict[str, Bounds] = {}
    y = APART
    while ordered:
        rest: list[Element] = []
        room = list(free)
        tall = 0.0
        for item in ordered:
            width, height = sizes[item.id]
            place = next((number for number, (left, right) in enumerate(room) if right - left >= width), None)
            if place is None:
                rest.append(item)
                continue
            left, right = room[place]
            spots[item.id] = Bounds(left, y, width, height)
            room[place] = (left + width + APART, right)
            tall = max(tall, height)
        if not tall:  # wider than every gap: to the right of all upright flows
            item = rest.pop(0)
            spots[item.id] = Bounds(beyond, y, *sizes[item.id])
            tall = sizes[item.id][1]
        ordered = rest
        y += tall + APART
    return spots, y
