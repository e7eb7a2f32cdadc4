"""What the expression language allows to be written: tokens, tree, limits, dependencies.

The text is checked before anything is evaluated: length, tokens, an allow-list of syntax nodes,
depth and size, known functions with their number of arguments. `if c then x else y` is rewritten
to Python's form here, so that one parser and one evaluator serve both.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.engine.expression_errors import ExpressionError, too_complex
from service.engine.expression_tokens import MAX_DEPTH, rewrite, syntax_error

MAX_LENGTH = 2000
MAX_NODES = 400
MAX_NUMBER = 10**15

CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Call:
    """How a function may be called: number of positional arguments, names of keyword ones."""

    least: int
    most: int
    keywords: frozenset[str] = frozenset()


CALLS = {
    "policy": Call(1, 1),
    "fact": Call(1, 1),
    "deadline": Call(1, 2, frozenset({"subject"})),
    "max_deadline": Call(2, 9),
    "given": Call(1, 1),
    "now": Call(0, 0),
    "today": Call(0, 0),
    "duration": Call(1, 2, frozenset({"unit"})),
    "daily": Call(1, 3, frozenset({"start", "until"})),
    "every": Call(1, 1),
    "date": Call(1, 3),
    "time": Call(1, 2),
    "at": Call(2, 2),
    "len": Call(1, 1),
    "min": Call(1, 20),
    "max": Call(1, 20),
    "sum": Call(1, 20),
    "any": Call(1, 20),
    "all": Call(1, 20),
    "overlap": Call(2, 2),
    "subset": Call(2, 2),
}

_ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.Attribute,
    ast.Subscript,
    ast.List,
    ast.Call,
    ast.keyword,
    ast.IfExp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
)

# What people try most, in words; everything else is named by its syntax node.
_REFUSED = {
    ast.Lambda: ("匿名函数", "lambda"),
    ast.ListComp: ("列表推导", "a list comprehension"),
    ast.SetComp: ("集合推导", "a set comprehension"),
    ast.DictComp: ("字典推导", "a dict comprehension"),
    ast.GeneratorExp: ("生成器", "a generator"),
    ast.JoinedStr: ("格式化文本", "a format string"),
    ast.Pow: ("乘方 **", "the power operator **"),
    ast.NamedExpr: ("赋值 :=", "assignment :="),
    ast.Starred: ("展开 *", "unpacking *"),
    ast.Slice: ("切片", "a slice"),
    ast.Tuple: ("圆括号列表, 请用方括号", "a list in round brackets, use square ones"),
    ast.Dict: ("字典", "a dict"),
    ast.Set: ("集合", "a set"),
    ast.Is: ("is", "is"),
    ast.IsNot: ("is not", "is not"),
    ast.Await: ("await", "await"),
    ast.Yield: ("yield", "yield"),
}


def parse(text: str) -> ast.Expression:
    """Parse and check an expression (without leading `=`).

    Raises:
        ExpressionError: Codes too_long, empty, syntax, number_form, string_form, forbidden_syntax,
            private_name, too_complex, number_too_high, unknown_function, bad_call, name_not_literal.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError("too_long", f"超过{MAX_LENGTH}字符", f"longer than {MAX_LENGTH} characters")
    flat = re.sub(r"\s", " ", text).strip()
    if not flat:
        raise ExpressionError("empty", "没有内容", "is empty")
    try:
        tree = ast.parse(rewrite(flat), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise syntax_error(text, getattr(error, "offset", None) or 0) from error
    _check(tree)
    return tree


def _check(tree: ast.Expression) -> None:
    level: list[ast.AST] = [tree]
    count = depth = 0
    while level:  # breadth first: no recursion on hostile input
        depth += 1
        count += len(level)
        if count > MAX_NODES or depth > MAX_DEPTH + 2:
            raise too_complex()
        for node in level:
            _check_node(node)
        level = [child for node in level for child in ast.iter_child_nodes(node)]


def _check_node(node: ast.AST) -> None:
    position = getattr(node, "col_offset", -1) + 1
    if not isinstance(node, _ALLOWED):
        zh, en = _REFUSED.get(type(node), (type(node).__name__, type(node).__name__))
        raise ExpressionError("forbidden_syntax", f"不允许使用{zh}", f"{en} is not allowed", name=en, position=position)
    if isinstance(node, ast.Constant):
        _check_constant(node, position)
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    if name.startswith("_"):
        raise ExpressionError(
            "private_name",
            f"名称「{name}」不能以下划线开头",
            f"the name “{name}” starts with _",
            name=name,
            position=position,
        )
    if isinstance(node, ast.Call):
        _check_call(node, position)


def _check_constant(node: ast.Constant, position: int) -> None:
    if node.value is not None and not isinstance(node.value, str | int | float):
        kind = type(node.value).__name__
        raise ExpressionError(
            "forbidden_syntax", f"不允许使用{kind}", f"{kind} is not allowed", name=kind, position=position
        )
    if isinstance(node.value, int | float) and abs(node.value) > MAX_NUMBER:
        raise ExpressionError("number_too_high", "数字过大", "the number is too high", position=position)


def _check_call(node: ast.Call, position: int) -> None:
    if not isinstance(node.func, ast.Name):
        raise ExpressionError(
            "forbidden_syntax",
            "只能调用列出的函数",
            "only the listed functions can be called",
            name="call",
            position=position,
        )
    name = node.func.id
    call = CALLS.get(name)
    if call is None:
        raise ExpressionError(
            "unknown_function", f"没有函数「{name}」", f"there is no function “{name}”", name=name, position=position
        )
    keywords = {keyword.arg for keyword in node.keywords}
    if not call.least <= len(node.args) <= call.most or not keywords <= call.keywords:
        raise ExpressionError(
            "bad_call",
            f"函数「{name}」的参数个数或名称有误",
            f"wrong arguments for “{name}”",
            name=name,
            position=position,
        )
    if name in {"policy", "fact"} and literal(node.args[0]) is None:
        raise ExpressionError(
            "name_not_literal",
            f'「{name}」的名称须直接写出, 如 {name}("…")',
            f'write the name of “{name}” literally, as in {name}("…")',
            name=name,
            position=position,
        )


def literal(node: ast.AST) -> str | None:
    """The text of a text literal, None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def path(node: ast.AST) -> str:
    """The dotted path of `a.b.c`; "" if the node is anything else than names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := path(node.value)):
        return f"{head}.{node.attr}"
    return ""


def free_names(node: ast.AST) -> Iterator[str]:
    """The names an expression reads, dotted where it reads an attribute (`F01.found_at`)."""
    if isinstance(node, ast.Attribute | ast.Name) and (name := path(node)):
        if name not in CONSTANTS:
            yield name
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Call) and child is node.func):
            yield from free_names(child)


def called_with(tree: ast.AST, function: str, position: int = 0) -> frozenset[str]:
    """Literal arguments at a position of all calls of a function; `*` stands for a computed one."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and path(node.func) == function]
    return frozenset(literal(arg) or "*" for call in calls for arg in call.args[position : position + 1])
