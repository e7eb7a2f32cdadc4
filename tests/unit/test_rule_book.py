"""The rule book on the command line, and the marks that make a finding a picture."""

import json

from service.application.queries import rule_book
from service.engine import drawn_findings, rule_examples
from service.engine.render import render_svg
from service.engine.rules import RULES


def test_every_rule_is_printed_with_its_reasons_and_examples() -> None:
    lines = [json.loads(line) for line in rule_book.printed(as_json=True)]
    assert [line["name"] for line in lines] == list(RULES)
    for line in lines:
        assert {"zh", "en", "why", "why_en", "bad", "good", "severity"} <= set(line)
    without = [line["name"] for line in lines if not line["good"]]
    assert set(without) == {name for name in RULES if not rule_examples.files(name, is_good=True)}
    assert len(without) < 8


def test_the_plain_form_has_both_languages() -> None:
    text = "\n".join(rule_book.printed(as_json=False))
    assert RULES["never_ends"].why in text
    assert RULES["never_ends"].why_en in text
    assert 'id="m"' in text


def test_a_standstill_is_marked_on_the_diagram() -> None:
    content = rule_examples.files("join_deadlock", is_good=False)
    found = next(each for each in rule_examples.check(content)[1] if each.rule == "join_deadlock")
    looks = drawn_findings.marks(found)
    assert found.path[0] == "start"
    assert looks["start"] == "done"
    assert looks[found.element] == "stuck"
    assert all(looks[token] == "stuck" for token in found.tokens)
    svg = render_svg(drawn_findings.drawable(content["sample.bpmn"]).encode(), states=looks)
    assert "stuck" in svg
    assert "done" in svg
