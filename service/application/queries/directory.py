"""The directory for pages and the API: organisations with what belongs to them, people with their roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from service.application import organisations
from service.application.queries.reader import Reader
from service.domain.access import ADMINISTRATOR, Action, OrganisationSubject, may, require
from service.domain.errors import NoSuch
from service.domain.policy_words import in_words
from service.domain.standing import LEADERS
from service.persistence.tables import sql

MOST_FOUND = 100


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """An organisation in a list, with how many people work there and how many organisations stand below it."""

    id: str
    name: str
    type: str
    type_name: str
    parent: str
    parent_name: str
    is_active: bool
    people: int
    below: int


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role somebody holds; `is_now`: it is in effect."""

    role: str
    name: str
    valid_from: datetime | None
    valid_until: datetime | None
    is_now: bool


@dataclass(frozen=True, slots=True)
class StaffRow:
    """Somebody who works in an organisation; `invited_until`: has not chosen a password yet."""

    account: str
    username: str
    name: str
    is_active: bool
    roles: tuple[RoleHeld, ...]
    invited_until: datetime | None


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A working group; members by name, heads first."""

    id: str
    name: str
    name_zh: str
    name_en: str
    members: tuple[tuple[str, str, bool], ...]  # account, name, is head


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A class, room or site with how many are on its roster."""

    id: str
    name: str
    kind: str
    kind_name: str
    lead: str
    lead_name: str
    positions_fixed: bool
    people: int


@dataclass(frozen=True, slots=True)
class Rights:
    """What the reader may do with an organisation."""

    change: bool
    move: bool
    staff: bool
    roster: bool
    read_roster: bool


@dataclass(frozen=True, slots=True)
class OrganisationDetail:
    """An organisation with its way up."""

    row: OrganisationRow
    name_zh: str
    name_en: str
    contact: str
    address: str
    above: tuple[tuple[str, str, bool], ...]  # id, name, whether the reader may read it; from the top down
    rights: Rights


def roots(reader: Reader) -> tuple[OrganisationRow, ...]:
    """The topmost organisations the reader may read."""
    parents = reader.hierarchy.parents
    top = [each for each in reader.visible if parents[each] not in reader.visible]
    return _rows(reader, sql.organisations.c.id.in_(top))


def found(reader: Reader, text: str) -> tuple[OrganisationRow, ...]:
    """Organisations the reader may read whose name, id or contact holds a text; at most MOST_FOUND."""
    table = sql.organisations.c
    words = text.strip()
    hit = or_(*(column.icontains(words, autoescape=True) for column in (table.name, table.name_en, table.id)))
    scope = hit if reader.principal.is_admin else and_(hit, table.id.in_(sorted(reader.visible)))
    return _rows(reader, scope, MOST_FOUND)


def below(reader: Reader, organisation: str) -> tuple[OrganisationRow, ...]:
    """What stands directly below an organisation."""
    return _rows(reader, sql.organisations.c.parent_id == organisation)


def subject_of(reader: Reader, organisation: str) -> OrganisationSubject:
    """An organisation as access rules see it. Raises NoSuch for one the reader may not read."""
    tree = reader.hierarchy
    subject = OrganisationSubject(organisation, tree.ancestors(organisation))
    if organisation not in tree.parents or not may(reader.principal, Action.ORGANISATION_READ, subject):
        raise NoSuch("organisation", organisation)
    return subject


def require_change(reader: Reader, organisation: str, action: Action = Action.ORGANISATION_CHANGE) -> None:
    """That the reader may change an organisation, "" = the top, before a form of it is shown. Raises NotAllowed."""
    ancestors = reader.hierarchy.ancestors(organisation) if organisation else ()
    require(reader.principal, action, OrganisationSubject(organisation, ancestors))


def detail(reader: Reader, organisation: str) -> OrganisationDetail:
    """One organisation. Raises NoSuch."""
    subject = subject_of(reader, organisation)
    row = _rows(reader, sql.organisations.c.id == organisation)[0]
    view = organisations.organisation(reader.connection, organisation)
    names = names_of(reader, subject.ancestors)

    def has(action: Action) -> bool:
        return may(reader.principal, action, subject)

    parent = reader.hierarchy.parents[organisation] or ""
    above_it = OrganisationSubject(parent, reader.hierarchy.ancestors(parent))
    rights = Rights(
        has(Action.ORGANISATION_CHANGE),
        may(reader.principal, Action.ORGANISATION_CHANGE, above_it),
        has(Action.STAFF_CHANGE),
        has(Action.ROSTER_CHANGE),
        has(Action.ROSTER_READ),
    )
    above = tuple((each, names[each], each in reader.visible) for each in reversed(subject.ancestors))
    return OrganisationDetail(row, view.name, view.name_en, view.contact, view.address, above, rights)


