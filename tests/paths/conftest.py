"""A world per test, on its own temporary database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths.world import World, at


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A school on Monday 2 March 2026 at 08:00."""
    made = World(tmp_path, at("08:00"))
    yield made
    made.close()
