"""Names that stand in the asserts of a test: of its function and of the functions of its file that it calls."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from service.settings import ROOT


@cache
def names_in_asserts(test: str) -> frozenset[str]:
    """Texts in the asserts of `tests/…/test_file.py::test_name`."""
    path, _, name = test.partition("::")
    functions = _functions(ROOT / path)
    found: set[str] = set()
    queue, seen = [name.rpartition("::")[2]], set[str]()
    while queue:
        current = queue.pop()
        if current in functions and current not in seen:
            seen.add(current)
            found.update(_asserted(functions[current]))
            queue.extend(_called(functions[current]))
    return frozenset(found)


@cache
def _functions(path: Path) -> Mapping[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _asserted(function: ast.FunctionDef) -> Iterator[str]:
    for statement in ast.walk(function):
        if isinstance(statement, ast.Assert):
            for node in ast.walk(statement.test):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def _called(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id
