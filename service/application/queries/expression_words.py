"""Cells and conditions in words: the checked tree of an expression, said in the reader's language.

A cell of a decision table says something about its column, so `value` itself is left out.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from service.application.queries.value_words import ValueWords
from service.engine.expression_syntax import CONSTANTS
from service.engine.expressions import Expression

_SIGNS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.NotEq: "≠", ast.Eq: "=",
}  # fmt: skip
_OPERATORS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷"}
# function -> Chinese and English, with the arguments in place
_CALLS: Mapping[str, tuple[str, str]] = {
    "given": ("{0}已填写", "{0} filled in"),
    "now": ("现在", "now"),
    "today": ("今天", "today"),
    "len": ("{0}的项数", "number of {0}"),
    "max": ("{0}中最晚或最大的", "latest or largest of {0}"),
    "min": ("{0}中最早或最小的", "earliest or smallest of {0}"),
}


def said(
    expression: Expression | None, words: ValueWords, about: str = "", names: Mapping[str, str] | None = None
) -> str:
    """An expression in words; – for none.

    Args:
        expression: What is said.
        words: The language.
        about: What `value` stands for, a dotted name.
        names: Words for names that no form has.
    """
    return "–" if expression is None else _Speaker(words, about, names or {}).say(expression.tree.body)


class _Speaker:
    def __init__(self, words: ValueWords, about: str, names: Mapping[str, str]) -> None:
        self.words = words
        self.about = about
        self.names = names

    def say(self, node: ast.expr) -> str:
        """A node in words; one that has no words of its own stands as it is written."""
        speak = _SPOKEN.get(type(node))
        return speak(self, node) if speak else ast.unparse(node)

    def constant(self, node: ast.Constant) -> str:
        """A literal."""
        return self.words.value(node.value, self.about)

    def items(self, node: ast.List) -> str:
        """A list of literals."""
        return self.words.pick("、", ", ").join(map(self.say, node.elts)) or self.words.pick("无", "none")

    def name(self, node: ast.expr) -> str:
        """The field of a form; `value` is the column itself."""
        text = ast.unparse(node)
        if text in CONSTANTS:
            return self.words.value(CONSTANTS[text])
        return (
            self.words.pick("该值", "the value")
            if text == "value"
            else self.names.get(text) or self.words.field(text) or text
        )

    def both(self, node: ast.BoolOp) -> str:
        """And, or. That a value is there at all is understood where it is compared."""
        if idiom := self._threshold(node):
            return idiom
        is_and = isinstance(node.op, ast.And)
        parts = [part for part in node.values if not (is_and and _is_presence(part))]
        if not is_and and all(_equal(part) for part in parts):
            return self.words.pick(" 或 ", " or ").join(dict.fromkeys(map(self.say, parts)))
        if len(parts) == 1:
            return self.say(parts[0])
        joint = self.words.pick(" 且 ", " and ") if is_and else self.words.pick("，或", ", or ")
        return joint.join(map(self._part, parts))

    def _threshold(self, node: ast.BoolOp) -> str:
        """`value > limit or (inclusive and value == limit)`: reaching a limit of which a policy says if it counts."""
        match node:
            case ast.BoolOp(
                op=ast.Or(),
                values=[
                    ast.Compare(left=ast.Name(id="value"), ops=[ast.Gt() | ast.Lt() as sign], comparators=[limit]),
                    ast.BoolOp(op=ast.And(), values=[flag, ast.Compare(ops=[ast.Eq()], comparators=[again])]),
                ],
            ) if ast.dump(limit) == ast.dump(again):
                counts = flag.operand if isinstance(flag, ast.UnaryOp) else flag
                wide, narrow = ("≥", ">") if isinstance(sign, ast.Gt) else ("<", "≤")
                bound, said = self.say(limit), self.say(counts)
                return self.words.pick(
                    f"{wide} {bound}（{said}为否时 {narrow}）", f"{wide} {bound} ({narrow} where {said} is no)"
                )
        return ""

    def _part(self, node: ast.expr) -> str:
        """A part of a longer condition."""
        text = self.say(node)
        if isinstance(node, ast.BoolOp):
            return self.words.pick(f"（{text}）", f"({text})")
        return f"= {text}" if _equal(node) else text

    def negated(self, node: ast.UnaryOp) -> str:
        """Not; a minus sign."""
        if not isinstance(node.op, ast.Not):
            return f"−{self.say(node.operand)}"
        if _equal(node.operand):
            return f"≠ {self.say(node.operand)}"
        return self.words.pick(f"非（{self.say(node.operand)}）", f"not ({self.say(node.operand)})")

    def compared(self, node: ast.Compare) -> str:
        """Comparison; `value = x` is just x."""
        operator, right = node.ops[0], self.say(node.comparators[0])
        subject = "" if _is_value(node.left) else self.say(node.left)
        if isinstance(operator, ast.In | ast.NotIn):
            among = (
                self.words.pick("属于", "one of")
                if isinstance(operator, ast.In)
                else self.words.pick("不属于", "none of")
            )
            return f"{subject} {among} {right}".strip()
        if not subject and isinstance(operator, ast.Eq):
            return self.words.pick("未填写", "not filled in") if right == "–" else right
        return f"{subject} {_SIGNS[type(operator)]} {right}".strip()

    def chosen(self, node: ast.IfExp) -> str:
        """If, then, else; what is taken where it is given stands for itself."""
        if isinstance(node.test, ast.Call) and ast.dump(node.body) in map(ast.dump, node.test.args):
            return self.say(node.body)
        condition, first, other = self.say(node.test), self.say(node.body), self.say(node.orelse)
        return self.words.pick(
            f"若{condition}则{first}，否则{other}", f"if {condition} then {first}, otherwise {other}"
        )

    def computed(self, node: ast.BinOp) -> str:
        """Sums and the like."""
        sign = _OPERATORS.get(type(node.op))
        return f"{self.say(node.left)} {sign} {self.say(node.right)}" if sign else ast.unparse(node)

    def called(self, node: ast.Call) -> str:
        """A function."""
        name = ast.unparse(node.func)
        literal = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
        if name == "policy":
            name = self.words.policy(str(literal))
            return self.words.pick(f"“{name}”", f'"{name}"')
        if name == "fact":
            return self.words.code(str(literal))
        if name in ("overlap", "subset"):
            return self._sets(name, node)
        if name not in _CALLS:
            return ast.unparse(node)
        return self.words.pick(*_CALLS[name]).format(*map(self.say, node.args))

    def _sets(self, name: str, node: ast.Call) -> str:
        subject = "" if _is_value(node.args[0]) else f"{self.say(node.args[0])} "
        listed = self.say(node.args[1])
        if name == "overlap":
            return subject + self.words.pick(f"含 {listed} 之一", f"has one of {listed}")
        return subject + self.words.pick(f"只含 {listed}", f"only {listed}")


def _is_value(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "value"


def _equal(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) and _is_value(node.left) and isinstance(node.ops[0], ast.Eq)


def _is_presence(node: ast.expr) -> bool:
    """`value != null`, `given(value)`: what the comparison beside it says anyway."""
    if isinstance(node, ast.Call):
        return ast.unparse(node) == "given(value)"
    return (
        isinstance(node, ast.Compare)
        and _is_value(node.left)
        and isinstance(node.ops[0], ast.NotEq)
        and ast.unparse(node.comparators[0]) == "null"
    )


_SPOKEN: Mapping[type[ast.expr], Callable[[_Speaker, Any], str]] = {
    ast.Constant: _Speaker.constant,
    ast.List: _Speaker.items,
    ast.Name: _Speaker.name,
    ast.Attribute: _Speaker.name,
    ast.BoolOp: _Speaker.both,
    ast.UnaryOp: _Speaker.negated,
    ast.Compare: _Speaker.compared,
    ast.IfExp: _Speaker.chosen,
    ast.BinOp: _Speaker.computed,
    ast.Call: _Speaker.called,
}
