"""Findings as pictures: the way a token game went, or the element a finding is about, marked on the diagram."""

from service.engine.drawing import DrawingUnreadable
from service.engine.layout import layout
from service.engine.model import Finding
from service.engine.render import render_svg

PASSED, STANDING = "done", "stuck"


def marks(finding: Finding) -> dict[str, str]:
    """Looks by element: what was passed, and where it stands (or what is wrong)."""
    looks = dict.fromkeys(finding.path, PASSED)
    looks.update({token.removeprefix("@").partition(" ")[0]: STANDING for token in finding.tokens})
    looks[finding.element] = STANDING
    return looks


def drawable(xml: bytes) -> str:
    """The file with positions: its own, or made here; "" if nothing can be drawn of it."""
    try:
        placed = xml if b"BPMNShape" in xml else layout(xml)
        render_svg(placed)
        return placed.decode("utf-8")
    except (DrawingUnreadable, ValueError):
        return ""
