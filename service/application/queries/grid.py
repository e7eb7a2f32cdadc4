"""The grid of an observation: persons by days, a morning and an evening half, and the round that is due.

Who records readings sees them as long as he has somebody to observe; anybody else sees only that there is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from service.application.lost_contacts import LOST, absences
from service.application.observation_facts import is_abnormal
from service.application.observed_people import STEP, Observed, ReadingRow, observed_people, stored_readings
from service.application.queries import cursors, names
from service.application.queries.reader import Reader
from service.domain.access import Action
from service.domain.calendar import local_date
from service.domain.errors import NoSuch
from service.domain.fields import list_name
from service.domain.form_rules import is_fever
from service.domain.policies import TypedSnapshot
from service.domain.sessions import EVENING, MORNING, Session, hours_of, sessions
from service.persistence.tables import sql

SHOWN = 60  # rows on a page; the rest on demand
SESSIONS = (MORNING, EVENING)
OBSERVED = "隔离中"
WATCHED = frozenset({OBSERVED, LOST})  # whoever records his readings has to know whom to look for
LETTERS = {
    "ok": ("✓", "N"), "bad": ("热", "F"), "sym": ("咳", "C"), "out": ("离", "A"), "miss": ("缺", "M"),
    "lost": ("失", "L"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Half:
    """One session of one person.

    `state`: ok, bad, sym, out, miss, lost (could not be reached), done (not for this reader), todo, later, off.
    """

    state: str
    letter: str = ""
    temperature: float | None = None
    is_late: bool = False
    is_corrected: bool = False


@dataclass(frozen=True, slots=True)
class GridDay:
    """A column."""

    day: date
    is_today: bool
    is_future: bool
    is_old: bool


@dataclass(frozen=True, slots=True)
class GridRow:
    """A person: two halves for each day of the grid."""

    person: str
    code: str
    name: str
    is_full_name: bool
    seat: str
    place: str
    is_observed: bool
    status_label: str
    until: datetime
    days: tuple[tuple[Half, ...], ...]


@dataclass(frozen=True, slots=True)
class GridPlace:
    """A class or unit with the people observed of it."""

    id: str
    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Round:
    """A session of a day: how many of those who belong to it have a reading."""

    day: date
    session: str
    begins: datetime
    ends: datetime
    due: int
    measured: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """The readings of an incident; counts are of the whole choice, rows of the part shown."""

    number: str
    now: datetime
    days: tuple[GridDay, ...]
    rows: tuple[GridRow, ...]
    people: int
    places: tuple[GridPlace, ...]
    place: str
    rounds: tuple[Round, ...]
    due: int
    measured: int
    missing: int
    late: int
    may_record: bool
    is_cut: bool


def grid(
    reader: Reader, incident: str, *, place: str = "", case: str = "", most: int = SHOWN, after: str = ""
) -> Grid:  # fmt: skip
    """The grid of an incident, of a class, or of the contacts of a case; `after` is the person to go on behind.

    Raises NoSuch, NotAllowed, ValueRefused.
    """
    found = _Found(reader, incident, place, case)
    first = found.place_of(after) + 1 if after else 0
    shown = found.people[first : first + most]
    readings = stored_readings(reader.connection, incident, persons=[who.person for who in shown])
    named = _Named(reader, incident, shown, is_observer=found.is_observer)
    opened = _opened(reader, [each for each in readings.values() if named.shows_readings(each.person)])
    counts = found.counts()
    return Grid(
        number=found.row["number"], now=found.now, days=found.days,
        rows=tuple(_row(reader, found, named, who, (readings, opened)) for who in shown),
        people=len(found.people), places=found.places, place=place, rounds=found.rounds(),
        may_record=found.is_observer, is_cut=first + most < len(found.people), **counts,
    )  # fmt: skip


class _Found:
    """Who is observed, and which sessions of theirs have a reading."""

    def __init__(self, reader: Reader, incident: str, place: str, case: str) -> None:
        self.reader, self.incident = reader, incident
        self.row = reader.incident(incident, Action.PEOPLE_READ)
        self.policies = TypedSnapshot(reader.services.policies, self.row["policies"])
        self.now = reader.now_of(self.row["clock"])
        everybody = observed_people(reader.connection, incident)
        self.places = _places(reader, everybody)
        self.people = [
            who for who in everybody if (not place or who.place == place) and (not case or case in who.cases)
        ]
        self.is_observer = _is_observer(reader, self.row, everybody)
        self.recorded = stored_readings(reader.connection, incident)
        self.absences = absences(reader.connection, incident)
        self.days = self._days()

    def sessions_of(self, who: Observed) -> list[Session]:
        """The sessions of one person."""
        return list(sessions(who.since, who.until, self.policies))

    def place_of(self, person: str) -> int:
        """Where somebody stands in the list. Raises ValueRefused for a person who is not on it."""
        places = [place for place, who in enumerate(self.people) if who.person == person]
        if not places:
            raise cursors.refused()
        return places[0]

    def is_lost(self, who: Observed, session: Session) -> bool:
        """Whether the person could not be reached when the session began; then no reading is due."""
        if (who.person, session.day_no, session.name) in self.recorded:
            return False
        return any(each.covers(session.begins) for each in self.absences.get(who.person, ()))

    def _days(self) -> tuple[GridDay, ...]:
        if not self.people:
            return ()
        first = min(local_date(who.since) for who in self.people)
        last = max(local_date(who.until - timedelta(seconds=1)) for who in self.people)
        today = local_date(self.now)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        near = today if first <= today <= last else last
        return tuple(GridDay(day, day == today, day > today, day < near - timedelta(days=4)) for day in days)

    def counts(self) -> dict[str, int]:
        """Sessions that are over or have a reading, those measured, those missing, those entered late."""
        measured = late = missing = 0
        for who in self.people:
            for session in self.sessions_of(who):
                reading = self.recorded.get((who.person, session.day_no, session.name))
                measured += reading is not None
                late += reading is not None and is_late(reading, session)
                missing += reading is None and session.ends <= self.now and not self.is_lost(who, session)
        return {"due": measured + missing, "measured": measured, "missing": missing, "late": late}

    def rounds(self) -> tuple[Round, ...]:
        """The rounds of today that have begun, and the last one before them."""
        found = []
        today = local_date(self.now)
        for day in (today - timedelta(days=1), today):
            for name in SESSIONS:
                begins, ends = hours_of(day, name, self.policies)
                mine = [(who, who.session(day, name, self.policies)) for who in self.people]
                due = [(who.person, each.day_no, name) for who, each in mine if each and not self.is_lost(who, each)]
                if due and begins <= self.now:
                    done = sum(key in self.recorded for key in due)
                    found.append(Round(day, name, begins, ends, len(due), done, ends <= self.now))
        return tuple(found)[-3:]


def is_late(reading: ReadingRow, session: Session) -> bool:
    """Entered after the session was over, or measured outside of it."""
    return reading.at > session.ends or reading.is_late


def _places(reader: Reader, people: Sequence[Observed]) -> tuple[GridPlace, ...]:
    shown = reader.place_names([who.place for who in people])
    counted: dict[str, int] = {}
    for who in people:
        counted[who.place] = counted.get(who.place, 0) + 1
    return tuple(GridPlace(place, shown.get(place, place), number) for place, number in counted.items())


def _is_observer(reader: Reader, row: Mapping[str, Any], people: Sequence[Observed]) -> bool:
    """Whether the reader holds a role that records readings, while anybody is observed."""
    running = next((who for who in people if who.status in WATCHED and who.instance), None)
    if running is None:
        return False
    table = sql.instances
    instance = reader.rows(select(table).where(table.c.id == running.instance))[0]
    assembly = reader.services.definitions.get(reader.connection, instance["procedure"], instance["version"])
    node = assembly.bundle.processes[instance["process"]].nodes[STEP]
    held = reader.principal.memberships.get(row["organisation_id"], frozenset())
    return bool(held & {node.role, *node.also})


class _Named:
    """Names of the people shown, in full for whoever records their readings, or had them shown."""

    def __init__(self, reader: Reader, incident: str, people: Sequence[Observed], *, is_observer: bool) -> None:
        rows = [
            {"person_id": who.person, "incident_id": incident, "person_code": who.code, "org_unit": who.place,
             "person_sealed": who.sealed}
            for who in people
        ]  # fmt: skip
        self._reader = reader
        self._names = names.Names(reader, rows)
        self._observed = {who.person for who in people if is_observer and who.status in WATCHED}

    def is_full(self, person: str) -> bool:
        """Whether the reader may know who this person is."""
        return person in self._observed or self._names.is_full(person)

    def shows_readings(self, person: str) -> bool:
        """Whether the reader may know his readings."""
        return person in self._observed or self._names.shows_health(person)

    def shown(self, who: Observed) -> str:
        """The name, or surname and code."""
        name = str(self._names.identity(who.person).get("name") or "")
        return name if name and self.is_full(who.person) else list_name(name, "", self.code(who))

    def code(self, who: Observed) -> str:
        """What lists call him, in the reader's language."""
        return self._reader.person_code(who.code)

    def seat(self, person: str) -> str:
        """The seat, which a teacher finds a pupil by."""
        return str(self._names.identity(person).get("seat_no") or "")


