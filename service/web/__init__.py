"""The HTML door: server-rendered pages that work without JavaScript."""
