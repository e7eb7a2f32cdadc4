"""Processes that stopped: looking, trying again, passing over what failed, cancelling."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import engine_incidents
from service.application.queries import Reader, stopped
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["engine incidents"])

Resolving = Annotated[Door, permit(Action.ENGINE_RESOLVE)]


class EngineIncidentAnswer(Answer):
    """A stuck instance; the stored state stands. `at` is the first failure, `last_at` the last one."""

    id: str
    incident: str
    incident_number: str
    instance: str
    procedure: str
    element: str
    name: str
    code: str
    code_name: str
    cause: str
    state: str
    resolution: str
    reason: str
    attempts: int
    at: datetime
    last_at: datetime


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)


class CancelBody(ReasonBody):
    """What to end: the instance that stopped, or its whole incident."""

    scope: str = Field(pattern="^(instance|incident)$")


class Retried(Answer):
    """It was tried again."""

    id: str


@router.get("/engine-incidents")
def listed(
    door: Annotated[Door, permit(Action.SELF_READ)], state: str = "open", incident: str = ""
) -> Page[EngineIncidentAnswer]:
    """Stuck instances the caller may see, newest first; `state` empty for resolved ones too."""
    found = door.read(lambda reader: stopped.engine_incidents(reader, state=state, incident=incident))
    return page_of([EngineIncidentAnswer.model_validate(each) for each in found])


@router.get("/incidents/{incident}/engine-incidents")
def of_incident(
    incident: str, door: Annotated[Door, permit(Action.INCIDENT_READ)], state: str = ""
) -> Page[EngineIncidentAnswer]:
    """Those of one incident, open and resolved, newest first."""
    found = door.read(lambda reader: stopped.engine_incidents(reader, state=state, incident=incident))
    return page_of([EngineIncidentAnswer.model_validate(each) for each in found])


@router.post("/engine-incidents/{engine_incident}/retry", response_model=Retried)
def retry(engine_incident: str, door: Annotated[Door, permit(Action.ENGINE_RETRY)]) -> Response:
    """Run again what failed; 409 if it fails again."""

    def shown(_reader: Reader, _: object) -> Retried:
        return Retried(id=engine_incident)

    return door.change(engine_incidents.retry, cmd.RetryEngineIncident(engine_incident), shown)


@router.post("/engine-incidents/{engine_incident}/skip", response_model=EngineIncidentAnswer)
def skip(engine_incident: str, body: ReasonBody, door: Resolving) -> Response:
    """Go on past the element that failed, without what it does; 409 where something later needs what it gives."""
    command = cmd.SkipFailedElement(engine_incident, body.reason)
    return door.change(engine_incidents.skip, command, _shown(engine_incident))


@router.post("/engine-incidents/{engine_incident}/cancel", response_model=EngineIncidentAnswer)
def cancel(engine_incident: str, body: CancelBody, door: Resolving) -> Response:
    """End the instance that stopped, or the whole incident; 409 where the caller needs its result."""
    command = cmd.CancelFailed(engine_incident, body.scope, body.reason)
    return door.change(engine_incidents.cancel, command, _shown(engine_incident))


def _shown(id_: str) -> Callable[[Reader, object], EngineIncidentAnswer]:
    def shown(reader: Reader, _: object) -> EngineIncidentAnswer:
        return EngineIncidentAnswer.model_validate(stopped.engine_incident(reader, id_))

    return shown
