"""Which names an expression reads although nobody gave them, and what its value tells of names.

`given(x)` may ask for what is not there; behind it, on the side of `and`, `or` and `if` where it holds, x is there.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from service.engine.expression_syntax import CONSTANTS, path

Names = frozenset[str]
NOTHING: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Reads:
    """`missing` may be read without being there; the others are there once the expression has been computed.

    `always` whatever its value, `if_true` and `if_false` where it holds or does not; both contain `always`.
    """

    missing: Names
    always: Names
    if_true: Names
    if_false: Names


def has(names: Names, wanted: str) -> bool:
    """Whether a dotted name can be read: itself, or something above it whose parts nobody lists, is there.

    What has listed parts (`F05.depart_at`) stands there as `F05.` and each part by its full name.
    """
    if wanted in names or f"{wanted}." in names:
        return True
    head = wanted
    while "." in head:
        head = head.rpartition(".")[0]
        if head in names:
            return True
    return False


def reads(node: ast.AST, names: Names) -> Reads:
    """What an expression, or a part of it, reads where `names` are there."""
    if isinstance(node, ast.Expression):
        return reads(node.body, names)
    if isinstance(node, ast.BoolOp):
        return _chain(node.values, names, is_and=isinstance(node.op, ast.And))
    if isinstance(node, ast.IfExp):
        return _choice(node, names)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = reads(node.operand, names)
        return Reads(inner.missing, inner.always, inner.if_false, inner.if_true)
    if isinstance(node, ast.Call) and path(node.func) == "given":
        asked = reads(node.args[0], names)
        return Reads(NOTHING, NOTHING, asked.always, NOTHING)
    if isinstance(node, ast.Name | ast.Attribute) and (name := path(node)):
        read = NOTHING if name in CONSTANTS else frozenset({name})
        return Reads(NOTHING if has(names, name) else read, read, read, read)
    if isinstance(node, ast.Compare):
        return _comparison(node, names)
    function = node.func if isinstance(node, ast.Call) else None
    return _all([child for child in ast.iter_child_nodes(node) if child is not function], names)


def _all(parts: Sequence[ast.AST], names: Names) -> Reads:
    """Parts that are all computed."""
    missing = always = NOTHING
    for part in parts:
        found = reads(part, names)
        missing |= found.missing
        always |= found.always
    return Reads(missing, always, always, always)


def _comparison(node: ast.Compare, names: Names) -> Reads:
    """`a < b < c` leaves c alone where a < b does not hold."""
    first = _all([node.left, node.comparators[0]], names)
    every = _all([node.left, *node.comparators], names)
    return Reads(every.missing, first.always, every.always, first.always)


def _chain(parts: Sequence[ast.expr], names: Names, *, is_and: bool) -> Reads:
    """`and` goes on while it holds, `or` while it does not: where it stopped, everything before went on."""
    missing, passed, stopped = NOTHING, NOTHING, None
    always = reads(parts[0], names).always
    for part in parts:
        found = reads(part, names | passed)
        missing |= found.missing
        on, off = (found.if_true, found.if_false) if is_and else (found.if_false, found.if_true)
        ended = passed | off
        stopped = ended if stopped is None else stopped & ended
        passed |= on
    ends = stopped or NOTHING
    return Reads(missing, always, passed, ends) if is_and else Reads(missing, always, ends, passed)


def _choice(node: ast.IfExp, names: Names) -> Reads:
    test = reads(node.test, names)
    then, other = reads(node.body, names | test.if_true), reads(node.orelse, names | test.if_false)
    return Reads(
        test.missing | then.missing | other.missing,
        test.always | (then.always & other.always),
        (test.if_true | then.if_true) & (test.if_false | other.if_true),
        (test.if_true | then.if_false) & (test.if_false | other.if_false),
    )
