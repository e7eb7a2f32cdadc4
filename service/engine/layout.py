"""Lane-aware drawing of BPMN files: diagram interchange in, diagram interchange out."""

from service.engine.drawing import read_drawing
from service.engine.drawing_sheets import joined, sheets
from service.engine.layout_frames import draw
from service.engine.layout_keep import complete
from service.engine.layout_write import write_interchange


def layout(xml: bytes, *, keep: bool = False) -> bytes:
    """The same file with a drawing of every pool, lane, node, flow and text.

    With `keep`, positions a person gave stay, and only what has none is placed.
    Every byte outside the diagram is left as it was; the same file always gives the same drawing.
    Raises DrawingUnreadable for a file that does not hold exactly one process.
    """
    drawing = read_drawing(xml)
    if keep and drawing.shapes:
        drawn = joined(drawing, {ident: complete(sheet) for ident, sheet in sheets(drawing).items()})
    else:
        drawn = draw(drawing)
    return write_interchange(xml, drawn)
