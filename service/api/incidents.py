"""Incidents: opening, reading, further cases, notes."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import (
    IncidentAnswer,
    IncidentItem,
    Page,
    TaskAnswer,
    incident_answer,
    incident_item,
    page_of,
    task_answer,
)
from service.application import incidents as use_cases
from service.application.queries import Reader, cursors, inbox, incident_pages, situation, timeline
from service.application.queries.inbox import TaskFilter
from service.application.queries.incident_pages import IncidentFilter
from service.application.queries.situation import Situation
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/incidents", tags=["incidents"])

Reading = Annotated[Door, permit(Action.INCIDENT_READ)]
Instant = Annotated[AwareDatetime, Field(strict=False)]


class Opening(Body):
    """What an incident is opened with; `start` names a start event where the form does not tell it."""

    procedure: str
    organisation: str
    data: dict[str, Any]
    start: str = ""


class FurtherCase(Body):
    """The answers to F01 about a further sick person."""

    data: dict[str, Any]


class Note(Body):
    """An entry for the timeline, at the time it speaks of."""

    text: str = Field(min_length=1, max_length=2000)
    happened_at: Instant | None = None


class CaseAnswer(Answer):
    """The person who was registered."""

    person: str
    incident: str


class NoteAnswer(Answer):
    """The note was taken."""

    incident: str
    happened_at: datetime


class EventAnswer(Answer):
    """An event of the timeline."""

    seq: int
    type: str
    kind: str
    is_milestone: bool
    at: datetime
    happened_at: datetime
    real_at: datetime
    actor: str
    actor_name: str
    role: str
    on_behalf_of: str
    instance: str
    procedure: str
    element: str
    summary: str
    text: str
    data: dict[str, Any]


class ElementAnswer(Answer):
    """State of a step: tokens in that state, since when, how many of them overdue."""

    state: str
    count: int
    since: datetime
    late: int


class ChildAnswer(Answer):
    """Children that a call started."""

    element: str
    procedure: str
    process: str
    version: int
    open: int
    late: int
    done: int
    instances: list[str]


class DiagramAnswer(Answer):
    """The diagram as situation board."""

    procedure: str
    version: int
    instances: list[str]
    pages: list[str]
    elements: dict[str, ElementAnswer]
    children: list[ChildAnswer]


class InstanceAnswer(Answer):
    """An instance of the incident."""

    id: str
    procedure: str
    process: str
    version: int
    name: str
    status: str
    parent: str
    parent_element: str
    person: str
    started_at: datetime
    ended_at: datetime | None


@router.post("", status_code=201, response_model=IncidentAnswer)
def opened(body: Opening, door: Annotated[Door, permit(Action.INCIDENT_OPEN)]) -> Response:
    """Open an incident and answer its first form. 422 where `data` breaks the form; nothing is stored then."""
    command = cmd.OpenIncident(body.procedure, body.organisation, body.data, body.start)
    return door.change(use_cases.open_incident, command, _head, status=201)


@router.get("")
def listed(
    door: Annotated[Door, permit(Action.SELF_READ)],
    *,
    status: str = "",
    organisation: str = "",
    procedure: str = "",
    kind: str = "",
    cursor: str = "",
    limit: int = cursors.LIMIT,
) -> Page[IncidentItem]:
    """Incidents the caller may see, newest first; `status` is a code, or `open` for all that are not over."""
    wanted = IncidentFilter(status, organisation, procedure, kind)
    found = door.read(lambda reader: incident_pages.listing(reader, wanted, cursor=cursor, limit=limit))
    return page_of([incident_item(each) for each in found.items], found.next)


@router.get("/{incident}")
def one(incident: str, door: Reading) -> IncidentAnswer:
    """One incident with its deadlines and counts."""
    return door.read(lambda reader: _head(reader, incident))


@router.get("/{incident}/timeline")
def events(
    incident: str, door: Reading, after: int = 0, cursor: str = "", limit: int = cursors.LIMIT
) -> Page[EventAnswer]:
    """Events in order, after a seq."""
    start = _seq(cursor) if cursor else after
    found = door.read(lambda reader: timeline.all_events(reader, incident, after=start, limit=limit))
    return page_of([EventAnswer.model_validate(each) for each in found.entries], found.next)


@router.get("/{incident}/tasks")
def tasks(
    incident: str,
    door: Reading,
    state: Annotated[list[str] | None, Query()] = None,
    cursor: str = "",
    limit: int = cursors.LIMIT,
) -> Page[TaskAnswer]:
    """Tasks of an incident, due first; all of them without `state`."""
    wanted = TaskFilter(incident=incident, states=tuple(state or ()))

    def query(reader: Reader) -> inbox.TaskList:
        reader.incident(incident)
        return inbox.listing(reader, wanted, cursor=cursor, limit=limit)

    found = door.read(query)
    return page_of([task_answer(each) for each in found.items], found.next)


@router.get("/{incident}/diagram")
def diagram(incident: str, door: Reading, instance: str = "", procedure: str = "") -> DiagramAnswer:
    """State of the steps of one instance (the root if none is named), or of a procedure added up."""

    def query(reader: Reader) -> Situation:
        if procedure and not instance:
            return situation.of_procedure(reader, incident, procedure)
        return situation.of_instance(reader, incident, instance)

    return DiagramAnswer.model_validate(door.read(query))


@router.get("/{incident}/instances")
def instances(incident: str, door: Reading) -> Page[InstanceAnswer]:
    """All instances of an incident, oldest first."""
    found = door.read(lambda reader: situation.instance_rows(reader, incident))
    return page_of([InstanceAnswer.model_validate(each) for each in found])


@router.post("/{incident}/cases", status_code=201, response_model=CaseAnswer)
def add_case(incident: str, body: FurtherCase, door: Annotated[Door, permit(Action.CASE_ADD)]) -> Response:
    """A further sick person of the same incident."""

    def added(_reader: Reader, person: str) -> CaseAnswer:
        return CaseAnswer(person=person, incident=incident)

    return door.change(use_cases.add_case, cmd.AddCase(incident, body.data), added, status=201)


@router.post("/{incident}/notes", status_code=201, response_model=NoteAnswer)
def add_note(incident: str, body: Note, door: Annotated[Door, permit(Action.TIMELINE_NOTE)]) -> Response:
    """Put an entry on the timeline; without a time it speaks of now."""
    happened_at = body.happened_at or door.read(lambda reader: reader.now_of(reader.incident(incident)["clock"]))

    def noted(_reader: Reader, _: None) -> NoteAnswer:
        return NoteAnswer(incident=incident, happened_at=happened_at)

    command = cmd.AddNote(incident, body.text, happened_at)
    return door.change(use_cases.add_note, command, noted, status=201, asked=body)


def _head(reader: Reader, incident: str) -> IncidentAnswer:
    return incident_answer(incident_pages.head(reader, incident))


def _seq(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
        raise cursors.refused()
    return int(cursor)
