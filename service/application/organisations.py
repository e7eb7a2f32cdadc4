"""Organisations: the hierarchy, places with their seats, members, and who holds a role."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, RowMapping, insert, literal, select

from service.domain.access import Hierarchy, OrganisationSubject
from service.domain.errors import NoSuch, OrganisationInactive
from service.persistence.sealing import Sealer
from service.persistence.tables import Account, Member, Membership, Organisation, Place, table_of
from service.persistence.unit_of_work import UnitOfWork
from service.persistence.working_set import Source, remembered

_organisations = table_of(Organisation)
_places = table_of(Place)
_members = table_of(Member)
_memberships = table_of(Membership)
_accounts = table_of(Account)

SEAT = re.compile(r"(\d{1,3})-(\d{1,3})")
# Row 1 is in front of the class, column 1 at its left as seen by the pupils.
NEIGHBOURS = {"front": (-1, 0), "back": (1, 0), "left": (0, -1), "right": (0, 1)}


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation as shown."""

    id: str
    name: str
    name_en: str
    type: str
    parent_id: str | None
    contact: str = ""
    address: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A class, room, site or vehicle; `lead_account_id` is who is asked first (place lead, class teacher)."""

    id: str
    organisation_id: str
    name: str
    kind: str
    positions_fixed: bool
    lead_account_id: str | None
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class MemberView:
    """A person an organisation knows. `values` are the opened sealed ones: name, sex, age, guardian and so on."""

    id: str
    organisation_id: str
    place_id: str | None
    person_type: str
    seat_no: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The full name; empty after erasure."""
        return str(self.values.get("name", ""))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that holds a role of an organisation."""

    account_id: str
    name: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member to be added; `values` are sealed under the member's own key."""

    organisation_id: str
    person_type: str
    values: Mapping[str, Any]
    place_id: str | None = None
    seat_no: str = ""
    id: str | None = None


def hierarchy(source: Source) -> Hierarchy:
    """The tree of all organisations."""
    return remembered(source, "hierarchy", _hierarchy)


def _hierarchy(connection: Connection) -> Hierarchy:
    rows = connection.execute(select(_organisations.c.id, _organisations.c.parent_id))
    return Hierarchy({row.id: row.parent_id for row in rows})


def names(source: Source) -> Mapping[str, tuple[str, str]]:
    """The names of all organisations, Chinese and English."""

    def read(connection: Connection) -> Mapping[str, tuple[str, str]]:
        rows = connection.execute(select(_organisations.c.id, _organisations.c.name, _organisations.c.name_en))
        return {row.id: (row.name, row.name_en) for row in rows}

    return remembered(source, "organisation names", read)


def row_of(source: Source, organisation_id: str) -> Mapping[str, Any]:
    """The row of an organisation; it must be there."""

    def read(connection: Connection) -> Mapping[str, Any]:
        statement = select(_organisations).where(_organisations.c.id == organisation_id)
        return dict(connection.execute(statement).mappings().one())

    return remembered(source, f"organisation:{organisation_id}", read)


def place_row(source: Source, place_id: str) -> Mapping[str, Any] | None:
    """The row of a place, None if there is none."""

    def read(connection: Connection) -> Mapping[str, Any] | None:
        statement = select(_places).where(_places.c.id == place_id)
        row = connection.execute(statement).mappings().first()
        return dict(row) if row else None

    return remembered(source, f"place:{place_id}", read)


def subject(connection: Connection, organisation_id: str) -> OrganisationSubject:
    """An organisation as access rules see it. Raises NoSuch."""
    tree = hierarchy(connection)
    if organisation_id not in tree.parents:
        raise NoSuch("organisation", organisation_id)
    return OrganisationSubject(organisation_id, tree.ancestors(organisation_id))


def require_active(source: Source, organisation_id: str) -> None:
    """Raise OrganisationInactive for one that is closed: nothing new begins there."""
    row = row_of(source, organisation_id)
    if not row["is_active"]:
        raise OrganisationInactive(row["name"])


def organisation(connection: Connection, organisation_id: str) -> OrganisationView:
    """One organisation. Raises NoSuch."""
    row = connection.execute(select(_organisations).where(_organisations.c.id == organisation_id)).mappings().first()
    if row is None:
        raise NoSuch("organisation", organisation_id)
    return OrganisationView(**row)


def organisations(connection: Connection, organisation_ids: Collection[str] | None = None) -> list[OrganisationView]:
    """All organisations, or those named, by id."""
    statement = select(_organisations).order_by(_organisations.c.id)
    if organisation_ids is not None:
        statement = statement.where(_organisations.c.id.in_(list(organisation_ids)))
    return [OrganisationView(**row) for row in connection.execute(statement).mappings()]


def places(connection: Connection, organisation_id: str, *, kind: str | None = None) -> list[PlaceView]:
    """Places of an organisation in use, by name; `kind` is class, room, outdoor or vehicle."""
    mine = (_places.c.organisation_id == organisation_id) & _places.c.is_active
    statement = select(_places).where(mine).order_by(_places.c.name)
    if kind is not None:
        statement = statement.where(_places.c.kind == kind)
    return [PlaceView(**row) for row in connection.execute(statement).mappings()]


def place(connection: Connection, place_id: str) -> PlaceView:
    """One place. Raises NoSuch."""
    row = connection.execute(select(_places).where(_places.c.id == place_id)).mappings().first()
    if row is None:
        raise NoSuch("place", place_id)
    return PlaceView(**row)


