"""Facts about contacts (P05): who has to be observed, who is isolated, what is still open.

Imported by `facts`, so that they are registered with the others.
"""

from collections import Counter
from typing import Any

from service.application.contact_rows import CONTROLLED, Contact
from service.application.fact_base import FactBase, incident_fact, person_fact
from service.application.person_facts import PersonFacts

FINAL = "final"
STATUSES = ("待转运", "隔离中", "转阳", "解除", "失联")

# --- the lists of a case ----------------------------------------------------------------------


@person_fact
def contacts_unjudged(base: FactBase, case: PersonFacts) -> list[str]:
    """Contacts of the final list D06 and D07 were not applied to yet."""
    return base.rows.of_contacts(
        f"unjudged:{case.id}", lambda: [row.person for row in _final(base, case) if not row.mode]
    )


@person_fact
def contacts_final(base: FactBase, case: PersonFacts) -> list[str]:
    """Contacts of the final list whose class has to be observed; a case is treated, not observed."""

    def found() -> list[str]:
        return [row.person for row in _final(base, case) if row.mode and _needs_control(base, row)]

    return base.rows.of_contacts(f"final:{case.id}", found)


@person_fact
def final_list_present(base: FactBase, case: PersonFacts) -> bool:
    """The CDC's final list of this case is entered."""
    return case.id in base.rows.final_lists


@person_fact
def contact_counts(base: FactBase, case: PersonFacts) -> dict[str, int]:
    """Contacts of the final list by status."""
    counts = Counter(row.status for row in _final(base, case))
    return {status: counts[status] for status in STATUSES}


def _final(base: FactBase, case: PersonFacts) -> list[Contact]:
    return [row for row in base.rows.contacts if row.case == case.id and row.stage == FINAL]


def _needs_control(base: FactBase, row: Contact) -> bool:
    if row.is_case and not row.instance:
        return False
    return row.mode != "none" or class_of(base, row) in CONTROLLED


def class_of(base: FactBase, row: Contact) -> str:
    """The sealed class of a contact."""
    return str(base.rows.opened(row.sealed).get(row.person, {}).get("contact_class") or "")


# --- one contact ------------------------------------------------------------------------------


@person_fact
def contact_class(_base: FactBase, person: PersonFacts) -> object:
    """Output of D06."""
    return person.decision("D06").get("contact_class")


@person_fact
def contact_mode(base: FactBase, person: PersonFacts) -> str:
    """How the contact is observed; D07, or the CDC's own word."""
    modes = [row.mode for row in base.rows.contacts if row.person == person.id and row.stage == FINAL and row.mode]
    return modes[-1] if modes else ""


@person_fact
def contact_lost(base: FactBase, person: PersonFacts) -> bool:
    """The contact cannot be reached and is searched for."""
    return any(row.status == "失联" for row in base.rows.contacts_about(person.id))


# --- what waits for contacts ------------------------------------------------------------------


@person_fact
def minors_isolated(base: FactBase, case: PersonFacts) -> int:
    """Pupils in centralised isolation because of this case."""
    return sum(row.status == "隔离中" and row.mode == "central" and _is_pupil(base, row) for row in _final(base, case))


@person_fact
def support_settled(base: FactBase, case: PersonFacts) -> bool:
    """The final contact list is there and no pupil is, or still has to be, isolated."""
    waiting = any(row.status == "待转运" and _is_pupil(base, row) for row in _final(base, case))
    return bool(final_list_present(base, case)) and not waiting and minors_isolated(base, case) == 0


def _is_pupil(base: FactBase, row: Contact) -> bool:
    identity: dict[str, Any] = base.rows.opened(row.person_sealed).get(row.person, {})
    return identity.get("person_type") == "student"


@incident_fact
def contacts_open(base: FactBase) -> bool:
    """A contact is to be taken to isolation, is observed, or cannot be reached."""
    return any(row.is_open for row in base.rows.contacts)


@incident_fact
def neighbours_listed(base: FactBase) -> bool:
    """A final list has settled every neighbour: a contact to observe, or taken off with a reason."""
    settled = {row.person for row in base.rows.contacts if row.stage in (FINAL, "removed")}
    return bool(base.rows.neighbours) and set(base.rows.neighbours) <= settled


def observed_members(base: FactBase) -> list[str]:
    """People of this school whose observation as a contact is over and who did not fall ill."""
    found = [
        row.person
        for row in base.rows.contacts
        if row.stage == FINAL and row.status == "解除" and row.instance and not row.other_org and not row.is_case
    ]
    return list(dict.fromkeys(found))
