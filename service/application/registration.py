"""Registering persons: the sick person of F01, and who was on site with him."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from service.application import clusters, organisations
from service.domain import events as ev
from service.domain.errors import NoSuch
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

IDENTITY = (
    "name", "sex", "age", "id_no", "person_type", "org_unit", "seat_no", "phone", "guardian_name", "guardian_phone",
    "home_address", "registered_address",
)  # fmt: skip
NEIGHBOURS = 4  # seats in front, behind, left and right


def register_case(on: Advance, row: Mapping[str, Any], person_id: str, block: Mapping[str, Any]) -> None:
    """Register the person of an F01 as a case; a known member of the school brings seat and guardian along.

    Somebody the incident knows, a contact who fell ill, stays the same person.
    """
    known = on.facts.rows.find(person_id)
    member = member_of(on, block)
    identity = {**(known.identity if known else {}), **identity_of(block, member)}
    unit = str((block.get("org_unit") or {}).get("id") or (member.place_id if member else "") or "")
    unit = unit or (known.org_unit if known else "")
    number = _next_case(on)
    on.record(
        ev.PersonRegistered(
            person_id, "case", on.incident["organisation_id"], member.id if member else "", f"病例{number}", unit,
            number, is_neighbour=False,
        ),
        row=row, sealed={person_id: identity},
    )  # fmt: skip
    clusters.wake_reporting(on)


def _next_case(on: Advance) -> int:
    statement = (
        select(func.count())
        .select_from(sql.persons)
        .where(sql.persons.c.incident_id == on.incident_id, sql.persons.c.kind == "case")
    )
    return int(on.uow.connection.execute(statement).scalar_one()) + 1


def member_of(on: Advance, block: Mapping[str, Any]) -> organisations.MemberView | None:
    """The member of the school that a person block means: by id, or by name and class; in a drill nobody."""
    if on.incident["kind"] == "drill":
        return None
    connection, sealer = on.uow.connection, on.uow.sealer
    if block.get("id"):
        person = select(sql.persons.c.member_id).where(sql.persons.c.id == str(block["id"]))
        known = on.uow.connection.execute(person).first()
        member_id = known.member_id if known else str(block["id"])
        return organisations.member(connection, sealer, member_id) if member_id else None
    unit = (block.get("org_unit") or {}).get("id")
    if not unit:
        return None
    found = organisations.members(connection, sealer, on.incident["organisation_id"], place_id=unit)
    same = [member for member in found if member.name == block.get("name")]
    return same[0] if len(same) == 1 else None


def identity_of(block: Mapping[str, Any], member: organisations.MemberView | None) -> dict[str, Any]:
    """What is known of a member, with what was entered about him now."""
    known = dict(member.values) if member else {}
    if member:
        known.update(person_type=member.person_type, seat_no=member.seat_no)
    given = {key: block[key] for key in IDENTITY if block.get(key) not in (None, "")}
    return {key: value for key, value in {**known, **given}.items() if key in IDENTITY}


def register_seat_plan(on: Advance, row: Mapping[str, Any], case: str) -> None:
    """Where everybody has a seat, the plan replaces the list of F02: the class, and the four neighbours."""
    table = sql.persons
    sick = on.uow.connection.execute(select(table).where(table.c.id == case)).mappings().one()
    if not sick["org_unit"] or not _is_class(on, sick["org_unit"]):
        return
    connection, sealer = on.uow.connection, on.uow.sealer
    seat = on.facts.rows.opened(sick["sealed"])[case].get("seat_no", "")
    near = organisations.seat_neighbours(connection, sealer, sick["org_unit"], seat) if seat else {}
    neighbours = {member.id for member in near.values()}
    taken = _registered_members(on)
    if on.incident["kind"] == "drill":
        _register_invented(on, row, sick["org_unit"])
        return
    for member in organisations.members(connection, sealer, on.incident["organisation_id"], place_id=sick["org_unit"]):
        if member.id not in taken and member.id != sick["member_id"]:
            register_on_site(on, row, identity_of({}, member), member=member, is_neighbour=member.id in neighbours)


def _register_invented(on: Advance, row: Mapping[str, Any], place: str) -> None:
    """A class of a drill: as many as the real one has, none of them of it; the first four sit beside the case."""
    count = len(organisations.members(on.uow.connection, on.uow.sealer, on.incident["organisation_id"], place_id=place))
    for number in range(1, count):
        identity = {"name": f"演练人员{number:02d}", "person_type": "student", "org_unit": {"id": place}}
        register_on_site(on, row, identity, is_neighbour=number <= NEIGHBOURS)


def _is_class(on: Advance, place: str) -> bool:
    return on.uow.connection.execute(select(sql.places.c.kind).where(sql.places.c.id == place)).scalar() == "class"


def _registered_members(on: Advance) -> set[str | None]:
    return set(
        on.uow.connection.execute(
            select(sql.persons.c.member_id).where(sql.persons.c.incident_id == on.incident_id)
        ).scalars()
    )


def register_on_site(
    on: Advance, row: Mapping[str, Any], identity: Mapping[str, Any], *,
    member: organisations.MemberView | None = None, is_neighbour: bool = False,
) -> str:  # fmt: skip
    """Register somebody who was on site; returns the person id."""
    person = on.uow.new_id()
    statement = select(func.count()).select_from(sql.persons).where(sql.persons.c.incident_id == on.incident_id)
    number = int(on.uow.connection.execute(statement).scalar_one())
    unit = (member.place_id or "") if member else str((identity.get("org_unit") or {}).get("id", ""))
    on.record(
        ev.PersonRegistered(
            person, "onsite", on.incident["organisation_id"], member.id if member else "", f"在场{number:02d}", unit, 0,
            is_neighbour,
        ),
        row=row, sealed={person: dict(identity)},
    )  # fmt: skip
    return person


def register_returning(on: Advance, row: Mapping[str, Any], person_id: str, block: Mapping[str, Any]) -> None:
    """Register whose return is asked for without an incident of the school; he is no case of it."""
    member = member_of(on, block)
    unit = str((block.get("org_unit") or {}).get("id") or (member.place_id if member else "") or "")
    on.record(
        ev.PersonRegistered(
            person_id, "returning", on.incident["organisation_id"], member.id if member else "", "返校1", unit, 0,
            is_neighbour=False,
        ),
        row=row, sealed={person_id: identity_of(block, member)},
    )  # fmt: skip


def is_registered(on: Advance, person_id: str) -> bool:
    """Whether the incident knows the person, in whatever part."""
    return on.rows.get(sql.persons, person_id) is not None


def on_site_of(on: Advance, case: str) -> list[str]:
    """Persons registered on site with a case: the same class, or F02 of the incident's only case."""
    sick = on.rows.get(sql.persons, case)
    if sick is None:
        raise NoSuch("person", case)
    found = on.rows.where(sql.persons, incident_id=on.incident_id, kind="onsite", org_unit=sick["org_unit"])
    return sorted(row["id"] for row in found)
