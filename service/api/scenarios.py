"""Scenarios of drills: the list with roles, objectives and injects, and one of them."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter

from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page
from service.application.queries import Reader
from service.application.queries import scenarios as queries
from service.application.queries.scenarios import ScenarioPage
from service.domain.access import Action
from service.domain.calendar import format_duration

router = APIRouter(route_class=ProblemRoute, prefix="/scenarios", tags=["drills"])

Reading = Annotated[Door, permit(Action.SCENARIO_READ)]


class ExpectationAnswer(Answer):
    """What is expected; `within` is an ISO 8601 duration, "" where the deadline of the step holds."""

    id: str
    title: str
    element: str
    step: str
    kind: str
    within: str
    times: int
    never: bool


class ObjectiveAnswer(Answer):
    """An objective with what is expected."""

    id: str
    title: str
    expectations: list[ExpectationAnswer]


class PlannedInject(Answer):
    """An inject of the master events list; `when` says in words when it comes."""

    id: str
    kind: str
    title: str
    text: str
    sender: str
    to: list[str]
    trigger: str
    when: str
    expects: list[str]


class FaultAnswer(Answer):
    """Something the plan does not have; no drill of the scenario can begin."""

    path: str
    message: str


class ScenarioAnswer(Answer):
    """A scenario; `organisation` is whose own it is, "" for a shipped one. `lasts` is an ISO 8601 duration."""

    id: str
    organisation: str
    catalogue: str
    title: str
    summary: str
    procedure: str
    starts_at: datetime
    lasts: str
    roles: dict[str, str]
    varies: dict[str, Any]
    objectives: list[ObjectiveAnswer]
    injects: list[PlannedInject]
    faults: list[FaultAnswer]


@router.get("")
def listed(door: Reading, organisation: str = "") -> Page[ScenarioAnswer]:
    """Shipped scenarios, and the own ones of organisations the caller is trainer of."""

    def query(reader: Reader) -> Page[ScenarioAnswer]:
        lines = queries.listing(reader, organisation)
        return Page(items=[_answer(reader, queries.page(reader, line.id, line.organisation)) for line in lines])

    return door.read(query)


@router.get("/{scenario}")
def one(scenario: str, door: Reading, organisation: str = "") -> ScenarioAnswer:
    """One scenario; an own one is asked for with its organisation."""
    return door.read(lambda reader: _answer(reader, queries.page(reader, scenario, organisation)))


def objectives_of(rows: tuple[queries.ObjectiveRow, ...]) -> list[ObjectiveAnswer]:
    """Objectives as JSON."""
    return [
        ObjectiveAnswer(
            id=row.id,
            title=row.title,
            expectations=[
                ExpectationAnswer(
                    id=each.id, title=each.title, element=each.element, step=each.step, kind=each.kind,
                    within=_iso(each.within), times=each.times, never=each.is_not,
                )
                for each in row.expectations
            ],
        )
        for row in rows
    ]  # fmt: skip


def inject_of(row: queries.InjectRow) -> dict[str, Any]:
    """The fields of an inject as JSON."""
    return {
        "id": row.id, "kind": row.kind, "title": row.title, "text": row.text, "sender": row.sender, "to": list(row.to),
        "trigger": row.trigger, "when": row.trigger_text, "expects": list(row.expects),
    }  # fmt: skip


def _answer(reader: Reader, page: ScenarioPage) -> ScenarioAnswer:
    return ScenarioAnswer(
        id=page.id, organisation=page.organisation, catalogue=page.catalogue, title=page.title, summary=page.summary,
        procedure=page.procedure, starts_at=page.starts_at, lasts=_iso(page.lasts),
        roles={row.role: row.played_by for row in page.roles}, varies=dict(page.varies),
        objectives=objectives_of(page.objectives), injects=[PlannedInject(**inject_of(row)) for row in page.injects],
        faults=[FaultAnswer(path=each.path, message=each.text(reader.locale)) for each in page.faults],
    )  # fmt: skip


def _iso(length: timedelta | None) -> str:
    return format_duration(length) if length else ""
