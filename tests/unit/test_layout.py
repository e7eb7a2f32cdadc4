"""The drawing of diagrams: machine checks on small samples and on every file in the repository."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from service.engine.drawing import Bounds, Drawing, DrawingUnreadable, read_drawing
from service.engine.drawing_checks import check, crossings, fits_sheet
from service.engine.drawing_sheets import sheets
from service.engine.layout import layout
from service.engine.layout_text import FONT, LINE, fitted, text_width, wrap
from service.engine.render_english import in_english
from service.engine.render_shapes import PARTY_SIZES

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "workflows").glob("*/*.bpmn"))
RECORDED: dict[str, int] = json.loads((Path(__file__).parent / "crossings.json").read_text(encoding="utf-8"))
DIAGRAM = re.compile(rb" *<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>\n", re.DOTALL)


def a_diagram(nodes: str, flows: str, *, lanes: str = "", collaboration: str = "") -> bytes:
    """A BPMN file: nodes as `tag:id:name` words, flows as `source>target` words, lanes as `lane=id,id` words."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:tocsin="https://tocsin.example/bpmn/1.0">',
        '  <bpmn:collaboration id="co"><bpmn:participant id="pool" name="学校" processRef="sample" />',
        f'{collaboration}</bpmn:collaboration>\n  <!-- kept -->\n  <bpmn:process id="sample" name="样例">',
    ]
    if lanes:
        parts.append('    <bpmn:laneSet id="ls">')
        for word in lanes.split():
            lane, members = word.split("=")
            refs = "".join(f"<bpmn:flowNodeRef>{one}</bpmn:flowNodeRef>" for one in members.split(","))
            parts.append(f'      <bpmn:lane id="{lane}" name="{lane}">{refs}</bpmn:lane>')
        parts.append("    </bpmn:laneSet>")
    parts += [node_xml(word) for word in nodes.split()]
    for word in flows.split():
        source, target, *name = re.split("[>:]", word)
        label = f' name="{name[0]}"' if name else ""
        parts.append(
            f'    <bpmn:sequenceFlow id="f_{source}_{target}" sourceRef="{source}" targetRef="{target}"{label} />'
        )
    return "\n".join([*parts, "  </bpmn:process>", "</bpmn:definitions>", ""]).encode()


def node_xml(word: str) -> str:
    tag, ident, *rest = word.split(":")
    extra = f' attachedToRef="{rest[1]}" cancelActivity="false"' if tag == "boundaryEvent" else ""
    label = f' name="{rest[0]}"' if rest else ""
    if tag == "subProcess":
        inner = (
            f'<bpmn:startEvent id="{ident}_s" name="收到" /><bpmn:userTask id="{ident}_t" name="处置" />'
            f'<bpmn:endEvent id="{ident}_e" name="完成" />'
            f'<bpmn:sequenceFlow id="{ident}_1" sourceRef="{ident}_s" targetRef="{ident}_t" />'
            f'<bpmn:sequenceFlow id="{ident}_2" sourceRef="{ident}_t" targetRef="{ident}_e" />'
        )
        return f'    <bpmn:subProcess id="{ident}"{label} triggeredByEvent="true">{inner}</bpmn:subProcess>'
    return f'    <bpmn:{tag} id="{ident}"{label}{extra} />'


TWO_LANES = a_diagram(
    "startEvent:s:发现异常 userTask:a:登记异常情况 userTask:b:起草书面报告 boundaryEvent:late:2小时到:b "
    "sendTask:c:报送书面报告 endEvent:over:逾期已记录 endEvent:e:办结",
    "s>a a>b b>c c>e late>over",
    lanes="teacher=s,a office=b,c,e,over,late",
    collaboration='<bpmn:participant id="bureau" name="教体局" />'
    '<bpmn:messageFlow id="m" name="书面报告" sourceRef="c" targetRef="bureau" />',
)
SEVEN = a_diagram(
    "startEvent:s:开始 parallelGateway:g " + " ".join(f"userTask:t{n}:工作{n}" for n in range(7)) + " "
    "parallelGateway:j endEvent:e:完成",
    "s>g j>e " + " ".join(f"g>t{n} t{n}>j" for n in range(7)),
)
LOOP = a_diagram(
    "startEvent:s:开始 userTask:a:通报家长 exclusiveGateway:q:家长理解配合? eventBasedGateway:w:等待再联系 "
    "intermediateCatchEvent:again:再联系时间到 intermediateCatchEvent:final:拒绝已记录 endEvent:e:完成",
    "s>a a>q q>e:是 q>w:否 w>again w>final again>a final>e",
)
SUBS = a_diagram(
    "startEvent:s:开始 userTask:a:登记 userTask:b:签发 endEvent:e:完成 "
    "subProcess:sp_one:病情恶化 subProcess:sp_two:家长拒绝 subProcess:sp_three:上级指令",
    "s>a a>b b>e",
    lanes="office=s,a,sp_one,sp_two principal=b,e,sp_three",
)
MANY = [f"sp_{number}" for number in range(26)]
FULL = a_diagram(
    "startEvent:s:开始 userTask:a:登记 userTask:b:起草 userTask:c:核对 userTask:d:签发 endEvent:e:完成 "
    + " ".join(f"subProcess:{ident}:病情恶化" for ident in MANY),
    "s>a a>b b>c c>d d>e",
    lanes=f"office=s,a,b,c,d,{','.join(MANY)} principal=e",
    collaboration='<bpmn:participant id="bureau" name="教体局" />'
    '<bpmn:messageFlow id="m" name="指令" sourceRef="bureau" targetRef="sp_0_s" />',
)
SAMPLES = {"two_lanes": TWO_LANES, "seven": SEVEN, "loop": LOOP, "subs": SUBS}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_pass_all_checks(name: str) -> None:
    drawing = read_drawing(layout(SAMPLES[name]))
    assert check(drawing) == []
    assert crossings(drawing) <= 1


