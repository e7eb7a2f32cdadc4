"""The JSON door: HTTP API under /api/v1, problem details, OpenAPI."""
