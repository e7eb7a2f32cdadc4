"""The band over every page of a drill: that it is one, and both clocks."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table, select

from service.application.queries import drill_injects, incident_pages
from service.application.queries.drill_injects import InjectCard
from service.application.queries.drills import DrillClock, clock_of, drill_row
from service.application.queries.reader import Reader
from service.domain.access import Action, may
from service.persistence.tables import sql

# The first part of an address, and the table whose row names the incident.
NOUNS: Mapping[str, Table] = {"tasks": sql.tasks, "reports": sql.reports, "partner": sql.waits}
INCIDENTS = ("incidents", "drills")
MOST_CARDS = 3  # of what came latest


@dataclass(frozen=True, slots=True)
class DrillBand:
    """A drill as the band tells it; `cards` are injects that came to the reader, latest first, until it is over."""

    drill: str
    number: str
    organisation: str
    clock: DrillClock
    may_control: bool
    is_over: bool
    is_trial: bool
    cards: tuple[InjectCard, ...]


def of_path(reader: Reader, path: str, *, incident: str = "") -> DrillBand | None:
    """The drill a page is about, by its address; None where it is about none, or about real incidents."""
    return of_incident(reader, incident or _incident_of(reader, path))


def of_incident(reader: Reader, incident: str) -> DrillBand | None:
    """The band of an incident, if it is a drill the reader may see."""
    row = drill_row(reader, incident) if incident else None
    if row is None:
        return None
    shown = incident_pages.one(reader, incident)
    subject = reader.incident_subject({"organisation_id": shown.organisation, "kind": shown.kind})
    if not may(reader.principal, Action.INCIDENT_READ, subject):
        return None
    is_over = row["ended_at"] is not None
    return DrillBand(
        incident, shown.number, shown.organisation, clock_of(reader, row, shown),
        may(reader.principal, Action.DRILL_CONTROL, subject), is_over, row["trial"],
        () if is_over else drill_injects.cards(reader, reader.incident(incident))[:MOST_CARDS],
    )  # fmt: skip


def _incident_of(reader: Reader, path: str) -> str:
    noun, _, rest = path.strip("/").partition("/")
    key = rest.partition("/")[0].partition(".")[0]
    if noun in INCIDENTS:
        return key
    table = NOUNS.get(noun)
    if table is None or not key:
        return ""
    return str(reader.connection.execute(select(table.c.incident_id).where(table.c.id == key)).scalar() or "")
