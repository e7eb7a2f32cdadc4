"""Models as JSON files: failures that were shrunk, kept and walked again with every run of the tests."""

import json
from pathlib import Path
from typing import Any, Final

from tests.models.blocks import Block, Model, Shape

REGRESSIONS: Final = Path(__file__).with_name("regressions")


def keep(model: Model, seed: int, why: str, *, folder: Path = REGRESSIONS) -> Path:
    """Write a failing model where the tests find it; its file."""
    content = {"why": why, "seed": seed, "main": _dump(model.main)}
    content["events"] = [[trigger, _dump(handler)] for trigger, handler in model.events]
    path = folder / f"model_{seed}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def kept(path: Path) -> tuple[Model, int]:
    """A model of a file, with the seed of its walk."""
    content = json.loads(path.read_text("utf-8"))
    events = tuple((trigger, _load(handler)) for trigger, handler in content["events"])
    return Model(_load(content["main"]), events), content["seed"]


def _dump(block: Block) -> dict[str, Any]:
    full = {
        "shape": block.shape.value, "how": block.how, "triggers": list(block.triggers),
        "parts": [_dump(part) for part in block.parts],
    }  # fmt: skip
    return {key: value for key, value in full.items() if value}


def _load(content: dict[str, Any]) -> Block:
    parts = tuple(_load(part) for part in content.get("parts", ()))
    return Block(Shape(content["shape"]), parts, content.get("how", ""), tuple(content.get("triggers", ())))
