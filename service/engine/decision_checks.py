"""Finds gaps, overlaps, rows that are never reached and wrong types in a decision table.

Each column gets sample values: every value its cells name, the numbers between and around them,
true and false. A column whose cells read more than the value itself is opaque; its samples are
"exactly this cell is true", so a gap found there says that nothing proves the table complete.
"""

import ast
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, product
from math import prod

from service.engine.decision_tables import Decision, HitPolicy, InputClause
from service.engine.expression_syntax import CONSTANTS
from service.engine.expression_values import plain
from service.engine.expressions import Expression, ExpressionError, Scope
from service.engine.model import Finding

MAX_COMBINATIONS = 50_000
MAX_REPORTED = 3

_NOW = datetime(2000, 1, 1, tzinfo=UTC)  # opaque cells read the clock, transparent ones never
_OTHER = "其他值"
_KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, Decimal), "boolean": (bool,)}

_Sample = tuple[str, frozenset[int]]  # how the value is shown, rows whose cell it satisfies


def check(decision: Decision, policies: Mapping[str, object] | None = None, file: str = "") -> list[Finding]:
    """All findings of a table.

    Args:
        decision: The table.
        policies: Typed policy values; without them cells that read a policy are opaque.
        file: File name for the findings.
    """
    found = [_finding(decision, file, *parts) for parts in _type_problems(decision)]
    columns = [list(_samples(decision, number, policies or {})) for number in range(len(decision.inputs))]
    if prod(len(column) for column in columns) > MAX_COMBINATIONS:
        zh, en = "组合过多, 未检查缺口与重叠", "too many combinations, gaps and overlaps were not checked"
        return [*found, _finding(decision, file, "decision_not_checked", "warning", "", zh, en)]
    return found + [_finding(decision, file, *parts) for parts in _coverage(decision, columns)]


_Parts = tuple[str, str, str, str, str]  # rule, severity, element, zh, en


def _finding(decision: Decision, file: str, *parts: str) -> Finding:
    rule, severity, element, zh, en = parts
    return Finding(
        file=file or f"{decision.id}.dmn",
        element=element or decision.id,
        rule=rule,
        severity=severity,
        message=f"决策{decision.id}：{zh}",
        message_en=f"decision {decision.id}: {en}",
    )


def _coverage(decision: Decision, columns: list[list[_Sample]]) -> Iterator[_Parts]:
    gaps: list[str] = []
    overlaps: dict[tuple[int, ...], str] = {}
    reached: set[int] = set()
    everything = frozenset(range(len(decision.rules)))
    for combination in product(*columns):
        rows = sorted(everything.intersection(*(satisfied for _, satisfied in combination)))
        shown = ", ".join(f"{c.label}={s}" for c, (s, _) in zip(decision.inputs, combination, strict=True))
        reached.update(rows[:1] if decision.hit_policy is HitPolicy.FIRST else rows)
        if not rows:
            gaps.append(shown)
        elif len(rows) > 1 and _conflict(decision, rows):
            overlaps.setdefault(tuple(row + 1 for row in rows), shown)
    if not decision.is_list and not decision.aggregation and not any(o.default for o in decision.outputs):
        for shown in gaps[:MAX_REPORTED]:
            yield "decision_gap", "warning", "", f"没有规则适用于 {shown}", f"no rule for {shown}"
    for numbers, shown in list(overlaps.items())[:MAX_REPORTED]:
        rows_text = ", ".join(map(str, numbers))
        element = decision.rules[numbers[0] - 1].id
        yield (
            "decision_overlap",
            "error",
            element,
            f"第{rows_text}行重叠于 {shown}",
            f"rows {rows_text} overlap at {shown}",
        )
    for row in sorted(everything - reached):
        zh, en = f"第{row + 1}行永远不会生效", f"row {row + 1} is never reached"
        yield "decision_unreachable", "warning", decision.rules[row].id, zh, en


def _conflict(decision: Decision, rows: list[int]) -> bool:
    """Whether rows that match together are a mistake under the hit policy."""
    if decision.hit_policy is HitPolicy.UNIQUE:
        return True
    if decision.hit_policy is not HitPolicy.ANY:
        return False
    texts = [tuple(r.text if r is not None else "" for r in decision.rules[row].results) for row in rows]
    return len(set(texts)) > 1


