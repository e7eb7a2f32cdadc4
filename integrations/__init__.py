"""Clients of outside systems and a rehearsal twin of each; knows service.domain, httpx and apprise only.

`PARTNERS` lists the parties; a new one is a module with a `PARTNER` and a line in `registry`.
"""

from integrations.registry import PARTNERS, Endpoint, doors, live_gateways, rehearsal_gateways, staff_gateway
from integrations.rehearsal import DirectorySink
from integrations.signed_webhook import http_client

__all__ = [
    "PARTNERS", "DirectorySink", "Endpoint", "doors", "http_client", "live_gateways", "rehearsal_gateways",
    "staff_gateway",
]  # fmt: skip
