"""Whose incidents a principal may list: its own organisations, those below them, and drills."""

from service.domain.access import TRAINER, Hierarchy, Principal
from service.domain.standing import OVERSEERS


def visible_organisations(principal: Principal, hierarchy: Hierarchy) -> frozenset[str]:
    """Organisations whose incidents the principal may list: its own, and those below an overseeing role.

    Drills are a further right of trainers (`drill_organisations`).
    """
    if principal.is_admin:
        return frozenset(hierarchy.parents)
    found: set[str] = set()
    for organisation_id, roles in principal.memberships.items():
        if roles & OVERSEERS:
            found |= hierarchy.subtree(organisation_id)
        elif roles - {TRAINER}:
            found.add(organisation_id)
    return frozenset(found)


def drill_organisations(principal: Principal, hierarchy: Hierarchy) -> frozenset[str]:
    """Organisations whose drills the principal may list and control as a trainer."""
    found: set[str] = set()
    for organisation_id, roles in principal.memberships.items():
        if TRAINER in roles:
            found |= hierarchy.subtree(organisation_id)
    return frozenset(found)
