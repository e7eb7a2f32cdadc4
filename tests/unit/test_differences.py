"""Differences of two versions, as somebody who deploys wants to read them."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from service.application.definitions import folder_content
from service.engine.differences import Change, differences
from service.engine.intake import read_bundle
from service.engine.known import Known
from service.engine.model import Bundle
from service.settings import ROOT

WORKFLOWS = ROOT / "workflows"
CONTENT = folder_content(WORKFLOWS / "incident_reporting", WORKFLOWS / "decisions")
PAGE = "incident_reporting.bpmn"


def bundle(content: Mapping[str, str]) -> Bundle:
    diagrams = {name: text.encode() for name, text in content.items() if name.endswith(".bpmn")}
    tables = {name.removesuffix(".dmn"): text for name, text in content.items() if name.endswith(".dmn")}
    found, findings = read_bundle(diagrams, bundle_id="incident_reporting", decisions=tables, known=Known())
    assert found is not None, findings
    return found


def changed(file: str, before: str, after: str) -> tuple[Change, ...]:
    assert before in CONTENT[file]
    return differences(bundle(CONTENT), bundle({**CONTENT, file: CONTENT[file].replace(before, after)}))


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    return [(each.how, each.item.what, each.item.id) for each in changes]


def test_the_same_files_have_no_difference() -> None:
    assert differences(bundle(CONTENT), bundle(CONTENT)) == ()


def test_a_drawing_laid_out_anew_is_no_difference() -> None:
    assert changed(PAGE, 'height="', 'height="1') == ()


@pytest.mark.parametrize(
    ("file", "before", "after", "what", "aspect"),
    [
        ("D05.dmn", 'id="D05_r1_o2"><text>"T01"', 'id="D05_r1_o2"><text>"T02"', "row", "D05_o2"),
        ("D05.dmn", 'label="事由"', 'label="缘由"', "column", "label"),
        ("D05.dmn", 'hitPolicy="COLLECT"', 'hitPolicy="RULE ORDER"', "decision", "hit_policy"),
    ],
)
def test_a_decision_table_tells_what_reads_differently(
    file: str, before: str, after: str, what: str, aspect: str
) -> None:
    changes = changed(file, before, after)
    assert [(each.how, each.item.what) for each in changes] == [("changed", what)]
    assert [each.name for each in changes[0].aspects] == [aspect]


def test_a_row_that_is_gone_is_told_by_its_number() -> None:
    start = CONTENT["D05.dmn"].index('      <rule id="D05_r22"')
    end = CONTENT["D05.dmn"].index("</rule>", start) + len("</rule>\n")
    shorter = {**CONTENT, "D05.dmn": CONTENT["D05.dmn"][:start] + CONTENT["D05.dmn"][end:]}
    changes = differences(bundle(CONTENT), bundle(shorter))
    assert told(changes) == [("removed", "row", "D05_r22")]
    assert changes[0].item.name == "22"


def test_a_step_with_another_name_role_and_form_is_one_line() -> None:
    ours = bundle(CONTENT)
    node = next(node for node in ours.processes["incident_reporting"].nodes.values() if node.form and node.role)
    renamed = CONTENT[PAGE].replace(f'id="{node.id}" name="{node.name}"', f'id="{node.id}" name="另一个名称"')
    changes = differences(ours, bundle({**CONTENT, PAGE: renamed}))
    assert told(changes) == [("changed", "node", node.id)]
    assert [(each.name, each.before, each.after) for each in changes[0].aspects] == [("name", node.name, "另一个名称")]


def test_a_page_that_is_new_as_a_whole_is_one_line() -> None:
    ours = bundle(CONTENT)
    page = replace(ours.processes["incident_reporting"], id="further_page", name="另一页")
    more = replace(ours, processes={**ours.processes, page.id: page})
    assert told(differences(ours, more)) == [("added", "page", "further_page")]
    assert told(differences(more, ours)) == [("removed", "page", "further_page")]
