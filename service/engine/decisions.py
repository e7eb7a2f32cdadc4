"""Evaluates DMN decisions: hit policies checked, results of required decisions visible by id."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.engine.decision_checks import check
from service.engine.decision_reader import load_decisions
from service.engine.decision_tables import (
    Aggregation,
    Decision,
    DecisionError,
    HitPolicy,
    InputClause,
    Rule,
    with_names,
)
from service.engine.expressions import Expression, ExpressionError, Scope, compile_expression

__all__ = [
    "Decision",
    "DecisionError",
    "DecisionResult",
    "HitPolicy",
    "check",
    "columns_of",
    "decide_columns",
    "evaluate",
    "handed_on",
    "load_decisions",
]


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """Values by output name (a list each for COLLECT without aggregation and RULE ORDER) and the rows that made them.

    `matched` holds row numbers from 1; for a single hit one row, empty if the defaults were taken.
    """

    values: dict[str, object]
    matched: tuple[int, ...]


def evaluate(decision_id: str, tables: Mapping[str, Decision], scope: Scope) -> DecisionResult:
    """Decide. Required decisions are decided first and visible by their id (`D09_items.item`).

    A missing `F..field` of a record is null here.

    Raises:
        DecisionError: Codes unknown_decision, input_not_allowed, no_match, not_unique, not_same, output_not_allowed,
            not_a_number, cell_failed (wraps the expression's error).
    """
    decision, inner = _prepared(decision_id, tables, scope)
    return _decide(decision, [_input(decision, clause, inner) for clause in decision.inputs], inner)


def columns_of(decision_id: str, tables: Mapping[str, Decision], scope: Scope) -> dict[str, object]:
    """What the columns of a table see, by the id of the column. Raises DecisionError as `evaluate`."""
    decision, inner = _prepared(decision_id, tables, scope)
    return {clause.id: _input(decision, clause, inner) for clause in decision.inputs}


def decide_columns(
    decision_id: str, tables: Mapping[str, Decision], values: Mapping[str, object], scope: Scope
) -> DecisionResult:
    """Decide on values given for the columns themselves, by the id of the column; a missing one is null.

    A name that a column merely hands on is visible to the cells. What else they read of a required
    decision is empty. Raises DecisionError as `evaluate`.
    """
    decision = tables[decision_id]
    records: dict[str, dict[str, object]] = {needed: _nothing(tables[needed]) for needed in decision.requires}
    single: dict[str, object] = {}
    for clause in decision.inputs:
        record, _, name = handed_on(clause.expression).partition(".")
        if name:
            records.setdefault(record, {})[name] = values.get(clause.id)
        elif record:
            single[record] = values.get(clause.id)
    seen = [_allowed(decision, clause, values.get(clause.id)) for clause in decision.inputs]
    return _decide(decision, seen, with_names(scope, {**records, **single}))


def handed_on(expression: Expression) -> str:
    """What a column hands on: `F03.cough`, `org_type` of `if given(org_type) then org_type else …`; else ""."""
    body = expression.tree.body
    if isinstance(body, ast.IfExp) and isinstance(body.test, ast.Call):
        is_guard = ast.dump(body.body) in [ast.dump(argument) for argument in body.test.args]
        body = body.body if is_guard else body
    return ast.unparse(body) if isinstance(body, ast.Name | ast.Attribute) else ""


def _nothing(decision: Decision) -> dict[str, object]:
    return {clause.name: [] if decision.is_list else None for clause in decision.outputs}


def _prepared(decision_id: str, tables: Mapping[str, Decision], scope: Scope) -> tuple[Decision, Scope]:
    """The table, and the scope with the results of the decisions it requires."""
    decision = tables.get(decision_id)
    if decision is None:
        raise DecisionError("unknown_decision", "没有这个决策", "there is no such decision", decision=decision_id)
    known = {needed: evaluate(needed, tables, scope).values for needed in decision.requires}
    return decision, with_names(scope, known) if known else scope


def _decide(decision: Decision, seen: Sequence[object], scope: Scope) -> DecisionResult:
    matched = _matching(decision, seen, scope)
    chosen = _choose(decision, matched, scope)
    return DecisionResult(_values(decision, chosen, scope), tuple(number for number, _ in chosen))


_Row = tuple[int, Rule]


def _compute(decision: Decision, expression: Expression, scope: Scope, where: str) -> object:
    try:
        return expression.evaluate(scope, missing_records_are_null=True)
    except ExpressionError as error:
        raise DecisionError("cell_failed", error.zh, error.en, decision=decision.id, element=where) from error


def _input(decision: Decision, clause: InputClause, scope: Scope) -> object:
    return _allowed(decision, clause, _compute(decision, clause.expression, scope, clause.id))


def _allowed(decision: Decision, clause: InputClause, value: object) -> object:
    """The value of a column; one that the table does not know would otherwise fall through to no row."""
    if clause.allowed and value not in clause.allowed and not (value is None and clause.is_optional):
        shown = "null" if value is None else value
        zh, en = f"输入「{clause.label}」没有值 {shown}", f"the input “{clause.label}” never has the value {shown}"
        raise DecisionError("input_not_allowed", zh, en, decision=decision.id, element=clause.id)
    return value


def _matching(decision: Decision, seen: Sequence[object], scope: Scope) -> list[_Row]:
    scopes = [with_names(scope, {"value": value}) for value in seen]
    return [
        (number, rule)
        for number, rule in enumerate(decision.rules, 1)
        if all(
            test is None or bool(_compute(decision, test, inner, rule.id))
            for test, inner in zip(rule.tests, scopes, strict=True)
        )
    ]


def _results(decision: Decision, rule: Rule, scope: Scope) -> dict[str, object]:
    values: dict[str, object] = {}
    for clause, expression in zip(decision.outputs, rule.results, strict=True):
        value = _compute(decision, expression, scope, rule.id) if expression is not None else None
        if clause.allowed and value is not None and value not in clause.allowed:
            zh, en = f"输出 {clause.name} 的值不在列表内", f"the output {clause.name} is not an allowed value"
            raise DecisionError("output_not_allowed", zh, en, decision=decision.id, element=rule.id)
        values[clause.name] = value
    return values


def _choose(decision: Decision, matched: list[_Row], scope: Scope) -> list[_Row]:
    """The rows that make the result, by hit policy."""
    policy = decision.hit_policy
    if policy in (HitPolicy.COLLECT, HitPolicy.RULE_ORDER) or len(matched) <= 1:
        return matched
    if policy is HitPolicy.FIRST:
        return matched[:1]
    if policy is HitPolicy.PRIORITY:
        return [min(matched, key=lambda row: _priority(decision, row[1], scope))]
    rows = ", ".join(str(number) for number, _ in matched)
    if policy is HitPolicy.UNIQUE:
        zh, en = f"第{rows}行同时命中", f"rows {rows} match at once"
        raise DecisionError("not_unique", zh, en, decision=decision.id, element=matched[0][1].id)
    results = [_results(decision, rule, scope) for _, rule in matched]
    if any(result != results[0] for result in results):
        zh, en = f"第{rows}行命中但结果不同", f"rows {rows} match with different results"
        raise DecisionError("not_same", zh, en, decision=decision.id, element=matched[0][1].id)
    return matched[:1]


def _priority(decision: Decision, rule: Rule, scope: Scope) -> tuple[int, ...]:
    """Position of each result in its column's list; columns from left to right."""
    values = _results(decision, rule, scope)
    return tuple(clause.allowed.index(values[clause.name]) for clause in decision.outputs if clause.allowed)


def _values(decision: Decision, chosen: list[_Row], scope: Scope) -> dict[str, object]:
    results = [_results(decision, rule, scope) for _, rule in chosen]
    if decision.is_list:
        return {clause.name: [result[clause.name] for result in results] for clause in decision.outputs}
    if decision.aggregation is not Aggregation.NONE:
        name = decision.outputs[0].name
        return {name: _aggregate(decision, [result[name] for result in results], scope)}
    if results:
        return results[0]
    defaults = {clause.name: clause.default for clause in decision.outputs}
    if not any(defaults.values()):
        raise DecisionError("no_match", "没有规则命中", "no rule matches", decision=decision.id)
    return {
        name: _compute(decision, default, scope, decision.id) if default is not None else None
        for name, default in defaults.items()
    }


def _aggregate(decision: Decision, values: list[object], scope: Scope) -> object:
    """SUM and COUNT of nothing are 0, MIN and MAX of nothing null."""
    if decision.aggregation is Aggregation.COUNT:
        return len(values)
    names = with_names(scope, {"values": values})
    function = decision.aggregation.value.lower()
    try:
        return compile_expression(f"{function}(values)").evaluate(names)
    except ExpressionError as error:
        raise DecisionError("not_a_number", error.zh, error.en, decision=decision.id) from error
