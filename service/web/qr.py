"""QR codes as SVG inside the page: no script, no style, no picture from elsewhere."""

import segno
from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """The QR code of a text, black on white in dark mode too: cameras want it so."""
    drawn = segno.make(text, error="m", micro=False)
    return Markup(drawn.svg_inline(border=2, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704 - drawn by the library from modules, no text of ours is in it
