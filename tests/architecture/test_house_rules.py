"""Rules on text: clocks, suppressions, hosts, secrets of the machine."""

import json
import re
import subprocess
import sys
import tomllib

import pytest

from tests.architecture.checkout import ROOT, imports_of, python_files, text_of, tracked

# Put together here, so that this file does not name them either.
REGISTRY_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"]
MACHINE_PATHS = ["/work" + "/main", "/work" + "/shared", "/root" + "/", "/home" + "/"]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-node.lock", "package-lock.json"]
# An address in package-lock.json is a funding link of a package, nothing else.
FUNDING = re.compile(r'^\s*"url": "https://(github\.com/sponsors|opencollective\.com|www\.patreon\.com|tidelift\.com)/')
SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<rule>:\s*[A-Z]+[0-9]+|\[[a-z-]+)?(?P<rest>.*)$")
CODE = ("service", "integrations", "tests", ".ci")


def test_only_the_clock_module_reads_the_system_clock() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    excused = [glob for glob, rules in config["tool"]["ruff"]["lint"]["per-file-ignores"].items() if "TID251" in rules]
    assert excused == ["service/domain/clock.py"]
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "--ignore-noqa", "."]
    run = subprocess.run(ruff, cwd=ROOT, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.mark.parametrize("banned", ["datetime.now(UTC)", "date.today()", "time.time()", "datetime.utcnow()"])
def test_the_clock_rule_sees_a_system_clock(banned: str) -> None:
    source = f"import time\nfrom datetime import UTC, date, datetime\nprint({banned})\n"
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--select",
        "TID251",
        "--stdin-filename",
        "service/x.py",
        "-",
    ]
    run = subprocess.run(ruff, cwd=ROOT, check=False, capture_output=True, text=True, input=source)
    assert "TID251" in run.stdout


def test_no_database_clock_is_asked_but_for_the_jobs_it_starts() -> None:
    clocks = re.compile(r"(?i:current_timestamp|func\.now\(|datetime\('now')|\bNOW\(\)")
    found = [f"{path}" for path in python_files("service", "integrations") if clocks.search(text_of(path))]
    assert found == ["service/persistence/alarms.py"]


def test_nothing_is_evaluated_as_python() -> None:
    calls = re.compile(r"(?<![\w.\"'`])(?:eval|exec)\(")
    assert [f"{path}" for path in python_files("service", "integrations") if calls.search(text_of(path))] == []


def test_no_mocks_and_no_skipped_tests() -> None:
    marks = re.compile(r"pytest\.(?:mark\.)?(?:skip|skipif|xfail|importorskip)\b|monkey" + r"patch\.setattr")
    assert [f"{path}" for path in python_files("tests") if marks.search(text_of(path))] == []
    assert [
        f"{path}" for path in python_files(*CODE) for module, _ in imports_of(path) if module == "unittest.mock"
    ] == []


def unexplained(lines: list[str]) -> list[int]:
    """Numbers of lines whose suppression lacks its rule, or its reason on the line or in a comment just above."""
    found = []
    for number, line in enumerate(lines, start=1):
        match = SUPPRESSION.search(line)
        if match is None or "SUPPRESSION" in line:
            continue
        above = lines[number - 2].strip() if number > 1 else ""
        reason = re.sub(r"^[\]A-Z0-9,\s]*", "", match["rest"]).strip(" -#:")
        if match["rule"] is None or (len(reason) < 8 and not above.startswith("#")):
            found.append(number)
    return found


def test_every_suppression_names_its_rule_and_reason() -> None:
    assert [
        f"{path}:{number}" for path in python_files(*CODE) for number in unexplained(text_of(path).splitlines())
    ] == []


def test_the_suppression_rule_sees_a_bare_one() -> None:
    mark = "# no" + "qa"
    assert unexplained([f"import os  {mark}"]) == [1]
    assert unexplained([f"import os  {mark}: F401"]) == [1]
    assert unexplained([f"import os  {mark}: F401 - registers the driver"]) == []
    assert unexplained(["# registers the driver", f"import os  {mark}: F401"]) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_host(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    assert [line for line in lines if "://" in line and not FUNDING.match(line)] == []


def test_every_locked_package_has_a_hash() -> None:
    for lock in LOCKS[:3]:
        blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text("utf-8").strip())
        assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == [], lock
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert [
        name for name, entry in packages.items() if name and ("integrity" not in entry or "resolved" in entry)
    ] == []


def test_no_tracked_file_names_a_registry_or_a_machine() -> None:
    wanted = [*REGISTRY_HOSTS, *MACHINE_PATHS]
    assert [f"{path}: {word}" for path in tracked() for word in wanted if word in text_of(path)] == []


def test_nothing_unfinished_is_tracked() -> None:
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    assert [f"{path}" for path in tracked() if path.suffix != ".lock" and marks.search(text_of(path))] == []
