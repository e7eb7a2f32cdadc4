"""Organisations, places, groups, people and roles changed, in the stream of the organisation.

`before` and `after` are the public values that changed: {} before it was made, {} after it is gone. Names of people
and whatever else is personal travel beside, sealed under the person.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from service.domain.events.base import Event, event


@event
@dataclass(frozen=True, slots=True)
class OrganisationChanged(Event):
    """An organisation was made, renamed, moved below another superior, closed or opened again."""

    type: ClassVar[str] = "organisation_changed"
    organisation: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str = ""


@event
@dataclass(frozen=True, slots=True)
class PlaceChanged(Event):
    """A class, room, site or vehicle was made, changed or given up."""

    type: ClassVar[str] = "place_changed"
    place: str
    before: dict[str, Any]
    after: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class GroupChanged(Event):
    """A working group was made, given other people, or dissolved."""

    type: ClassVar[str] = "group_changed"
    group: str
    before: dict[str, Any]
    after: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class MemberChanged(Event):
    """A pupil or member of staff was entered, changed or taken off the roster; the identity is sealed."""

    type: ClassVar[str] = "member_changed"
    member: str
    before: dict[str, Any]
    after: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class AccountChanged(Event):
    """An account was made, renamed (sealed), switched off or on."""

    type: ClassVar[str] = "account_changed"
    account: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str = ""


@event
@dataclass(frozen=True, slots=True)
class MembershipChanged(Event):
    """A role was given, given another length, or ended."""

    type: ClassVar[str] = "membership_changed"
    account: str
    role: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str = ""


@event
@dataclass(frozen=True, slots=True)
class AccountInvited(Event):
    """Somebody may choose a password once, until the time said."""

    type: ClassVar[str] = "account_invited"
    account: str
    until: str


@event
@dataclass(frozen=True, slots=True)
class WorkHandedOver(Event):
    """Somebody left: `tasks` maps a task to who has it now ("" = its roles), `roles` a role to who took it over."""

    type: ClassVar[str] = "work_handed_over"
    account: str
    tasks: dict[str, str]
    roles: dict[str, str]
    reason: str


@event
@dataclass(frozen=True, slots=True)
class DirectoryImported(Event):
    """A workbook was taken over; `counts` says how many of each kind were new, changed and removed."""

    type: ClassVar[str] = "directory_imported"
    sha256: str
    counts: dict[str, Any]


@event
@dataclass(frozen=True, slots=True)
class InvitationAccepted(Event):
    """Somebody who was invited chose a password; the code is used up."""

    type: ClassVar[str] = "invitation_accepted"


@event
@dataclass(frozen=True, slots=True)
class RosterOpened(Event):
    """Somebody read the names of a roster in full; `place` "" = of those in no place."""

    type: ClassVar[str] = "roster_opened"
    organisation: str
    place: str
