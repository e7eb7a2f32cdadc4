"""The list of outside parties, and the gateways and doors made from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from integrations import ambulance, bureau, cdc, district, hospital, ministry, parents, staff
from integrations.inbound import PartnerDoor
from integrations.partner import Partner
from integrations.rehearsal import RehearsalGateway, always_up
from integrations.signed_webhook import WebhookGateway
from service.domain.clock import Clock
from service.domain.gateways import Gateway, InboundDoor, OutboxSink

PARTNERS: Mapping[str, Partner] = {
    module.PARTNER.id: module.PARTNER for module in (ambulance, hospital, cdc, bureau, district, ministry, parents)
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a partner's system is reached, and the secret both sides sign with."""

    url: str
    secret: str


def live_gateways(endpoints: Mapping[str, Endpoint], *, http: httpx.Client, clock: Clock) -> dict[str, Gateway]:
    """Real clients of the partners that have an endpoint; KeyError for a partner we do not know."""
    return {
        id_: WebhookGateway(PARTNERS[id_], endpoint.url, endpoint.secret, http, clock)
        for id_, endpoint in endpoints.items()
    }


def staff_gateway() -> dict[str, Gateway]:
    """The real way to our own people."""
    return {staff.PARTNER.id: staff.StaffGateway()}


def rehearsal_gateways(sink: OutboxSink, *, is_up: Callable[[], bool] = always_up) -> dict[str, Gateway]:
    """A twin of every partner and of our own people, all recording into one outbox."""
    twins = {id_: RehearsalGateway(partner, sink, is_up) for id_, partner in PARTNERS.items()}
    return {**twins, staff.PARTNER.id: RehearsalGateway(staff.PARTNER, sink, is_up)}


def doors(secrets: Mapping[str, tuple[str, ...]], *, clock: Clock) -> dict[str, InboundDoor]:
    """The doors of `/exchange/{partner}`; a partner without a secret is shut out by its door."""
    return {id_: PartnerDoor(partner, secrets.get(id_, ()), clock) for id_, partner in PARTNERS.items()}
