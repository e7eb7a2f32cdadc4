"""What of an incident is to be erased when: per person and class, from its end and that of an observation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from service.application import policy_values
from service.application.services import Services
from service.domain.calendar import CalendarDuration, Duration, add
from service.domain.fields import FieldClass
from service.domain.policies import parse_value
from service.domain.retention import CLASSES, RULES, key_of
from service.persistence.sealing import ERASED
from service.persistence.tables import sql

OPEN, HELD, LATER, DUE, GONE, NOTHING = "open", "held", "later", "due", "erased", "none"
CLOSING, RELEASE = "incident_closed", "instance_ended"  # the events a time counts from


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """A class of one subject: when it falls due, from which event on, under which rule; `keys` that still stand."""

    field_class: FieldClass
    state: str
    rule: str
    value: str
    start: str
    since: datetime | None
    due: datetime | None
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """A person of an incident, or the incident itself ("") for what is about nobody in particular."""

    person: str
    code: str
    classes: tuple[ClassPlan, ...]


@dataclass(frozen=True, slots=True)
class IncidentPlan:
    """What is to be erased of an incident."""

    incident: Mapping[str, Any]
    subjects: tuple[SubjectPlan, ...]
    holds: tuple[Mapping[str, Any], ...]

    def of(self, person: str = "") -> tuple[ClassPlan, ...]:
        """The classes of one person, or of everybody and the incident itself."""
        return tuple(each for one in self.subjects if not person or one.person == person for each in one.classes)


def plan(connection: Connection, services: Services, incident: Mapping[str, Any], now: datetime) -> IncidentPlan:
    """What stands of an incident, and until when. The values are those its organisation has now."""
    values = policy_values.values_of(connection, services, incident["organisation_id"], now=now)
    people = _rows(connection, sql.persons, incident["id"])
    holds = tuple(row for row in _rows(connection, sql.legal_holds, incident["id"]) if row["lifted_at"] is None)
    known = _known(connection, [incident["id"], *(row["id"] for row in people)])
    ends = _ends(connection, incident)
    subjects = []
    for person, code in [("", ""), *((row["id"], row["code"]) for row in people)]:
        start, since = ends.get(person, (CLOSING, incident["closed_at"]))
        is_held = any(hold["person_id"] in ("", person) for hold in holds) or (not person and bool(holds))
        keys = known[person or incident["id"]]
        classes = _class_plans(services, values, keys, (start, since), is_held=is_held, now=now)
        subjects.append(SubjectPlan(person, code, classes))
    return IncidentPlan(incident, tuple(subjects), holds)


def _class_plans(
    services: Services, values: Mapping[str, Any], keys: Mapping[str, tuple[str, bool]],
    start: tuple[str, datetime | None], *, is_held: bool, now: datetime,
) -> tuple[ClassPlan, ...]:  # fmt: skip
    """The classes of a subject. A key from before there were classes goes with the class that is kept longest."""
    event, since = start
    dues = {each: add(since, _length(services, values, each)) if since else None for each in CLASSES}
    last = max(CLASSES, key=lambda each: (str(dues[each]), each)) if since else CLASSES[-1]
    found = []
    for each in CLASSES:
        due = dues[each]
        mine = {key: is_alive for key, (of, is_alive) in keys.items() if of == each or (not of and each is last)}
        standing = tuple(key for key, is_alive in mine.items() if is_alive)
        ended = GONE if mine else NOTHING
        state = ended if not standing else OPEN if due is None else HELD if is_held else DUE if due <= now else LATER
        found.append(ClassPlan(each, state, RULES[each], str(values[RULES[each]]), event, since, due, standing))
    return tuple(found)


def _length(services: Services, values: Mapping[str, Any], field_class: FieldClass) -> Duration:
    """How long a class is kept."""
    value = parse_value(services.policies.entry(RULES[field_class]), values[RULES[field_class]])
    assert isinstance(value, timedelta | CalendarDuration)  # noqa: S101 - the three are of the type duration
    return value


def _known(connection: Connection, subjects: list[str]) -> dict[str, dict[str, tuple[str, bool]]]:
    """The keys of each subject with their class, "" for one of before there were classes, and whether it stands."""
    named = {subject: (subject, "") for subject in subjects}
    named |= {key_of(subject, each): (subject, each.value) for subject in subjects for each in CLASSES}
    found: dict[str, dict[str, tuple[str, bool]]] = {subject: {} for subject in subjects}
    table, wanted = sql.subject_keys, sorted(named)
    for begin in range(0, len(wanted), 500):
        chunk = select(table.c.subject, table.c.wrapped).where(table.c.subject.in_(wanted[begin : begin + 500]))
        for key, wrapped in connection.execute(chunk):
            subject, field_class = named[key]
            found[subject][key] = (field_class, wrapped != ERASED)
    return found


def _ends(connection: Connection, incident: Mapping[str, Any]) -> dict[str, tuple[str, datetime | None]]:
    """Persons whose own instance (case, observation) ended after the incident, or has not: what counts for them."""
    closed = incident["closed_at"]
    found: dict[str, tuple[str, datetime | None]] = {}
    for row in _rows(connection, sql.instances, incident["id"]):
        person, ended = row["person_id"], row["ended_at"]
        if not person or closed is None:
            continue
        if row["status"] == "active":
            found[person] = (RELEASE, None)
        elif ended and ended > (found.get(person, ("", closed))[1] or ended):
            found[person] = (RELEASE, ended)
    return found


def _rows(connection: Connection, table: Any, incident: str) -> list[Mapping[str, Any]]:
    statement = select(table).where(table.c.incident_id == incident).order_by(table.c.id)
    return [dict(row) for row in connection.execute(statement).mappings()]
