"""Everybody of an incident in one table: cases, contacts and those on site, with who watches them until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application.queries.contacts import ContactRow, contacts
from service.application.queries.people import PersonRow, people
from service.application.queries.reader import OPEN_STATES, Reader
from service.domain.access import Action
from service.persistence.tables import sql

SESSION_TASK = "t_session_record"
SESSION_START = "start_session"
GROUPS = ("case", "contact", "onsite", "returning")
SORTS = ("", "name", "place", "state", "since", "until", "due")
_WATCHED = ("待转运", "隔离中", "失联")
_CHANGES = (
    "person_registered", "case_status_changed", "contact_listed", "contact_removed", "contact_status_changed",
    "persons_held", "persons_released",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RosterFilter:
    """Which persons, in which order; empty means all."""

    group: str = ""
    state: str = ""
    observer: str = ""
    case: str = ""
    sort: str = ""
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A person with what he is in this incident now. `observer` is who watches him, "" for nobody.

    `state` is a case status, a contact status, `listed` or `removed` of a contact, `held` or `free` on site.
    """

    person: PersonRow
    group: str
    group_label: str
    state: str
    state_label: str
    since: datetime
    contacts: tuple[ContactRow, ...]
    where: str
    until: datetime | None
    observer: str
    due: datetime | None
    is_due_now: bool
    missing: int


@dataclass(frozen=True, slots=True)
class Count:
    """How many are in a state of a group; the state "" counts the group, an observer those he watches."""

    group: str
    state: str
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Roster:
    """The persons of an incident, chosen and sorted, and the numbers of all of them."""

    items: tuple[RosterRow, ...]
    total: int
    groups: tuple[Count, ...]
    states: tuple[Count, ...]
    observers: tuple[Count, ...]
    missing: int


def roster(reader: Reader, incident: str, wanted: RosterFilter | None = None) -> Roster:
    """The persons of an incident. Raises NotAllowed where only the incident may be seen."""
    wanted = wanted or RosterFilter()
    row = reader.incident(incident, Action.PEOPLE_READ)
    listed: dict[str, list[ContactRow]] = {}
    for contact in contacts(reader, incident).items:
        listed.setdefault(contact.person, []).append(contact)
    since = _since(reader, incident)
    watches = _watches(reader, incident, reader.now_of(row["clock"]))
    rows = [
        _row(reader, person, tuple(listed.get(person.id, ())), since, watches)
        for person in people(reader, incident).items
        if not person.is_revoked
    ]
    chosen = [each for each in rows if _fits(each, wanted)]
    chosen.sort(key=_KEYS[wanted.sort if wanted.sort in SORTS else ""], reverse=wanted.is_descending)
    return Roster(
        items=tuple(chosen),
        total=len(rows),
        groups=tuple(_counted((each.group, "", each.group_label) for each in rows)),
        states=tuple(_counted((each.group, each.state, each.state_label) for each in rows)),
        observers=tuple(_counted(("", each.observer, each.observer) for each in rows if each.observer)),
        missing=sum(each.missing for each in rows),
    )


# --- inside -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Watch:
    """What the observation of one person waits for."""

    observer: str = ""
    due: datetime | None = None
    is_due_now: bool = False
    missing: int = 0


def _row(
    reader: Reader, person: PersonRow, listed: tuple[ContactRow, ...], since: Mapping[str, datetime],
    watches: Mapping[str, _Watch],
) -> RosterRow:  # fmt: skip
    live = tuple(each for each in listed if each.stage != "removed")
    group = "contact" if person.kind == "onsite" and live else person.kind
    state, label = _state(reader, person, group, live or listed)
    watched = next((each for each in live if each.status in _WATCHED), None)
    watch = watches.get(watched.instance if watched else "", _Watch())
    return RosterRow(
        person=person,
        group=group,
        group_label=reader.label("person_kind", group),
        state=state,
        state_label=label,
        since=since.get(person.id, person.registered_at),
        contacts=listed,
        where=watched.mode_label if watched else "",
        until=watched.observed_until if watched else None,
        observer=watch.observer,
        due=watch.due,
        is_due_now=watch.is_due_now,
        missing=watch.missing,
    )