def superiors_for(reader: Reader, organisation: str) -> tuple[tuple[str, str], ...]:
    """Where an organisation could stand, within the reader's reach: (id, name); "" is the top."""
    catalogue, kind = reader.services.organisations, detail(reader, organisation).row.type
    fitting = [each for each in catalogue.types[kind].superiors if each]
    table, tree = sql.organisations, reader.hierarchy
    below_it = tree.subtree(organisation)
    statement = select(table.c.id, table.c.name, table.c.name_en).where(table.c.type.in_(fitting), table.c.is_active)
    found_rows = [
        (row["id"], reader.pick(row["name"], row["name_en"]))
        for row in reader.rows(statement.order_by(table.c.name))
        if row["id"] not in below_it
        and may(reader.principal, Action.ORGANISATION_CHANGE, OrganisationSubject(row["id"], tree.ancestors(row["id"])))
    ]
    if reader.principal.is_admin and "" in catalogue.types[kind].superiors:
        found_rows.append(("", reader.pick("没有上级", "at the top")))
    return tuple(found_rows)


def policy_words(reader: Reader, change: tuple[str, Any, Any]) -> tuple[str, str, str]:
    """A policy that changes, in words: its name, the value before, the value after."""
    key, before, after = change
    entry = reader.services.policies.entry(key)
    return entry.label(reader.locale), in_words(entry, before, reader.locale), in_words(entry, after, reader.locale)


def names_of(reader: Reader, organisation_ids: Sequence[str]) -> dict[str, str]:
    """Names of some organisations."""
    rows = organisations.organisations(reader.connection, organisation_ids)
    return {row.id: reader.pick(row.name, row.name_en) for row in rows}


def staff(reader: Reader, organisation: str, account: str = "") -> tuple[StaffRow, ...]:
    """Who works in an organisation, or one of them, by name. Raises NoSuch."""
    subject_of(reader, organisation)
    people, held, invited = sql.accounts, sql.memberships, sql.invitations
    columns = (
        people.c.id, people.c.username, people.c.name, people.c.is_active, held.c.role, held.c.valid_from,
        held.c.valid_until, invited.c.expires_at,
    )  # fmt: skip
    statement = (
        select(*columns)
        .join(held, held.c.account_id == people.c.id)
        .outerjoin(invited, invited.c.account_id == people.c.id)
        .where(held.c.organisation_id == organisation)
        .order_by(people.c.name, people.c.id, held.c.role)
    )
    if account:
        statement = statement.where(people.c.id == account)
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in reader.rows(statement):
        rows.setdefault(row["id"], []).append(row)
    return tuple(_staff_row(reader, each) for each in rows.values())


def elsewhere(reader: Reader, organisation: str, account: str) -> tuple[tuple[str, str], ...]:
    """Other organisations somebody works in, as far as the reader may read them: (id, name)."""
    held = sql.memberships.c
    statement = select(held.organisation_id).where(held.account_id == account, held.organisation_id != organisation)
    ids = sorted(set(reader.connection.execute(statement).scalars()))
    mine = [each for each in ids if reader.principal.is_admin or each in reader.visible]
    names = names_of(reader, mine)
    return tuple((each, names[each]) for each in mine)


def groups(reader: Reader, organisation: str) -> tuple[GroupRow, ...]:
    """Working groups of an organisation."""
    table, members, people = sql.working_groups, sql.group_members, sql.accounts
    statement = (
        select(table.c.id, table.c.name, table.c.name_en, people.c.id.label("account"), people.c.name.label("who"))
        .add_columns(members.c.is_head)
        .outerjoin(members, members.c.group_id == table.c.id)
        .outerjoin(people, people.c.id == members.c.account_id)
        .where(table.c.organisation_id == organisation)
        .order_by(table.c.id, members.c.is_head.desc(), people.c.name)
    )
    made: dict[str, GroupRow] = {}
    for row in reader.rows(statement):
        known = made.get(row["id"])
        more = ((row["account"], row["who"], bool(row["is_head"])),) if row["account"] else ()
        name = reader.pick(row["name"], row["name_en"])
        made[row["id"]] = GroupRow(
            row["id"], name, row["name"], row["name_en"], (*(known.members if known else ()), *more)
        )
    return tuple(made.values())