def _opened(reader: Reader, readings: Sequence[ReadingRow]) -> dict[str, dict[str, Any]]:
    return names.opened(reader, {reading.id: reading.sealed for reading in readings})


def _row(
    reader: Reader, found: _Found, named: _Named, who: Observed,
    known: tuple[Mapping[tuple[str, int, str], ReadingRow], Mapping[str, dict[str, Any]]],
) -> GridRow:  # fmt: skip
    mine = {(session.day, session.name): session for session in found.sessions_of(who)}
    readings, opened = known
    days = []
    for column in found.days:
        halves = []
        for name in SESSIONS:
            session = mine.get((column.day, name))
            reading = readings.get((who.person, session.day_no, name)) if session else None
            values = opened.get(reading.id) if reading else None
            if session is not None and found.is_lost(who, session) and session.begins <= found.now:
                halves.append(Half("lost", reader.pick(*LETTERS["lost"])))
                continue
            halves.append(_half(reader, found, session, reading, values))
        days.append(tuple(halves))
    return GridRow(
        person=who.person, code=named.code(who), name=named.shown(who), is_full_name=named.is_full(who.person),
        seat=named.seat(who.person), place=who.place, is_observed=who.status == OBSERVED,
        status_label=reader.label("contact_status", who.status) if who.status else "", until=who.until,
        days=tuple(days),
    )  # fmt: skip


