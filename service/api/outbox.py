"""What leaves the building: deliveries with attempts and receipts; and engine incidents, which block it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response

from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import deliveries as delivery_cases
from service.application import engine_incidents as engine_cases
from service.application.queries import Reader, cursors, deliveries, waiting
from service.domain import commands as cmd
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["outbox"])

Reading = Annotated[Door, permit(Action.OUTBOX_READ)]


class DeliveryAnswer(Answer):
    """A delivery."""

    id: str
    incident: str
    incident_number: str
    element: str
    message: str
    message_label: str
    recipient: str
    recipient_label: str
    channel: str
    report: str
    state: str
    attempts: int
    queued_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    receipt: str
    last_error: str
    by_hand: str


class EngineIncidentAnswer(Answer):
    """A stuck instance; the stored state stands."""

    id: str
    incident: str
    incident_number: str
    instance: str
    element: str
    name: str
    cause: str
    state: str
    attempts: int
    at: datetime


class Retried(Answer):
    """It was tried again."""

    id: str


@router.get("/outbox")
def outbox(
    door: Reading, incident: str = "", state: str = "", cursor: str = "", limit: int = cursors.LIMIT
) -> Page[DeliveryAnswer]:
    """Deliveries the caller may see, newest first."""
    found = door.read(
        lambda reader: deliveries.outbox(reader, incident=incident, state=state, cursor=cursor, limit=limit)
    )
    return page_of([DeliveryAnswer.model_validate(each) for each in found.items], found.next)


@router.get("/incidents/{incident}/deliveries")
def of_incident(incident: str, door: Reading, cursor: str = "", limit: int = cursors.LIMIT) -> Page[DeliveryAnswer]:
    """Deliveries of one incident, newest first."""
    found = door.read(lambda reader: deliveries.outbox(reader, incident=incident, cursor=cursor, limit=limit))
    return page_of([DeliveryAnswer.model_validate(each) for each in found.items], found.next)


@router.post("/outbox/{delivery}/retry", response_model=DeliveryAnswer)
def retry(delivery: str, door: Annotated[Door, permit(Action.OUTBOX_RETRY)]) -> Response:
    """Send a failed delivery again; one that has not failed stays as it is."""

    def shown(reader: Reader, _: None) -> DeliveryAnswer:
        return DeliveryAnswer.model_validate(deliveries.delivery(reader, delivery))

    return door.change(delivery_cases.retry, cmd.RetryDelivery(delivery), shown)


@router.get("/engine-incidents")
def engine_incidents(
    door: Annotated[Door, permit(Action.SELF_READ)], state: str = "open"
) -> Page[EngineIncidentAnswer]:
    """Stuck instances the caller may see, newest first."""
    found = door.read(lambda reader: waiting.engine_incidents(reader, state=state))
    return page_of([EngineIncidentAnswer.model_validate(each) for each in found])


@router.post("/engine-incidents/{engine_incident}/retry", response_model=Retried)
def retry_engine(engine_incident: str, door: Annotated[Door, permit(Action.ENGINE_RETRY)]) -> Response:
    """Run again what failed; 409 if it fails again."""

    def shown(_reader: Reader, _: object) -> Retried:
        return Retried(id=engine_incident)

    return door.change(engine_cases.retry, cmd.RetryEngineIncident(engine_incident), shown)
