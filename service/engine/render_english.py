"""Places the English texts of a drawing anew: they are longer than the Chinese ones it was made for."""

from dataclasses import replace
from functools import lru_cache

from service.engine.drawing import EVENTS, GATEWAYS, Bounds, Drawing, read_drawing
from service.engine.drawing_sheets import joined, sheets
from service.engine.layout_labels import Surroundings, place_labels
from service.engine.layout_text import LABEL_EN, text_width
from service.engine.layout_write import write_interchange

AIR = 5  # pixels on each side


def in_english(drawing: Drawing) -> Drawing:
    """The same shapes and flows with English names where the file has them, and room found for these."""
    named = _named(drawing)
    return joined(named, {ident: _placed(sheet) for ident, sheet in sheets(named).items()})


@lru_cache(maxsize=64)
def english_file(xml: bytes) -> bytes:
    """A diagram file whose labels have the places English needs; names stay as they are. For a viewer of files.

    A viewer with another font wraps what fills its box: the boxes get a little air, and stay centred.
    """
    placed = in_english(read_drawing(xml))
    shapes = {ident: replace(shape, label=_airy(shape.label)) for ident, shape in placed.shapes.items()}
    edges = {ident: replace(edge, label=_airy(edge.label)) for ident, edge in placed.edges.items()}
    return write_interchange(xml, replace(placed, shapes=shapes, edges=edges))


def _airy(label: Bounds | None) -> Bounds | None:
    return replace(label, x=label.x - AIR, width=label.width + 2 * AIR) if label else None


def _named(drawing: Drawing) -> Drawing:
    elements = {
        ident: replace(item, name=(item.name_en or item.name) if item.name else "")
        for ident, item in drawing.elements.items()
    }
    connections = {
        ident: replace(flow, name=(flow.name_en or flow.name) if flow.name else "")
        for ident, flow in drawing.connections.items()
    }
    return replace(drawing, elements=elements, connections=connections)


def _placed(drawing: Drawing) -> Drawing:
    """One sheet with its texts placed anew."""
    elements = drawing.elements
    bands = {ident for ident, item in elements.items() if item.tag == "lane" or item.process}
    boxes = {
        ident: shape.bounds
        for ident, shape in drawing.shapes.items()
        if ident not in bands and not elements[ident].children
    }
    parties = {ident for ident, item in elements.items() if item.tag == "participant"} - bands
    flows = {
        ident: edge.points[::-1] if edge.target in parties else edge.points for ident, edge in drawing.edges.items()
    }
    outer = [ident for ident in boxes if elements[ident].tag in EVENTS | GATEWAYS]
    borders = [drawing.shapes[ident].bounds.y for ident in bands if ident in drawing.shapes]
    titles = {
        ident: Bounds(shape.bounds.x + 8, shape.bounds.y + 4, text_width(elements[ident].name) + 8, 18)
        for ident, shape in drawing.shapes.items()
        if elements[ident].children
    }
    around = Surroundings(boxes, flows, borders, size=LABEL_EN, placed=titles)
    labels = place_labels(drawing, around, [*outer, *flows])
    return replace(
        drawing,
        shapes={ident: replace(shape, label=labels.get(ident)) for ident, shape in drawing.shapes.items()},
        edges={ident: replace(edge, label=labels.get(ident)) for ident, edge in drawing.edges.items()},
    )
