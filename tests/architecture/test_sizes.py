"""Size caps and names, as CONTRIBUTING.md states them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.checkout import python_files, text_of, tracked, tree_of

MODULE_LINES = 400
FUNCTION_LINES = 60
POSITIONAL = 5
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "core", "managers", "manager", "plugins", "misc"}
TOP_LEVEL_FOLDERS = {"workflows", "service", "forms", "integrations", "tests", ".ci"}
PROSE = {"README", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG", "SECURITY"}
TOP_LEVEL_FILES = {f"{name}.md" for name in PROSE} | {
    "pyproject.toml",
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-node.lock",
    "package.json",
    "package-lock.json",
    "Makefile",
    "NOTICE",
    "LICENSE",
    "Dockerfile",
    "compose.yaml",
    ".gitignore",
    ".gitattributes",
    ".dockerignore",
    ".editorconfig",
    ".npmrc",
}
CODE = ("service", "integrations", "tests", ".ci")

# A migration is a generated record of one change; nobody reads or edits it like code.
MIGRATIONS = Path("service/persistence/migrations/versions")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_files() -> list[Path]:
    return [path for path in python_files(*CODE) if MIGRATIONS not in path.parents]


def functions() -> Iterator[tuple[Path, Function]]:
    for path in code_files():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def test_no_module_is_longer_than_the_cap() -> None:
    lengths = {str(path): len(text_of(path).splitlines()) for path in code_files()}
    assert {name: length for name, length in lengths.items() if length > MODULE_LINES} == {}


def test_no_function_is_longer_than_the_cap() -> None:
    assert [
        f"{path}:{node.lineno} {node.name}: {length} lines"
        for path, node in functions()
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ] == []


def positional(node: Function) -> int:
    names = [argument.arg for argument in node.args.posonlyargs + node.args.args]
    return len(names) - (1 if names[:1] in (["self"], ["cls"]) else 0)


def test_no_function_takes_more_positional_parameters_than_the_cap() -> None:
    assert [
        f"{path}:{node.lineno} {node.name}: {positional(node)}"
        for path, node in functions()
        if positional(node) > POSITIONAL
    ] == []


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    named = [path for path in tracked() if FORBIDDEN & {part.split(".")[0].lower() for part in path.parts}]
    assert named == []


def test_the_top_level_holds_only_what_was_agreed() -> None:
    folders = {path.parts[0] for path in tracked() if len(path.parts) > 1}
    files = {path.name for path in tracked() if len(path.parts) == 1}
    assert (folders - TOP_LEVEL_FOLDERS, files - TOP_LEVEL_FILES) == (set(), set())
