"""How much room a text takes: estimated widths and line breaks, without a font file.

Chinese characters are as wide as the font is high; Latin letters a little more than half.
"""

import re
from collections.abc import Sequence

FONT = 12.0
LABEL_EN = 10.5  # English texts beside shapes and flows: longer, in the room made for Chinese ones
LINE = 15.0
_PIECE = re.compile(r"[A-Za-z0-9.,:()'’%℃≥≤+/\-]+ ?|\s+|.")
_NEVER_FIRST = "，。、；：？！）》”,.;:?!)"


def text_width(text: str, size: float = FONT) -> float:
    """Estimated width in pixels of one line."""
    return sum(size if ord(char) > 0x2E7F or char in "℃≥≤“”…" else size * 0.56 for char in text)


def wrap(text: str, width: float, size: float = FONT) -> list[str]:
    """Break a text into lines of at most `width` pixels, balanced so that no line is nearly empty.

    Words of Latin letters and numbers stay whole unless they alone are too wide.
    """
    if not text:
        return []
    lines = _fill(text, width, size)
    if len(lines) == 1:
        return lines
    narrow = width
    while narrow > size * 2:
        tried = _fill(text, narrow - size / 2, size)
        if len(tried) != len(lines) or max(text_width(line, size) for line in tried) > width:
            break
        lines, narrow = tried, narrow - size / 2
    return lines


def fitted(text: str, width: float, height: float, sizes: Sequence[float]) -> tuple[list[str], float]:
    """Lines of a text and the largest of these font sizes in which it fits the box, the smallest if none does."""
    for size in sizes:
        lines = wrap(text, width, size)
        if len(lines) * LINE * size / FONT <= height and max(text_width(line, size) for line in lines) <= width:
            break
    return lines, size


def _fill(text: str, width: float, size: float) -> list[str]:
    lines = [""]
    for piece in _PIECE.findall(text):
        fits = text_width((lines[-1] + piece).rstrip(), size) <= width
        if fits or not lines[-1] or piece in _NEVER_FIRST:
            lines[-1] += piece
        else:
            lines[-1] = lines[-1].rstrip()
            lines.append(piece.lstrip())
    return [line for line in (line.strip() for line in lines) if line]


def block(text: str, width: float, size: float = FONT) -> tuple[float, float]:
    """Width and height of the wrapped text."""
    lines = wrap(text, width, size)
    if not lines:
        return 0.0, 0.0
    return max(text_width(line, size) for line in lines) + 2, len(lines) * LINE * size / FONT
