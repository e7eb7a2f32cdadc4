"""Colours and fonts of diagram pictures, and tiny SVG building blocks.

Presentation attributes, no style element: the picture stands alone as a file, passes a strict
content security policy inside a page, and a page's style sheet may still override by class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from service.engine.layout_text import LINE

INK, MUTED, LINE_STRONG = "#16202a", "#56626e", "#7d8994"
PAPER, SUNK, PAGE = "#ffffff", "#eef1f4", "#f4f6f8"
FONTS = "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', system-ui, sans-serif"


@dataclass(frozen=True, slots=True)
class Look:
    """How one state looks; `badge` is its letter in Chinese and English, empty for none."""

    stroke: str
    fill: str
    width: float = 1.5
    dash: str = ""
    badge: tuple[str, str] = ("", "")
    words: tuple[str, str] = ("", "")
    ink: str = INK


LOOKS: Mapping[str, Look] = {
    "": Look(LINE_STRONG, PAPER),
    "todo": Look(LINE_STRONG, PAPER, words=("未到", "not reached"), ink=MUTED),
    "done": Look("#1d6b3a", "#e6f3ea", badge=("✓", "✓"), words=("已完成", "done")),
    "now": Look("#0f5e7a", "#e5f0f4", 3.0, badge=("办", "N"), words=("进行中", "in progress")),
    "soon": Look("#8a5a00", "#fff4d6", 3.0, badge=("近", "S"), words=("30分钟内到期", "due within 30 minutes")),
    "late": Look("#b3261e", "#fcebea", 3.0, badge=("迟", "L"), words=("已逾期", "overdue")),
    "wait": Look("#3a5a99", "#e9eff9", 2.5, "7 4", ("等", "W"), ("等别人或等时间", "waiting for others or for a time")),
    "stuck": Look("#b3261e", "#fcebea", 3.0, badge=("停", "!"), words=("停在这里", "stands still")),
    # differences of two versions
    "added": Look("#1d6b3a", "#e6f3ea", 3.0, badge=("+", "+"), words=("新增", "added")),
    "removed": Look("#b3261e", "#fcebea", 3.0, "7 4", ("−", "−"), ("删除", "removed")),
    "changed": Look("#8a5a00", "#fff4d6", 3.0, badge=("≠", "≠"), words=("修改", "changed")),
}


def tag(name: str, attributes: Mapping[str, object], content: str = "") -> str:
    """One SVG element; numbers are shortened, values escaped, `content` is taken as markup."""
    inner = "".join(f" {key}={quoteattr(_plain(value))}" for key, value in attributes.items() if value != "")
    return f"<{name}{inner}>{content}</{name}>" if content else f"<{name}{inner}/>"


def _plain(value: object) -> str:
    return f"{round(value, 1):g}" if isinstance(value, float) else str(value)


def words(text: str) -> str:
    """Text content escaped."""
    return escape(text)


def lines_of_text(lines: Sequence[str], x: float, y: float, extra: Mapping[str, object]) -> str:
    """Centred lines of text around a middle; font size from `extra`, default 12."""
    size = float(str(extra.get("font-size", 12)))
    step = LINE * size / 12
    top = y - step * (len(lines) - 1) / 2 + size * 0.36
    spans = "".join(
        tag("tspan", {"x": x, "y": round(top + number * step, 1)}, words(line)) for number, line in enumerate(lines)
    )
    base: dict[str, object] = {"text-anchor": "middle", "font-size": 12, "fill": INK}
    return tag("text", {**base, **extra}, spans)
