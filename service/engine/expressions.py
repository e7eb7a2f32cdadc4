"""The expression language of conditions, timers, decision cells and declared inputs.

One language for all, Python-like, without side effects. `compile_expression` checks a text once
(and caches it), `Expression.evaluate` computes it on a `Scope`. Evaluation is simpleeval's behind
our own allow-list. There are no loops, so time is bounded by the limits of nodes and of value sizes.
"""

import ast
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from simpleeval import EvalWithCompoundTypes, InvalidExpression

from service.engine import expression_functions as functions
from service.engine import expression_syntax as syntax
from service.engine.expression_errors import ExpressionError, MissingDeadline, MissingName
from service.engine.expression_functions import Scope
from service.engine.expression_values import OPERATORS, plain, to_json, wrong_type

__all__ = [
    "Expression",
    "ExpressionError",
    "MissingDeadline",
    "MissingName",
    "Scope",
    "compile_expression",
    "evaluate",
    "resolve",
    "to_json",
]


@dataclass(frozen=True)
class Expression:
    """A checked expression and what it reads.

    `names` are free names, dotted where an attribute is read (`F01.found_at`); `facts`, `policies`
    and `deadlines` the literal arguments of those functions (`*` for a computed deadline rule).
    """

    text: str
    tree: ast.Expression
    names: frozenset[str]
    facts: frozenset[str]
    policies: frozenset[str]
    deadlines: frozenset[str]

    def evaluate(self, scope: Scope, *, missing_records_are_null: bool = False) -> object:
        """Compute the value.

        Args:
            scope: What the expression sees.
            missing_records_are_null: A missing `F..field` is null; so do the inputs of decisions.

        Raises:
            MissingDeadline: A deadline row does not exist.
            MissingName: A name, fact or policy is not there.
            ExpressionError: Any other failure (wrong types, limits, division by zero).
        """
        evaluator = _free_evaluator()
        try:
            return plain(evaluator.run(self.tree, scope, missing_records_are_null=missing_records_are_null))
        except ExpressionError as error:
            raise error.about(self.text) from None
        except (InvalidExpression, ArithmeticError, ValueError, TypeError, LookupError, RecursionError) as error:
            problem = ExpressionError("failed", f"无法计算（{error}）", f"cannot be computed ({error})")
            raise problem.about(self.text) from error
        finally:
            _free.evaluators.append(evaluator)


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Check an expression (without leading `=`).

    Raises:
        ExpressionError: With a code that names the reason; see `expression_syntax.parse`.
    """
    try:
        tree = syntax.parse(text)
    except ExpressionError as error:
        raise error.about(text) from None
    rules = [syntax.called_with(tree, "deadline"), *(syntax.called_with(tree, "max_deadline", n) for n in range(1, 9))]
    return Expression(
        text=text,
        tree=tree,
        names=frozenset(syntax.free_names(tree)),
        facts=syntax.called_with(tree, "fact"),
        policies=syntax.called_with(tree, "policy"),
        deadlines=frozenset().union(*rules),
    )


def evaluate(text: str, scope: Scope) -> object:
    """Compute an expression written without the leading `=`; errors as `Expression.evaluate`."""
    return compile_expression(text).evaluate(scope)


def resolve(text: str, scope: Scope) -> object:
    """The literal text, or the value of the expression when the text begins with `=`."""
    return evaluate(text[1:], scope) if text.startswith("=") else text


class _Free(threading.local):
    """Evaluators of this thread that nobody uses: making one costs more than most expressions."""

    def __init__(self) -> None:
        self.evaluators: list[_Evaluator] = []


_free = _Free()
_NOTHING = Scope(names={}, now=datetime.min.replace(tzinfo=UTC))


def _free_evaluator() -> "_Evaluator":
    return _free.evaluators.pop() if _free.evaluators else _Evaluator()


class _Evaluator(EvalWithCompoundTypes):
    """simpleeval narrowed to our nodes, operators, functions and plain values."""

    nodes: dict[type[ast.AST], Callable[..., object]]

    def __init__(self) -> None:
        super().__init__(operators=OPERATORS, functions={}, names={})
        self.bound = functions.Functions()
        self.functions = self.bound.table()
        self.seen: dict[str, object] = {}
        kept = (ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.List)
        self.nodes = {kind: self.nodes[kind] for kind in kept} | {
            ast.Expression: self._body,
            ast.Constant: self._constant,
            ast.Name: self._dotted,
            ast.Attribute: self._dotted,
            ast.Subscript: self._subscript,
            ast.Call: self._call,
        }

    def run(self, tree: ast.Expression, scope: Scope, *, missing_records_are_null: bool) -> object:
        """Compute one expression; afterwards nothing of its scope is kept."""
        self.scope, self.missing_records_are_null = scope, missing_records_are_null
        self.bound.begin(scope)
        try:
            result: object = self._eval(tree)
        finally:
            self.seen = {}
            self.bound.begin(_NOTHING)
            self.scope = _NOTHING
        return result

    def _check_disallowed_items(self, item: object) -> None:
        """Nothing to look for: every value was made plain on reading, and walking lists again costs time."""

    def _body(self, node: ast.Expression) -> object:
        return self._eval(node.body)

    def _constant(self, node: ast.Constant) -> object:
        return plain(node.value)

    def _subscript(self, node: ast.Subscript) -> object:
        container, key = self._eval(node.value), self._eval(node.slice)
        if isinstance(container, dict) and isinstance(key, str):
            return self._item(container, key, syntax.path(node.value))
        if isinstance(container, list) and isinstance(key, int) and not isinstance(key, bool):
            if -len(container) <= key < len(container):
                return container[key]
            raise MissingName("missing_item", f"列表没有第{key}项", f"the list has no item {key}", name=str(key))
        raise wrong_type("[]", container, key)

    def _call(self, node: ast.Call) -> object:
        if syntax.path(node.func) == "given":
            try:
                return functions.given(self._eval(node.args[0]))
            except MissingName:
                return False
        function = self.functions[syntax.path(node.func)]
        keywords = {keyword.arg or "": self._eval(keyword.value) for keyword in node.keywords}
        return function(*(self._eval(argument) for argument in node.args), **keywords)

    def _dotted(self, node: ast.Name | ast.Attribute) -> object:
        name = syntax.path(node)
        if name in syntax.CONSTANTS:
            return syntax.CONSTANTS[name]
        if name in self.scope.names:
            if name not in self.seen:  # converting a long list once per evaluation is enough
                self.seen[name] = plain(self.scope.names[name])
            return self.seen[name]
        if isinstance(node, ast.Attribute):
            try:
                base = self._eval(node.value)
            except MissingName as error:
                if error.code != "missing_name" or not name:
                    raise
                return self._missing(name)
            return self._item(base, node.attr, syntax.path(node.value))
        return self._missing(name)

    def _item(self, base: object, key: str, head: str) -> object:
        if base is not None and not isinstance(base, dict):
            raise wrong_type(f".{key}", base)
        if isinstance(base, dict) and key in base:
            return base[key]
        return self._missing(f"{head}.{key}" if head else key)

    def _missing(self, name: str) -> object:
        head, dot, _field = name.partition(".")
        if self.missing_records_are_null and dot and head[:1] == "F" and head[1:2].isdigit():
            return None
        raise MissingName("missing_name", f"缺少「{name}」", f"“{name}” is missing", name=name)
