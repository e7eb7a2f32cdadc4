"""Further versions of shipped procedures, made by changing their text."""

import re
from collections.abc import Mapping
from functools import partial

from service.application import definitions
from service.application.definitions import Deployed
from tests.paths.world import WORKFLOWS, World

ALARM = "small_alarm"


def content_of(procedure: str) -> dict[str, str]:
    """The files of a shipped bundle."""
    return definitions.folder_content(WORKFLOWS / procedure, WORKFLOWS / "decisions")


def another(procedure: str, name: str = "登记可疑情况") -> dict[str, str]:
    """The bundle with one step renamed."""
    return changed(procedure, ('name="登记异常"', f'name="{name}"'))


def changed(procedure: str, *replacements: tuple[str, str]) -> dict[str, str]:
    """The bundle with texts replaced; each must be there."""
    content = content_of(procedure)
    for old, new in replacements:
        assert any(old in text for text in content.values()), old
        content = {file: text.replace(old, new) for file, text in content.items()}
    return content


def deployed(world: World, content: Mapping[str, str], procedure: str = ALARM) -> Deployed:
    """Deploy files as the next version."""
    store = world.app.services.definitions
    return world.app.run(
        partial(definitions.deploy, store=store, procedure=procedure, content=dict(content), actor="test")
    )


def inserted(content: Mapping[str, str], flow: str, node: str) -> dict[str, str]:
    """The bundle with another step in a sequence flow. `node` is its element without flows, id and all."""
    [file] = [name for name, text in content.items() if f'<bpmn:sequenceFlow id="{flow}"' in text]
    text = content[file]
    tag, id_ = re.findall(r'^<(bpmn:\w+) id="(\w+)"', node)[0]
    [(whole, target)] = re.findall(rf'(<bpmn:sequenceFlow id="{flow}"[^>]*targetRef="(\w+)"[^>]*>)', text)
    ends = f"<bpmn:incoming>{flow}</bpmn:incoming><bpmn:outgoing>f_{id_}</bpmn:outgoing>"
    text = text.replace(f"<bpmn:incoming>{flow}</bpmn:incoming>", f"<bpmn:incoming>f_{id_}</bpmn:incoming>")
    text = text.replace(whole, whole.replace(f'targetRef="{target}"', f'targetRef="{id_}"')
                        + f'<bpmn:sequenceFlow id="f_{id_}" sourceRef="{id_}" targetRef="{target}" />')  # fmt: skip
    text = text.replace("<bpmn:sequenceFlow", f"{node.replace('<!-- flows -->', ends)}<bpmn:sequenceFlow", 1)
    lane = f"<bpmn:flowNodeRef>{target}</bpmn:flowNodeRef>"
    assert tag in text
    assert lane in text
    return {**content, file: text.replace(lane, f"{lane}<bpmn:flowNodeRef>{id_}</bpmn:flowNodeRef>")}


def script(text: str, id_: str = "x_note") -> str:
    """A script task for `inserted`."""
    return (
        f'<bpmn:scriptTask id="{id_}" name="记下" tocsin:label-en="Note"><!-- flows -->'
        f"<bpmn:script>{text}</bpmn:script></bpmn:scriptTask>"
    )


FAILS = script("note = [1][3]")
