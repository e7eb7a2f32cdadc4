"""Rules about what the diagram computes: every expression, fact, policy, deadline and name in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from service.engine.expressions import Expression, ExpressionError, compile_expression
from service.engine.known import Known
from service.engine.model import Bundle, Finding, Kind, Node, Process
from service.engine.rules import Both, finding

_ACTS: Final = ("start", "bind", "meet", "cancel")
_MOMENTS: Final = ("enter", "complete")
RECORD: Final = re.compile(r"F\d{2}[a-z]?(\.|$)")
"""Names of forms and their fields."""


@dataclass(frozen=True, slots=True)
class Use:
    """An expression and the element it stands on."""

    element: str
    text: str


def check_expressions(bundle: Bundle, known: Known) -> Iterator[Finding]:
    """Findings about all expressions, fact lists and deadline marks of a bundle."""
    for process in bundle.processes.values():
        for use in uses(process):
            try:
                expression = compile_expression(use.text)
            except ExpressionError as error:
                detail = Both(error.zh, error.en)
                yield finding("expression_invalid", process.file, use.element, detail=detail)
            else:
                yield from _check_use(process, use, expression, known)
        for node in process.nodes.values():
            yield from _check_lists(process, node, known)
            yield from _check_marks(process, node)
            yield from _check_script(process, node)
        yield from _check_declared(process, known)
        yield from _check_conditions(process)


def _check_conditions(process: Process) -> Iterator[Finding]:
    """A condition that waits must not read what only one token carries: nobody would tell it of a change."""
    carried = {name for node in process.nodes.values() for name in (*node.outputs, node.decision)} - {""}
    for node in process.nodes.values():
        if node.condition:
            try:
                names = compile_expression(node.condition).names
            except ExpressionError:
                continue
            for name in sorted({name.partition(".")[0] for name in names} & carried):
                yield finding("condition_changes", process.file, node.id, name=name)


def script_lines(script: str) -> list[tuple[int, str, str]]:
    """Lines of a script task: number, name and expression; name "" where it is no assignment."""
    lines = []
    for number, line in enumerate(script.splitlines(), start=1):
        if line.strip():
            name, equals, text = line.partition("=")
            name = name.strip()
            is_assignment = equals and name.isidentifier() and not text.startswith("=")
            lines.append((number, name if is_assignment else "", text.strip()))
    return lines


def uses(process: Process) -> Iterator[Use]:
    """Every expression of a process with the element it stands on."""
    for flow in process.flows.values():
        if flow.condition is not None:
            yield Use(flow.id, flow.condition)
    for node in process.nodes.values():
        yield from _node_uses(node)


def _node_uses(node: Node) -> Iterator[Use]:
    for text in (node.condition, node.completion, node.listed, *(mark.when for mark in node.deadlines)):
        if text:
            yield Use(node.id, text)
    yield from _repeat_uses(node)
    for text in (node.timer, node.channel, *node.inputs.values(), *_mark_texts(node)):
        if text.startswith("="):
            yield Use(node.id, text[1:])
    for _number, name, text in script_lines(node.script):
        if name:
            yield Use(node.id, text)


def _repeat_uses(node: Node) -> Iterator[Use]:
    if node.repeat:
        repeat = node.repeat
        for text in (repeat.condition, repeat.completion, repeat.collection, repeat.limit.removeprefix("=")):
            if text and not text.isdecimal():
                yield Use(node.id, text)


def _mark_texts(node: Node) -> Iterator[str]:
    for mark in node.deadlines:
        yield from (mark.rule, mark.subject, mark.start)


def _check_use(process: Process, use: Use, expression: Expression, known: Known) -> Iterator[Finding]:
    for fact in sorted(expression.facts - set(process.facts)):
        yield finding("fact_undeclared", process.file, use.element, name=fact)
    if known.policies is not None:
        for policy in sorted(expression.policies - set(known.policies) - {"*"}):
            yield finding("policy_unknown", process.file, use.element, name=policy)
    if known.deadlines is not None:
        for rule in sorted(expression.deadlines - set(known.deadlines) - {"*"}):
            yield finding("deadline_unknown", process.file, use.element, name=rule)


def _check_lists(process: Process, node: Node, known: Known) -> Iterator[Finding]:
    lists = {node.collection, node.each, *(mark.each for mark in node.deadlines)} - {""}
    for name in sorted(lists - set(process.facts)):
        yield finding("fact_undeclared", process.file, node.id, name=name)
    if known.deadlines is not None:
        for mark in node.deadlines:
            if mark.rule and not mark.rule.startswith("=") and mark.rule not in known.deadlines:
                yield finding("deadline_unknown", process.file, node.id, name=mark.rule)


def _check_marks(process: Process, node: Node) -> Iterator[Finding]:
    for mark in node.deadlines:
        if not mark.rule:
            example = Both("时限编号，例如 T02", "a deadline id, such as T02")
            yield finding("deadline_mark", process.file, node.id, name="rule", value="", allowed=example)
        for name, value, allowed in (("act", mark.act, _ACTS), ("on", mark.on, _MOMENTS)):
            if value not in allowed:
                choices = ", ".join(allowed)
                yield finding("deadline_mark", process.file, node.id, name=name, value=value, allowed=choices)


def _check_script(process: Process, node: Node) -> Iterator[Finding]:
    if node.kind is not Kind.SCRIPT:
        return
    lines = script_lines(node.script)
    if not lines:
        yield finding("script_empty", process.file, node.id)
    for number, name, _text in lines:
        if not name:
            yield finding("script_line", process.file, node.id, line=number)


def _check_declared(process: Process, known: Known) -> Iterator[Finding]:
    if known.facts is not None:
        for name in process.facts:
            if name not in known.facts:
                yield finding("fact_unknown", process.file, process.id, name=name)
