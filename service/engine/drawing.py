"""What a diagram file draws: its elements and, where present, their positions.

Reads raw BPMN XML (semantics and diagram interchange side by side). Coordinates are pixels,
x to the right, y downward, as in the file. Layout, checks and picture all start from here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
TOCSIN = "https://tocsin.example/bpmn/1.0"

Point = tuple[float, float]

SHEET = (1555.0, 1090.0)
"""What a drawing may measure: A3 landscape at 96 dots per inch (1587 by 1122) inside a border of 16 pixels."""

EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"})
ACTIVITIES = frozenset(
    {
        "task",
        "userTask",
        "manualTask",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "businessRuleTask",
        "scriptTask",
        "callActivity",
        "subProcess",
    }
)
CONNECTIONS = frozenset({"sequenceFlow", "messageFlow", "association"})
ARTIFACTS = frozenset({"textAnnotation", "dataObjectReference", "dataStoreReference"})
DRAWN = EVENTS | GATEWAYS | ACTIVITIES | ARTIFACTS | {"participant", "lane"}


class DrawingUnreadable(ValueError):
    """The XML is not a BPMN file that can be drawn.

    `reason` is malformed, doctype, processes (not exactly one) or unfinished (no end tag);
    `detail` adds what was found.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the reason for callers that answer in their own words."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rectangle: upper left corner and size in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right border."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower border."""
        return self.y + self.height

    @property
    def cx(self) -> float:
        """Horizontal centre."""
        return self.x + self.width / 2

    @property
    def cy(self) -> float:
        """Vertical centre."""
        return self.y + self.height / 2

    def grown(self, by: float) -> "Bounds":
        """The rectangle with a margin on all four sides (negative: smaller)."""
        return Bounds(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def moved(self, dx: float, dy: float) -> "Bounds":
        """The same rectangle elsewhere."""
        return Bounds(self.x + dx, self.y + dy, self.width, self.height)

    def overlaps(self, other: "Bounds") -> bool:
        """Whether the two share some area; touching borders do not count."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def holds(self, other: "Bounds") -> bool:
        """Whether the other rectangle lies wholly inside, borders included."""
        return self.x <= other.x and other.right <= self.right and self.y <= other.y and other.bottom <= self.bottom

    def cut_by(self, start: Point, end: Point) -> bool:
        """Whether an upright or level line from start to end runs through the inside."""
        (x1, y1), (x2, y2) = start, end
        if x1 > x2:
            x1, x2 = x2, x1
        if y1 > y2:
            y1, y2 = y2, y1
        return x1 < self.x + self.width and self.x < x2 and y1 < self.y + self.height and self.y < y2


@dataclass(frozen=True, slots=True)
class Element:
    """What the file says about one thing that has a shape.

    `tag` is the BPMN name (userTask, lane, participant …); `definition` the event definition's
    name without "EventDefinition"; `parent` the enclosing sub-process, "" on process level;
    `process` of a participant is empty for a collapsed outside party.
    """

    id: str
    tag: str
    name: str = ""
    name_en: str = ""
    parent: str = ""
    lane: str = ""
    host: str = ""
    process: str = ""
    definition: str = ""
    interrupting: bool = True
    event_sub: bool = False
    called: str = ""
    open: bool = False
    children: int = 0


