"""Pictures of diagrams: languages, states, accessibility, and the way to PNG."""

import stat
from pathlib import Path

import pytest
from lxml import etree

from service.engine.drawing import parse, read_drawing
from service.engine.drawing_checks import check
from service.engine.layout import layout
from service.engine.render import BrowserMissing, NotDrawn, PictureMissing, render_png, render_svg
from service.engine.render_english import in_english

SVG = "{http://www.w3.org/2000/svg}"
SOURCE = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:tocsin="https://tocsin.example/bpmn/1.0">
  <bpmn:collaboration id="co">
    <bpmn:participant id="pool" name="学校" processRef="p" tocsin:label-en="School" />
    <bpmn:participant id="hospital" name="医院 &lt;甲&gt;" tocsin:label-en="Hospital" />
    <bpmn:messageFlow id="m" name="通报" sourceRef="call" targetRef="hospital" tocsin:label-en="Notice" />
  </bpmn:collaboration>
  <bpmn:process id="p" name="样例" tocsin:label-en="Sample">
    <bpmn:startEvent id="start" name="开始" tocsin:label-en="Start">
      <bpmn:messageEventDefinition id="d"/></bpmn:startEvent>
    <bpmn:userTask id="task" name="登记异常情况" tocsin:label-en="Register the finding" />
    <bpmn:boundaryEvent id="late" name="2小时到" attachedToRef="task" cancelActivity="false">
      <bpmn:timerEventDefinition id="t"/></bpmn:boundaryEvent>
    <bpmn:exclusiveGateway id="ask" name="是否固定?" default="f3" tocsin:label-en="Fixed?" />
    <bpmn:sendTask id="call" name="呼叫" tocsin:label-en="Call" />
    <bpmn:endEvent id="end" name="完成" /><bpmn:endEvent id="noted" name="已记录" />
    <bpmn:sequenceFlow id="f0" sourceRef="start" targetRef="task" />
    <bpmn:sequenceFlow id="f1" sourceRef="task" targetRef="ask" />
    <bpmn:sequenceFlow id="f2" name="是" sourceRef="ask" targetRef="call" tocsin:label-en="yes" />
    <bpmn:sequenceFlow id="f3" name="否" sourceRef="ask" targetRef="end" tocsin:label-en="no" />
    <bpmn:sequenceFlow id="f4" sourceRef="call" targetRef="end" />
    <bpmn:sequenceFlow id="f5" sourceRef="late" targetRef="noted" />
  </bpmn:process>
</bpmn:definitions>
""".encode()
DRAWN = layout(SOURCE)


def texts(svg: str) -> set[str]:
    root = parse(svg.encode())
    return {"".join(node.itertext()) for node in root.iter(f"{SVG}text")}


def group(svg: str, ident: str) -> etree._Element:
    return next(node for node in parse(svg.encode()).iter(f"{SVG}g") if node.get("data-element") == ident)


def test_picture_shows_every_element_and_flow_once() -> None:
    drawing = read_drawing(DRAWN)
    root = parse(render_svg(DRAWN).encode())
    shown = [node.get("data-element") for node in root.iter(f"{SVG}g") if node.get("data-element")]
    assert sorted(map(str, shown)) == sorted([*drawing.elements, *drawing.connections])


def test_picture_is_accessible_and_free_of_scripts_and_styles() -> None:
    root = parse(render_svg(DRAWN).encode())
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "样例"
    assert root.findtext(f"{SVG}desc")
    assert {node.tag for node in root.iter()}.isdisjoint({f"{SVG}script", f"{SVG}style", f"{SVG}foreignObject"})
    assert not any(name == "style" or name.startswith("on") for node in root.iter() for name in node.attrib)


def test_texts_follow_the_language() -> None:
    assert {"学校", "登记异常情况", "开始", "是", "通报", "医院 <甲>"} <= texts(render_svg(DRAWN))
    english = texts(render_svg(DRAWN, locale="en"))
    assert {"School", "Start", "yes", "Notice", "Fixed?", "Hospital"} <= english
    assert "开始" not in english


@pytest.mark.parametrize(
    ("state", "badge", "said"),
    [
        ("now", "办", "进行中"),
        ("soon", "近", "30分钟内到期"),
        ("late", "迟", "已逾期"),
        ("wait", "等", "等别人或等时间"),
    ],
)
def test_state_is_said_in_colour_letter_and_words(state: str, badge: str, said: str) -> None:
    plain, coloured = group(render_svg(DRAWN), "task"), group(render_svg(DRAWN, states={"task": state}), "task")
    assert badge in {"".join(node.itertext()) for node in coloured.iter(f"{SVG}text")}
    assert coloured.findtext(f"{SVG}title") == f"登记异常情况: {said}"
    fills = [next(node for node in one.iter(f"{SVG}rect")).get("fill") for one in (plain, coloured)]
    assert fills[0] != fills[1]


def test_flow_between_reached_elements_is_strong() -> None:
    states = {"start": "done", "task": "now", "ask": "todo"}
    svg = render_svg(DRAWN, states=states)
    strong = [ident for ident in ("f0", "f1") if group(svg, ident)[0].get("class") == "f on"]
    assert strong == ["f0"]


def test_non_interrupting_boundary_is_dashed_and_default_flow_marked() -> None:
    svg = render_svg(DRAWN)
    assert all(node.get("stroke-dasharray") for node in group(svg, "late").iter(f"{SVG}circle"))
    assert len(group(svg, "f3").findall(f"{SVG}path")) == len(group(svg, "f2").findall(f"{SVG}path")) + 1


def test_file_without_positions_is_refused() -> None:
    with pytest.raises(NotDrawn):
        render_svg(SOURCE)


def a_browser(folder: Path, body: str) -> None:
    """A stand-in for the outside program, as an executable on the search path."""
    script = folder / "chromium"
    script.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IEXEC)


def test_png_asks_the_browser_for_the_size_of_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_browser(tmp_path, 'for a; do case "$a" in --screenshot=*) echo "$*" > "${a#--screenshot=}";; esac; done')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    svg = render_svg(DRAWN)
    render_png(svg, tmp_path / "out.png")
    width = float(str(parse(svg.encode()).get("width")))
    assert f"--window-size={int(width) + 1}," in (tmp_path / "out.png").read_text(encoding="utf-8")


def test_png_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserMissing, match="chromium"):
        render_png(render_svg(DRAWN), tmp_path / "out.png")
    a_browser(tmp_path, "echo no display >&2")
    with pytest.raises(PictureMissing, match="no display"):
        render_png(render_svg(DRAWN), tmp_path / "out.png")


def test_english_texts_find_room_of_their_own() -> None:
    drawing = in_english(read_drawing(DRAWN))
    assert drawing.elements["task"].name == "Register the finding"
    assert drawing.shapes["task"].bounds == read_drawing(DRAWN).shapes["task"].bounds
    assert check(drawing) == []
