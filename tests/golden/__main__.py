"""`python -m tests.golden`: write the golden states of this release."""

import json
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from service.settings import ROOT
from tests.golden.scenarios import SCENARIOS
from tests.golden.storing import DEFINITIONS, FOLDER, definitions_of, dump
from tests.paths.world import World, at


def release() -> Path:
    """The folder of this release."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return FOLDER / str(tomllib.load(file)["project"]["version"])


def main() -> None:
    """Play every scenario half-way and write it; the folder of a release that is out is not written again."""
    folder = release()
    if folder.exists():
        sys.exit(f"{folder.name} is there: golden states are never changed; delete the folder before a release is out")
    folder.mkdir()
    definitions: dict[str, Any] = {}
    for name, scenario in SCENARIOS.items():
        with tempfile.TemporaryDirectory() as data:
            w = World(Path(data), at("08:00"))
            scenario.begin(w)
            _write(folder / f"{name}.json", dump(w))
            definitions |= definitions_of(w)
            w.close()
    _write(folder / DEFINITIONS, definitions)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
