"""Who may import whom, and who may write."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, imports_of, python_files, tree_of

SQL_DOORS = {"Session", "AsyncSession", "sessionmaker", "scoped_session", "create_engine", "create_async_engine"}
TRANSACTION_CALLS = {"commit", "rollback"}


def lint_imports(config: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def test_the_import_contracts_are_kept() -> None:
    run = lint_imports(ROOT / "pyproject.toml")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]


def test_integrations_know_only_the_domain_and_their_clients() -> None:
    allowed = {"httpx", "apprise", "authlib", "joserfc", "integrations", *sys.stdlib_module_names}
    strangers = [
        f"{path}: {module}"
        for path in python_files("integrations")
        for module, _ in imports_of(path)
        if module.split(".")[0] not in allowed and not f"{module}.".startswith("service.domain.")
    ]
    assert strangers == []


def test_only_persistence_opens_engines_and_sessions() -> None:
    outside = [path for path in python_files("service", "integrations") if path.parts[1] != "persistence"]
    assert [
        f"{path}: from {module} import {name}"
        for path in outside
        for module, name in imports_of(path)
        if module.split(".")[0] in {"sqlalchemy", "sqlmodel"} and (name in SQL_DOORS or module == "sqlalchemy.orm")
    ] == []


def transaction_calls(tree: ast.AST) -> list[int]:
    """Lines that call `.commit()` or `.rollback()` on anything."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TRANSACTION_CALLS
    ]


def test_only_persistence_commits() -> None:
    outside = [path for path in python_files("service", "integrations") if path.parts[1] != "persistence"]
    assert [f"{path}:{line}" for path in outside for line in transaction_calls(tree_of(path))] == []


@pytest.mark.parametrize("source", ["session.commit()", "unit.session.rollback()"])
def test_the_commit_rule_sees_a_commit(source: str) -> None:
    assert transaction_calls(ast.parse(source)) == [1]


def test_only_settings_reads_the_environment() -> None:
    readers = [
        f"{path}:{node.lineno}"
        for path in python_files("service", "integrations")
        if path != Path("service/settings.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert readers == []
