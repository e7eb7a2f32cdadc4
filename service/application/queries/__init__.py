"""Read queries: frozen dataclasses for the API and the pages, one module per noun.

Each takes a `Reader` (connection, sealer, services, principal, language) and shows only what its
principal may see. Lists are one statement; names are masked by the reader's rights.
"""

from service.application.queries.reader import Reader

__all__ = ["Reader"]
