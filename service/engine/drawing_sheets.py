"""A drawing as sheets: the process, and one sheet for each event sub-process that is drawn closed.

On the sheet of the process a closed event sub-process is one shape; flows of messages that end inside it
end at its border. Each sheet is a drawing of its own, with its own origin.
"""

from collections.abc import Mapping
from dataclasses import replace

from service.engine.drawing import Connection, Drawing, Edge, Element, Shape


def sheets(drawing: Drawing) -> dict[str, Drawing]:
    """Every sheet by the id of its sub-process; the one of the process comes first, under ""."""
    return {"": _outer(drawing), **{ident: _inner(drawing, ident) for ident in sorted(drawing.closed)}}


def joined(drawing: Drawing, drawn: Mapping[str, Drawing]) -> Drawing:
    """The drawing with the shapes and flows of all its sheets."""
    shapes: dict[str, Shape] = {}
    edges: dict[str, Edge] = {}
    for sheet in drawn.values():
        shapes |= sheet.shapes
        for edge in sheet.edges.values():
            flow = drawing.connections[edge.id]
            edges[edge.id] = replace(edge, source=flow.source, target=flow.target)
    return replace(drawing, shapes=shapes, edges=edges)


def sheet_of(drawing: Drawing, ident: str) -> str:
    """The closed sub-process around an element, "" for what stands on the sheet of the process."""
    parent = drawing.elements[ident].parent if ident in drawing.elements else ""
    while parent and parent not in drawing.closed:
        parent = drawing.elements[parent].parent
    return parent


def _outer(drawing: Drawing) -> Drawing:
    if not drawing.closed:
        return drawing
    elements = {ident: item for ident, item in drawing.elements.items() if not sheet_of(drawing, ident)}
    elements |= {ident: _as_one(drawing, ident) for ident in elements if ident in drawing.closed}
    flows = {}
    for ident, flow in drawing.connections.items():
        ends = [sheet_of(drawing, end) or end for end in (flow.source, flow.target)]
        if ends[0] != ends[1]:
            flows[ident] = replace(flow, source=ends[0], target=ends[1])
    return _cut(drawing, elements, flows)


def _as_one(drawing: Drawing, ident: str) -> Element:
    """A closed event sub-process: it shows what starts it."""
    inside = drawing.nodes(ident)
    start = next((item for item in inside if item.tag == "startEvent"), Element("", ""))
    item = drawing.elements[ident]
    return replace(item, children=0, definition=start.definition, interrupting=start.interrupting)


def _inner(drawing: Drawing, ident: str) -> Drawing:
    elements = {
        one: replace(item, parent="" if item.parent == ident else item.parent)
        for one, item in drawing.elements.items()
        if sheet_of(drawing, one) == ident
    }
    flows = {
        one: flow
        for one, flow in drawing.connections.items()
        if flow.tag != "messageFlow" and sheet_of(drawing, flow.source) == ident
    }
    owner = drawing.elements[ident]
    sheet = _cut(drawing, elements, flows)
    return replace(sheet, name=owner.name, name_en=owner.name_en, process=ident, plane=ident)


def _cut(drawing: Drawing, elements: Mapping[str, Element], flows: Mapping[str, Connection]) -> Drawing:
    """The drawing with these elements and flows only."""
    shapes = {ident: shape for ident, shape in drawing.shapes.items() if ident in elements}
    edges = {
        ident: replace(edge, source=flows[ident].source, target=flows[ident].target)
        for ident, edge in drawing.edges.items()
        if ident in flows
    }
    return replace(drawing, elements=elements, connections=flows, shapes=shapes, edges=edges, closed=frozenset())
