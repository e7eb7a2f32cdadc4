"""The door of an outside party: signature, envelope, fields; then a message of the catalogue.

The envelope is `{"message_id", "name", "keys", "payload", "sent_at"}`. Whether the answers are
right is checked where every answer is checked, against the form view; here the shape is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.partner import InboundKind, Partner
from service.domain.clock import Clock
from service.domain.errors import FieldError, FormRefused, MessageUnknown, SignatureInvalid, TooLarge
from service.domain.gateways import InboundMessage
from service.domain.signatures import verify

MAX_BODY_BYTES = 1024 * 1024
MAX_ID_LENGTH = 200
ENVELOPE = frozenset({"message_id", "name", "keys", "payload", "sent_at"})
RECEIPT = "receipt"
RECEIPT_KIND = InboundKind(
    form="", required=("reference",), optional=("received_at", "received_by"), keys=("delivery",)
)
SOURCE = "info_source"
FAULTS: Mapping[str, tuple[str, str]] = {
    "json": ("不是JSON对象", "not a JSON object"),
    "required": ("缺少该项", "missing"),
    "type": ("格式不正确", "wrong shape"),
    "unknown_field": ("不认识的项", "unknown"),
    "option": ("不在可选值之内", "not one of the values"),
}


@dataclass(frozen=True)
class PartnerDoor:
    """Reads one party's signed posts; two secrets while one replaces the other. `clock` is real."""

    of: Partner
    secrets: tuple[str, ...]
    clock: Clock

    @property
    def partner(self) -> str:
        """Role id of the outside party."""
        return self.of.id

    def read(self, body: bytes, signature: str) -> InboundMessage:
        """Check a post and return its message; see InboundDoor.read for the errors."""
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(MAX_BODY_BYTES)
        if not any(self.secrets):
            raise SignatureInvalid
        verify(signature, body, [secret for secret in self.secrets if secret], now=self.clock.now())
        envelope = _envelope(body)
        kind = self._kind(envelope.name)
        errors = _key_errors(kind, envelope.keys) + _payload_errors(kind, envelope.payload)
        if errors:
            raise FormRefused(errors)
        payload = dict(envelope.payload)
        if SOURCE in kind.required:
            payload[SOURCE] = "party"  # it came from the party itself, whatever it says
        return InboundMessage(
            partner=self.of.id,
            message_id=envelope.message_id,
            name=envelope.name,
            keys=envelope.keys,
            payload=payload,
            form=kind.form,
            sent_at=envelope.sent_at,
        )

    def _kind(self, name: str) -> InboundKind:
        if name == RECEIPT:
            return RECEIPT_KIND
        if name not in self.of.inbound:
            raise MessageUnknown(name)
        return self.of.inbound[name]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around a payload; `sent_at` is aware."""

    message_id: str
    name: str
    keys: dict[str, str]
    payload: dict[str, object]
    sent_at: datetime


def _envelope(body: bytes) -> Envelope:
    """The envelope of a body. Raises FormRefused with every fault found."""
    data = _json_object(body)
    errors = [_fault(key, "unknown_field") for key in sorted(set(data) - ENVELOPE)]
    errors += [_fault(key, "required") for key in ("message_id", "name") if not _is_id(data.get(key))]
    keys, payload = data.get("keys"), data.get("payload")
    if not isinstance(keys, dict) or not all(_is_id(value) for value in keys.values()):
        errors.append(_fault("keys", "type"))
    if not isinstance(payload, dict):
        errors.append(_fault("payload", "type"))
    sent_at = _instant(data.get("sent_at"))
    if sent_at is None:
        errors.append(_fault("sent_at", "type"))
    if errors or not isinstance(keys, dict) or not isinstance(payload, dict) or sent_at is None:
        raise FormRefused(errors)
    return Envelope(str(data["message_id"]), str(data["name"]), keys, payload, sent_at)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FormRefused([_fault("", "json")]) from error
    if not isinstance(data, dict):
        raise FormRefused([_fault("", "json")])
    return data


def _key_errors(kind: InboundKind, keys: Mapping[str, str]) -> list[FieldError]:
    missing = [_fault(f"keys.{key}", "required") for key in kind.keys if key not in keys]
    unknown = [_fault(f"keys.{key}", "unknown_field") for key in sorted(set(keys) - set(kind.keys))]
    return missing + unknown


def _payload_errors(kind: InboundKind, payload: Mapping[str, object]) -> list[FieldError]:
    known = {*kind.required, *kind.optional, SOURCE}
    required = [key for key in kind.required if key != SOURCE]
    errors = [_fault(f"payload.{key}", "unknown_field") for key in sorted(set(payload) - known)]
    errors += [_fault(f"payload.{key}", "required") for key in required if payload.get(key) in (None, "")]
    errors += [
        _fault(f"payload.{key}", "option")
        for key, options in kind.choices.items()
        if key in payload and payload[key] not in options
    ]
    return errors


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def _fault(path: str, code: str) -> FieldError:
    zh, en = FAULTS[code]
    return FieldError(path, code, zh, en)
