"""Event sub-processes: expanded boxes beneath the main flow of their lane, side by side in shelves.

Upright flows that run through to lower lanes keep their way: boxes stand between them.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from service.engine.drawing import Bounds, Drawing, Element
from service.engine.layout_canvas import Canvas, free_between
from service.engine.layout_grid import ROW
from service.engine.layout_level import Level

TITLE = 14.0
APART = 14.0
KEEP = 12.0

Band = tuple[str, float, float]


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


def sub_size(level: Level) -> tuple[float, float]:
    """Size of the box around a drawn inside."""
    return level.width, level.height + TITLE


def _shelves(
    subs: Sequence[Element], levels: Mapping[str, Level], taken: list[float], area: Bounds
) -> tuple[dict[str, Bounds], float]:
    """Boxes relative to the strip's upper border, and the height of the strip."""
    sizes = {item.id: sub_size(levels[item.id]) for item in subs}
    free = list(free_between(taken, area.x + APART, area.right - APART, KEEP))
    beyond = max([area.x + APART, *(x + KEEP for x in taken)])
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
