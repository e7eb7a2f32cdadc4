"""Completes a drawing: what a person placed stays where it is, the rest is fitted in."""

from collections.abc import Mapping
from dataclasses import replace

from service.engine.drawing import EVENTS, GATEWAYS, Bounds, Drawing, Edge, Element, Shape
from service.engine.layout_canvas import Canvas
from service.engine.layout_connect import connect
from service.engine.layout_grid import GAP, ROW
from service.engine.layout_labels import Surroundings, pairs, place_labels
from service.engine.layout_level import draw_level
from service.engine.layout_plan import EVENT, size_of
from service.engine.layout_subs import TITLE, sub_size

BANDS = frozenset({"participant", "lane"})
STEP = 10.0
APART = 20.0
DOCKED = 2.0


def complete(drawing: Drawing) -> Drawing:
    """The drawing with every missing shape, flow and text added; nothing that has a place is moved.

    Pool and lanes may grow to the right and downward to take in what is new.
    """
    sheet = Canvas({ident: shape.bounds for ident, shape in drawing.shapes.items()})
    for item in drawing.elements.values():
        if item.id not in sheet.boxes and item.tag in BANDS:
            _add_band(drawing, sheet, item)
    for ident, edge in drawing.edges.items():
        if _docked(sheet, edge):
            sheet.flows[ident] = edge.points
    for item in drawing.elements.values():
        if item.id not in sheet.boxes and item.tag not in BANDS:
            _add_node(drawing, sheet, item)
    for ident, flow in drawing.connections.items():
        if ident not in sheet.flows and flow.source in sheet.boxes and flow.target in sheet.boxes:
            solid = _solid(drawing, sheet, {flow.source, flow.target, drawing.elements[flow.source].host})
            ends = sheet.boxes[flow.source], sheet.boxes[flow.target]
            sheet.flows[ident] = connect(*ends, solid, list(sheet.flows.values()))
    return _labelled(drawing, sheet)


def _docked(sheet: Canvas, edge: Edge) -> bool:
    ends = ((edge.source, edge.points[0]), (edge.target, edge.points[-1]))
    return all(
        ident in sheet.boxes and sheet.boxes[ident].grown(DOCKED).holds(Bounds(*point, 0, 0)) for ident, point in ends
    )


def _solid(drawing: Drawing, sheet: Canvas, besides: set[str]) -> dict[str, Bounds]:
    """Boxes a flow must not run through: no bands, no frames, not the ends."""
    return {
        ident: box
        for ident, box in sheet.boxes.items()
        if ident not in besides and not _is_frame(drawing.elements[ident])
    }


def _is_frame(item: Element) -> bool:
    return item.tag == "lane" or bool(item.process) or item.children > 0


def _add_band(drawing: Drawing, sheet: Canvas, item: Element) -> None:
    boxes = list(sheet.boxes.values())
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    left = min(box.x for box in boxes)
    if item.tag == "participant" and not item.process:
        sheet.boxes[item.id] = Bounds(left, bottom + 60, 160, 50)
    elif item.tag == "participant":
        top = min(box.y for box in boxes)
        sheet.boxes[item.id] = Bounds(left - 60, top - 30, right - left + 90, bottom - top + 60)
    else:
        pool = _pool(drawing, sheet)
        frame = sheet.boxes[pool] if pool else Bounds(left - 30, bottom, right - left + 60, 0)
        sheet.boxes[item.id] = Bounds(frame.x + 30, frame.bottom, frame.width - 30, ROW)
        _make_room(drawing, sheet, frame.bottom, ROW)
        if pool:
            sheet.boxes[pool] = replace(frame, height=frame.height + ROW)


def _pool(drawing: Drawing, sheet: Canvas) -> str:
    found = (item.id for item in drawing.elements.values() if item.tag == "participant" and item.process)
    return next((ident for ident in found if ident in sheet.boxes), "")


def _make_room(drawing: Drawing, sheet: Canvas, y: float, height: float) -> None:
    """Move the parties beneath the pool further down."""
    for ident, box in sheet.boxes.items():
        item = drawing.elements[ident]
        if item.tag == "participant" and not item.process and box.y >= y:
            sheet.boxes[ident] = box.moved(0, height)


