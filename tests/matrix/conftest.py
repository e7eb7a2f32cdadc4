"""A world per test, as for the path tests."""

from tests.paths.conftest import world

__all__ = ["world"]
