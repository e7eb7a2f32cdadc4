"""Pictures of diagrams: SVG in the project's visual language, PNG through a browser.

The picture draws the interchange that is in the file; `layout` makes it where it is missing.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree as Tree

from service.engine.drawing import Drawing, Edge, read_drawing
from service.engine.drawing_sheets import sheets
from service.engine.render_english import in_english
from service.engine.render_shapes import Pen
from service.engine.render_style import FONTS, LINE_STRONG, LOOKS, MUTED, PAPER, tag, words

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BORDER = 16.0


class NotDrawn(ValueError):
    """The file holds no positions; run the layout first."""


class BrowserMissing(RuntimeError):
    """PNG needs a Chromium browser on the search path; SVG does not."""

    def __init__(self) -> None:
        """Say which names were looked for."""
        super().__init__(f"none of {', '.join(BROWSERS)} is on the search path; write .svg instead")


class PictureMissing(RuntimeError):
    """The browser ran but wrote no picture; the text is the end of what it said."""


def render_svg(xml: bytes, *, states: Mapping[str, str] | None = None, locale: str = "zh", sheet: str = "") -> str:
    """A sheet of a drawing as a stand-alone SVG text: the process, or a closed event sub-process named by its id.

    `states` maps element ids to done, now, soon, late, wait or todo, or to added, removed or changed,
    which flows can be too; flows between done elements are drawn strong.
    Raises NotDrawn if the file has no positions or no such sheet.
    """
    pen = Pen(locale, prefix=f"dgm-{sheet}" if sheet else "dgm")
    drawing = _sheets(xml, english=pen.english).get(sheet)
    if drawing is None or not drawing.shapes:
        raise NotDrawn(drawing.process if drawing else sheet)
    states = states or {}
    bands = [shape for shape in drawing.shapes.values() if shape.tag in {"participant", "lane"}]
    holders = [shape for shape in drawing.shapes.values() if drawing.elements[shape.id].children]
    others = [shape for shape in drawing.shapes.values() if shape not in bands and shape not in holders]
    parts = [_markers(pen.prefix)]
    for shape in [*bands, *holders]:
        parts.append(pen.shape(drawing.elements[shape.id], shape, states.get(shape.id, "")))
    for edge in drawing.edges.values():
        parts.append(_edge(pen, drawing, edge, states))
    for shape in sorted(others, key=lambda one: one.tag == "boundaryEvent"):
        parts.append(pen.shape(drawing.elements[shape.id], shape, states.get(shape.id, "")))
    return _frame(drawing, pen, "".join(parts))


def closed_subs(xml: bytes) -> list[tuple[str, str, str]]:
    """The event sub-processes of a file that have a sheet of their own: id, Chinese and English name."""
    return [(ident, sheet.name, sheet.name_en) for ident, sheet in _sheets(xml, english=False).items() if ident]


@lru_cache(maxsize=64)
def _sheets(xml: bytes, *, english: bool) -> Mapping[str, Drawing]:
    """The sheets of a file in one language; kept, since a live picture is asked for again and again."""
    drawing = read_drawing(xml)
    return sheets(in_english(drawing) if english else drawing)


def _frame(drawing: Drawing, pen: Pen, body: str) -> str:
    area = drawing.extent().grown(BORDER)
    title = pen.text(drawing.name, drawing.name_en) or drawing.process
    flows = sum(1 for edge in drawing.edges.values() if edge.tag == "sequenceFlow")
    count = len(drawing.nodes())
    said = (
        f"Process diagram with {count} elements and {flows} flows"
        if pen.english
        else f"流程图，{count}个元素，{flows}条流向"
    )
    idents = f"{pen.prefix}-title", f"{pen.prefix}-desc"
    head = tag("title", {"id": idents[0]}, words(title)) + tag("desc", {"id": idents[1]}, words(said))
    paper = tag("rect", {"x": area.x, "y": area.y, "width": area.width, "height": area.height, "fill": PAPER})
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "bp",
        "viewBox": f"{area.x:g} {area.y:g} {area.width:g} {area.height:g}",
        "width": area.width,
        "height": area.height,
        "role": "img",
        "aria-labelledby": " ".join(idents),
        "lang": "en" if pen.english else "zh-CN",
        "font-family": FONTS,
    }
    return tag("svg", attributes, head + paper + body)


def _markers(prefix: str) -> str:
    box: dict[str, object] = {
        "viewBox": "0 0 8 8",
        "refX": 7.4,
        "refY": 4,
        "orient": "auto",
        "markerUnits": "userSpaceOnUse",
    }
    heads = [
        ("arrow", 9, {"d": "M0 0l8 4-8 4z", "fill": LINE_STRONG}),
        ("arrow-on", 11, {"d": "M0 0l8 4-8 4z", "fill": LOOKS["done"].stroke}),
        ("message", 10, {"d": "M.5.500l7 3.500-7 3.500z", "fill": PAPER, "stroke": MUTED}),
    ]
    made = [
        tag("marker", {"id": f"{prefix}-{name}", **box, "markerWidth": size, "markerHeight": size}, tag("path", path))
        for name, size, path in heads
    ]
    start = {"id": f"{prefix}-from", "viewBox": "0 0 8 8", "refX": 4, "refY": 4, "markerWidth": 8, "markerHeight": 8}
    ring = tag("circle", {"cx": 4, "cy": 4, "r": 3, "fill": PAPER, "stroke": MUTED})
    made.append(tag("marker", {**start, "markerUnits": "userSpaceOnUse"}, ring))
    return tag("defs", {}, "".join(made))


def _edge(pen: Pen, drawing: Drawing, edge: Edge, states: Mapping[str, str]) -> str:
    flow = drawing.connections[edge.id]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in edge.points)
    taken = states.get(edge.source) == "done" and states.get(edge.target, "todo") != "todo"
    line: dict[str, object] = {
        "stroke": LINE_STRONG,
        "stroke-width": 1.5,
        "marker-end": f"url(#{pen.prefix}-arrow)",
        "class": "f",
    }
    if edge.tag == "messageFlow":
        line = {"stroke": MUTED, "stroke-width": 1.3, "stroke-dasharray": "5 4", "class": "m"}
        line |= {"marker-end": f"url(#{pen.prefix}-message)", "marker-start": f"url(#{pen.prefix}-from)"}
    elif edge.tag == "association":
        line = {"stroke": MUTED, "stroke-width": 1.2, "stroke-dasharray": "2 3", "class": "a"}
    elif edge.id in states:
        look = LOOKS[states[edge.id]]
        line |= {"stroke": look.stroke, "stroke-width": look.width, "stroke-dasharray": look.dash}
    elif taken:
        line = {
            "stroke": LOOKS["done"].stroke,
            "stroke-width": 2.5,
            "marker-end": f"url(#{pen.prefix}-arrow-on)",
            "class": "f on",
        }
    body = tag("path", {"d": path, "fill": "none", **line})
    text = pen.text(flow.name, flow.name_en)
    if text and edge.label:
        body += pen.label(text, edge.label)
    if flow.default and edge.tag == "sequenceFlow":
        body += _default_mark(edge)
    return tag("g", {"class": f"e-{edge.tag} {states.get(edge.id, '')}".strip(), "data-element": edge.id}, body)


def _default_mark(edge: Edge) -> str:
    """The short slash near the source of a default flow."""
    (x1, y1), (x2, y2) = edge.points[0], edge.points[1]
    if y1 == y2:
        x = x1 + (9 if x2 > x1 else -9)
        path = f"M{x - 3:g} {y1 + 5:g}l6-10"
    else:
        y = y1 + (9 if y2 > y1 else -9)
        path = f"M{x1 - 5:g} {y + 3:g}l10-6"
    return tag("path", {"d": path, "fill": "none", "stroke": LINE_STRONG, "stroke-width": 1.5})


SMALLEST = (500, 300)  # of a window that Chromium paints to its edges; a smaller picture gets a margin


def render_png(svg: str, path: Path, *, scale: float = 1.0) -> None:
    """Write the picture as PNG by way of a headless Chromium.

    Raises BrowserMissing if none is found, PictureMissing if it wrote none.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise BrowserMissing
    root = Tree.fromstring(svg)  # noqa: S314 - our own picture, made above
    width, height = float(root.get("width", "800")), float(root.get("height", "600"))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "picture.svg"
        page.write_text(svg, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--force-device-scale-factor={scale:g}",
            f"--window-size={max(int(width) + 1, SMALLEST[0])},{max(int(height) + 1, SMALLEST[1])}",
            f"--screenshot={path.resolve()}",
            page.as_uri(),
        ]
        result = subprocess.run(command, capture_output=True, timeout=120, check=False)  # noqa: S603 - fixed command
    if not path.exists():
        raise PictureMissing(result.stderr.decode(errors="replace")[-400:])
