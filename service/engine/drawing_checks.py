"""Machine checks of a drawing: what must never be on a picture, and how many flows cross."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from service.engine.drawing import EVENTS, SHEET, Bounds, Drawing, Edge, Element, Shape
from service.engine.drawing_sheets import sheets
from service.engine.layout_tracks import crossing_count, on_one_line

MOST_BENDS = 2
BANDS = frozenset({"participant", "lane"})


@dataclass(frozen=True, slots=True)
class DrawingFinding:
    """One fault: `kind` names the rule, `elements` whom it concerns, `detail` says it in English.

    Kinds: missing, overlap, outside, label_cut, label_on_shape, label_on_label, label_on_flow,
    flow_through_shape, flow_on_flow, flow_undocked, not_orthogonal, bends.
    """

    kind: str
    elements: tuple[str, ...]
    detail: str


def check(drawing: Drawing) -> list[DrawingFinding]:
    """All faults of all sheets of a drawing, empty if it is clean."""
    return [finding for sheet in sheets(drawing).values() for finding in _check_sheet(sheet)]


def _check_sheet(drawing: Drawing) -> list[DrawingFinding]:
    return [
        *_missing(drawing),
        *_overlaps(drawing),
        *_outside(drawing),
        *_labels(drawing),
        *_shared_lines(drawing),
        *(finding for edge in drawing.edges.values() for finding in _flow(drawing, edge)),
    ]


def crossings(drawing: Drawing) -> int:
    """Number of places where two flows (sequence or message) run across each other."""
    return sum(crossing_count([edge.points for edge in sheet.edges.values()]) for sheet in sheets(drawing).values())


def fits_sheet(drawing: Drawing) -> bool:
    """Whether each of its sheets fits A3 landscape without being made smaller."""
    extents = [sheet.extent() for sheet in sheets(drawing).values()]
    return all(extent.width <= SHEET[0] and extent.height <= SHEET[1] for extent in extents)


def _missing(drawing: Drawing) -> Iterator[DrawingFinding]:
    for ident in drawing.elements:
        if ident not in drawing.shapes:
            yield DrawingFinding("missing", (ident,), "no shape")
    for ident in drawing.connections:
        if ident not in drawing.edges:
            yield DrawingFinding("missing", (ident,), "no way points")


def _holds(drawing: Drawing, outer: str, inner: str) -> bool:
    """Whether the first is a band or a sub-process around the second."""
    parent = drawing.elements[inner].parent
    while parent:
        if parent == outer:
            return True
        parent = drawing.elements[parent].parent
    return False


def _overlaps(drawing: Drawing) -> Iterator[DrawingFinding]:
    for one, other in combinations(drawing.shapes.values(), 2):
        if not one.bounds.overlaps(other.bounds) or _may_overlap(drawing, one, other):
            continue
        yield DrawingFinding("overlap", (one.id, other.id), "shapes overlap")


def _may_overlap(drawing: Drawing, one: Shape, other: Shape) -> bool:
    first, second = drawing.elements[one.id], drawing.elements[other.id]
    if first.host == second.id or second.host == first.id:
        return True
    if _holds(drawing, one.id, other.id) or _holds(drawing, other.id, one.id):
        return True
    if first.tag == second.tag == "lane":
        return False
    return _pool_or_lane(first) or _pool_or_lane(second)


def _pool_or_lane(element: Element) -> bool:
    return element.tag == "lane" or (element.tag == "participant" and bool(element.process))


def _outside(drawing: Drawing) -> Iterator[DrawingFinding]:
    """Nodes must lie in their lane and pool, inner nodes in their sub-process."""
    pool = next((item.id for item in drawing.elements.values() if item.tag == "participant" and item.process), "")
    for shape in drawing.shapes.values():
        item = drawing.elements[shape.id]
        if item.tag == "participant" or item.tag == "boundaryEvent":
            continue
        for around in {item.parent or item.lane, pool} - {""}:
            frame = drawing.shapes.get(around)
            if frame and not frame.bounds.holds(shape.bounds):
                yield DrawingFinding("outside", (shape.id, around), "lies outside its frame")


def _labels(drawing: Drawing) -> Iterator[DrawingFinding]:
    labels = {shape.id: shape.label for shape in drawing.shapes.values() if shape.label}
    labels |= {edge.id: edge.label for edge in drawing.edges.values() if edge.label}
    area = Bounds(0, 0, 1e6, 1e6)
    for ident, label in labels.items():
        if not area.holds(label):
            yield DrawingFinding("label_cut", (ident,), "text leaves the picture")
        for shape in drawing.shapes.values():
            if _solid(drawing, shape) and shape.bounds.grown(-0.5).overlaps(label):
                yield DrawingFinding("label_on_shape", (ident, shape.id), "text lies on a shape")
        for edge in drawing.edges.values():
            if any(label.grown(-0.5).cut_by(*piece) for piece in edge.segments()):
                yield DrawingFinding("label_on_flow", (ident, edge.id), "a flow runs through the text")
    for (one, first), (other, second) in combinations(labels.items(), 2):
        if first.grown(-0.5).overlaps(second):
            yield DrawingFinding("label_on_label", (one, other), "texts overlap")


def _shared_lines(drawing: Drawing) -> Iterator[DrawingFinding]:
    """Flows without a common source or target must not lie on one line or meet in a corner."""
    for one, other in combinations(drawing.edges.values(), 2):
        if one.source == other.source or one.target == other.target:
            continue
        if any(on_one_line(piece, beside) for piece in one.segments() for beside in other.segments()):
            yield DrawingFinding("flow_on_flow", (one.id, other.id), "two flows look like one")


def _solid(drawing: Drawing, shape: Shape) -> bool:
    item = drawing.elements[shape.id]
    return not _pool_or_lane(item) and not item.children


def _flow(drawing: Drawing, edge: Edge) -> Iterator[DrawingFinding]:
    if len(edge.points) - 2 > MOST_BENDS:
        yield DrawingFinding("bends", (edge.id,), f"{len(edge.points) - 2} bends")
    if any(a[0] != b[0] and a[1] != b[1] for a, b in edge.segments()):
        yield DrawingFinding("not_orthogonal", (edge.id,), "a piece is neither level nor upright")
    for ident, point in ((edge.source, edge.points[0]), (edge.target, edge.points[-1])):
        shape = drawing.shapes.get(ident)
        if shape and not shape.bounds.grown(1.5).holds(Bounds(*point, 0, 0)):
            yield DrawingFinding("flow_undocked", (edge.id, ident), "does not touch its element")
    for shape in drawing.shapes.values():
        if _free_to_pass(drawing, edge, shape):
            continue
        event_end = shape.tag in EVENTS and shape.id in (edge.source, edge.target)
        room = shape.bounds.grown(-4 if event_end else -1)  # a circle's border lies inside its bounds
        if any(room.cut_by(*piece) for piece in edge.segments()):
            yield DrawingFinding("flow_through_shape", (edge.id, shape.id), "runs through a shape")


def _free_to_pass(drawing: Drawing, edge: Edge, shape: Shape) -> bool:
    """Frames around an end may be crossed; a boundary event's flow starts on its host."""
    item = drawing.elements[shape.id]
    if _pool_or_lane(item):
        return True
    ends = [drawing.elements[end] for end in (edge.source, edge.target) if end in drawing.elements]
    return any(_holds(drawing, shape.id, end.id) for end in ends)