@dataclass(frozen=True, slots=True)
class Connection:
    """What the file says about one flow; `default` marks the default flow of its source."""

    id: str
    tag: str
    source: str
    target: str
    name: str = ""
    name_en: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawn element; `label` is where its text stands when that is outside the shape."""

    id: str
    tag: str
    bounds: Bounds
    label: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A drawn flow as a list of way points, source first."""

    id: str
    tag: str
    source: str
    target: str
    points: tuple[Point, ...]
    label: Bounds | None = None

    def segments(self) -> Iterator[tuple[Point, Point]]:
        """Successive pairs of way points."""
        return zip(self.points, self.points[1:], strict=False)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The elements of a file with their positions; an element without one is only in `elements`.

    `closed` are the event sub-processes drawn as one shape; what is inside them stands on sheets of its own.
    """

    elements: Mapping[str, Element]
    connections: Mapping[str, Connection]
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    edges: Mapping[str, Edge] = field(default_factory=dict)
    name: str = ""
    name_en: str = ""
    process: str = ""
    plane: str = ""
    closed: frozenset[str] = frozenset()

    def nodes(self, parent: str = "") -> list[Element]:
        """Flow nodes directly inside a sub-process, or of the process itself, in file order."""
        kinds = EVENTS | GATEWAYS | ACTIVITIES
        return [item for item in self.elements.values() if item.tag in kinds and item.parent == parent]

    def extent(self) -> Bounds:
        """The smallest rectangle around everything drawn."""
        boxes = [shape.bounds for shape in self.shapes.values()]
        boxes += [shape.label for shape in self.shapes.values() if shape.label]
        boxes += [edge.label for edge in self.edges.values() if edge.label]
        boxes += [Bounds(x, y, 0, 0) for edge in self.edges.values() for x, y in edge.points]
        if not boxes:
            return Bounds(0, 0, 0, 0)
        left, top = min(box.x for box in boxes), min(box.y for box in boxes)
        return Bounds(left, top, max(box.right for box in boxes) - left, max(box.bottom for box in boxes) - top)


def read_drawing(xml: bytes) -> Drawing:
    """Read a BPMN file.

    Raises DrawingUnreadable for malformed XML, a document type declaration, or a file that
    does not hold exactly one process.
    """
    root = parse(xml)
    processes = root.findall(f"{{{BPMN}}}process")
    if len(processes) != 1:
        raise DrawingUnreadable("processes", str(len(processes)))
    process = processes[0]
    elements: dict[str, Element] = {}
    connections: dict[str, Connection] = {}
    collaboration = root.find(f"{{{BPMN}}}collaboration")
    if collaboration is not None:
        _read_collaboration(collaboration, elements, connections)
    lanes = _read_lanes(process, elements)
    _read_level(process, "", elements, connections)
    for node, lane in lanes.items():
        if node in elements:
            elements[node] = replace(elements[node], lane=lane)
    drawing = Drawing(
        elements=elements,
        connections=connections,
        name=process.get("name", ""),
        name_en=process.get(f"{{{TOCSIN}}}label-en", ""),
        process=process.get("id", ""),
        plane=(collaboration if collaboration is not None else process).get("id", ""),
    )
    shapes, edges = _read_interchange(root, drawing)
    return replace(drawing, shapes=shapes, edges=edges, closed=_closed(root, drawing))


def parse(xml: bytes) -> etree._Element:
    """Parse without entities, network or huge trees; raises DrawingUnreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise DrawingUnreadable("malformed", str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise DrawingUnreadable("doctype")
    return root


def local(node: etree._Element) -> str:
    """Tag without namespace; empty for comments and foreign elements."""
    tag = node.tag
    return tag.removeprefix(f"{{{BPMN}}}") if isinstance(tag, str) and tag.startswith(f"{{{BPMN}}}") else ""


def _texts(node: etree._Element) -> tuple[str, str]:
    """Name in Chinese and English."""
    return " ".join(node.get("name", "").split()), node.get(f"{{{TOCSIN}}}label-en", "")


def _read_collaboration(
    collaboration: etree._Element, elements: dict[str, Element], connections: dict[str, Connection]
) -> None:
    for node in collaboration:
        tag, ident = local(node), node.get("id", "")
        if tag == "participant":
            elements[ident] = Element(ident, tag, *_texts(node), process=node.get("processRef", ""))
        elif tag == "messageFlow":
            connections[ident] = _connection(node, tag)


def _read_lanes(process: etree._Element, elements: dict[str, Element]) -> dict[str, str]:
    member: dict[str, str] = {}
    for node in process.iterfind(f"{{{BPMN}}}laneSet/{{{BPMN}}}lane"):
        ident = node.get("id", "")
        elements[ident] = Element(ident, "lane", *_texts(node))
        for reference in node.iterfind(f"{{{BPMN}}}flowNodeRef"):
            member[(reference.text or "").strip()] = ident
    return member


def _read_level(
    scope: etree._Element, parent: str, elements: dict[str, Element], connections: dict[str, Connection]
) -> None:
    defaults = {child.get("default") for child in scope}
    for node in scope:
        tag, ident = local(node), node.get("id", "")
        if tag in {"sequenceFlow", "association"}:
            connections[ident] = _connection(node, tag, default=ident in defaults)
        elif tag in DRAWN:
            elements[ident] = _element(node, tag, parent)
            if tag == "subProcess":
                _read_level(node, ident, elements, connections)


def _element(node: etree._Element, tag: str, parent: str) -> Element:
    definition = next(
        (local(child).removesuffix("EventDefinition") for child in node if local(child).endswith("EventDefinition")), ""
    )
    interrupting = node.get("cancelActivity", "true") == "true" and node.get("isInterrupting", "true") == "true"
    note = node.findtext(f"{{{BPMN}}}text") if tag == "textAnnotation" else None
    name, name_en = _texts(node) if note is None else (note.strip(), "")
    return Element(
        node.get("id", ""),
        tag,
        name,
        name_en,
        parent=parent,
        host=node.get("attachedToRef", ""),
        definition=definition,
        interrupting=interrupting,
        event_sub=node.get("triggeredByEvent", "false") == "true",
        called=node.get("calledElement", ""),
        open=node.find(f"{{{BPMN}}}multiInstanceLoopCharacteristics") is not None,
        children=sum(1 for child in node if local(child) in EVENTS | GATEWAYS | ACTIVITIES),
    )


def _connection(node: etree._Element, tag: str, *, default: bool = False) -> Connection:
    return Connection(
        node.get("id", ""), tag, node.get("sourceRef", ""), node.get("targetRef", ""), *_texts(node), default=default
    )


def _read_interchange(root: etree._Element, drawing: Drawing) -> tuple[dict[str, Shape], dict[str, Edge]]:
    shapes: dict[str, Shape] = {}
    edges: dict[str, Edge] = {}
    for node in root.iter(f"{{{BPMNDI}}}BPMNShape"):
        element = drawing.elements.get(node.get("bpmnElement", ""))
        box = _bounds(node)
        if element and box:
            shapes[element.id] = Shape(element.id, element.tag, box, _label(node))
    for node in root.iter(f"{{{BPMNDI}}}BPMNEdge"):
        flow = drawing.connections.get(node.get("bpmnElement", ""))
        points = tuple(
            (float(point.get("x", "0")), float(point.get("y", "0"))) for point in node.iterfind(f"{{{DI}}}waypoint")
        )
        if flow and len(points) > 1:
            edges[flow.id] = Edge(flow.id, flow.tag, flow.source, flow.target, points, _label(node))
    return shapes, edges


def _closed(root: etree._Element, drawing: Drawing) -> frozenset[str]:
    """Event sub-processes whose inside has a plane of its own."""
    planes = {plane.get("bpmnElement", "") for plane in root.iter(f"{{{BPMNDI}}}BPMNPlane")}
    return frozenset(ident for ident, item in drawing.elements.items() if item.event_sub and ident in planes)


def _bounds(node: etree._Element) -> Bounds | None:
    box = node.find(f"{{{DC}}}Bounds")
    if box is None:
        return None
    return Bounds(*(float(box.get(name, "0")) for name in ("x", "y", "width", "height")))


def _label(node: etree._Element) -> Bounds | None:
    label = node.find(f"{{{BPMNDI}}}BPMNLabel")
    return _bounds(label) if label is not None else None
