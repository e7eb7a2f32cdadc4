"""Showing persons in full on purpose, emergency access, and finding somebody."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.people import OnePersonAnswer, one_person
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import person_search, revealing
from service.application.person_search import FindPersons
from service.application.queries.found_persons import found_persons
from service.application.revealing import BreakGlassEnding, BreakGlassOpening, RevealPersons
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["privacy"])


class RevealBody(Body):
    """What of the person is to be shown."""

    fields: list[Literal["name", "contact", "id_no", "address", "health"]] = Field(min_length=1)


class GlassBody(Body):
    """Why, and for how long."""

    reason: str = Field(max_length=500)
    minutes: int


class GlassAnswer(Answer):
    """The emergency access that was opened."""

    id: str
    incident: str


class GlassEnded(Answer):
    """It is over."""

    id: str


class SearchBody(Body):
    """A whole name, phone or identity number."""

    by: Literal["name", "phone", "id_no"]
    text: str = Field(max_length=100)


class FoundAnswer(Answer):
    """Somebody who was found; the name is surname, class and code."""

    person: str
    name: str
    kind_label: str
    status_label: str
    incident: str
    incident_number: str
    organisation_name: str
    registered_at: datetime


@router.post("/incidents/{incident}/people/{person}/reveal", response_model=OnePersonAnswer)
def reveal(
    incident: str, person: str, body: RevealBody, door: Annotated[Door, permit(Action.PERSON_REVEAL)]
) -> Response:  # fmt: skip
    """Show somebody in full for some minutes, for the open task that needs him; logged."""
    command = RevealPersons(incident, (person,), tuple(body.fields))
    return door.change(revealing.reveal, command, lambda reader, _: one_person(reader, incident, person))


@router.post("/incidents/{incident}/break-glass", status_code=201, response_model=GlassAnswer)
def open_glass(incident: str, body: GlassBody, door: Annotated[Door, permit(Action.BREAK_GLASS)]) -> Response:
    """Open access without a task; the data-protection contact is told."""
    command = BreakGlassOpening(incident, body.reason, body.minutes)
    return door.change(
        revealing.open_break_glass, command, lambda _, grant: GlassAnswer(id=grant, incident=incident), status=201
    )


@router.post("/incidents/{incident}/break-glass/{grant}/end", response_model=GlassEnded)
def end_glass(incident: str, grant: str, door: Annotated[Door, permit(Action.BREAK_GLASS)]) -> Response:
    """End it before its time."""
    command = BreakGlassEnding(incident, grant)
    return door.change(revealing.end_break_glass, command, lambda _, __: GlassEnded(id=grant))


@router.post("/people/search", response_model=Page[FoundAnswer])
def search(body: SearchBody, door: Annotated[Door, permit(Action.PERSON_SEARCH)]) -> Response:
    """Persons within the caller's scope; the search is logged."""
    return door.change(
        person_search.find,
        FindPersons(body.by, body.text),
        lambda reader, found: page_of(
            [FoundAnswer.model_validate(each) for each in found_persons(reader, found.persons)]
        ),
    )
