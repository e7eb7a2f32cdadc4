"""Documents are tested contracts: settings, targets, change log."""

import re
import subprocess

from service.settings import settings_table
from tests.architecture.checkout import ROOT, tracked

TABLE = re.compile(r"<!-- settings -->\n(?P<table>.*?)\n<!-- /settings -->", re.DOTALL)
PROMISED = {
    "run",
    "test",
    "setup",
    "check",
    "e2e",
    "lint",
    "types",
    "contracts",
    "bench",
    "soak",
    "screenshots",
    "lock",
    "help",
}


def test_readme_shows_the_settings_as_they_are() -> None:
    found = TABLE.search((ROOT / "README.md").read_text("utf-8"))
    assert found is not None, "README.md lost its <!-- settings --> block"
    assert found["table"].strip() == settings_table(), "paste the output of: python -m service.settings"


def test_every_make_target_is_documented() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    documented = set(re.findall(r"^([a-z0-9-]+):.*## \S", makefile, re.MULTILINE))
    assert set(phony[1].split()) == documented
    assert documented >= PROMISED
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [target for target in sorted(documented) if f"make {target} " not in shown] == []


def test_ci_runs_what_developers_run() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "set -euo pipefail" in script
    assert script.rstrip().endswith("make check")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_documents_of_the_house_are_there() -> None:
    wanted = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "NOTICE", "LICENSE"}
    assert wanted <= {str(path) for path in tracked()}
    assert [name for name in sorted(wanted) if len((ROOT / name).read_text("utf-8")) < 400] == []
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_readme_names_every_promised_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [target for target in ("run", "test", "check", "setup", "help") if f"make {target}" not in readme] == []
