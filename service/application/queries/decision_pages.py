"""A decision table for people: its rows in words, its examples run, and trying it out on values of one's own."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from service.application.queries.expression_words import said
from service.application.queries.reader import Reader
from service.application.queries.value_words import ValueWords
from service.application.queries.words import labels
from service.domain.calendar import SHANGHAI
from service.domain.errors import NoSuch
from service.domain.policies import typed
from service.engine.decision_tables import Example, InputClause, OutputClause, Rule
from service.engine.decisions import (
    Decision,
    DecisionError,
    DecisionResult,
    columns_of,
    decide_columns,
    evaluate,
    handed_on,
)
from service.engine.expression_values import plain
from service.engine.expressions import Expression, Scope


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column and what is known of it; `read` is the expression it takes its value from, "" for a result."""

    id: str
    label: str
    read: str


@dataclass(frozen=True, slots=True)
class RowView:
    """A rule: its number, the words of its cells, the whole in one sentence, and the source it comes from."""

    number: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sentence: str
    note: str
    cite: str


@dataclass(frozen=True, slots=True)
class ExampleView:
    """An example with what the table says now: `rows` are the rows that fired."""

    inputs: tuple[str, ...]
    expected: tuple[str, ...]
    rows: tuple[int, ...]
    holds: bool
    error: str


@dataclass(frozen=True, slots=True)
class Ask:
    """An input for a column; `widget` is yes_no, choice, choices, number, datetime or text."""

    id: str
    label: str
    widget: str
    choices: tuple[tuple[str, str], ...]
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a table says to values that were tried: rows that fired, results by output, or why there is none."""

    rows: tuple[int, ...]
    results: tuple[tuple[str, str], ...]
    error: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision table as people read it."""

    id: str
    name: str
    note: str
    hit_policy: str
    inputs: tuple[ColumnView, ...]
    outputs: tuple[ColumnView, ...]
    rules: tuple[RowView, ...]
    requires: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """A table with its examples, the inputs for trying it out and, where something was tried, what came of it."""

    view: DecisionView
    examples: tuple[ExampleView, ...]
    organisation_types: tuple[tuple[str, str], ...]
    asks: tuple[Ask, ...]
    outcome: Outcome | None


def words_of(reader: Reader) -> ValueWords:
    """The words of the reader's language, with the names of what is deployed."""
    services = reader.services
    return ValueWords(services.forms, services.policies, services.deadline_rules, reader.locale, reader.procedure_names)


def view(reader: Reader, tables: Mapping[str, Decision], decision_id: str) -> DecisionView:
    """One table of a definition in words. Raises NoSuch."""
    return _Table(reader, tables, decision_id).view()


def page(
    reader: Reader, tables: Mapping[str, Decision], decision_id: str, tried: Mapping[str, list[str]]
) -> DecisionPage:
    """A table with its examples; `tried` are inputs by column id, and `org_type`. Raises NoSuch."""
    table = _Table(reader, tables, decision_id)
    return DecisionPage(
        view=table.view(),
        examples=tuple(table.examples()),
        organisation_types=tuple(labels("organisation_type", reader.locale).items()),
        asks=tuple(table.asks(tried)),
        outcome=table.outcome(tried) if tried else None,
    )


