"""Puts a whole drawing together: levels, lanes, pool, event sub-processes, outside parties."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.engine.drawing import EVENTS, GATEWAYS, Bounds, Drawing, Edge, Point, Shape
from service.engine.layout_labels import Surroundings, place_labels
from service.engine.layout_level import Level, draw_level
from service.engine.layout_messages import Scene, draw_outside
from service.engine.layout_text import block

HEADER = 30.0
SUB_TITLE = 26.0
SUB_GAP = 24.0
ORIGIN = 20.0


@dataclass(slots=True)
class _Canvas:
    boxes: dict[str, Bounds] = field(default_factory=dict)
    labels: dict[str, Bounds] = field(default_factory=dict)
    flows: dict[str, tuple[Point, ...]] = field(default_factory=dict)

    def add(self, level: Level, x: float, y: float) -> None:
        for ident, box in level.boxes.items():
            self.boxes[ident] = box.moved(x, y)
        for ident, box in level.labels.items():
            self.labels[ident] = box.moved(x, y)
        for ident, points in level.flows.items():
            self.flows[ident] = tuple((px + x, py + y) for px, py in points)


def draw(drawing: Drawing) -> Drawing:
    """A drawing of every element, all earlier positions forgotten."""
    levels, sizes = _inner_levels(drawing)
    main = draw_level(drawing, "", sizes)
    canvas = _Canvas()
    pool_item = next((item for item in drawing.elements.values() if item.tag == "participant" and item.process), None)
    lanes = [band for band in main.bands if band[0]]
    left = (HEADER if pool_item else 0.0) + (HEADER if lanes else 0.0)
    canvas.add(main, left, 0.0)
    _open_embedded(drawing, canvas, levels)
    width, height = _add_event_subs(drawing, canvas, levels, Bounds(left, main.height, main.width, 0.0))
    pool = Bounds(0.0, 0.0, left + width, height)
    if pool_item:
        canvas.boxes[pool_item.id] = pool
    for ident, top, bottom in lanes:
        canvas.boxes[ident] = Bounds(HEADER if pool_item else 0.0, top, pool.width - (HEADER if pool_item else 0.0), bottom - top)
    _add_outside(drawing, canvas, pool)
    return _finished(drawing, canvas)


def _inner_levels(drawing: Drawing) -> tuple[dict[str, Level], dict[str, tuple[float, float]]]:
    """Levels of all sub-processes, innermost first, and the sizes of their boxes."""
    levels: dict[str, Level] = {}
    sizes: dict[str, tuple[float, float]] = {}
    subs = [item for item in drawing.elements.values() if item.tag == "subProcess" and item.children]
    for item in reversed(subs):
        levels[item.id] = level = draw_level(drawing, item.id, sizes)
        sizes[item.id] = (max(level.width, block(item.name, 300)[0] + 24), level.height + SUB_TITLE)
    return levels, sizes


def _open_embedded(drawing: Drawing, canvas: _Canvas, levels: Mapping[str, Level]) -> None:
    for ident, level in levels.items():
        if ident in canvas.boxes and not drawing.elements[ident].event_sub:
            box = canvas.boxes[ident]
            canvas.add(level, box.x + (box.width - level.width) / 2, box.y + SUB_TITLE)


def _add_event_subs(
    drawing: Drawing, canvas: _Canvas, levels: Mapping[str, Level], main: Bounds
) -> tuple[float, float]:
    """Event sub-processes in shelves beneath the lanes, in file order; returns width and height of the content."""
    subs = [item for item in drawing.elements.values() if item.event_sub and item.id in levels and not item.parent]
    if not subs:
        return main.width, main.y
    sizes = {item.id: (levels[item.id].width, levels[item.id].height + SUB_TITLE) for item in subs}
    width = max(main.width, 900.0, max(size[0] for size in sizes.values()) + 2 * SUB_GAP)
    shelves: list[list[str]] = []
    for item in sorted(subs, key=lambda one: -sizes[one.id][1]):
        need = sizes[item.id][0] + SUB_GAP
        fitting = (shelf for shelf in shelves if sum(sizes[i][0] + SUB_GAP for i in shelf) + need + SUB_GAP <= width)
        shelf = next(fitting, None)
        if shelf is None:
            shelves.append([item.id])
        else:
            shelf.append(item.id)
    y = main.y + SUB_GAP
    for shelf in shelves:
        x, tall = main.x + SUB_GAP, 0.0
        for ident in shelf:
            canvas.boxes[ident] = Bounds(x, y, *sizes[ident])
            canvas.add(levels[ident], x, y + SUB_TITLE)
            x += sizes[ident][0] + SUB_GAP
            tall = max(tall, sizes[ident][1])
        y += tall + SUB_GAP
    return width, y


def _add_outside(drawing: Drawing, canvas: _Canvas, pool: Bounds) -> None:
    solid = {
        ident: box
        for ident, box in canvas.boxes.items()
        if drawing.elements[ident].tag not in {"participant", "lane"} and not _holder(drawing, ident)
    }
    outside = draw_outside(drawing, Scene(solid, canvas.labels, canvas.flows, pool))
    toward = {
        ident: points if drawing.connections[ident].source in outside.parties else points[::-1]
        for ident, points in outside.flows.items()
    }
    around = Surroundings(solid | dict(outside.parties), canvas.flows | toward, placed=dict(canvas.labels))
    canvas.labels.update(place_labels(drawing, around, outside.flows))
    canvas.boxes.update(outside.parties)
    canvas.flows.update(outside.flows)


def _holder(drawing: Drawing, ident: str) -> bool:
    item = drawing.elements[ident]
    return item.tag == "subProcess" and item.children > 0


def _finished(drawing: Drawing, canvas: _Canvas) -> Drawing:
    left = min(box.x for box in canvas.boxes.values())
    top = min([*(box.y for box in canvas.boxes.values()), *(box.y for box in canvas.labels.values())])
    dx, dy = ORIGIN - left, ORIGIN - top
    outer = EVENTS | GATEWAYS
    shapes = {}
    for ident, item in drawing.elements.items():
        if ident in canvas.boxes:
            label = canvas.labels.get(ident) if item.tag in outer else None
            shapes[ident] = Shape(ident, item.tag, canvas.boxes[ident].moved(dx, dy), label.moved(dx, dy) if label else None)
    edges = {}
    for ident, flow in drawing.connections.items():
        if ident in canvas.flows:
            points = tuple((x + dx, y + dy) for x, y in canvas.flows[ident])
            label = canvas.labels.get(ident)
            edges[ident] = Edge(ident, flow.tag, flow.source, flow.target, points, label.moved(dx, dy) if label else None)
    return replace(drawing, shapes=shapes, edges=edges)
