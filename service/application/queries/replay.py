"""An incident as it stood: at any event of its log, the same questions are asked as of the present.

The rows of that moment are put into a database in memory beside what the directory and the definitions say today, and a
reader with the same rights reads from it, on a clock that stands. What somebody had shown of persons then is not
shown again: reveals and emergency access are left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from service.application import drill_moments
from service.application.queries.reader import Reader
from service.domain import events as ev
from service.domain.access import Action, require
from service.domain.errors import NoBranch, ReplayTooEarly
from service.persistence.past import Standing
from service.persistence.pending import Key, Row
from service.persistence.sealing import tokens_of
from service.persistence.tables import metadata, sql

SHOWN_THEN = (sql.person_reveals, sql.break_glass, sql.export_requests)
UNASKED = (sql.records, sql.decision_results, sql.notices)  # the most of all rows; no list is made of them
DIRECTORY = (sql.organisations, sql.places, sql.memberships, metadata.tables["directory_state"])
_log = sql.events


@dataclass(frozen=True, slots=True)
class Moment:
    """The state after event `seq` of `last`; `at` is the incident's time, `first` the event its root began with.

    `before` and `after` are the events beside it, `earlier` and `later` the last ones of other instants; 0 for none.
    """

    incident: str
    seq: int
    first: int
    last: int
    at: datetime
    real_at: datetime
    before: int
    after: int
    earlier: int
    later: int


def check(reader: Reader, incident: str) -> Mapping[str, Any]:
    """The row of an incident the reader may replay: a drill, or a closed real one whose log he may read.

    Raises NoSuch, NotAllowed, ReplayTooEarly.
    """
    row = reader.incident(incident)
    if row["kind"] != "drill":
        require(reader.principal, Action.AUDIT_READ, reader.incident_subject(row))
        if row["closed_at"] is None:
            raise ReplayTooEarly(row["number"])
    return row


def moment(reader: Reader, incident: str, seq: int = 0) -> Moment:
    """The moment of an event; the last one for 0, the nearest one for a number beyond the ends."""
    check(reader, incident)
    mine = _log.c.stream == incident
    begun = func.min(_log.c.seq).filter(_log.c.type == ev.InstanceStarted.type)
    first, last = reader.connection.execute(select(begun, func.max(_log.c.seq)).where(mine)).one()
    seq = min(max(seq, first), last) if seq else last
    found = reader.rows(select(_log.c.at, _log.c.real_at).where(mine, _log.c.seq == seq))[0]
    at = found["at"]
    following = select(func.min(_log.c.at)).where(mine, _log.c.seq > seq, _log.c.at > at).scalar_subquery()
    later = select(func.max(_log.c.seq)).where(mine, _log.c.at == following)
    earlier = select(func.max(_log.c.seq)).where(mine, _log.c.seq < seq, _log.c.seq >= first, _log.c.at < at)
    return Moment(
        incident, seq, first, last, at, found["real_at"], seq - 1 if seq > first else 0, seq + 1 if seq < last else 0,
        _number(reader, earlier), _number(reader, later),
    )  # fmt: skip


def rest_before(reader: Reader, then: Moment) -> Moment:
    """The last moment at or before this one where a drill can branch off. Raises NoBranch."""
    seq = drill_moments.rest_before(reader.connection, then.incident, then.seq)
    if not seq:
        raise NoBranch(reader.incident(then.incident)["number"])
    return moment(reader, then.incident, seq)


@contextmanager
def standing(reader: Reader, then: Moment) -> Iterator[Reader]:
    """A reader of the incident as it stood then, with the rights of this one; it knows no other one, and no answers."""
    rows = dict(reader.services.films.of(then.incident).at(reader.connection, then.seq))
    for table in (*SHOWN_THEN, *UNASKED):
        rows.pop(table, None)
    clock = [{"real_start": then.real_at.isoformat(), "virtual_start": then.at.isoformat(), "speed": 0.0}]
    incident = rows[sql.incidents][then.incident]
    rows[sql.incidents] = {then.incident: {**incident, "clock": clock}}
    with reader.services.films.database.opened({**rows, **_beside(reader, rows)}) as connection:
        yield replace(reader, connection=connection, now=then.real_at)


# --- inside -----------------------------------------------------------------------------------


def _number(reader: Reader, statement: Select[Any]) -> int:
    return int(reader.connection.execute(statement).scalar() or 0)


def _beside(reader: Reader, rows: Standing) -> Standing:
    """What the rows of an incident refer to: people and places, definitions, keys of persons."""
    found = {table: _keyed(reader, select(table)) for table in DIRECTORY}
    accounts = sql.accounts
    nameable = [each for each in accounts.c if each.name != "password_hash"]
    named = reader.rows(select(*nameable))
    found[accounts] = {row["id"]: {**row, "password_hash": ""} for row in named}
    definitions, keys = sql.definitions, sql.subject_keys
    used = {(row["procedure"], row["version"]) for row in rows.get(sql.instances, {}).values()}
    used.add(next((row["procedure"], row["version"]) for row in rows[sql.incidents].values()))
    for procedure, version in sorted(used):
        one = select(definitions).where(definitions.c.procedure == procedure, definitions.c.version == version)
        found.setdefault(definitions, {})[procedure, version] = reader.rows(one)[0]
    subjects = _subjects(rows.get(sql.persons, {}).values())
    found[keys] = _keyed(reader, select(keys).where(keys.c.subject.in_(sorted(subjects))))
    return found


def _keyed(reader: Reader, statement: Select[Any]) -> dict[Key, Row]:
    return {str(number): row for number, row in enumerate(reader.rows(statement))}


def _subjects(persons: Iterable[Row]) -> set[str]:
    return {key for row in persons for key in tokens_of(row["sealed"])}
