"""Who a row of a contact list is: somebody the incident knows, a member of the school, or somebody new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import registration
from service.domain import events as ev
from service.domain.fields import list_name
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

CODE = "密接"


class People:
    """Persons of an incident by identity number and by name and class, so that nobody is listed twice."""

    def __init__(self, on: Advance) -> None:
        self._on = on
        table = sql.persons
        rows = on.uow.connection.execute(select(table).where(table.c.incident_id == on.incident_id)).mappings().all()
        on.uow.sealer.preload_texts(on.uow.connection, [row["sealed"] for row in rows])
        self._ids, self._numbers, self._names = set[str](), dict[str, str](), dict[tuple[str, str], str]()
        self._members: dict[str, str] = {}
        self._codes = [0]
        for row in rows:
            identity = on.facts.rows.opened(row["sealed"]).get(row["id"], {})
            self._learn(row["id"], identity, row["org_unit"], row["member_id"] or "", row["code"])

    def _learn(self, person: str, identity: Mapping[str, Any], unit: str, member: str, code: str) -> None:
        self._ids.add(person)
        if identity.get("id_no"):
            self._numbers[identity["id_no"]] = person
        if identity.get("name"):
            self._names[identity["name"], unit] = person
        if member:
            self._members[member] = person
        if code.startswith(CODE):
            self._codes.append(int(code.removeprefix(CODE)))

    def find(self, block: Mapping[str, Any]) -> str:
        """The person of a row whom the incident knows; "" for somebody new."""
        known = str(block.get("id") or "")
        if known:
            return known if known in self._ids else self._members.get(known, "")
        number = self._numbers.get(str(block.get("id_no") or ""), "")
        return number or self._names.get((str(block.get("name") or ""), _unit(block)), "")

    def register(self, row: Mapping[str, Any], block: Mapping[str, Any], other_org: str) -> str:
        """Register somebody new as a contact; a member of the school brings seat and guardian along."""
        on = self._on
        member = None if other_org else registration.member_of(on, block)
        if member is not None and member.id in self._members:
            return self._members[member.id]
        identity = registration.identity_of(block, member)
        unit = _unit(block) or (member.place_id if member else "") or ""
        person, code = on.uow.new_id(), f"{CODE}{max(self._codes) + 1:02d}"
        on.record(
            ev.PersonRegistered(
                person, "contact", other_org or on.incident["organisation_id"], member.id if member else "", code,
                unit, 0, is_neighbour=False,
            ),
            row=row, sealed={person: identity},
        )  # fmt: skip
        self._learn(person, identity, unit, member.id if member else "", code)
        return person

    def shown(self, person: str) -> str:
        """How a message names somebody of the incident: surname and code."""
        table = sql.persons
        row = self._on.uow.connection.execute(select(table.c.code, table.c.sealed).where(table.c.id == person)).one()
        name = str(self._on.facts.rows.opened(row.sealed).get(person, {}).get("name") or "")
        return list_name(name, "", row.code)


def _unit(block: Mapping[str, Any]) -> str:
    return str((block.get("org_unit") or {}).get("id") or "")
