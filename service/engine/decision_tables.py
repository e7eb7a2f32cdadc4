"""Decision tables as read from DMN: what they are made of and how a row is tested."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.engine.expressions import Expression, ExpressionError, Scope, compile_expression


class HitPolicy(StrEnum):
    """How matching rows become a result; names as in DMN."""

    UNIQUE = "UNIQUE"
    FIRST = "FIRST"
    ANY = "ANY"
    PRIORITY = "PRIORITY"
    RULE_ORDER = "RULE ORDER"
    COLLECT = "COLLECT"


class Aggregation(StrEnum):
    """What COLLECT does with the numbers of the matching rows; NONE keeps a list."""

    NONE = ""
    SUM = "SUM"
    MIN = "MIN"
    MAX = "MAX"
    COUNT = "COUNT"


class DecisionError(Exception):
    """A decision is refused or gives no result; says which one and why in both languages."""

    def __init__(self, code: str, zh: str, en: str, *, decision: str = "", element: str = "") -> None:
        """`element` is the id of the rule or clause, "" for the whole decision."""
        super().__init__(f"decision {decision}: {en}")
        self.code = code
        self.zh = f"决策{decision}：{zh}" if decision else zh
        self.en = f"decision {decision}: {en}" if decision else en
        self.decision = decision
        self.element = element


@dataclass(frozen=True, slots=True)
class InputClause:
    """A column to test. `allowed` are the only values it can have (empty: any); null may occur if optional."""

    id: str
    label: str
    expression: Expression
    type: str = ""
    allowed: tuple[object, ...] = ()
    is_optional: bool = False
    label_en: str = ""


@dataclass(frozen=True, slots=True)
class OutputClause:
    """A column of results. `allowed` is ordered: PRIORITY takes the earliest."""

    id: str
    name: str
    type: str = ""
    allowed: tuple[object, ...] = ()
    default: Expression | None = None
    label: str = ""
    label_en: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: one test per input (None: any), one expression per output (None: null)."""

    id: str
    tests: tuple[Expression | None, ...]
    results: tuple[Expression | None, ...]
    cite: str = ""
    note: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """What a table has to say: what it sees (policies raw by key, over those of the organisation type), results, rows.

    `rows` are the numbers of the rows that make the result, from 1. Values are as JSON writes them.
    """

    expected: Mapping[str, object]
    rows: tuple[int, ...]
    names: Mapping[str, object]
    facts: Mapping[str, object]
    policies: Mapping[str, str | int | float | bool]
    now: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision table; `requires` are the ids of decisions whose results it reads by name."""

    id: str
    name: str
    hit_policy: HitPolicy
    inputs: tuple[InputClause, ...]
    outputs: tuple[OutputClause, ...]
    rules: tuple[Rule, ...]
    name_en: str = ""
    aggregation: Aggregation = Aggregation.NONE
    requires: tuple[str, ...] = ()
    cite: str = ""
    examples: tuple[Example, ...] = ()
    note: str = ""
    note_en: str = ""

    @property
    def is_list(self) -> bool:
        """Whether each result is a list of the matching rows' values."""
        collects = self.hit_policy is HitPolicy.COLLECT and self.aggregation is Aggregation.NONE
        return collects or self.hit_policy is HitPolicy.RULE_ORDER


_COMPARISON = re.compile(r"(<=|>=|!=|==|<|>)\s*(.+)", re.DOTALL)
_INTERVAL = re.compile(r"([\[(])(.+?)\.\.(.+)([\])])", re.DOTALL)
_NOT = re.compile(r"not\s*\((.*)\)", re.DOTALL)


def compile_cell(text: str) -> Expression | None:
    """Compile an input cell to an expression over `value`; None for `-` (anything).

    A cell is `-`, unary tests separated by commas (`>= 37.3`, `"x"`, `"a","b"`, `[1..5]`,
    `in [...]`, `true`, `not("x")`), or `=` and a condition that names the input `value`. Ordering
    tests do not match null; equality does (`null` is the test for it).

    Raises:
        ExpressionError: The cell cannot be read.
    """
    cell = text.strip()
    if cell in ("", "-"):
        return None
    if cell.startswith("=") and not cell.startswith("=="):
        return compile_expression(cell[1:].strip())
    return compile_expression(_tests(cell))


def _tests(text: str) -> str:
    negated = _NOT.fullmatch(text)
    if negated and len(split_cells(text)) == 1:
        return f"not ({_tests(negated[1].strip())})"
    parts = [_test(part.strip()) for part in split_cells(text)]
    return parts[0] if len(parts) == 1 else " or ".join(f"({part})" for part in parts)


def _test(text: str) -> str:
    if interval := _INTERVAL.fullmatch(text):
        low = ">=" if interval[1] == "[" else ">"
        high = "<=" if interval[4] == "]" else "<"
        return f"value != null and value {low} ({_operand(interval[2])}) and value {high} ({_operand(interval[3])})"
    if comparison := _COMPARISON.fullmatch(text):
        guard = "" if comparison[1] in ("==", "!=") else "value != null and "
        return f"{guard}value {comparison[1]} ({_operand(comparison[2])})"
    if text.startswith("in "):
        return f"value in ({_operand(text[3:])})"
    return f"value == ({_operand(text)})"


def _operand(text: str) -> str:
    """What `value` is compared with; a condition on `value` itself is a cell with `=`."""
    if any(name.partition(".")[0] == "value" for name in compile_expression(text).names):
        zh, en = "以 value 写条件的格子须以 = 开头", "a cell with a condition on value begins with ="
        raise ExpressionError("needs_equals_sign", zh, en).about(text)
    return text


def split_cells(text: str) -> list[str]:
    """Split at the commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def with_names(scope: Scope, names: Mapping[str, object]) -> Scope:
    """The scope with further names visible."""
    return Scope(
        names={**scope.names, **names},
        now=scope.now,
        policies=scope.policies,
        facts=scope.facts,
        deadlines=scope.deadlines,
    )