def test_sizes_and_lane_heights_follow_the_house_rules() -> None:
    drawing = read_drawing(layout(TWO_LANES))
    size = {ident: (shape.bounds.width, shape.bounds.height) for ident, shape in drawing.shapes.items()}
    assert size["a"] == (110.0, 70.0)
    assert size["s"] == size["late"] == (36.0, 36.0)
    assert all(drawing.shapes[lane].bounds.height % 110 == 0 for lane in ("teacher", "office"))
    assert read_drawing(layout(SEVEN)).shapes["g"].bounds.width == 50


def test_boundary_event_rides_on_its_host_and_branches_below() -> None:
    drawing = read_drawing(layout(TWO_LANES))
    host, rider = drawing.shapes["b"].bounds, drawing.shapes["late"].bounds
    assert rider.cy == host.bottom
    assert host.x < rider.cx < host.right
    assert drawing.shapes["over"].bounds.cy > host.bottom


def test_happy_path_is_one_straight_line() -> None:
    drawing = read_drawing(layout(LOOP))
    assert len({drawing.shapes[ident].bounds.cy for ident in ("s", "a", "q", "w")}) == 1
    xs = [drawing.shapes[ident].bounds.cx for ident in ("s", "a", "q", "w")]
    assert xs == sorted(xs)


def test_outside_party_is_collapsed_and_reached_upright() -> None:
    drawing = read_drawing(layout(TWO_LANES))
    assert not drawing.shapes["bureau"].bounds.overlaps(drawing.shapes["pool"].bounds)
    points = drawing.edges["m"].points
    assert len({x for x, _ in points}) == 1


def test_event_sub_processes_stand_in_their_lanes() -> None:
    drawing = read_drawing(layout(SUBS))
    for lane, inner in (("office", "sp_one"), ("office", "sp_two"), ("principal", "sp_three")):
        assert drawing.shapes[lane].bounds.holds(drawing.shapes[inner].bounds)
        assert drawing.shapes[inner].bounds.holds(drawing.shapes[inner + "_t"].bounds)


def test_a_page_too_full_closes_its_event_sub_processes() -> None:
    drawn = layout(FULL)
    drawing = read_drawing(drawn)
    assert drawing.closed == set(MANY)
    assert check(drawing) == []
    assert fits_sheet(drawing)
    outer, *inner = sheets(drawing).values()
    assert outer.shapes["sp_0"].bounds.width == 110
    assert not any(ident.startswith("sp_0_") for ident in outer.elements)
    assert outer.edges["m"].target == "sp_0"
    assert [set(sheet.shapes) for sheet in inner] == [{f"{one}_s", f"{one}_t", f"{one}_e"} for one in sorted(MANY)]
    assert layout(drawn) == layout(drawn, keep=True) == drawn


def test_same_file_same_drawing_and_nothing_else_is_touched() -> None:
    drawn = layout(SUBS)
    assert layout(SUBS) == drawn
    assert layout(drawn) == drawn
    assert DIAGRAM.sub(b"", drawn) == SUBS


def test_keep_leaves_what_a_person_moved() -> None:
    drawn = layout(TWO_LANES)
    before = read_drawing(drawn).shapes["over"].bounds
    moved = drawn.replace(
        f'x="{before.x:g}" y="{before.y:g}" width="36"'.encode(),
        f'x="{before.x + 40:g}" y="{before.y:g}" width="36"'.encode(),
    )
    assert moved != drawn
    more = moved.replace(
        b"  </bpmn:process>",
        '    <bpmn:userTask id="fresh" name="补登" /><bpmn:sequenceFlow id="f_new" sourceRef="a" targetRef="fresh" />\n'
        "  </bpmn:process>".encode(),
    ).replace(b"<bpmn:flowNodeRef>a<", b"<bpmn:flowNodeRef>fresh</bpmn:flowNodeRef><bpmn:flowNodeRef>a<")
    kept = read_drawing(layout(more, keep=True))
    assert kept.shapes["over"].bounds == before.moved(40, 0)
    assert kept.shapes["a"].bounds == read_drawing(drawn).shapes["a"].bounds
    assert kept.edges["f_s_a"].points == read_drawing(drawn).edges["f_s_a"].points
    assert check(kept) == []
    assert kept.shapes["teacher"].bounds.holds(kept.shapes["fresh"].bounds)


