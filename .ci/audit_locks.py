"""Looks at the locked packages without a network: each pinned, with its hash, wanted, and installed as locked.

What no offline look can tell is whether a version has a known weakness or was withdrawn: that takes an advisory
service, asked from outside (`uvx pip-audit -r requirements.lock`). Exit 1 with a line per finding.
"""

import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$")


def blocks(text: str) -> list[str]:
    """The entries of a lock file: a package with its hashes and reasons."""
    return [block for block in re.split(r"\n(?=\S)", text.strip()) if block and not block.startswith("#")]


def findings(text: str, installed: dict[str, str]) -> list[str]:
    """What is wrong with a lock file; `installed` are versions by normal name."""
    found = []
    for block in blocks(text):
        first = block.splitlines()[0]
        match = PINNED.match(first)
        if match is None:
            found.append(f"not pinned to one version: {first}")
            continue
        name = normal(match["name"])
        if "--hash=sha256:" not in block:
            found.append(f"{name}: no hash")
        if "# via" not in block:
            found.append(f"{name}: nobody asks for it")
        if not match["marker"] and installed.get(name) != match["version"]:
            found.append(f"{name}: {match['version']} is locked, {installed.get(name, 'nothing')} is installed")
    return found


def normal(name: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print what is wrong with the lock files of the checkout."""
    installed = {normal(each.name): each.version for each in importlib.metadata.distributions()}
    found = [f"{lock}: {line}" for lock in LOCKS for line in findings((ROOT / lock).read_text("utf-8"), installed)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
