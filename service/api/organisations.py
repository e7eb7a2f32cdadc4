"""Organisations, their places and groups, who works there, and what was changed."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import directory_undo, handovers, organisation_changes, place_changes, staff_changes
from service.application.directory_undo import UndoChange
from service.application.handovers import HandOver
from service.application.invitations import Invited
from service.application.organisation_changes import (
    ChangeOrganisation,
    CreateOrganisation,
    MoveOrganisation,
    SwitchOrganisation,
)
from service.application.place_changes import SavePlace
from service.application.queries import Reader, cursors, directory, directory_history
from service.application.rehearsal import rehearse
from service.application.staff_changes import EndRole, GiveRole, InvitePerson
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/organisations", tags=["organisations"])

Reading = Annotated[Door, permit(Action.ORGANISATION_READ)]
Changing = Annotated[Door, permit(Action.ORGANISATION_CHANGE)]
Staffing = Annotated[Door, permit(Action.STAFF_CHANGE)]
Limit = Annotated[int, Query(ge=1, le=cursors.MOST)]


class OrganisationItem(Answer):
    """An organisation of a list."""

    id: str
    name: str
    type: str
    type_name: str
    parent: str
    is_active: bool
    people: int
    below: int


class OrganisationAnswer(OrganisationItem):
    """One organisation with its way up, the top first."""

    name_zh: str
    name_en: str
    contact: str
    address: str
    above: list[str]


class RoleAnswer(Answer):
    """A role somebody holds; `is_now`: it is in effect."""

    role: str
    name: str
    valid_from: datetime | None
    valid_until: datetime | None
    is_now: bool


class StaffAnswer(Answer):
    """Somebody who works in an organisation; `invited_until`: has not chosen a password yet."""

    account: str
    username: str
    name: str
    is_active: bool
    roles: list[RoleAnswer]
    invited_until: datetime | None


class PlaceAnswer(Answer):
    """A class, room or site; `people` counts its roster."""

    id: str
    name: str
    kind: str
    lead: str
    positions_fixed: bool
    people: int


class ChangeAnswer(Answer):
    """What was changed; `values` are (name, before, after) in words."""

    seq: int
    at: datetime
    by: str
    what: str
    about: str
    values: list[tuple[str, str, str]]
    reason: str
    can_undo: bool


class MovedAnswer(Answer):
    """What a move does: organisations that go along, accounts that see it from then on or no longer, policies."""

    organisation: str
    before: str
    after: str
    count: int
    gained: list[str]
    lost: list[str]
    policies: list[tuple[str, Any, Any]]


class InvitedAnswer(Answer):
    """An invitation; the code is told this once."""

    account: str
    code: str
    expires_at: datetime


class NewOrganisationBody(Body):
    """An organisation to be made; `parent` "" = at the top."""

    name: str = Field(max_length=200)
    type: str
    parent: str = ""
    name_en: str = ""
    contact: str = ""
    address: str = ""
    id: str = ""


class OrganisationBody(Body):
    """Other words; what is absent stays."""

    name: str | None = None
    name_en: str | None = None
    type: str | None = None
    contact: str | None = None
    address: str | None = None


class MoveBody(Body):
    """Another superior, "" = none; `dry_run` only tells what it would do."""

    parent: str
    reason: str
    dry_run: bool = False


class SwitchBody(Body):
    """Close (false) or open again."""

    is_active: bool
    reason: str


class PlaceBody(Body):
    """A place as it should be; `id` "" = a new one."""

    name: str
    kind: str
    id: str = ""
    positions_fixed: bool = False
    lead: str = ""
    is_active: bool = True


class MembershipBody(Body):
    """A role for an account, for a time where it has a beginning or an end."""

    account: str
    role: str
    valid_from: datetime | None = Field(default=None, strict=False)
    valid_until: datetime | None = Field(default=None, strict=False)


class EndBody(Body):
    """A role that ends now."""

    account: str
    role: str
    reason: str = ""


class InviteBody(Body):
    """A new account with roles."""

    username: str
    name: str
    roles: list[str]
    valid_from: datetime | None = Field(default=None, strict=False)
    valid_until: datetime | None = Field(default=None, strict=False)


class HandOverBody(Body):
    """Who gets which task and which role of somebody who leaves."""

    account: str
    reason: str
    tasks: dict[str, str] = Field(default_factory=dict)
    roles: dict[str, str] = Field(default_factory=dict)
    switch_off: bool = True


@router.get("")
def listed(door: Reading, parent: str = "", q: str = "", limit: Limit = cursors.LIMIT) -> Page[OrganisationItem]:
    """Organisations below one, those a search finds, or the topmost that may be read."""

    def query(reader: Reader) -> list[OrganisationItem]:
        if q.strip():
            rows = directory.found(reader, q)
        elif parent:
            directory.subject_of(reader, parent)
            rows = directory.below(reader, parent)
        else:
            rows = directory.roots(reader)
        return [OrganisationItem.model_validate(each) for each in rows[:limit]]

    return page_of(door.read(query))


@router.post("", status_code=201)
def create(body: NewOrganisationBody, door: Changing) -> Response:
    """Make an organisation."""
    command = CreateOrganisation(**body.model_dump())
    return door.change(organisation_changes.create, command, _shown, status=201)


@router.get("/{organisation}")
def one(organisation: str, door: Reading) -> OrganisationAnswer:
    """One organisation."""
    return door.read(lambda reader: _shown(reader, organisation))


@router.patch("/{organisation}")
def change(organisation: str, body: OrganisationBody, door: Changing) -> Response:
    """Change its words or type."""
    command = ChangeOrganisation(organisation, **body.model_dump())
    return door.change(organisation_changes.change, command, _of(organisation))


@router.post("/{organisation}/move")
def move(organisation: str, body: MoveBody, door: Changing) -> Response:
    """Put it below another superior; its subtree goes along."""
    command, tocsin = MoveOrganisation(organisation, body.parent, body.reason), door.tocsin
    if body.dry_run:
        told = rehearse(
            tocsin.writer, lambda uow: organisation_changes.move(uow, tocsin.services, door.principal, command)
        )
        return Response(MovedAnswer.model_validate(told).model_dump_json(), media_type="application/json")
    return door.change(organisation_changes.move, command, lambda _, moved: MovedAnswer.model_validate(moved))


@router.post("/{organisation}/switch")
def switch(organisation: str, body: SwitchBody, door: Changing) -> Response:
    """Close it, or open it again."""
    command = SwitchOrganisation(organisation, body.is_active, body.reason)
    return door.change(organisation_changes.switch, command, _of(organisation))


@router.get("/{organisation}/history")
def history(organisation: str, door: Reading, element: str = "", limit: Limit = cursors.LIMIT) -> Page[ChangeAnswer]:
    """What was changed of it, or of one thing of it, newest first."""

    def query(reader: Reader) -> list[ChangeAnswer]:
        directory.subject_of(reader, organisation)
        rows = directory_history.history(reader, organisation, element=element, limit=limit)
        return [ChangeAnswer.model_validate(each) for each in rows]

    return page_of(door.read(query))


@router.post("/{organisation}/history/{seq}/undo")
def undo(organisation: str, seq: int, door: Changing) -> Response:
    """Take a change back."""
    return door.change(directory_undo.undo, UndoChange(organisation, seq), _of(organisation))


@router.get("/{organisation}/places")
def places(organisation: str, door: Reading) -> Page[PlaceAnswer]:
    """Its classes, rooms and sites in use."""

    def query(reader: Reader) -> list[PlaceAnswer]:
        directory.subject_of(reader, organisation)
        return [PlaceAnswer.model_validate(each) for each in directory.places(reader, organisation)]

    return page_of(door.read(query))


@router.post("/{organisation}/places")
def save_place(organisation: str, body: PlaceBody, door: Changing) -> Response:
    """Make or change one."""
    command = SavePlace(organisation, body.name, body.kind, body.id, body.positions_fixed, body.lead, body.is_active)
    return door.change(place_changes.save_place, command, _of(organisation))


@router.get("/{organisation}/members")
def members(organisation: str, door: Reading) -> Page[StaffAnswer]:
    """Who works there, with roles."""
    return page_of(door.read(lambda reader: _staff(reader, organisation)))


@router.post("/{organisation}/members", status_code=201)
def invite(organisation: str, body: InviteBody, door: Staffing) -> Response:
    """Make an account without a password; the code of the invitation is in the answer."""
    command = InvitePerson(organisation, body.username, body.name, tuple(body.roles), body.valid_from, body.valid_until)
    return told(door.tocsin.run(lambda uow: staff_changes.invite(uow, door.services, door.principal, command)), 201)


@router.post("/{organisation}/memberships")
def give(organisation: str, body: MembershipBody, door: Staffing) -> Response:
    """Give a role, or give it another length."""
    command = GiveRole(organisation, body.account, body.role, body.valid_from, body.valid_until)
    return door.change(staff_changes.give, command, _of(organisation))


@router.post("/{organisation}/memberships/end")
def end(organisation: str, body: EndBody, door: Staffing) -> Response:
    """End a role."""
    command = EndRole(organisation, body.account, body.role, body.reason)
    return door.change(staff_changes.end, command, _of(organisation))


@router.post("/{organisation}/hand-over")
def hand_over(organisation: str, body: HandOverBody, door: Staffing) -> Response:
    """Let somebody leave: tasks and roles go to others."""
    command = HandOver(organisation, body.account, body.reason, body.tasks, body.roles, body.switch_off)
    return door.change(handovers.hand_over, command, _of(organisation))


# --- inside -----------------------------------------------------------------------------------


def told(invited: Invited, status: int) -> Response:
    """An invitation as JSON; never kept for a repeated request, because only the hash of its code is stored."""
    return Response(InvitedAnswer.model_validate(invited).model_dump_json(), status, media_type="application/json")


def _of(organisation: str) -> Callable[[Reader, object], OrganisationAnswer]:
    return lambda reader, _done: _shown(reader, organisation)


def _shown(reader: Reader, organisation: str) -> OrganisationAnswer:
    found = directory.detail(reader, organisation)
    return OrganisationAnswer(
        **OrganisationItem.model_validate(found.row).model_dump(),
        name_zh=found.name_zh,
        name_en=found.name_en,
        contact=found.contact,
        address=found.address,
        above=[each for each, _name, _readable in found.above],
    )


def _staff(reader: Reader, organisation: str) -> list[StaffAnswer]:
    return [StaffAnswer.model_validate(each) for each in directory.staff(reader, organisation)]