def place_named(connection: Connection, organisation_id: str, name: str) -> PlaceView | None:
    """The place of an organisation that people call so (`七2教室` is `七年级2班`); None if there is none."""
    wanted = _short(name)
    return next((each for each in places(connection, organisation_id) if _short(each.name) == wanted), None)


def members(
    connection: Connection, sealer: Sealer, organisation_id: str, *, place_id: str | None = None
) -> list[MemberView]:
    """Members of an organisation, or of one of its places, by place and seat, values opened."""
    statement = select(_members).where(_members.c.organisation_id == organisation_id)
    if place_id is not None:
        statement = statement.where(_members.c.place_id == place_id)
    rows = connection.execute(statement).mappings().all()
    absent = sealer.preload_texts(connection, [row["sealed"] for row in rows])
    views = [_member(connection, sealer, row, absent) for row in rows]
    return sorted(views, key=lambda view: (view.place_id or "", seat_position(view.seat_no) or (999, 999), view.id))


def member(connection: Connection, sealer: Sealer, member_id: str) -> MemberView:
    """One member, values opened. Raises NoSuch."""
    row = connection.execute(select(_members).where(_members.c.id == member_id)).mappings().first()
    if row is None:
        raise NoSuch("member", member_id)
    return _member(connection, sealer, row)


def seat_neighbours(connection: Connection, sealer: Sealer, place_id: str, seat_no: str) -> dict[str, MemberView]:
    """Who sits in front, behind, left and right of a seat: `{front|back|left|right: member}`.

    An empty seat is left out; so is everything if the seat is not written row-column. These are the
    four who are watched beside a feverish pupil.
    """
    position = seat_position(seat_no)
    if position is None:
        return {}
    row, column = position
    wanted = {f"{row + down}-{column + right}": side for side, (down, right) in NEIGHBOURS.items()}
    statement = select(_members).where(_members.c.place_id == place_id, _members.c.seat_no.in_(list(wanted)))
    found = connection.execute(statement).mappings().all()
    by_side = {wanted[each["seat_no"]]: _member(connection, sealer, each) for each in found}
    return {side: by_side[side] for side in NEIGHBOURS if side in by_side}


def seat_position(seat_no: str) -> tuple[int, int] | None:
    """(row, column) of a seat written `3-4`, None if it is not."""
    match = SEAT.fullmatch(seat_no.strip())
    return (int(match[1]), int(match[2])) if match else None


def in_effect(now: datetime | BindParameter[Any] | None) -> ColumnElement[bool]:
    """The condition on `memberships` that holds for those in effect; at None those without beginning and end."""
    since, until = _memberships.c.valid_from, _memberships.c.valid_until
    at = now if isinstance(now, BindParameter) else literal(now, since.type)
    return (since.is_(None) | (since <= at)) & (until.is_(None) | (until > at))


def candidates(
    connection: Connection, organisation_id: str, roles: Collection[str], *, now: datetime | None = None
) -> list[Candidate]:
    """Active accounts that hold one of some roles in an organisation, by name; at `now`, see `in_effect`."""
    statement = (
        select(_accounts.c.id, _accounts.c.name, _memberships.c.role)
        .join(_memberships, _memberships.c.account_id == _accounts.c.id)
        .where(_memberships.c.organisation_id == organisation_id, _memberships.c.role.in_(list(roles)))
        .where(_accounts.c.is_active.is_(True), in_effect(now))
    )
    found: dict[tuple[str, str], set[str]] = {}
    for row in connection.execute(statement):
        found.setdefault((row.name, row.id), set()).add(row.role)
    return [Candidate(account_id, name, frozenset(held)) for (name, account_id), held in sorted(found.items())]


def add_organisation(uow: UnitOfWork, view: OrganisationView) -> None:
    """Add an organisation below its superior."""
    uow.directory_changed()
    uow.connection.execute(
        insert(_organisations).values(
            id=view.id,
            name=view.name,
            name_en=view.name_en,
            type=view.type,
            parent_id=view.parent_id,
            contact=view.contact,
            address=view.address,
            is_active=view.is_active,
        )
    )


def add_place(uow: UnitOfWork, view: PlaceView) -> None:
    """Add a place to an organisation."""
    uow.directory_changed()
    uow.connection.execute(
        insert(_places).values(
            id=view.id,
            organisation_id=view.organisation_id,
            name=view.name,
            kind=view.kind,
            positions_fixed=view.positions_fixed,
            lead_account_id=view.lead_account_id,
            is_active=view.is_active,
        )
    )


def add_member(uow: UnitOfWork, new: NewMember) -> str:
    """Add a member and return its id; its values are sealed with a key of its own."""
    uow.directory_changed()
    member_id = new.id or uow.new_id()
    uow.connection.execute(
        insert(_members).values(
            id=member_id,
            organisation_id=new.organisation_id,
            place_id=new.place_id,
            person_type=new.person_type,
            seat_no=new.seat_no,
            sealed=uow.sealer.seal_text(uow.connection, {member_id: dict(new.values)}),
        )
    )
    return member_id


def _short(name: str) -> str:
    """A class or room name without the words people leave out."""
    return re.sub(r"年级|教室|班|\s", "", name)


def _member(
    connection: Connection, sealer: Sealer, row: RowMapping, absent: frozenset[str] | None = None
) -> MemberView:
    opened = sealer.open_text(connection, row["sealed"], absent=absent)
    values: dict[str, Any] = {}
    for each in opened.values():
        values.update(each)
    return MemberView(row["id"], row["organisation_id"], row["place_id"], row["person_type"], row["seat_no"], values)
