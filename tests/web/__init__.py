"""Rendered pages, and the main path in a real browser."""
