"""Observations that several cases share, and what becomes of contacts when their case is excluded.

A person is observed once, however many lists he is on. When the case whose list began it is excluded,
the observation goes on for the others; who was a contact of that case only is free and told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.application import contacts, inbox, sending
from service.domain import events as ev
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.contact_rows import Contact
    from service.application.steps import Advance

CALL = "ca_observations"
SETTLED = frozenset({"转阳", "解除"})
DEADLINES = frozenset({"T08", "T10", "T11"})


def linked(on: Advance, parent: Mapping[str, Any], person: str, row: Mapping[str, Any]) -> None:
    """An observation was started for a contact of the parent's case."""
    on.record(ev.ContactLinked(str(parent["person_id"]), person, row["id"]), row=row)


def is_shared(on: Advance, parent: Mapping[str, Any], visit: str, person: str) -> bool:
    """True if the person is, or was, observed for another case: then no second observation begins."""
    mine = next((row for row in on.facts.rows.contacts_about(person) if row.case == parent["person_id"]), None)
    if mine is None or not mine.instance:
        return False
    if on.instance_row(mine.instance)["status"] != "active":
        _tell(on, parent["id"], visit, person, mine.instance)
    return True


def ended(on: Advance, row: Mapping[str, Any]) -> None:
    """An observation is over: every list it serves beside that of its parent waits no more."""
    if row["process"] != contacts.OBSERVATION:
        return
    for contact in [each for each in on.facts.rows.contacts if each.instance == row["id"]]:
        for tracing in _tracings(on, contact.case):
            waiting = _waiting(on, tracing)
            if waiting and waiting != row["parent_task"]:
                _tell(on, tracing["id"], waiting, contact.person, row["id"])


def _tell(on: Advance, parent: str, visit: str, person: str, instance: str) -> None:
    payload = {"parent": parent, "visit": visit, "item": person, "result": {}, "error": ""}
    inbox.put(on, inbox.Effect("child_ended", f"{visit}:{instance}", payload))


def _tracings(on: Advance, case: str) -> list[Row]:
    active = on.rows.where(sql.instances, incident_id=on.incident_id, status="active", person_id=case)
    return [row for row in active if row["process"] == contacts.TRACING]


def _waiting(on: Advance, tracing: Mapping[str, Any]) -> str:
    """The wait of the open collection of an instance, "" before it is reached."""
    waiting = on.rows.ids(sql.element_visits, instance_id=tracing["id"], element=CALL, state="active")
    return next(iter(waiting), "")


# --- a case is excluded -----------------------------------------------------------------------


def is_kept(on: Advance, row: Mapping[str, Any]) -> bool:
    """True if an observation goes on though the tracing it belongs to was cancelled: another case takes it over."""
    if row["process"] != contacts.OBSERVATION:
        return False
    former = str(on.instance_row(row["parent_id"])["person_id"])
    heir = _heir(on, str(row["person_id"]), former)
    if heir is None:
        return False
    (tracing, *_) = _tracings(on, heir.case)
    on.record(
        ev.ContactHandedOver(heir.case, heir.person, former, row["id"], tracing["id"], _waiting(on, tracing)), row=row
    )
    return True


def _heir(on: Advance, person: str, excluded: str) -> Contact | None:
    """The row of the person on the list of another case that is traced."""
    rows = [each for each in on.facts.rows.contacts_about(person) if each.case != excluded]
    return next((each for each in rows if each.stage != "removed" and _tracings(on, each.case)), None)


def tracing_cancelled(on: Advance, row: Mapping[str, Any]) -> None:
    """Contact tracing ended before its end; if that is because the case is excluded, its contacts are free."""
    case = str(row["person_id"] or "")
    if row["process"] != contacts.TRACING or on.facts.value("diagnosis", case) != "excluded":
        return
    mine = [each for each in on.facts.rows.contacts if each.case == case and each.stage != "removed"]
    freed = [each.person for each in mine if each.status not in SETTLED and _heir(on, each.person, case) is None]
    for person in freed:
        _free(on, row, person)
    if freed:
        sending.tell_excluded(on, row, "ca_contacts", case, freed)


def taken_off(on: Advance, row: Mapping[str, Any], person: str) -> None:
    """The CDC took somebody off the list of a case; if he was observed for no other one by now, he is free."""
    case = str(row["person_id"])
    rows = on.facts.rows.contacts_about(person)
    running = {each.instance for each in rows if contacts.is_observed(on, each)}
    if running and _heir(on, person, case) is None:
        _free(on, row, person)
        inbox.put(on, inbox.Effect("cancel", running.pop()))


def _free(on: Advance, row: Mapping[str, Any], person: str) -> None:
    for each in on.facts.rows.contacts_about(person):
        if each.stage != "removed" and each.status not in SETTLED:
            on.record(ev.ContactStatusChanged(each.case, person, "解除"), row=row)
    for deadline in on.open_deadlines():
        if deadline["rule"] in DEADLINES and deadline["subject"].partition(":")[0] == person:
            on.record(ev.DeadlineCancelled(deadline["id"], "ca_contacts"), row=row)