def places(reader: Reader, organisation: str) -> tuple[PlaceRow, ...]:
    """Places of an organisation in use."""
    counted = (
        select(sql.members.c.place_id, func.count().label("people"))
        .where(sql.members.c.organisation_id == organisation)
        .group_by(sql.members.c.place_id)
    )
    people = {row["place_id"]: row["people"] for row in reader.rows(counted)}
    rows = organisations.places(reader.connection, organisation)
    names = reader.account_names([each.lead_account_id for each in rows if each.lead_account_id])
    return tuple(
        PlaceRow(
            each.id, each.name, each.kind, reader.label("place_kind", each.kind), each.lead_account_id or "",
            names.get(each.lead_account_id or "", ""), each.positions_fixed, people.get(each.id, 0),
        )
        for each in rows
    )  # fmt: skip


def whom_to_ask(reader: Reader) -> tuple[str, ...]:
    """Who can give the reader a role: leaders where he worked or was invited, else the administrators."""
    log = sql.events
    mine = (log.c.element == reader.principal.account_id) & log.c.stream.startswith("org:")
    last = select(log.c.stream).where(mine).order_by(log.c.real_at.desc()).limit(1)
    stream = reader.connection.execute(last).scalar()
    organisation = str(stream).removeprefix("org:") if stream else ""
    asked = [organisation, *reader.hierarchy.ancestors(organisation)] if organisation else []
    for each in asked:
        people = organisations.candidates(reader.connection, each, LEADERS, now=reader.now)
        if people:
            return tuple(f"{person.name} ({names_of(reader, [each])[each]})" for person in people[:3])
    held, people_table = sql.memberships, sql.accounts
    joined = select(people_table.c.name).join(held, held.c.account_id == people_table.c.id)
    is_admin = (held.c.role == ADMINISTRATOR) & people_table.c.is_active.is_(True)
    return tuple(reader.connection.execute(joined.where(is_admin).order_by(people_table.c.name).limit(3)).scalars())


def role_name(reader: Reader, role: str) -> str:
    """The name of a role of the catalogue."""
    known = reader.services.organisations.roles.get(role)
    return known.name(reader.locale) if known else role


# --- inside -----------------------------------------------------------------------------------


def _rows(reader: Reader, condition: Any, limit: int = 2_000) -> tuple[OrganisationRow, ...]:
    table, held, child = sql.organisations, sql.memberships, sql.organisations.alias()
    people = (
        select(func.count(func.distinct(held.c.account_id)))
        .where(held.c.organisation_id == table.c.id)
        .scalar_subquery()
    )
    under = select(func.count()).where(child.c.parent_id == table.c.id).scalar_subquery()
    statement = select(table, people.label("people"), under.label("under")).where(condition)
    rows = reader.rows(statement.order_by(table.c.is_active.desc(), table.c.name, table.c.id).limit(limit))
    names = names_of(reader, sorted({row["parent_id"] for row in rows if row["parent_id"]}))
    types = reader.services.organisations.types
    return tuple(
        OrganisationRow(
            row["id"], reader.pick(row["name"], row["name_en"]), row["type"],
            types[row["type"]].name(reader.locale) if row["type"] in types else row["type"],
            row["parent_id"] or "", names.get(row["parent_id"] or "", ""), row["is_active"], row["people"],
            row["under"],
        )
        for row in rows
    )  # fmt: skip


def _staff_row(reader: Reader, rows: Sequence[Mapping[str, Any]]) -> StaffRow:
    first = rows[0]
    until = first["expires_at"]
    roles = tuple(
        RoleHeld(
            row["role"], role_name(reader, row["role"]), row["valid_from"], row["valid_until"],
            (row["valid_from"] is None or row["valid_from"] <= reader.now)
            and (row["valid_until"] is None or row["valid_until"] > reader.now),
        )
        for row in rows
    )  # fmt: skip
    waits = until if until is not None and until > reader.now else None
    return StaffRow(first["id"], first["username"], first["name"], first["is_active"], roles, waits)
