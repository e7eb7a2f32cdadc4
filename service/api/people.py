"""People, contacts and places of an incident."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter

from service.api.dependencies import Answer, Door, permit
from service.api.incidents import EventAnswer, Reading
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application.queries import Reader, contacts, exposures, people, rosters, timeline
from service.application.queries.rosters import RosterFilter, RosterRow
from service.application.queries.summaries import KINDS
from service.application.queries.timeline import Timeline
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/incidents", tags=["people"])

ReadingPeople = Annotated[Door, permit(Action.PEOPLE_READ)]


class PersonAnswer(Answer):
    """A person; the name in full only while a task of the caller needs it."""

    id: str
    code: str
    name: str
    is_full_name: bool
    kind: str
    place: str
    place_name: str
    case_no: int
    status: str
    status_label: str
    instance: str
    registered_at: datetime
    hold_leave: bool
    held_by: list[str]
    is_neighbour: bool
    is_revoked: bool


class ContactAnswer(Answer):
    """A person on the contact list of a case; the class is stars where the caller may not see it."""

    id: str
    case: str
    case_code: str
    person: str
    code: str
    name: str
    is_full_name: bool
    place: str
    place_name: str
    stage: str
    stage_label: str
    status: str
    status_label: str
    contact_class: str
    class_label: str
    mode: str
    mode_label: str
    other_org: str
    other_org_name: str
    instance: str
    observed_from: datetime | None
    observed_until: datetime | None
    registered_at: datetime


class RosterAnswer(PersonAnswer):
    """A person with what he is in the incident now, whose contact he is and who watches him until when."""

    group: str
    state: str
    state_label: str
    since: datetime
    contacts: list[ContactAnswer]
    where: str
    until: datetime | None
    observer: str
    due: datetime | None
    missing: int


class PersonRecordAnswer(Answer):
    """An answered form view about a person, values masked by the caller's rights."""

    id: str
    form_key: str
    name: str
    element: str
    at: datetime
    actor_name: str
    is_revoked: bool
    values: dict[str, Any]


class OnePersonAnswer(PersonAnswer):
    """A person with what is known of him; `shown` was revealed, `may_reveal` is the ground to reveal more, or ""."""

    values: dict[str, Any]
    contacts: list[ContactAnswer]
    records: list[PersonRecordAnswer]
    shown: list[str]
    may_reveal: str


class PlaceUseAnswer(Answer):
    """Something that happened at a place."""

    kind: str
    label: str
    at: datetime | None
    until: datetime | None
    state: str
    state_label: str
    detail: str
    source: str


class PlaceAnswer(Answer):
    """A place the incident touches."""

    id: str
    name: str
    kind: str
    is_origin: bool
    persons: int
    uses: list[PlaceUseAnswer]


@router.get("/{incident}/people")
def persons(
    incident: str, door: ReadingPeople, *, group: str = "", state: str = "", case: str = "", sort: str = ""
) -> Page[RosterAnswer]:
    """Everybody registered, cases first; `group` is case, contact, onsite or returning."""
    wanted = RosterFilter(group=group, state=state, case=case, sort=sort)
    found = door.read(lambda reader: rosters.roster(reader, incident, wanted))
    return page_of([_roster(each) for each in found.items])


@router.get("/{incident}/people/{person}")
def one(incident: str, person: str, door: ReadingPeople) -> OnePersonAnswer:
    """One person with the records about him."""
    return door.read(lambda reader: one_person(reader, incident, person))


def one_person(reader: Reader, incident: str, person: str) -> OnePersonAnswer:
    """One person as the caller may see him now."""
    found = people.person(reader, incident, person)
    listed = contacts.contacts(reader, incident).items
    return OnePersonAnswer(
        **PersonAnswer.model_validate(found.row).model_dump(),
        values=dict(found.values),
        contacts=[ContactAnswer.model_validate(each) for each in listed if each.person == person],
        records=[PersonRecordAnswer.model_validate(each) for each in found.records],
        shown=sorted(found.shown),
        may_reveal=found.ground.basis if found.ground else "",
    )


@router.get("/{incident}/people/{person}/timeline")
def happened(incident: str, person: str, door: ReadingPeople, before: int = 0) -> Page[EventAnswer]:
    """What happened to one person, newest first; `next` is the seq to go on before."""

    def query(reader: Reader) -> Timeline:
        people.person(reader, incident, person)
        return timeline.timeline(reader, incident, kinds=KINDS, before=before, person=person)

    found = door.read(query)
    return page_of([EventAnswer.model_validate(each) for each in found.entries], found.next)


@router.get("/{incident}/contacts")
def contact_list(incident: str, door: ReadingPeople, case: str = "") -> Page[ContactAnswer]:
    """The contacts, case by case; who belongs to another organisation sees its own alone."""
    found = door.read(lambda reader: contacts.contacts(reader, incident, case=case))
    return page_of([ContactAnswer.model_validate(each) for each in found.items])


@router.get("/{incident}/places")
def places(incident: str, door: Reading) -> Page[PlaceAnswer]:
    """Places the incident touches, with what happened there."""
    found = door.read(lambda reader: exposures.exposures(reader, incident))
    return page_of([PlaceAnswer.model_validate(each) for each in found.items])


def _roster(row: RosterRow) -> RosterAnswer:
    named = {name: getattr(row, name) for name in RosterAnswer.model_fields if hasattr(row, name)}
    return RosterAnswer.model_validate({**PersonAnswer.model_validate(row.person).model_dump(), **named})
