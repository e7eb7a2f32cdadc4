"""The grid of an observation as a table: persons by days, a morning and an evening session each."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter

from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.application.queries import cursors, grid
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/incidents", tags=["people"])

MOST = 1_000
NAMES = ("morning", "evening")


class SessionAnswer(Answer):
    """One session of one person.

    `state`: ok, bad (fever), sym (symptoms), out (not in place), miss, lost (could not be reached), done (measured,
    but the reading is not for the caller), todo, later, off (not part of the observation). `temperature` in Celsius.
    """

    state: str
    letter: str
    temperature: float | None
    is_late: bool
    is_corrected: bool


class DayAnswer(Answer):
    """The two sessions of a day of a person."""

    day: date
    morning: SessionAnswer
    evening: SessionAnswer


class ObservedAnswer(Answer):
    """A person under observation; the name in full only for who records the readings, or has a task that needs it."""

    person: str
    code: str
    name: str
    is_full_name: bool
    seat: str
    place: str
    is_observed: bool
    status_label: str
    until: datetime
    days: list[DayAnswer]


class PlaceCountAnswer(Answer):
    """A class or unit with the number of people observed of it."""

    id: str
    name: str
    people: int


class RoundAnswer(Answer):
    """A round that began today or was the last before: how many belong to it and have a reading."""

    day: date
    session: str
    begins: datetime
    ends: datetime
    due: int
    measured: int
    is_over: bool


class ObservationsAnswer(Answer):
    """The readings of an incident. Counts are of everybody chosen, `items` are a part of them; `next` goes on."""

    number: str
    now: datetime
    days: list[date]
    people: int
    places: list[PlaceCountAnswer]
    rounds: list[RoundAnswer]
    due: int
    measured: int
    missing: int
    late: int
    may_record: bool
    items: list[ObservedAnswer]
    next: str | None


@router.get("/{incident}/observations")
def observations(
    incident: str,
    door: Annotated[Door, permit(Action.PEOPLE_READ)],
    *,
    place: str = "",
    case: str = "",
    cursor: str = "",
    limit: int = cursors.MOST,
) -> ObservationsAnswer:
    """The grid of an incident, of a class (`place`), or of the contacts of a case; `limit` persons at a time."""
    after = cursors.read(cursor, 1)[0] if cursor else ""
    most = max(1, min(limit, MOST))
    found = door.read(lambda reader: grid.grid(reader, incident, place=place, case=case, most=most, after=after))
    return ObservationsAnswer(
        number=found.number, now=found.now, days=[each.day for each in found.days], people=found.people,
        places=[PlaceCountAnswer.model_validate(each) for each in found.places],
        rounds=[RoundAnswer.model_validate(each) for each in found.rounds],
        due=found.due, measured=found.measured, missing=found.missing, late=found.late, may_record=found.may_record,
        items=[_row(found, row) for row in found.rows],
        next=cursors.write([found.rows[-1].person]) if found.is_cut else None,
    )  # fmt: skip


def _row(found: grid.Grid, row: grid.GridRow) -> ObservedAnswer:
    days = [
        DayAnswer(
            day=column.day,
            **{name: SessionAnswer.model_validate(half) for name, half in zip(NAMES, halves, strict=True)},
        )
        for column, halves in zip(found.days, row.days, strict=True)
    ]
    named = {name: getattr(row, name) for name in ObservedAnswer.model_fields if name != "days"}
    return ObservedAnswer(**named, days=days)
