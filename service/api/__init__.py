"""HTTP API under /api/v1."""

from service.api.quick import QuickCompletion
from service.api.router import add_api, add_probes

__all__ = ["QuickCompletion", "add_api", "add_probes"]
