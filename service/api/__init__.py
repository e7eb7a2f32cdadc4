"""HTTP API under /api/v1."""

from service.api.router import add_api

__all__ = ["add_api"]
