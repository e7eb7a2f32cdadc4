"""The offline audit of the lock files, which `make lint` runs, sees what it is for."""

import importlib.util
from typing import Any

import pytest

from tests.architecture.checkout import ROOT

GOOD = "pyotp==2.12.1 \\\n    --hash=sha256:0a\n    # via tocsin (pyproject.toml)\n"
INSTALLED = {"pyotp": "2.12.1"}


@pytest.fixture(scope="module")
def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit_locks", ROOT / ".ci" / "audit_locks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_locks_of_the_checkout_are_in_order(audit: Any) -> None:
    assert audit.main() == 0
    assert audit.findings(GOOD, INSTALLED) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("==2.12.1", ">=2.12.1"), "not pinned"),
        (GOOD.replace("pyotp==2.12.1", "pyotp @ git+ssh://somewhere"), "not pinned"),
        (GOOD.replace("    --hash=sha256:0a\n", ""), "no hash"),
        (GOOD.replace("    # via tocsin (pyproject.toml)\n", ""), "nobody asks"),
        (GOOD.replace("2.12.1", "2.12.0"), "2.12.1 is installed"),
        (GOOD.replace("pyotp", "pyotpp"), "nothing is installed"),
    ],
)
def test_what_is_out_of_order_is_said(audit: Any, text: str, said: str) -> None:
    assert [said in line for line in audit.findings(text, INSTALLED)].count(True) == 1