class _Table:
    def __init__(self, reader: Reader, tables: Mapping[str, Decision], decision_id: str) -> None:
        if decision_id not in tables:
            raise NoSuch("decision", decision_id)
        self.reader = reader
        self.tables = tables
        self.decision = tables[decision_id]
        self.words = words_of(reader)
        self.names = {**labels("name", reader.locale), **self._names()}

    def _names(self) -> dict[str, str]:
        """What names in cells mean: results of other tables, and what a column hands on."""
        found = {
            f"{table.id}.{clause.name}": self.words.pick(clause.label, clause.label_en)
            for table in self.tables.values()
            for clause in table.outputs
        }
        for clause in self.decision.inputs:
            found[handed_on(clause.expression)] = self.words.pick(clause.label, clause.label_en)
        return found

    # --- the table ----------------------------------------------------------------------------

    def view(self) -> DecisionView:
        """The table."""
        table, pick = self.decision, self.words.pick
        return DecisionView(
            id=table.id,
            name=pick(table.name, table.name_en),
            note=pick(table.note, table.note_en),
            hit_policy=self.reader.label("hit_policy", table.hit_policy.value),
            inputs=tuple(ColumnView(each.id, self._label(each), self._read(each)) for each in table.inputs),
            outputs=tuple(ColumnView(each.id, self._label(each), "") for each in table.outputs),
            rules=tuple(self._row(number, rule) for number, rule in enumerate(table.rules, 1)),
            requires=table.requires,
            policies=tuple(sorted({key for each in self._expressions() for key in each.policies})),
        )

    def _expressions(self) -> Iterator[Expression]:
        for clause in self.decision.inputs:
            yield clause.expression
        for rule in self.decision.rules:
            yield from (cell for cell in (*rule.tests, *rule.results) if cell is not None)

    def _row(self, number: int, rule: Rule) -> RowView:
        tests, results = self._tests(rule), self._results(rule)
        return RowView(
            number=number,
            inputs=tests,
            outputs=results,
            sentence=self._sentence(tests, results),
            note=self.words.pick(rule.note, rule.note_en),
            cite=rule.cite,
        )

    def _tests(self, rule: Rule) -> tuple[str, ...]:
        return tuple(
            said(cell, self.words, _about(clause), self.names)
            for cell, clause in zip(rule.tests, self.decision.inputs, strict=True)
        )

    def _results(self, rule: Rule) -> tuple[str, ...]:
        return tuple(
            said(cell, self.words, clause.name, self.names)
            for cell, clause in zip(rule.results, self.decision.outputs, strict=True)
        )

    def _sentence(self, tests: tuple[str, ...], results: tuple[str, ...]) -> str:
        """The row as one sentence."""
        pick, comma = self.words.pick, self.words.pick("，", ", ")
        conditions = self._told(self.decision.inputs, tests)
        then = comma.join(self._told(self.decision.outputs, results))
        if not conditions:
            return pick(f"其他情况下，{then}。", f"In every other case {then}.")
        both = pick("，且", " and ").join(conditions)
        return pick(f"若{both}，则{then}。", f"If {both}, then {then}.")

    def _told(self, clauses: Sequence[InputClause | OutputClause], texts: tuple[str, ...]) -> list[str]:
        """Columns with what they say, a comparison as it stands and a word in quotes."""
        told = ((self._label(clause), text) for clause, text in zip(clauses, texts, strict=True) if text != "–")
        quoted = self.words.pick("{0}“{1}”", '{0} "{1}"')
        return [("{0} {1}" if text[0] in '<>≤≥≠“"' else quoted).format(label, text) for label, text in told]

    def _read(self, clause: InputClause) -> str:
        """Where a column takes its value from, in words."""
        name = handed_on(clause.expression)
        return (
            self.words.field(name)
            or name
            or said(clause.expression, self.words, "", labels("name", self.reader.locale))
        )

    def _label(self, clause: InputClause | OutputClause) -> str:
        return self.words.pick(clause.label, clause.label_en)

    # --- its examples -------------------------------------------------------------------------

    def examples(self) -> Iterator[ExampleView]:
        """Each example, run now by the code that decides in a real incident."""
        for example in self.decision.examples:
            yield self._example(example)

    def _example(self, example: Example) -> ExampleView:
        organisation = str(example.names.get("org_type", "school"))
        scope = self._scope(organisation, example.policies, example.now, names=example.names, facts=example.facts)
        expected = tuple(
            self.words.value(plain(example.expected[clause.name]), clause.name)
            if clause.name in example.expected
            else ""
            for clause in self.decision.outputs
        )
        try:
            seen = columns_of(self.decision.id, self.tables, scope)
            result = evaluate(self.decision.id, self.tables, scope)
        except DecisionError as error:
            return ExampleView((), expected, (), holds=False, error=self.words.pick(error.zh, error.en))
        inputs = tuple(self.words.value(seen[clause.id], _about(clause)) for clause in self.decision.inputs)
        return ExampleView(inputs, expected, result.matched, holds=_holds(example, result), error="")

    def _scope(
        self, organisation: str, policies: Mapping[str, Any], now: datetime, *, names: Mapping[str, object],
        facts: Mapping[str, object],
    ) -> Scope:  # fmt: skip
        catalogue = self.reader.services.policies
        defaults = {key: entry.default_for(organisation) for key, entry in catalogue.items()}
        return Scope(names=names, now=now, policies=typed(catalogue, {**defaults, **policies}), facts=facts)

    # --- trying it out ------------------------------------------------------------------------

    def asks(self, tried: Mapping[str, list[str]]) -> Iterator[Ask]:
        """An input per column."""
        for place, clause in enumerate(self.decision.inputs):
            cells = [rule.tests[place] for rule in self.decision.rules]
            options = tuple((code, self.words.value(code, _about(clause))) for code in _codes(clause, cells))
            widget = _widget(clause, options)
            choices = (
                (("true", self.words.value(True)), ("false", self.words.value(False)))
                if widget == "yes_no"
                else options
            )
            yield Ask(clause.id, self._label(clause), widget, choices, tuple(tried.get(clause.id, ())))

    def outcome(self, tried: Mapping[str, list[str]]) -> Outcome:
        """What the table says to the values of the form."""
        organisation = next(iter(tried.get("org_type", [])), "school")
        scope = self._scope(organisation, {}, self.reader.now, names={}, facts={"org_type": organisation})
        try:
            values = {ask.id: _typed(ask) for ask in self.asks(tried)}
            result = decide_columns(self.decision.id, self.tables, values, scope)
        except DecisionError as error:
            return Outcome((), (), self.words.pick(error.zh, error.en))
        except (InvalidOperation, ValueError):
            return Outcome(
                (), (), self.words.pick("有一项输入不是数字或时间。", "One of the values is no number or time.")
            )
        results = tuple(
            (self._label(clause), self.words.value(result.values[clause.name], clause.name))
            for clause in self.decision.outputs
        )
        return Outcome(result.matched, results, "")


