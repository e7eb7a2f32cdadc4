"""Who reads, in which language, and what of it he may see: the one scope of all read queries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Executable, Select, and_, false, func, or_, select, true

from service.application import accounts, organisations
from service.application.queries.words import label, pick
from service.application.services import Services
from service.domain.access import Action, Hierarchy, IncidentSubject, Principal, TaskSubject, may, require
from service.domain.clock import VirtualClock
from service.domain.errors import DefinitionUnreadable, NoSuch
from service.domain.jurisdiction import drill_organisations, visible_organisations
from service.domain.person_codes import said_code
from service.domain.standing import TRAINING, is_led
from service.engine.model import Bundle, Node
from service.persistence import tables as t
from service.persistence.sealing import Sealer

OPEN_STATES = ("open", "claimed")
WIDE = 5  # a part of all organisations beyond which it is no way into a list
CLOSED_STATUSES = ("closed", "false_alarm", "merged")

incidents = t.table_of(t.Incident)
tasks = t.table_of(t.Task)
task_roles = t.table_of(t.TaskRole)


@dataclass
class Reader:
    """One reading on one snapshot; what it looks up is kept for its own lifetime only.

    `now` is real time; an incident's own time comes from `now_of`.
    """

    connection: Connection
    sealer: Sealer
    services: Services
    principal: Principal
    now: datetime
    locale: str = "zh_CN"
    wide: int = WIDE

    def rows(self, statement: Executable) -> list[dict[str, Any]]:
        """The rows of a statement by column name."""
        return [dict(row) for row in self.connection.execute(statement).mappings()]

    @cached_property
    def _incidents(self) -> dict[str, Mapping[str, Any] | None]:
        return {}

    # --- words --------------------------------------------------------------------------------

    def pick(self, zh: str, en: str) -> str:
        """One of two texts, in the reader's language."""
        return pick(self.locale, zh, en)

    def label(self, group: str, code: str) -> str:
        """The word for a code of a group of `labels.yaml`."""
        return label(group, code, self.locale)

    def person_code(self, code: str) -> str:
        """The code of a person as the reader says it."""
        return said_code(code, self.locale)

    def named(self, node: Node | None, fallback: str = "") -> str:
        """The name of a step."""
        return self.pick(node.name, node.name_en) or node.id if node is not None else fallback

    # --- scope --------------------------------------------------------------------------------

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """The tree of organisations."""
        return organisations.hierarchy(self.connection)

    @cached_property
    def visible(self) -> frozenset[str]:
        """Organisations whose incidents the reader may list."""
        return visible_organisations(self.principal, self.hierarchy)

    @cached_property
    def in_scope(self) -> ColumnElement[bool]:
        """The condition on `incidents` that holds for what the reader may see."""
        if self.principal.is_admin or len(self.visible) == len(self.hierarchy.parents):
            return true()  # two thousand names in every statement would say no more
        drills = drill_organisations(self.principal, self.hierarchy)
        parts: list[ColumnElement[bool]] = []
        if self.visible:
            parts.append(self._within(self.visible))
        if drills:
            led = or_(incidents.c.kind == "drill", incidents.c.procedure == TRAINING)
            parts.append(and_(led, self._within(drills)))
        return or_(*parts) if parts else false()

    def _within(self, some: frozenset[str]) -> ColumnElement[bool]:
        """The condition that an incident belongs to one of these organisations.

        Where they are many of all it is no way in: going through what is due, or newest, finds a page of theirs sooner.
        """
        column: ColumnElement[str] = incidents.c.organisation_id
        is_wide = len(some) * self.wide > len(self.hierarchy.parents)
        return (func.coalesce(column, "") if is_wide else column).in_(sorted(some))

    @cached_property
    def is_candidate(self) -> ColumnElement[bool]:
        """The condition on `tasks` that holds where they came to the reader, or he has their role where they are."""
        return or_(*(each.where(each.selected_columns[0] == tasks.c.id).exists() for each in self.offers))

    @cached_property
    def offers(self) -> list[Select[Any]]:
        """Where the ids of all tasks `is_candidate` holds for are, ended ones too: the way in without an incident."""
        assigned = t.table_of(t.Assignment)
        found = [select(assigned.c.task_id).where(assigned.c.account_id == self.principal.account_id)]
        held = [
            and_(task_roles.c.organisation_id == organisation, task_roles.c.role.in_(sorted(roles)))
            for organisation, roles in sorted(self.principal.memberships.items())
        ]
        return [*found, select(task_roles.c.task_id).where(or_(*held))] if held else found

    def incident(self, incident_id: str, action: Action = Action.INCIDENT_READ) -> Mapping[str, Any]:
        """The row of an incident the reader may see. Raises NoSuch, or NotAllowed for a further action."""
        if incident_id not in self._incidents:
            found = self.rows(select(incidents).where(incidents.c.id == incident_id))
            self._incidents[incident_id] = next(iter(found), None)
        row = self._incidents[incident_id]
        if row is None or not may(self.principal, Action.INCIDENT_READ, self.incident_subject(row)):
            raise NoSuch("incident", incident_id)
        require(self.principal, action, self.incident_subject(row))
        return row

    def incident_subject(self, row: Mapping[str, Any], **more: Any) -> IncidentSubject:
        """An incident as access rules see it."""
        organisation = row["organisation_id"]
        is_drill = is_led(row["kind"], row.get("procedure", ""))
        return IncidentSubject(organisation, self.hierarchy.ancestors(organisation), is_drill, **more)

    def may_with(self, action: Action, row: Mapping[str, Any]) -> bool:
        """Whether the reader may do something with an incident."""
        return may(self.principal, action, self.incident_subject(row))

    def task_subject(self, row: Mapping[str, Any], offered: frozenset[str] = frozenset()) -> TaskSubject:
        """A task, joined with the `incident_kind` of its incident, as access rules see it.

        `offered` are the accounts it came to by assignment.
        """
        return TaskSubject(
            row["organisation_id"], row["role"], tuple(row["also"]), row["assignee"],
            self.hierarchy.ancestors(row["organisation_id"]), is_led(row["incident_kind"], row.get("procedure", "")),
            row["state"] in OPEN_STATES, offered,
        )  # fmt: skip

    # --- look-ups -----------------------------------------------------------------------------

    def now_of(self, clock: list[dict[str, Any]]) -> datetime:
        """The present instant of an incident, from its clock's segments."""
        return VirtualClock.from_json(self.services.clock, clock).at(self.now)

    def bundle(self, procedure: str, version: int) -> Bundle:
        """The definition an instance is pinned to."""
        return self.services.definitions.get(self.connection, procedure, version).bundle

    def node(self, procedure: str, version: int, element: str) -> Node | None:
        """A step by its id, on whatever page of the definition; None if it has none, or cannot be read any more."""
        bundle = self.readable(procedure, version)
        return node_of(bundle, element) if bundle else None

    def readable(self, procedure: str, version: int) -> Bundle | None:
        """As `bundle`; None for a version that is gone or does not load, so that a list of many still shows."""
        try:
            return self.bundle(procedure, version)
        except (DefinitionUnreadable, NoSuch):
            return None

    def account_names(self, account_ids: Collection[str]) -> dict[str, str]:
        """Names of accounts; `system` is said in words, unknown ids are left out."""
        names = accounts.account_names(self.connection, sorted({each for each in account_ids if each}))
        said = {"system": self.pick("系统", "System"), "simulated": self.pick("模拟角色", "Simulated role")}
        return {**said, **names}

    @cached_property
    def organisation_names(self) -> dict[str, str]:
        """Names of all organisations."""
        names = organisations.names(self.connection)
        return {each: self.pick(zh, en) for each, (zh, en) in names.items()}

    @cached_property
    def procedure_names(self) -> dict[str, str]:
        """Names of the procedures in use."""
        deployed = t.table_of(t.Definition)
        columns = (deployed.c.procedure, deployed.c.name, deployed.c.name_en)
        rows = self.rows(select(*columns).where(deployed.c.is_active.is_(True)))
        return {row["procedure"]: self.pick(row["name"], row["name_en"]) for row in rows}

    def place_names(self, place_ids: Collection[str]) -> dict[str, str]:
        """Names of places by id; texts that are no id are left out."""
        wanted = sorted({each for each in place_ids if each})
        places = t.table_of(t.Place)
        return {row["id"]: row["name"] for row in self.rows(select(places).where(places.c.id.in_(wanted)))}


def node_of(bundle: Bundle, element: str) -> Node | None:
    """A step of any page of a bundle; ids are unique within a bundle."""
    return next((page.nodes[element] for page in bundle.processes.values() if element in page.nodes), None)
