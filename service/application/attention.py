"""Which instances have to be looked at again after events: those whose waits the events may have moved.

The waits of most instances read nothing but facts of their own person (or no fact at all). Such an instance is
looked at only when something happened in it or to its person; the others whenever anything happened.
So the cost of a command does not grow with the number of people under observation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.domain import events as ev
from service.domain.errors import DefinitionUnreadable
from service.engine.watching import OWN
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

# Facts computed from nothing but what is recorded about the person himself.
OWN_FACTS = frozenset({OWN, "contact_lost", "contact_mode", "observed_from", "observed_until", "observation_abnormal"})
# Events no fact is computed from, and that belong to nobody.
UNREAD = frozenset({
    ev.NoticeSent, ev.DeliveryQueued, ev.DeliverySent, ev.DeliveryAcknowledged, ev.DeliveryFailed,
    ev.DeliveryWithdrawn, ev.TaskAssigned,
})  # fmt: skip
DEADLINES = (ev.DeadlineStarted, ev.DeadlineMoved, ev.DeadlineMet, ev.DeadlineCancelled)
KINDS = "kinds of instances"  # part of a working set: (procedure, version, process) the incident has had


class Attention:
    """Persons and instances something happened to since the last look."""

    def __init__(self) -> None:
        self._persons: set[str] = set()
        self._instances: set[str] = set()
        self._is_everything = self._has_news = False

    def note(self, event: ev.Event, row: Mapping[str, Any] | None) -> None:
        """An event was recorded, in an instance or outside of any."""
        self._has_news = self._has_news or type(event) not in UNREAD
        person = str(getattr(event, "person", "") or "")
        if isinstance(event, DEADLINES):
            person = event.deadline.split(":", 2)[2].partition(":")[0]
        elif row is None and not person and type(event) not in UNREAD and not isinstance(event, ev.DeadlineEscalated):
            self._is_everything = True
        if person:
            self._persons.add(person)
        if row is not None:
            self._instances.add(str(row["id"]))

    def want_everything(self) -> None:
        """Something happened that no event tells of: time has come, or another incident has changed."""
        self._is_everything = True

    @property
    def is_wanted(self) -> bool:
        """Something has happened since the last look."""
        return self._is_everything or self._has_news

    def take(self, on: Advance) -> list[Row]:
        """Active instances to look at for what happened since the last look, oldest first; it counts anew then.

        One whose definition cannot be read is set aside.
        """
        is_everything = self._is_everything
        found = {row["id"]: row for row in on.active_rows()} if is_everything else {**_wide(on), **self._own(on)}
        self._persons, self._instances = set(), set()
        self._is_everything = self._has_news = False
        wanted = []
        for row in sorted(found.values(), key=lambda each: (each["started_at"], each["id"])):
            try:
                watched = on.assembly(row).watched[row["process"]]
            except DefinitionUnreadable as error:
                on.set_aside(row, error)
                continue
            if is_everything or watched:
                wanted.append(row)
        return wanted

    def _own(self, on: Advance) -> dict[str, Row]:
        """Instances something happened in, or to whose person."""
        of_person = [
            on.rows.where(sql.instances, incident_id=on.incident_id, status="active", person_id=person)
            for person in self._persons
        ]
        found = {row["id"]: row for rows in of_person for row in rows}
        for instance in self._instances:
            row = on.rows.get(sql.instances, instance)
            if row is not None and row["status"] == "active":
                found[instance] = row
        return found


def _wide(on: Advance) -> dict[str, Row]:
    """Instances that wait for facts of others."""
    found: dict[str, Row] = {}
    for procedure, version, process in _kinds(on):
        if _is_wide(on, procedure, version, process):
            active = on.rows.where(sql.instances, incident_id=on.incident_id, status="active", process=process)
            found.update({row["id"]: row for row in active})
    return found


def _is_wide(on: Advance, procedure: str, version: int, process: str) -> bool:
    try:
        return not on.services.definitions.pinned(on.uow, procedure, version).watched[process] <= OWN_FACTS
    except DefinitionUnreadable:
        return True  # whoever takes the rows finds out for each


def _kinds(on: Advance) -> set[tuple[str, int, str]]:
    known: set[tuple[str, int, str]] | None = on.parts.get(KINDS)
    if known is None:
        rows = on.rows.where(sql.instances, incident_id=on.incident_id, status="active")
        known = on.parts[KINDS] = {(row["procedure"], row["version"], row["process"]) for row in rows}
    return known


def follow(on: Advance, event: ev.Event) -> None:
    """Keep the kinds of instances in step with an event just recorded."""
    if isinstance(event, ev.InstanceStarted) and KINDS in on.parts:
        on.parts[KINDS].add((event.procedure, event.version, event.process))
    elif isinstance(event, ev.InstanceUpgraded):
        on.parts.pop(KINDS, None)
