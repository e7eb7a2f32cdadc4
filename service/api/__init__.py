"""HTTP API under /api/v1."""

from service.api.router import build_router

__all__ = ["build_router"]
