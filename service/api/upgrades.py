"""Moving running incidents to another version of their procedure: looking, doing, watching how far it is."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.procedures import ChangeAnswer
from service.application import upgrades
from service.application.queries import Reader
from service.application.queries import upgrades as queries
from service.application.rehearsal import rehearse
from service.application.upgrades import IncidentOutlook
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["procedures"])

Upgrading = Annotated[Door, permit(Action.DEFINITION_UPGRADE)]
MOST_PREVIEWED = 200


class BlockerAnswer(Answer):
    """Why an instance cannot move: a code, the element it is about, what the code leaves open."""

    code: str
    code_name: str
    element: str
    name: str
    detail: str


class LeftOutAnswer(Answer):
    """A deadline that a step done already would have started in this version; moving does not start it."""

    rule: str
    rule_name: str
    element: str
    name: str


class InstanceAnswer(Answer):
    """What another version means for an instance: reasons against it, what changes at and ahead of its tokens."""

    instance: str
    process: str
    name: str
    before: int
    waiting: list[str]
    blockers: list[BlockerAnswer]
    changes: list[ChangeAnswer]
    left_out: list[LeftOutAnswer]


class IncidentAnswer(Answer):
    """An incident of a preview."""

    incident: str
    number: str
    can_move: bool
    instances: list[InstanceAnswer]


class PreviewAnswer(Answer):
    """What an upgrade would do; nothing is stored."""

    dry_run: bool
    items: list[IncidentAnswer]


class ItemAnswer(Answer):
    """An incident of an upgrade: waiting, moved or refused, with the reasons."""

    incident: str
    number: str
    state: str
    reasons: list[BlockerAnswer]


class UpgradeAnswer(Answer):
    """How far an upgrade is; `ended_at` null while items wait."""

    id: str
    procedure: str
    version: int
    reason: str
    started_at: datetime
    ended_at: datetime | None
    total: int
    waiting: int
    moved: int
    refused: int
    items: list[ItemAnswer]


class UpgradeBody(Body):
    """Which incidents, all that run on another version where none is named; `dry_run` only looks."""

    reason: str = Field(min_length=1, max_length=500)
    incidents: list[str] = Field(default_factory=list, max_length=10_000)
    dry_run: bool = False


@router.post("/procedures/{procedure}/versions/{version}/upgrade", response_model=PreviewAnswer | UpgradeAnswer)
def upgrade(procedure: str, version: int, body: UpgradeBody, door: Upgrading) -> Response:
    """Move running incidents to this version: 202, and `GET /upgrades/{id}` tells how far it is.

    With `dry_run` 200 and what it would do, for at most 200 incidents.
    """
    if body.dry_run:
        shown = _preview(door, procedure, version, body)
        return JSONResponse(shown.model_dump(mode="json"))
    command = cmd.UpgradeIncidents(procedure, version, body.reason, tuple(body.incidents))
    return door.change(upgrades.start, command, _row, status=202)


@router.get("/upgrades/{upgrade}")
def watched(upgrade: str, door: Upgrading) -> UpgradeAnswer:
    """How far an upgrade is, and what became of each incident."""
    return door.read(lambda reader: _row(reader, upgrade))


def _row(reader: Reader, run: str) -> UpgradeAnswer:
    return UpgradeAnswer.model_validate(queries.upgrade(reader, run))


def _preview(door: Door, procedure: str, version: int, body: UpgradeBody) -> PreviewAnswer:
    possible = door.read(lambda reader: [each.incident for each in queries.candidates(reader, procedure, version)])
    chosen = [each for each in possible if not body.incidents or each in body.incidents][:MOST_PREVIEWED]
    found = [_looked_at(door, cmd.UpgradeIncident(each, procedure, version, body.reason)) for each in chosen]
    shown = door.read(lambda reader: [queries.told(reader, procedure, version, each) for each in found])
    return PreviewAnswer(dry_run=True, items=[IncidentAnswer.model_validate(each) for each in shown])


def _looked_at(door: Door, command: cmd.UpgradeIncident) -> IncidentOutlook:
    return rehearse(door.tocsin.writer, lambda uow: upgrades.look(uow, door.services, door.principal, command))
