"""Every rule of the linter: its texts, and one bad and one good example that prove it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from string import Formatter

import pytest
import yaml

from service.engine import rule_examples, rules
from service.engine.intake_xml import LIMITS
from service.engine.model import Bundle, Finding
from service.engine.rules import ERROR, RULES, WARNING
from service.engine.soundness import STATES

DIAGRAMS = rule_examples.FOLDER
SMALL = (DIAGRAMS / "file_empty" / "good" / "sample.bpmn").read_bytes()


def lint(files: dict[str, bytes]) -> tuple[Bundle | None, list[Finding]]:
    return rule_examples.check(files)


def lint_folder(folder: Path) -> tuple[Bundle | None, list[Finding]]:
    return lint({path.name: path.read_bytes() for path in sorted(folder.iterdir())})


def page_of(count: int) -> bytes:
    """The good example with `count` more tasks in a row."""
    text = SMALL.decode()
    tasks = "".join(
        f'<bpmn:userTask id="t{n}" name="步骤" tocsin:label-en="Step" tocsin:role="nurse" tocsin:form="F00#done" />'
        for n in range(count)
    )
    ends = ["t", *(f"t{n}" for n in range(count)), "end"]
    flows = "".join(
        f'<bpmn:sequenceFlow id="g{n}" sourceRef="{a}" targetRef="{b}" />' for n, (a, b) in enumerate(pairwise(ends))
    )
    old = '<bpmn:sequenceFlow id="f_t_end" sourceRef="t" targetRef="end" />'
    assert old in text
    return text.replace(old, tasks + flows).encode()


def watched(count: int) -> bytes:
    """The good example with `count` events at its task, each of which may have happened or not."""
    event = (
        '<bpmn:boundaryEvent id="b{0}" name="步骤" tocsin:label-en="Step" attachedToRef="t" cancelActivity="false">'
        "<bpmn:timerEventDefinition><bpmn:timeDuration>PT{0}H</bpmn:timeDuration></bpmn:timerEventDefinition>"
        '</bpmn:boundaryEvent><bpmn:endEvent id="e{0}" name="步骤" tocsin:label-en="Step" />'
        '<bpmn:sequenceFlow id="g{0}" sourceRef="b{0}" targetRef="e{0}" />'
    )
    flow = '<bpmn:sequenceFlow id="f_t_end"'
    events = "".join(event.format(number) for number in range(1, count + 1))
    return SMALL.decode().replace(flow, events + flow).encode()


BUILT: dict[str, Callable[[], dict[str, bytes]]] = {
    "file_too_large": lambda: {"sample.bpmn": SMALL + b" " * LIMITS.file_bytes},
    "bundle_empty": dict,
    "bundle_too_large": lambda: {f"page{n}.bpmn": SMALL for n in range(LIMITS.files + 1)},
    "too_complex": lambda: {"sample.bpmn": watched(STATES.bit_length())},
    "page_too_large": lambda: {"sample.bpmn": page_of(LIMITS.nodes_per_page)},
}
"""Bad examples too big, or too empty, to keep as files."""


def test_every_rule_has_a_bad_example() -> None:
    assert set(RULES) == {folder.name for folder in DIAGRAMS.iterdir()} | set(BUILT)


@pytest.mark.parametrize("name", sorted(RULES))
def test_bad_example_is_found_by_its_rule(name: str) -> None:
    bundle, findings = lint(BUILT[name]()) if name in BUILT else lint_folder(DIAGRAMS / name / "bad")
    assert (bundle is None) == any(item.severity == ERROR for item in findings)
    # Nothing else is wrong with the example, so it shows this rule and no other.
    assert {item.rule for item in findings} - {"page_large"} | ({name} & {"page_large"}) == {name}


@pytest.mark.parametrize("name", sorted(set(RULES) - set(BUILT)))
def test_good_example_has_no_finding(name: str) -> None:
    bundle, findings = lint_folder(DIAGRAMS / name / "good")
    assert findings == []
    assert bundle is not None
    assert bundle.entry in bundle.processes


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_rule_says_what_and_why_in_both_languages(rule: rules.Rule) -> None:
    assert rule.severity in {ERROR, WARNING}
    for text in (rule.zh, rule.why):
        assert any("\u4e00" <= sign <= "\u9fff" for sign in text)
        assert text.rstrip().endswith(("。", "}"))
    for text in (rule.en, rule.why_en):
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in text)
        assert text.rstrip().endswith((".", "}", "F05#depart."))
    gaps = [{field for _, field, _, _ in Formatter().parse(text) if field} for text in (rule.zh, rule.en)]
    assert gaps[0] == gaps[1]


def test_no_rule_is_written_twice() -> None:
    text = Path(rules.__file__).with_name("lint_rules.yaml").read_text(encoding="utf-8")
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    names = [key.value for key, _value in root.value]
    assert len(names) == len(set(names)) == len(RULES)


def test_finding_keeps_braces_of_the_file() -> None:
    found = rules.finding("expression_prefix", "a.bpmn", "f", text="{0} {self.__class__}")
    assert "{0} {self.__class__}" in found.message
    assert "{0} {self.__class__}" in found.message_en