def test_keep_draws_only_the_missing_boundary_event_and_party() -> None:
    drawn = layout(TWO_LANES)
    without = re.sub(
        rb' *<bpmndi:BPMN(Shape|Edge) id="di_(late|bureau|m|f_late_over)".*?</bpmndi:BPMN\1>\n',
        b"",
        drawn,
        flags=re.DOTALL,
    )
    assert {finding.kind for finding in check(read_drawing(without))} == {"missing"}
    kept = read_drawing(layout(without, keep=True))
    assert "missing" not in {finding.kind for finding in check(kept)}
    assert kept.shapes["late"].bounds.cy == kept.shapes["b"].bounds.bottom


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (b"<a", "malformed"),
        (b'<!DOCTYPE d [<!ENTITY x "y">]><d>&x;</d>', "doctype"),
        (TWO_LANES.replace(b"bpmn:process", b"bpmn:proc"), "processes"),
    ],
)
def test_unreadable_files_are_refused_with_a_reason(xml: bytes, reason: str) -> None:
    with pytest.raises(DrawingUnreadable) as caught:
        layout(xml)
    assert caught.value.reason == reason


def _faulty(drawing: Drawing, kind: str) -> Drawing:
    """The drawing with one fault put in."""
    shapes, edges = dict(drawing.shapes), dict(drawing.edges)
    flow, task = edges["f_s_a"], shapes["a"]
    (x1, y1), (x2, _) = flow.points[0], flow.points[-1]
    points = {
        "bends": ((x1, y1), (x1 + 9, y1), (x1 + 9, y1 + 9), (x1 + 20, y1 + 9), (x1 + 20, y1), (x2, y1)),
        "not_orthogonal": ((x1, y1), (x2, y1 + 7)),
        "flow_undocked": ((x1 + 12, y1), (x2, y1)),
        "flow_on_flow": (*edges["f_b_c"].points[:1], edges["f_b_c"].points[-1]),
    }
    if kind == "missing":
        del shapes["b"]
    elif kind == "overlap":
        shapes["b"] = replace(shapes["b"], bounds=task.bounds.moved(20, 20))
    elif kind == "outside":
        shapes["a"] = replace(task, bounds=task.bounds.moved(0, -400))
    elif kind == "flow_through_shape":
        shapes["e"] = replace(shapes["e"], bounds=Bounds(x1 + 10, y1 - 18, 36, 36))
    elif kind == "label_on_shape":
        shapes["s"] = replace(shapes["s"], label=task.bounds.grown(-10))
    elif kind == "label_on_flow":
        shapes["s"] = replace(shapes["s"], label=Bounds(x1 + 5, y1 - 8, 30, 16))
    elif kind == "label_on_label":
        shapes["s"] = replace(shapes["s"], label=shapes["e"].label)
    elif kind == "label_cut":
        shapes["s"] = replace(shapes["s"], label=Bounds(-30, 5, 40, 15))
    else:
        edges["f_s_a"] = replace(flow, points=points[kind])
    return replace(drawing, shapes=shapes, edges=edges)


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "overlap",
        "outside",
        "flow_through_shape",
        "label_on_shape",
        "label_on_flow",
        "label_on_label",
        "label_cut",
        "bends",
        "not_orthogonal",
        "flow_undocked",
        "flow_on_flow",
    ],
)
def test_every_fault_is_found(kind: str) -> None:
    drawing = read_drawing(layout(TWO_LANES))
    assert kind in {finding.kind for finding in check(_faulty(drawing, kind))}


def test_texts_wrap_by_width_and_keep_words_whole() -> None:
    assert wrap("水银腋温复测与询问", 100) == ["水银腋温复", "测与询问"]
    assert " ".join(wrap("Report to the command centre", 70)).split() == ["Report", "to", "the", "command", "centre"]
    assert all(text_width(line.rstrip("、")) <= 60 for line in wrap("疑似、确诊、无症状", 60))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_deployed_diagram_is_drawn_cleanly(path: Path) -> None:
    chinese = read_drawing(path.read_bytes())
    for drawing in (chinese, in_english(chinese)):
        assert [f"{finding.kind} {finding.elements}: {finding.detail}" for finding in check(drawing)] == []


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_names_of_outside_parties_fit_their_boxes_in_both_languages(path: Path) -> None:
    drawing = read_drawing(path.read_bytes())
    for party in drawing.elements.values():
        box = drawing.shapes[party.id].bounds
        for name in {party.name, party.name_en} if party.tag == "participant" and not party.process else ():
            lines, size = fitted(name, box.width - 8, box.height - 4, PARTY_SIZES)
            assert len(lines) * LINE * size / FONT <= box.height, name


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_deployed_diagram_fits_a_page(path: Path) -> None:
    """A3 landscape at full size, each sheet of it."""
    assert fits_sheet(read_drawing(path.read_bytes()))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_crossings_only_fall(path: Path) -> None:
    """A diagram without a record must be crossing-free; fewer crossings: write the new number down."""
    assert crossings(read_drawing(path.read_bytes())) == RECORDED.get(path.stem, 0)
