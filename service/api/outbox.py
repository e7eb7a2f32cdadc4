"""What leaves the building: deliveries with attempts and receipts."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response

from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import deliveries as delivery_cases
from service.application.queries import Reader, cursors, deliveries
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
