"""Signed messages of outside systems: a receipt of a delivery, or a message of the catalogue."""

from sqlalchemy import select

from service.application import confirmations, messages
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.errors import NoSuch
from service.domain.gateways import InboundMessage, partner_of
from service.persistence import tables as t
from service.persistence.unit_of_work import UnitOfWork

RECEIPT = "receipt"

_deliveries = t.table_of(t.Delivery)
_incidents = t.table_of(t.Incident)


def take(uow: UnitOfWork, services: Services, message: InboundMessage, *, request_id: str = "") -> str:
    """Take a checked message of a partner; answers delivered, buffered or duplicate.

    Raises NoSuch for an incident or delivery we do not know, or that is none of this partner's business.
    """
    if message.name == RECEIPT:
        return _receipt(uow, services, message, request_id)
    incident = str(message.keys.get("incident", ""))
    statement = select(_incidents.c.id, _incidents.c.organisation_id).where(
        (_incidents.c.id == incident) | (_incidents.c.number == incident), _incidents.c.kind == "real"
    )
    found = uow.connection.execute(statement).all()
    if len(found) != 1:
        raise NoSuch("incident", incident)
    partner = Principal(f"partner:{message.partner}", message.partner, {found[0][1]: frozenset({message.partner})})
    keys = {key: value for key, value in message.keys.items() if key != "incident"}
    command = cmd.ReceiveMessage(found[0][0], message.name, keys, message.payload, message.message_id)
    return messages.receive(uow, services, partner, command, request_id=request_id)


def _receipt(uow: UnitOfWork, services: Services, message: InboundMessage, request_id: str) -> str:
    """The other side confirmed a delivery; confirmed again it is a duplicate."""
    delivery = message.keys["delivery"]
    row = uow.connection.execute(select(_deliveries).where(_deliveries.c.id == delivery)).mappings().first()
    if row is None or partner_of(row["recipient"]) != message.partner:
        raise NoSuch("delivery", delivery)

    def work(on: Advance) -> str:
        state = on.uow.connection.execute(select(_deliveries.c.state).where(_deliveries.c.id == delivery)).scalar_one()
        if state == "acknowledged":  # the same receipt may have come by another node meanwhile
            return "duplicate"
        event = ev.DeliveryAcknowledged(delivery, str(message.payload["reference"]))
        on.record(event, row=on.instance_row(row["instance_id"]))
        confirmations.reached(on, dict(row))
        return "delivered"

    origin = Origin(actor=f"partner:{message.partner}", role=message.partner, request_id=request_id)
    return advance(uow, services, row["incident_id"], origin, work)
