"""Checks of the house itself: imports, sizes, names, documents, lock files."""