def _half(
    reader: Reader, found: _Found, session: Session | None, reading: ReadingRow | None, values: dict[str, Any] | None
) -> Half:  # fmt: skip
    if session is None:
        return Half("off")
    if reading is None:
        state = "miss" if session.ends <= found.now else "todo" if session.begins <= found.now else "later"
        return Half(state, reader.pick(*LETTERS[state]) if state in LETTERS else "")
    late = is_late(reading, session)
    if values is None:
        return Half("done", "●", is_late=late, is_corrected=reading.is_correction)
    state = _state(values, reading, found.policies)
    return Half(state, reader.pick(*LETTERS[state]), values.get("temperature"), late, reading.is_correction)


def _state(values: Mapping[str, Any], reading: ReadingRow, policies: Mapping[str, Any]) -> str:
    if is_fever(values.get("temperature"), policies):
        return "bad"
    if is_abnormal(dict(values), policies):
        return "sym"
    return "ok" if reading.is_in_place else "out"


# --- one round ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntryRow:
    """Somebody of a round: his reading, or nothing yet."""

    person: str
    code: str
    name: str
    seat: str
    half: Half


@dataclass(frozen=True, slots=True)
class Entry:
    """A round to be filled in; `number` of those who still have no reading."""

    round: Round
    rows: tuple[EntryRow, ...]
    open: int
    measured_by: str


def entry(reader: Reader, incident: str, day: date, session: str, *, place: str = "", case: str = "") -> Entry:
    """Everybody of a round, those without a reading first. Raises NoSuch where nobody belongs to it."""
    found = _Found(reader, incident, place, case)
    mine = [(who, who.session(day, session, found.policies)) for who in found.people]
    people = {who.person: (who, each) for who, each in mine if each is not None and not found.is_lost(who, each)}
    if not people:
        raise NoSuch("session", f"{day}:{session}")
    keys = [(person, each.day_no, session) for person, (_, each) in people.items()]
    recorded = {key[0]: found.recorded[key] for key in keys if key in found.recorded}
    named = _Named(reader, incident, [who for who, _ in people.values()], is_observer=found.is_observer)
    opened = _opened(reader, [each for each in recorded.values() if named.shows_readings(each.person)])
    rows = [
        EntryRow(
            who.person, named.code(who), named.shown(who), named.seat(who.person),
            _half(reader, found, each, recorded.get(who.person), opened.get(recorded[who.person].id))
            if who.person in recorded else Half("todo"),
        )
        for who, each in people.values()
    ]  # fmt: skip
    begins, ends = hours_of(day, session, found.policies)
    summary = Round(day, session, begins, ends, len(rows), len(recorded), ends <= found.now)
    open_first = sorted(rows, key=lambda row: row.half.state != "todo")
    by = next(iter({who.mode for who, _ in people.values()}))
    return Entry(summary, tuple(open_first), len(rows) - len(recorded), "自测" if by != "central" else "观察点")


def everybody(reader: Reader, incident: str) -> list[Observed]:
    """Who is or was observed, for whoever may see the people of the incident."""
    reader.incident(incident, Action.PEOPLE_READ)
    return observed_people(reader.connection, incident)
