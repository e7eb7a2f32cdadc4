"""Writes diagram interchange into BPMN text and leaves every other byte of the file as it was."""

import re
from xml.sax.saxutils import quoteattr

from service.engine.drawing import BPMNDI, DC, DI, Bounds, Drawing, DrawingUnreadable, Edge, Shape
from service.engine.drawing_sheets import sheets

_OLD = re.compile(rb"[ \t]*<(?P<p>[\w.-]+:)?BPMNDiagram\b.*?</(?P=p)?BPMNDiagram>[ \t]*\r?\n?", re.DOTALL)
_OLD_PLAIN = re.compile(rb"[ \t]*<BPMNDiagram\b.*?</BPMNDiagram>[ \t]*\r?\n?", re.DOTALL)
_END = re.compile(rb"</(?:[\w.-]+:)?definitions\s*>\s*$")


def write_interchange(xml: bytes, drawing: Drawing) -> bytes:
    """The file with its diagram replaced by this drawing; UTF-8 text is expected.

    Raises DrawingUnreadable if the end of the definitions cannot be found.
    """
    bare = _OLD_PLAIN.sub(b"", _OLD.sub(b"", xml))
    end = _END.search(bare)
    if end is None:
        raise DrawingUnreadable("unfinished")
    lines = [line for sheet in sheets(drawing).values() for line in _lines(sheet)]
    return bare[: end.start()] + "\n".join([*lines, ""]).encode() + bare[end.start() :]


def _lines(drawing: Drawing) -> list[str]:
    """One sheet: a diagram with its plane."""
    name = drawing.process
    lines = [
        f"  <bpmndi:BPMNDiagram id={quoteattr('sheet_' + name)}",
        f'      xmlns:bpmndi="{BPMNDI}"',
        f'      xmlns:dc="{DC}"',
        f'      xmlns:di="{DI}">',
        f"    <bpmndi:BPMNPlane id={quoteattr('plane_' + name)} bpmnElement={quoteattr(drawing.plane)}>",
    ]
    ordered = sorted(drawing.shapes.values(), key=lambda shape: {"participant": 0, "lane": 1}.get(shape.tag, 2))
    for shape in ordered:
        lines += _shape(drawing, shape)
    for edge in drawing.edges.values():
        lines += _edge(edge)
    return [*lines, "    </bpmndi:BPMNPlane>", "  </bpmndi:BPMNDiagram>"]


def _shape(drawing: Drawing, shape: Shape) -> list[str]:
    extra = ""
    if shape.tag in {"participant", "lane"}:
        extra = ' isHorizontal="true"'
    elif shape.tag == "subProcess":
        extra = f' isExpanded="{str(drawing.elements[shape.id].children > 0).lower()}"'
    elif shape.tag == "exclusiveGateway":
        extra = ' isMarkerVisible="true"'
    ident = quoteattr("di_" + shape.id)
    lines = [f"      <bpmndi:BPMNShape id={ident} bpmnElement={quoteattr(shape.id)}{extra}>", _box(8, shape.bounds)]
    return [*lines, *_label(shape.label), "      </bpmndi:BPMNShape>"]


def _edge(edge: Edge) -> list[str]:
    ident = quoteattr("di_" + edge.id)
    lines = [f"      <bpmndi:BPMNEdge id={ident} bpmnElement={quoteattr(edge.id)}>"]
    lines += [f'        <di:waypoint x="{_number(x)}" y="{_number(y)}" />' for x, y in edge.points]
    return [*lines, *_label(edge.label), "      </bpmndi:BPMNEdge>"]


def _label(label: Bounds | None) -> list[str]:
    if label is None:
        return []
    return ["        <bpmndi:BPMNLabel>", _box(10, label), "        </bpmndi:BPMNLabel>"]


def _box(indent: int, box: Bounds) -> str:
    values = zip(("x", "y", "width", "height"), (box.x, box.y, box.width, box.height), strict=True)
    return " " * indent + "<dc:Bounds " + " ".join(f'{key}="{_number(value)}"' for key, value in values) + " />"


def _number(value: float) -> str:
    return f"{round(value, 1):g}" if abs(value) < 1e5 else str(round(value))