def _samples(decision: Decision, number: int, policies: Mapping[str, object]) -> Iterator[_Sample]:
    clause = decision.inputs[number]
    tests = [rule.tests[number] for rule in decision.rules]
    cells = [test for test in tests if test is not None]
    anything = frozenset(row for row, test in enumerate(tests) if test is None)
    if clause.type not in _KINDS or any(not _is_transparent(cell, policies) for cell in cells):
        for text in dict.fromkeys(cell.text for cell in cells):
            same = {row for row, test in enumerate(tests) if test is not None and test.text == text}
            yield f"「{text}」", anything | same
        yield "（都不成立）", anything
        return
    for value in _values(clause, cells, policies):
        scope = Scope(names={"value": value}, now=_NOW, policies=policies)
        hit = {row for row, test in enumerate(tests) if test is not None and _holds(test, scope)}
        yield _shown(value), anything | hit


def _is_transparent(cell: Expression, policies: Mapping[str, object]) -> bool:
    reads_value_only = cell.names <= {"value"} and not cell.facts and not cell.deadlines
    return reads_value_only and cell.policies <= set(policies) and "now(" not in cell.text and "today(" not in cell.text


def _holds(test: Expression, scope: Scope) -> bool:
    try:
        return bool(test.evaluate(scope))
    except ExpressionError:  # e.g. a null in a comparison: at run time this is an error, never a match
        return False


def _values(clause: InputClause, cells: list[Expression], policies: Mapping[str, object]) -> list[object]:
    """Sample values of a transparent column."""
    null: list[object] = [None] if clause.is_optional else []
    if clause.type == "boolean":
        return [True, False, *null]
    if clause.allowed:
        return [*clause.allowed, *null]
    named = list(dict.fromkeys(value for cell in cells for value in _named(cell, policies)))
    if clause.type == "string":
        return [*(value for value in named if isinstance(value, str)), _OTHER, *null]
    numbers = sorted(Decimal(str(v)) for v in named if isinstance(v, int | Decimal) and not isinstance(v, bool))
    between = [(a + b) / 2 for a, b in pairwise(numbers)]
    around = [numbers[0] - 1, numbers[-1] + 1] if numbers else [Decimal(0)]
    return [*sorted({*numbers, *between, *around}), *null]


def _named(cell: Expression, policies: Mapping[str, object]) -> Iterator[object]:
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Constant):
            yield plain(node.value)
    for key in cell.policies:
        yield plain(policies[key])


def _shown(value: object) -> str:
    return next((word for word, constant in CONSTANTS.items() if constant is value), str(value))


def _type_problems(decision: Decision) -> Iterator[_Parts]:
    for rule in decision.rules:
        for output, result in zip(decision.outputs, rule.results, strict=True):
            if result is not None and _is_literal(result.tree.body):
                value = _literal(result.tree.body)
                if not _fits(value, output.type) or (output.allowed and value not in output.allowed):
                    zh, en = (
                        f"输出 {output.name} 的值 {result.text} 不合类型",
                        f"{result.text} does not fit {output.name}",
                    )
                    yield "decision_type", "error", rule.id, zh, en
        for clause, test in zip(decision.inputs, rule.tests, strict=True):
            for value in _literals(test, clause):
                is_listed = not clause.allowed or value is None or value in clause.allowed
                if not is_listed or not _fits(value, clause.type):
                    zh, en = f"输入 {clause.label} 没有值 {value}", f"{clause.label} never has the value {value}"
                    yield "decision_type", "error", rule.id, zh, en


def _literals(test: Expression | None, clause: InputClause) -> Iterator[object]:
    """Literals that a cell compares `value` with directly, `value == "x"`."""
    if test is None or not clause.type:
        return
    for node in ast.walk(test.tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "value":
            yield from (_literal(side) for side in node.comparators if _is_literal(side))


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in CONSTANTS)


def _literal(node: ast.AST) -> object:
    """The value of a literal; null, true and false are names in the syntax tree."""
    return plain(node.value) if isinstance(node, ast.Constant) else CONSTANTS[getattr(node, "id", "null")]


def _fits(value: object, kind: str) -> bool:
    expected = _KINDS.get(kind)
    if expected is None or value is None:
        return True
    return isinstance(value, expected) and (kind == "boolean" or not isinstance(value, bool))