def _add_node(drawing: Drawing, sheet: Canvas, item: Element) -> None:
    if item.id in sheet.boxes:
        return
    if item.host in sheet.boxes:
        host = sheet.boxes[item.host]
        taken = [
            sheet.boxes[one.id].cx
            for one in drawing.elements.values()
            if one.host == item.host and one.id in sheet.boxes
        ]
        free = [host.cx + offset for offset in (27.0, -27.0, 0.0, 46.0, -46.0)]
        x = max(free, key=lambda cx: min([abs(cx - other) for other in taken], default=0.0))
        sheet.boxes[item.id] = Bounds(x - EVENT / 2, host.bottom - EVENT / 2, EVENT, EVENT)
        return
    level = draw_level(drawing, item.id, _inner_sizes(drawing, item)) if item.children else None
    width, height = sub_size(level) if level else size_of(item)
    frame = item.parent or item.lane or _pool(drawing, sheet)
    box = _free_spot(drawing, sheet, item, frame, (width, height))
    sheet.boxes[item.id] = box
    if level:
        sheet.add(level, box.x, box.y + TITLE)
    _widen(drawing, sheet, box.right + APART)


def _inner_sizes(drawing: Drawing, item: Element) -> Mapping[str, tuple[float, float]]:
    inner = [one for one in drawing.nodes(item.id) if one.children]
    return {one.id: sub_size(draw_level(drawing, one.id, _inner_sizes(drawing, one))) for one in inner}


def _free_spot(drawing: Drawing, sheet: Canvas, item: Element, frame: str, size: tuple[float, float]) -> Bounds:
    """Right of the first placed predecessor (else at the frame's left end), the nearest free place in the frame."""
    width, height = size
    area = sheet.boxes.get(frame) or Bounds(0, 0, 1200, 4 * ROW)
    before = [flow.source for flow in drawing.connections.values() if flow.target == item.id]
    start = next((sheet.boxes[ident] for ident in before if ident in sheet.boxes), None)
    x = start.right + GAP if start else area.x + 60
    wanted = start.cy if start and area.y < start.cy < area.bottom else area.y + ROW / 2
    solid = [box.grown(APART) for box in _solid(drawing, sheet, set()).values()]
    last = area.bottom - height - STEP
    while True:
        rows = sorted(_steps(area.y + STEP, last), key=lambda y: abs(y + height / 2 - wanted))
        for y in [wanted - height / 2, *rows]:
            spot = Bounds(x, y, width, height)
            inside = area.y <= y and spot.bottom <= area.bottom
            if inside and not any(box.overlaps(spot) for box in solid) and not _run_through(sheet, spot):
                return spot
        x += STEP
        if x > area.right + 4000:  # taller than its frame: beside everything
            return Bounds(max(box.right for box in sheet.boxes.values()) + GAP, area.y + STEP, width, height)


def _run_through(sheet: Canvas, spot: Bounds) -> bool:
    room = spot.grown(6)
    return any(room.cut_by(*piece) for points in sheet.flows.values() for piece in pairs(points))


def _steps(start: float, end: float) -> list[float]:
    return [start + STEP * number for number in range(max(0, int((end - start) // STEP) + 1))]


def _widen(drawing: Drawing, sheet: Canvas, right: float) -> None:
    for ident, box in sheet.boxes.items():
        item = drawing.elements[ident]
        if (item.tag == "lane" or (item.tag == "participant" and item.process)) and box.right < right:
            sheet.boxes[ident] = replace(box, width=right - box.x)


def _labelled(drawing: Drawing, sheet: Canvas) -> Drawing:
    """Texts that have a place keep it; the others look for one."""
    kept = {shape.id: shape.label for shape in drawing.shapes.values() if shape.label}
    for ident, edge in drawing.edges.items():
        if edge.label and sheet.flows.get(ident) == edge.points:
            kept[ident] = edge.label
    around = Surroundings(_solid(drawing, sheet, set()), sheet.flows, placed=dict(kept))
    outer = [ident for ident in sheet.boxes if drawing.elements[ident].tag in EVENTS | GATEWAYS]
    new = place_labels(drawing, around, [ident for ident in [*outer, *sheet.flows] if ident not in kept])
    labels = kept | new | {ident: box for ident, box in sheet.labels.items() if ident not in kept | new}
    shapes = {
        ident: Shape(ident, drawing.elements[ident].tag, box, labels.get(ident)) for ident, box in sheet.boxes.items()
    }
    edges = {
        ident: Edge(ident, flow.tag, flow.source, flow.target, sheet.flows[ident], labels.get(ident))
        for ident, flow in drawing.connections.items()
        if ident in sheet.flows
    }
    return replace(drawing, shapes=shapes, edges=edges)
