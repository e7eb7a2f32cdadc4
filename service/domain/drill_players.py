"""Who plays whom in a drill."""

from collections.abc import Iterable
from dataclasses import replace

from service.domain.access import Principal


def playing(principal: Principal, organisation_id: str, roles: Iterable[str]) -> Principal:
    """Somebody as he plays another: with the roles of that other one only."""
    return replace(principal, memberships={organisation_id: frozenset(roles)}, stands_in=True)
