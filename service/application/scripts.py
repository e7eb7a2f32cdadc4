"""The script of a drill: the scenario it was begun from, as it was drawn then, and who is away by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.application import drill_clock, duty_rosters
from service.application.scenario_values import Known
from service.domain.scenarios import Scenario
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

PART = "script of the drill"
KINDS = {"neighbours": "onsite", "onsite": "onsite", "cases": "case", "contacts": "contact"}


def of(on: Advance, drill: Mapping[str, Any]) -> Scenario | None:
    """The scenario of a drill; None for free play. It never changes, so it is read once."""
    if not drill["script"]:
        return None
    known: Scenario | None = on.parts.get(PART)
    if known is None:
        known = on.parts[PART] = Scenario.of(drill["script"])
    return known


def is_running(on: Advance) -> bool:
    """Whether the drill goes on: it was not ended and its incident is not closed."""
    return drill_clock.row_of(on) is not None and on.incident["closed_at"] is None


def away_until(on: Advance, drill: Mapping[str, Any], role: str, at: datetime) -> datetime | None:
    """Until when a role is away at a moment, by the script or by an inject; None while it is there."""
    script = of(on, drill)
    planned = script.is_away(role, at - drill["starts_at"]) if script else None
    ends = [drill["starts_at"] + planned.ends] if planned else []
    for row in on.rows.where(sql.drill_injects, incident_id=on.incident_id, kind="absence", state="sent"):
        if row["content"].get("role") == role and row["sent_at"] <= at < row["until"]:
            ends.append(row["until"])
    return max(ends, default=None)


def has_stand_in(on: Advance, drill: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    """Whether another role that may do a task is there, or somebody stands in for the one that is away."""
    kind, roles = str(on.view.organisation["type"]), on.services.organisations.roles
    others = [role for role in task["also"] if role in roles and roles[role].fits(kind)]
    if any(away_until(on, drill, role, on.now) is None for role in others):
        return True
    roster = duty_rosters.roster_of(on.uow, str(on.incident["organisation_id"]))
    return bool(roster.stand_ins_of([task["role"]], on.now))


def known(on: Advance, drill: Mapping[str, Any], person: str) -> Known:
    """What open values of answers are made from now."""
    return Known(
        on.uow.connection, str(on.incident["organisation_id"]), on.now, drill["starts_at"], person,
        lambda kind: people(on, kind),
    )  # fmt: skip


def people(on: Advance, kind: str) -> list[tuple[str, str]]:
    """Persons of a kind (`all`: everybody) with their names, in the order they were registered."""
    rows = on.rows.where(sql.persons, incident_id=on.incident_id)
    wanted = KINDS.get(kind, "")
    if kind == "contacts":
        listed = {row.person for row in on.fact_rows.contacts if row.stage == "final"}
        fitting = [row for row in rows if row["id"] in listed]
    else:
        fitting = [row for row in rows if not wanted or row["kind"] == wanted]
    if kind == "neighbours":
        fitting = [row for row in fitting if row["is_neighbour"]]
    return [(row["id"], name_of(on, row["id"])) for row in fitting]


def name_of(on: Advance, person: str) -> str:
    """The name of a person of the drill, "" where nobody gave one."""
    found = on.fact_rows.find(person) if person else None
    return str(found.identity.get("name") or "") if found else ""
