"""What an outside party is: its name, what may leave for it, what it may say to us."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from service.domain.errors import OutsideSystemRefused
from service.domain.gateways import AttachedDocument, OutgoingDelivery

ANY_MESSAGE = "*"

# What of a report travels beside its document: letterhead data and the fields of F08 to F11.
REPORT_FIELDS = frozenset(
    {"report_id", "number", "document", "report_kind", "event", "organisation", "place", "incident_number"}
    | {"sent_at", "late_reason", "drafter", "signer", "report_to", "clock_due"}
    | {"occur_time", "occur_place", "person_count", "symptoms", "possible_cause", "measures"}
    | {"period_no", "period", "diagnosis_treatment", "condition_change", "contact_numbers"}
    | {"control_state", "cause", "next_measures"}
    | {"nature", "result", "control", "accountability", "rectification", "resume", "closed_at"}
    | {"trigger", "suspected_count", "classes", "requests", "copy_ministry"}
    | {"corrects", "correction_text", "correction_reason"}
)

# What of a suspension or resumption of classes (R19) travels beside its document.
ADJUSTMENT_FIELDS = frozenset(
    {"number", "document", "organisation", "adjust", "scope", "start_at", "planned_end", "resume_at"}
)


@dataclass(frozen=True, slots=True)
class InboundKind:
    """A message a party may send: the form view it answers, its correlation keys, its fields.

    `choices` gives the values a code field may have. Ranges and conditions are the form's business.
    `then` is a further view the same message answers, once the first is answered.
    """

    form: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    keys: tuple[str, ...] = ("incident", "person")
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)
    then: str = ""


@dataclass(frozen=True, slots=True)
class Partner:
    """An outside party. `outgoing` maps a message to the payload fields that may leave with it.

    The key `*` stands for every message not named; a message not declared at all is refused.
    """

    id: str
    zh: str
    en: str
    outgoing: Mapping[str, frozenset[str]]
    inbound: Mapping[str, InboundKind]

    def fields_of(self, message: str) -> frozenset[str]:
        """The payload fields that may leave. Raises OutsideSystemRefused for an undeclared message."""
        fields = self.outgoing.get(message, self.outgoing.get(ANY_MESSAGE))
        if fields is None:
            raise OutsideSystemRefused(self.zh, f"message {message} is not declared")
        return fields

    def body_of(self, delivery: OutgoingDelivery) -> dict[str, object]:
        """The JSON body of a delivery, without the fields this party has no business with."""
        allowed = self.fields_of(delivery.message)
        return {
            "id": delivery.id,
            "message": delivery.message,
            "incident": delivery.incident,
            "recipient": delivery.recipient,
            "sent_at": delivery.sent_at.isoformat(),
            "drill": delivery.is_drill,
            "payload": {key: plain(value) for key, value in delivery.payload.items() if key in allowed},
            "documents": [attached(document) for document in delivery.documents],
        }

    def withheld(self, delivery: OutgoingDelivery) -> tuple[str, ...]:
        """Names of payload fields that stay here."""
        return tuple(sorted(set(delivery.payload) - self.fields_of(delivery.message)))


def plain(value: object) -> object:
    """A payload value as JSON: instants in RFC 3339, decimals as numbers, durations in seconds."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def attached(document: AttachedDocument) -> dict[str, object]:
    """A document as JSON: name, type, size, hash and content in base64."""
    return {
        "name": document.name,
        "media_type": document.media_type,
        "size": len(document.content),
        "sha256": hashlib.sha256(document.content).hexdigest(),
        "content": base64.b64encode(document.content).decode("ascii"),
    }
