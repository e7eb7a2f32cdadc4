"""The rule book of the linter for readers: every rule with its reason, and one of them with its examples."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from textwrap import indent
from typing import Final

from service.domain.errors import NoSuch
from service.engine import drawn_findings, rule_examples
from service.engine.model import Finding
from service.engine.rules import RULES, Rule

GROUPS: Final = (
    ("file_name", "文件", "Files"),
    ("unsupported_complex_gateway", "不执行的元素", "Elements that are not run"),
    ("extension_unknown", "扩展", "Extensions"),
    ("process_missing", "流程和页", "Processes and pages"),
    ("start_missing", "流向", "Flow"),
    ("human_role", "任务和岗位", "Tasks and roles"),
    ("event_definition_missing", "事件", "Events"),
    ("call_target_missing", "调用", "Calls"),
    ("expression_prefix", "表达式、事实和时限", "Expressions, facts and deadlines"),
)
"""The first rule of each group of the rule book, with the group's name."""
_GAP: Final = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule; `said` is its sentence, with an ellipsis for what a finding fills in."""

    name: str
    is_error: bool
    said: str
    why: str


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules about one subject."""

    name: str
    rules: tuple[RuleRow, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """An example of a rule: the file to look at, with positions and marks for its picture where it can be drawn."""

    excerpt: str
    drawing: str
    marks: dict[str, str]
    said: str


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule with a bad and a good example; None where an example would be too big or empty."""

    rule: RuleRow
    bad: Example | None
    good: Example | None


def groups(locale: str) -> tuple[RuleGroup, ...]:
    """Every rule in the order of the book."""
    is_english = locale.startswith("en")
    firsts = {first: (en if is_english else zh) for first, zh, en in GROUPS}
    found: list[tuple[str, list[RuleRow]]] = []
    for rule in RULES.values():
        if rule.name in firsts:
            found.append((firsts[rule.name], []))
        found[-1][1].append(_row(rule, is_english=is_english))
    return tuple(RuleGroup(name, tuple(rules)) for name, rules in found)


def page(name: str, locale: str) -> RulePage:
    """One rule. Raises NoSuch."""
    rule = RULES.get(name)
    if rule is None:
        raise NoSuch("rule", name)
    is_english = locale.startswith("en")
    return RulePage(
        _row(rule, is_english=is_english),
        _example(name, is_good=False, is_english=is_english),
        _example(name, is_good=True, is_english=is_english),
    )


def _row(rule: Rule, *, is_english: bool) -> RuleRow:
    said, why = (rule.en, rule.why_en) if is_english else (rule.zh, rule.why)
    return RuleRow(rule.name, rule.severity == "error", _GAP.sub("…", said), why)


def _example(rule: str, *, is_good: bool, is_english: bool) -> Example | None:
    found = _read(rule, is_good)
    if found is None:
        return None
    excerpt, drawing, finding = found
    if finding is None:
        return Example(excerpt, drawing, {}, "")
    said = finding.message_en if is_english else finding.message
    return Example(excerpt, drawing, drawn_findings.marks(finding), said)


@cache
def _read(rule: str, is_good: bool) -> tuple[str, str, Finding | None] | None:
    named = rule_examples.files(rule, is_good=is_good)
    if not named:
        return None
    found = _of(rule, rule_examples.check(named)[1])
    text = named[rule_examples.first_file(named, found)]
    element = found.element if found else _changed(rule)
    return rule_examples.excerpt(text, element), drawn_findings.drawable(text), found


def _of(rule: str, findings: Sequence[Finding]) -> Finding | None:
    return next((each for each in findings if each.rule == rule), None)


def _changed(rule: str) -> str:
    """What the bad example is about, which the good one shows put right."""
    found = _read(rule, False)
    return found[2].element if found and found[2] else ""


def printed(*, as_json: bool) -> Iterator[str]:
    """The book for the command line: each rule with its reasons and examples, in both languages."""
    for name, rule in RULES.items():
        shown = page(name, "zh")
        examples = {"bad": shown.bad.excerpt if shown.bad else "", "good": shown.good.excerpt if shown.good else ""}
        if as_json:
            yield json.dumps({**asdict(rule), **examples}, ensure_ascii=False)
            continue
        yield f"{rule.name} [{rule.severity}]"
        yield indent("\n".join((rule.zh, rule.why, rule.en, rule.why_en)), "  ")
        for label, text in (("不行 / bad:", examples["bad"]), ("可以 / good:", examples["good"])):
            if text:
                yield indent(f"{label}\n{indent(text, '  ')}", "  ")