def _state(reader: Reader, person: PersonRow, group: str, listed: tuple[ContactRow, ...]) -> tuple[str, str]:
    """The code and the word of what somebody is now; of a contact of several cases what still binds him."""
    if group == "contact" and listed:
        first = min(listed, key=lambda each: (each.status not in _WATCHED, not each.status))
        return (first.status, first.status_label) if first.status else (first.stage, first.stage_label)
    if person.status:
        return person.status, person.status_label
    if person.hold_leave:
        return "held", reader.pick("暂不离校", "may not leave")
    return "free", reader.pick("不限制", "free to leave")


def _since(reader: Reader, incident: str) -> dict[str, datetime]:
    """When each person last became something else."""
    events = sql.events
    statement = select(events.c.at, events.c.data).where(events.c.stream == incident, events.c.type.in_(_CHANGES))
    found: dict[str, datetime] = {}
    for row in reader.rows(statement.order_by(events.c.seq)):
        named = row["data"].get("persons") or [row["data"].get("person")]
        found |= dict.fromkeys(named, row["at"])
    return found


def _watches(reader: Reader, incident: str, now: datetime) -> dict[str, _Watch]:
    """By observation: who takes the readings, when the next is due, how many are missing."""
    tasks, waits = sql.tasks, sql.waits
    is_session = (tasks.c.incident_id == incident) & (tasks.c.element == SESSION_TASK)
    columns = (tasks.c.instance_id, tasks.c.role, tasks.c.assignee, tasks.c.completed_by, tasks.c.state, tasks.c.due_at)
    found = reader.rows(select(*columns).where(is_session).order_by(tasks.c.created_at))
    names = reader.account_names({row[name] for row in found for name in ("assignee", "completed_by") if row[name]})
    watches: dict[str, _Watch] = {}
    for row in found:
        watch = watches.setdefault(row["instance_id"], _Watch())
        who = row["assignee"] or row["completed_by"] or ""
        watch.observer = names.get(who, "") or reader.label("role", row["role"])
        if row["state"] in OPEN_STATES:
            watch.missing += bool(row["due_at"] and row["due_at"] < now)
            watch.due, watch.is_due_now = watch.due or row["due_at"], True
    timers = select(waits.c.instance_id, waits.c.due_at).where(
        waits.c.incident_id == incident, waits.c.element == SESSION_START, waits.c.due_at.is_not(None)
    )
    for row in reader.rows(timers):
        watch = watches.setdefault(row["instance_id"], _Watch())
        watch.due = watch.due or row["due_at"]
    return watches


def _fits(row: RosterRow, wanted: RosterFilter) -> bool:
    return (
        wanted.group in ("", row.group)
        and wanted.state in ("", row.state)
        and wanted.observer in ("", row.observer)
        and (not wanted.case or row.person.id == wanted.case or any(each.case == wanted.case for each in row.contacts))
    )


def _counted(keys: Iterable[tuple[str, str, str]]) -> Iterable[Count]:
    numbers: dict[tuple[str, str, str], int] = {}
    for key in keys:
        numbers[key] = numbers.get(key, 0) + 1
    ordered = sorted(numbers.items(), key=lambda each: GROUPS.index(each[0][0]) if each[0][0] in GROUPS else 0)
    return (Count(*key, number) for key, number in ordered)


def _late(instant: datetime | None) -> tuple[bool, str]:
    return instant is None, instant.isoformat() if instant else ""


_KEYS: Mapping[str, Any] = {
    "": lambda row: (GROUPS.index(row.group), not row.person.is_neighbour, row.person.case_no, row.person.code),
    "name": lambda row: row.person.name,
    "place": lambda row: (row.person.place_name, row.person.code),
    "state": lambda row: (row.group, row.state_label),
    "since": lambda row: row.since,
    "until": lambda row: _late(row.until),
    "due": lambda row: _late(row.due),
}
