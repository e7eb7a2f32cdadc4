"""SVG of single shapes: pools, lanes, tasks, events, gateways, with their state."""

from collections.abc import Sequence

from service.engine.drawing import ACTIVITIES, EVENTS, GATEWAYS, Bounds, Element, Shape
from service.engine.layout_text import FONT, LABEL_EN, fitted, wrap
from service.engine.render_style import FONTS, LINE_STRONG, LOOKS, MUTED, PAPER, SUNK, Look, lines_of_text, tag, words
from service.engine.render_symbols import (
    EVENT_ICONS,
    GATEWAY_ICONS,
    MANY_MARK,
    PLUS_MARK,
    SEND_ICON,
    TASK_ICONS,
    TICK,
)

HEADER = 30.0
PARTY_SIZES = (13.0, 12.0, 11.0, 10.0, 9.0)


class Pen:
    """Draws shapes in one language."""

    def __init__(self, locale: str, *, prefix: str = "dgm") -> None:
        """`locale` beginning with "en" takes English texts where the file has them; `prefix` begins all ids."""
        self.english = locale.lower().startswith("en")
        self.prefix = prefix

    def text(self, name: str, name_en: str) -> str:
        """The text in this language, Chinese where there is no English."""
        return (name_en or name) if self.english and name else name

    def shape(self, item: Element, shape: Shape, state: str) -> str:
        """One shape as a group with its title; the state is said in words too."""
        look = LOOKS.get(state, LOOKS[""])
        if item.tag in {"participant", "lane"}:
            body = self._band(item, shape.bounds)
        elif item.tag in EVENTS:
            body = self._event(item, shape, look)
        elif item.tag in GATEWAYS:
            body = self._gateway(item, shape, look)
        elif item.tag in ACTIVITIES:
            body = self._activity(item, shape.bounds, look)
        else:
            body = self._note(item, shape.bounds)
        title = self.text(item.name, item.name_en) or (item.name_en if self.english else item.name) or item.id
        said = look.words[1 if self.english else 0]
        head = tag("title", {}, words(f"{title}: {said}" if said else title))
        kind = "n-" + item.tag
        return tag("g", {"class": f"{kind} {state}".strip(), "data-element": item.id}, head + body)

    def _band(self, item: Element, box: Bounds) -> str:
        text = self.text(item.name, item.name_en)
        if item.tag == "participant" and not item.process:
            frame = tag("rect", {**_rect(box), "rx": 2, "fill": SUNK, "stroke": LINE_STRONG, "class": "out"})
            lines, size = fitted(text, box.width - 8, box.height - 4, PARTY_SIZES)
            return frame + lines_of_text(lines, box.cx, box.cy, {"font-size": size, "font-weight": 600})
        head = Bounds(box.x, box.y, HEADER, box.height)
        fills = {"fill": PAPER, "stroke": LINE_STRONG}
        frame = tag("rect", {**_rect(box), **fills, "class": "lane"})
        frame += tag("rect", {**_rect(head), "fill": SUNK, "stroke": LINE_STRONG, "class": "laneh"})
        sizes = (13.0, 9.0) if item.tag == "participant" else (12.0, 9.0)
        lines, size = fitted(text, box.height - 8, HEADER, sizes)
        turned = {"transform": f"rotate(-90 {head.cx:g} {head.cy:g})", "font-size": size}
        weight = {"font-weight": 600} if item.tag == "participant" else {"fill": MUTED}
        return frame + lines_of_text(lines, head.cx, head.cy, {**turned, **weight})

    def _activity(self, item: Element, box: Bounds, look: Look) -> str:
        if item.children:
            return self._expanded(item, box, look)
        thick = item.tag == "callActivity"
        call = thick or item.event_sub
        line = {"stroke": look.stroke, "stroke-width": max(look.width, 3.0) if thick else look.width}
        dash = _dash("2 4" if item.event_sub else look.dash)
        parts = [tag("rect", {**_rect(box), "rx": 8, "fill": look.fill, **line, **dash, "class": "n"})]
        parts.append(self._trigger(item, box) if item.event_sub else self._task_icon(item, box))
        size = 12.0
        room = 2 * 22 if item.event_sub else 12  # beside the mark of what starts it
        lines = wrap(self.text(item.name, item.name_en), box.width - room, size)
        if len(lines) > (3 if call else 4) or (self.english and len(lines) > 3):
            size = 10.5
            lines = wrap(self.text(item.name, item.name_en), box.width - max(room - 4, 8), size)
        middle = box.cy - (6 if call and len(lines) > 1 else 0) + (4 if len(lines) > 2 and not call else 0)
        parts.append(lines_of_text(lines, box.cx, middle, {"font-size": size, "fill": look.ink}))
        if call:
            mark = PLUS_MARK
            at = box.cx - (9 if item.open else 0)
            parts.append(_icon(mark, at, box.bottom - 9))
            if item.open:
                parts.append(_icon(MANY_MARK, box.cx + 9, box.bottom - 9))
        parts.append(self._badge(look, box.x, box.y))
        return "".join(parts)

    def _trigger(self, item: Element, box: Bounds) -> str:
        """What starts a closed event sub-process, as a small start event in its corner."""
        x, y = box.x + 15, box.y + 15
        ring = {"cx": x, "cy": y, "r": 9.0, "fill": PAPER, "stroke": LINE_STRONG}
        body = tag("circle", {**ring, **_dash("" if item.interrupting else "3 2")})
        return body + _icon(EVENT_ICONS.get(item.definition, ""), x, y, scale=0.5)

    def _task_icon(self, item: Element, box: Bounds) -> str:
        x, y = box.x + 13, box.y + 12
        if item.tag == "sendTask":
            return _icon(SEND_ICON[0], x, y, fill=LINE_STRONG) + _icon(SEND_ICON[1], x, y, stroke=PAPER)
        return _icon(TASK_ICONS[item.tag], x, y) if item.tag in TASK_ICONS else ""

    def _expanded(self, item: Element, box: Bounds, look: Look) -> str:
        dash = "2 4" if item.event_sub else look.dash
        frame = tag(
            "rect", {**_rect(box), "rx": 8, "fill": PAPER, "stroke": look.stroke, "stroke-width": 1.5, **_dash(dash)}
        )
        text = self.text(item.name, item.name_en)
        title = {"x": box.x + 12, "y": box.y + 18, "font-size": 12, "font-weight": 600, "fill": MUTED}
        return frame + tag("text", title, words(text)) + self._badge(look, box.x, box.y)

    def _event(self, item: Element, shape: Shape, look: Look) -> str:
        box = shape.bounds
        end, start = item.tag == "endEvent", item.tag == "startEvent"
        radius = box.width / 2
        dash = (
            _dash("4 3") if not item.interrupting and item.tag in {"boundaryEvent", "startEvent"} else _dash(look.dash)
        )
        width = 4.0 if end else look.width
        line = {"fill": look.fill, "stroke": look.stroke, "stroke-width": width, **dash, "class": "n"}
        parts = [tag("circle", {"cx": box.cx, "cy": box.cy, "r": radius, **line})]
        if not end and not start:
            inner = {**line, "fill": "none", "stroke-width": 1.2}
            parts.append(tag("circle", {"cx": box.cx, "cy": box.cy, "r": radius - 3.5, **inner}))
        if item.definition in EVENT_ICONS:
            throws = end or item.tag == "intermediateThrowEvent"
            filled = LINE_STRONG if throws else "none"
            mark = look.stroke if throws else look.ink
            scale = 0.75 if item.tag in {"boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"} else 0.85
            parts.append(_icon(EVENT_ICONS[item.definition], box.cx, box.cy, fill=filled, stroke=mark, scale=scale))
        parts.append(self._badge(look, box.x + 3, box.y + 3))
        return "".join(parts) + self._outer_text(item, shape, look)

    def _gateway(self, item: Element, shape: Shape, look: Look) -> str:
        box = shape.bounds
        half = box.width / 2
        path = f"M{box.cx:g} {box.y:g}l{half:g} {half:g}-{half:g} {half:g}-{half:g}-{half:g}z"
        line = {"fill": look.fill, "stroke": look.stroke, "stroke-width": look.width, **_dash(look.dash), "class": "n"}
        parts = [tag("path", {"d": path, **line})]
        weight = 1.2 if item.tag == "eventBasedGateway" else 2.6
        parts.append(_icon(GATEWAY_ICONS[item.tag], box.cx, box.cy, stroke=look.ink, weight=weight))
        parts.append(self._badge(look, box.x + 8, box.y + 8))
        return "".join(parts) + self._outer_text(item, shape, look)

    def _outer_text(self, item: Element, shape: Shape, look: Look) -> str:
        return self.label(self.text(item.name, item.name_en), shape.label, look.ink if look is LOOKS["todo"] else MUTED)

    def label(self, text: str, place: Bounds | None, ink: str = MUTED) -> str:
        """A text in its place, broken into lines as the place was measured."""
        if not text or place is None:
            return ""
        size = LABEL_EN if self.english else FONT
        lines = wrap(text, place.width + 1, size)
        return lines_of_text(lines, place.cx, place.cy, {"font-size": size, "fill": ink, "class": "lab"})

    def _note(self, item: Element, box: Bounds) -> str:
        frame = tag("path", {"d": f"M{box.x + 12:g} {box.y:g}h-12v{box.height:g}h12", "fill": "none", "stroke": MUTED})
        lines: Sequence[str] = wrap(self.text(item.name, item.name_en), box.width - 10)
        return frame + lines_of_text(lines, box.cx, box.cy, {"fill": MUTED})

    def _badge(self, look: Look, x: float, y: float) -> str:
        letter = look.badge[1 if self.english else 0]
        if not letter:
            return ""
        disc = tag("circle", {"cx": x, "cy": y, "r": 10.0, "fill": look.stroke, "stroke": PAPER, "stroke-width": 1.5})
        if letter == "✓":
            return disc + _icon(TICK, x, y, stroke=PAPER, weight=2.2)
        return disc + lines_of_text(
            [letter], x, y, {"font-size": 11, "font-weight": 700, "fill": PAPER, "font-family": FONTS}
        )


def _rect(box: Bounds) -> dict[str, object]:
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}


def _dash(pattern: str) -> dict[str, object]:
    return {"stroke-dasharray": pattern} if pattern else {}


def _icon(
    path: str,
    x: float,
    y: float,
    *,
    fill: str = "none",
    stroke: str = MUTED,
    weight: float = 1.3,
    scale: float = 1.0,
) -> str:
    move = f"translate({x:g} {y:g})" + (f" scale({scale:g})" if scale != 1.0 else "")
    line = {"stroke-width": weight, "stroke-linecap": "round", "stroke-linejoin": "round"}
    return tag("path", {"d": path, "transform": move, "fill": fill, "stroke": stroke, **line, "class": "g"})
