"""Puts a whole drawing together: levels, lanes, pool, event sub-processes, outside parties."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.engine.drawing import EVENTS, GATEWAYS, Bounds, Drawing, Edge, Shape
from service.engine.drawing_checks import check, crossings, fits_sheet
from service.engine.drawing_sheets import joined, sheets
from service.engine.layout_canvas import Canvas
from service.engine.layout_closed import place_closed
from service.engine.layout_labels import Surroundings, pairs, place_labels
from service.engine.layout_level import Level, draw_level, draw_levels
from service.engine.layout_messages import Scene, draw_outside
from service.engine.layout_subs import TITLE, fit_event_subs, sub_size
from service.engine.layout_text import text_width
from service.engine.render_english import in_english

HEADER = 30.0
ORIGIN = 20.0
CHANNELS = (18.0, 32.0, 46.0, 60.0)


def draw(drawing: Drawing) -> Drawing:
    """A drawing of every element, all earlier positions forgotten.

    Event sub-processes stand open among the rest where all fits one sheet of paper; otherwise each is closed
    and its inside has a sheet of its own.
    """
    drawing = replace(drawing, closed=frozenset())
    levels, sizes = _inner_levels(drawing)
    mains = draw_levels(drawing, "", sizes)
    subs = frozenset(ident for ident in levels if drawing.elements[ident].event_sub)
    opened = _best(drawing, mains, levels)
    return opened if fits_sheet(opened) or not subs else _with_sheets(replace(drawing, closed=subs), mains, levels)


def _with_sheets(drawing: Drawing, mains: Sequence[Level], levels: Mapping[str, Level]) -> Drawing:
    """The process with its event sub-processes closed, and a sheet for each of these."""
    drawn = {}
    for ident, sheet in sheets(drawing).items():
        inside = {one: level for one, level in levels.items() if one in sheet.elements and one not in drawing.closed}
        drawn[ident] = _best(sheet, [levels[ident]] if ident else mains, inside)
    return joined(drawing, drawn)


def _best(drawing: Drawing, mains: Sequence[Level], levels: Mapping[str, Level]) -> Drawing:
    """No faults in Chinese, fits the sheet, few crossings and faults in English: the first that does best."""
    drawn = [_put_together(drawing, main, levels, channel) for main in mains for channel in CHANNELS]
    return min(drawn, key=_price)


def _price(drawing: Drawing) -> tuple[int, bool, int]:
    return len(check(drawing)), not fits_sheet(drawing), crossings(drawing) + 3 * len(check(in_english(drawing)))


def _put_together(drawing: Drawing, main: Level, levels: Mapping[str, Level], channel: float) -> Drawing:
    """The whole sheet; `channel` pixels beside event sub-processes stay free for message flows."""
    canvas = Canvas()
    pool = next((item.id for item in drawing.elements.values() if item.tag == "participant" and item.process), "")
    laned = any(band[0] for band in main.bands)
    edge = HEADER if pool else 0.0
    left = edge + (HEADER if laned else 0.0)
    canvas.add(main, left, 0.0)
    _open_embedded(drawing, canvas, levels)
    room = Bounds(left + channel, 0, main.width - channel, main.height)
    canvas, bands, width = fit_event_subs(drawing, canvas, levels, main.bands, room)
    bands, width = place_closed(drawing, canvas, bands, replace(room, width=width))
    frame = Bounds(0.0, 0.0, left + channel + width, bands[-1][2] if bands else main.height)
    if pool:
        canvas.boxes[pool] = frame
    for ident, top, bottom in bands:
        if ident:
            canvas.boxes[ident] = Bounds(edge, top, frame.width - edge, bottom - top)
    add_outside(drawing, canvas, frame)
    return finished(drawing, canvas)


def _inner_levels(drawing: Drawing) -> tuple[dict[str, Level], dict[str, tuple[float, float]]]:
    """Levels of all sub-processes, innermost first, and the sizes of their boxes."""
    levels: dict[str, Level] = {}
    sizes: dict[str, tuple[float, float]] = {}
    subs = [item for item in drawing.elements.values() if item.tag == "subProcess" and item.children]
    for item in reversed(subs):
        levels[item.id] = draw_level(drawing, item.id, sizes)
        sizes[item.id] = sub_size(levels[item.id])
    return levels, sizes


def _open_embedded(drawing: Drawing, canvas: Canvas, levels: Mapping[str, Level]) -> None:
    for ident, level in levels.items():
        if ident in canvas.boxes and not drawing.elements[ident].event_sub:
            box = canvas.boxes[ident]
            canvas.add(level, box.x + (box.width - level.width) / 2, box.y + TITLE)


def add_outside(drawing: Drawing, canvas: Canvas, pool: Bounds) -> None:
    """Draw collapsed parties and message flows around everything that stands already."""
    solid = {
        ident: box for ident, box in canvas.boxes.items() if drawing.elements[ident].tag not in {"participant", "lane"}
    }
    titles = {
        ident: Bounds(box.x + 8, box.y + 4, text_width(drawing.elements[ident].name) + 8, 18)
        for ident, box in solid.items()
        if drawing.elements[ident].children
    }
    lanes = any(drawing.elements[ident].tag == "lane" for ident in canvas.boxes)
    left = pool.x + (2 if lanes else 1) * HEADER + 6
    outside = draw_outside(drawing, Scene(solid, canvas.labels | titles, canvas.flows, pool, left))
    toward = {
        ident: points if drawing.connections[ident].source in outside.parties else points[::-1]
        for ident, points in outside.flows.items()
    }
    leaves = {ident: box for ident, box in solid.items() if not drawing.elements[ident].children}
    borders = (pool.y, pool.bottom)
    everything = leaves | dict(outside.parties)
    around = Surroundings(everything, canvas.flows | toward, borders, placed=dict(canvas.labels))
    lines = [piece for points in outside.flows.values() for piece in pairs(points)]
    cut = [ident for ident, box in canvas.labels.items() if any(box.grown(1).cut_by(*piece) for piece in lines)]
    canvas.labels.update(place_labels(drawing, around, [*cut, *outside.flows]))
    canvas.boxes.update(outside.parties)
    canvas.flows.update(outside.flows)


def finished(drawing: Drawing, canvas: Canvas) -> Drawing:
    """The drawing with everything on the sheet, moved so that it begins near the origin."""
    left = min(box.x for box in canvas.boxes.values())
    top = min(box.y for box in [*canvas.boxes.values(), *canvas.labels.values()])
    dx, dy = ORIGIN - left, ORIGIN - top
    shapes = {}
    for ident, item in drawing.elements.items():
        if ident in canvas.boxes:
            label = canvas.labels.get(ident) if item.tag in EVENTS | GATEWAYS else None
            moved = label.moved(dx, dy) if label else None
            shapes[ident] = Shape(ident, item.tag, canvas.boxes[ident].moved(dx, dy), moved)
    edges = {}
    for ident, flow in drawing.connections.items():
        if ident in canvas.flows:
            points = tuple((x + dx, y + dy) for x, y in canvas.flows[ident])
            label = canvas.labels.get(ident)
            moved = label.moved(dx, dy) if label else None
            edges[ident] = Edge(ident, flow.tag, flow.source, flow.target, points, moved)
    return replace(drawing, shapes=shapes, edges=edges)
