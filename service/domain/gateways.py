"""Protocols of the outside world: what leaves through a gateway, what comes in by a door.

A gateway sends one delivery to one outside party and hands back the receipt. The delivery's id is
the idempotency key: sending it again has no second effect and gives the first receipt. Whether the
real client or its rehearsal twin is used is decided in one place, `OutsideWorld.gateway_for`, from
the delivery alone, so nothing of a drill can reach a real recipient (forms-and-reports §4 rule 12).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.domain.alerts import ACCOUNT, ORGANISATION, STAFF
from service.domain.errors import OutsideSystemRefused

PARENTS = "parent"
PERSON_PREFIX = "person:"
PLACE_PREFIX = "place:"

REPORT_MESSAGES: Mapping[str, str] = {
    "initial": "msg_initial_report",
    "written": "msg_written_report",
    "progress": "msg_progress_report",
    "direct": "msg_direct_report",
    "closing": "msg_closing_report",
    "correction": "msg_correction",
}


@dataclass(frozen=True, slots=True)
class AttachedDocument:
    """A document that goes with a delivery."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingDelivery:
    """One delivery to one recipient.

    `id` is the idempotency key. `recipient` is the role id of the outside party or `person:<id>`.
    `payload` holds JSON values, instants and decimals; of them only the fields declared for the
    message leave. `sent_at` is the instant of this attempt in the incident's clock, aware.
    `is_unreachable`: the drill rehearses that the party cannot be reached now; a real delivery never has it.
    """

    id: str
    incident: str
    recipient: str
    message: str
    sent_at: datetime
    payload: Mapping[str, object] = field(default_factory=dict)
    documents: tuple[AttachedDocument, ...] = ()
    is_drill: bool = False
    is_unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side answered: its reference, when and by whom it was received."""

    reference: str
    received_at: datetime
    received_by: str = ""
    is_rehearsal: bool = False


class Gateway(Protocol):
    """The way to one outside party."""

    @property
    def partner(self) -> str:
        """Role id of the outside party."""
        ...

    def send(self, delivery: OutgoingDelivery) -> Receipt:
        """Send once per delivery id and return the receipt; the same id gives the same receipt.

        Raises:
            OutsideSystemUnreachable: it may work later; send the same delivery again.
            OutsideSystemRefused: it will not work; somebody must deliver it by hand.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """What a rehearsal twin would have sent, as people can look at it, and the receipt it gave.

    `body` is exactly the body of the real client; `withheld` names the payload fields that are
    not declared for the message and therefore stayed here.
    """

    delivery: str
    partner: str
    recipient: str
    message: str
    incident: str
    is_drill: bool
    body: Mapping[str, object]
    withheld: tuple[str, ...]
    receipt: Receipt


class OutboxSink(Protocol):
    """Where rehearsal twins record."""

    def record(self, entry: OutboxEntry) -> OutboxEntry:
        """Keep the entry unless its delivery id is known; return the entry that was kept first."""
        ...


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A checked message of an outside party; `form` is the view its payload answers, or "".

    `name` is a message of the catalogue, or `receipt`: then `keys["delivery"]` names the delivery
    and the payload holds `reference`, `received_at`, `received_by`.
    """

    partner: str
    message_id: str
    name: str
    keys: Mapping[str, str]
    payload: Mapping[str, object]
    form: str
    sent_at: datetime


class InboundDoor(Protocol):
    """Reads what one outside party posts to `/exchange/{partner}`."""

    @property
    def partner(self) -> str:
        """Role id of the outside party."""
        ...

    def read(self, body: bytes, signature: str) -> InboundMessage:
        """Check signature, envelope and fields.

        Raises:
            SignatureInvalid: wrong secret, changed body, or older than five minutes.
            MessageUnknown: this party does not send such a message.
            FormRefused: the envelope or the payload breaks its shape.
            TooLarge: more than the door takes.
        """
        ...


@dataclass(frozen=True)
class OutsideWorld:
    """The one choice point: real gateways for real incidents, twins for drills.

    Where a party has no real gateway configured, a real delivery is refused, which opens its
    confirmation by hand; it never falls back on the twin.
    """

    live: Mapping[str, Gateway]
    rehearsal: Mapping[str, Gateway]

    def knows(self, recipient: str) -> bool:
        """Whether the recipient is an outside party at all; roles of our own get notices."""
        return partner_of(recipient) in self.rehearsal

    def gateway_for(self, delivery: OutgoingDelivery) -> Gateway:
        """The gateway of a delivery. Raises OutsideSystemRefused if there is none."""
        gateways = self.rehearsal if delivery.is_drill else self.live
        gateway = gateways.get(partner_of(delivery.recipient))
        if gateway is None:
            raise OutsideSystemRefused(delivery.recipient, "no gateway")
        return gateway


def partner_of(recipient: str) -> str:
    """The outside party a recipient is reached through: persons and classes by way of the parents' channel.

    Accounts and organisations of ours are reached by channels of their own.
    """
    if recipient.startswith((ACCOUNT, ORGANISATION)):
        return STAFF
    return PARENTS if recipient.startswith((PERSON_PREFIX, PLACE_PREFIX)) else recipient


def report_message(kind: str, recipient: str) -> str:
    """The message a report of a kind is sent as; a further initial report to the bureau is its own."""
    if kind == "initial" and recipient == "edu_bureau":
        return "msg_case_report"
    return REPORT_MESSAGES[kind]
