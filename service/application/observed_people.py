"""Who is under observation in an incident, and since when: for rounds, sheets and the grid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from service.domain.calendar import local_date
from service.domain.sessions import Session, session_of
from service.persistence.tables import sql

STEP = "t_session_record"
FORM = "F14#session"


@dataclass(frozen=True, slots=True)
class Observed:
    """A contact who is or was observed; one row per person, however many cases he is a contact of."""

    person: str
    code: str
    place: str
    member: str
    sealed: str
    instance: str
    mode: str
    status: str
    since: datetime
    until: datetime
    cases: frozenset[str]

    def session(self, day: date, name: str, policies: Mapping[str, object]) -> Session | None:
        """The session of a calendar day; None where it is not part of the observation."""
        number = (day - local_date(self.since)).days + 1
        session = session_of(number, name, self.since, policies)
        return session if self.since <= session.begins < self.until else None


def observed_people(connection: Connection, incident: str, persons: Iterable[str] | None = None) -> list[Observed]:
    """Everybody whose observation began, in the order of places and codes; or those named."""
    table, person = sql.contacts, sql.persons
    columns = (
        table.c.case_id, table.c.person_id, table.c.instance_id, table.c.mode, table.c.status, table.c.observed_from,
        table.c.observed_until, person.c.code, person.c.org_unit, person.c.member_id, person.c.sealed,
    )  # fmt: skip
    statement = (
        select(*columns)
        .join(person, person.c.id == table.c.person_id)
        .where(table.c.incident_id == incident, table.c.observed_from.is_not(None), table.c.stage == "final")
        .order_by(person.c.org_unit, person.c.code, table.c.person_id, table.c.registered_at)
    )
    wanted = None if persons is None else frozenset(persons)
    found: dict[str, Observed] = {}
    for row in connection.execute(statement):
        if wanted is None or row.person_id in wanted:
            known = found.get(row.person_id)
            found[row.person_id] = Observed(
                person=row.person_id, code=row.code, place=row.org_unit, member=row.member_id or "", sealed=row.sealed,
                instance=row.instance_id or (known.instance if known else ""), mode=row.mode, status=row.status,
                since=min(row.observed_from, known.since) if known else row.observed_from,
                until=max(row.observed_until, known.until) if known else row.observed_until,
                cases=frozenset({row.case_id}) | (known.cases if known else frozenset()),
            )  # fmt: skip
    return list(found.values())


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A stored reading without what is sealed in it; the newest of its session stands."""

    id: str
    person: str
    day_no: int
    session: str
    at: datetime
    is_correction: bool
    is_late: bool
    is_in_place: bool
    sealed: str


def stored_readings(
    connection: Connection, incident: str, *, since: datetime | None = None, persons: Iterable[str] | None = None
) -> dict[tuple[str, int, str], ReadingRow]:
    """The readings of an incident by person, day and session; those entered since an instant, or of some persons."""
    table = sql.records.c
    mine = (table.incident_id == incident) & (table.form == "F14") & (table.view == "session")
    mine &= table.is_revoked.is_(False)
    if since is not None:
        mine &= table.at >= since
    if persons is not None:
        mine &= table.person_id.in_(list(persons))
    columns = (table.id, table.person_id, table.at, table.data, table.sealed)
    found: dict[tuple[str, int, str], ReadingRow] = {}
    for row in connection.execute(select(*columns).where(mine).order_by(table.at, table.id)):
        data = row.data
        reading = ReadingRow(
            row.id, row.person_id, data["day_no"], data["session"], row.at, bool(data.get("correction_reason")),
            bool(data.get("entry_reason") or data.get("window_reason")), bool(data.get("in_place")), row.sealed,
        )  # fmt: skip
        found[reading.person, reading.day_no, reading.session] = reading
    return found