def _about(clause: InputClause) -> str:
    """Whose codes the values of a column are: of the field it hands on, or of the one field it reads."""
    name = handed_on(clause.expression)
    return name.rpartition(".")[2] if name.startswith("D") else name


def _holds(example: Example, result: DecisionResult) -> bool:
    is_same = {name: result.values[name] for name in example.expected} == plain(example.expected)
    return is_same and result.matched == example.rows


def _codes(clause: InputClause, cells: Iterable[Expression | None]) -> list[str]:
    """The texts a column may have: those the table lists, and those its cells name."""
    named = [code for cell in cells if cell is not None for code in _literals(cell)]
    return [
        str(code) for code in dict.fromkeys([*(code for code in clause.allowed if code is not None), *named]) if code
    ]


def _literals(cell: Expression) -> Iterator[str]:
    keys = {id(node.args[0]) for node in ast.walk(cell.tree) if isinstance(node, ast.Call) and node.args
            and ast.unparse(node.func) in ("policy", "fact")}  # fmt: skip
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            yield node.value


_WIDGETS = {"boolean": "yes_no", "number": "number", "dateTime": "datetime", "date": "datetime"}


def _widget(clause: InputClause, options: tuple[tuple[str, str], ...]) -> str:
    if clause.type in _WIDGETS:
        return _WIDGETS[clause.type]
    if not options:
        return "text"
    return "choice" if clause.type == "string" else "choices"


def _typed(ask: Ask) -> object:
    """The value of an input; null where nothing was entered."""
    given = [text for text in ask.given if text]
    if ask.widget == "choices":
        return given
    if not given:
        return None
    if ask.widget == "number":
        return Decimal(given[0])
    if ask.widget == "yes_no":
        return given[0] == "true"
    if ask.widget == "datetime":
        return datetime.fromisoformat(given[0]).replace(tzinfo=SHANGHAI)
    return given[0]
