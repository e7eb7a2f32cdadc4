"""Rehearsal twins: the same gateways, recording into an outbox one can look into.

Shipped code: the demo, the tests and every drill use it. A twin builds exactly the body the real
client would post, so what is seen in the outbox is what would have left. Its receipt follows from
the delivery alone: same delivery, same receipt, on every run.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote

from integrations.partner import Partner
from service.domain.errors import OutsideSystemUnreachable
from service.domain.gateways import OutboxEntry, OutboxSink, OutgoingDelivery, Receipt


def always_up() -> bool:
    """The partner answers; a drill hands in its own to rehearse an outage."""
    return True


@dataclass(frozen=True)
class RehearsalGateway:
    """The twin of a real client; nothing leaves the machine."""

    to: Partner
    sink: OutboxSink
    is_up: Callable[[], bool] = always_up

    @property
    def partner(self) -> str:
        """Role id of the outside party."""
        return self.to.id

    def send(self, delivery: OutgoingDelivery) -> Receipt:
        """Record the delivery and give its receipt; see Gateway.send for the errors."""
        body = self.to.body_of(delivery)
        if not self.is_up() or delivery.is_unreachable:
            raise OutsideSystemUnreachable(self.to.zh, "rehearsed outage")
        entry = OutboxEntry(
            delivery=delivery.id,
            partner=self.to.id,
            recipient=delivery.recipient,
            message=delivery.message,
            incident=delivery.incident,
            is_drill=delivery.is_drill,
            body=body,
            withheld=self.to.withheld(delivery),
            receipt=rehearsed_receipt(self.to, delivery),
        )
        return self.sink.record(entry).receipt


def rehearsed_receipt(partner: Partner, delivery: OutgoingDelivery) -> Receipt:
    """A receipt that follows from the delivery: reference from its id, received as it was sent."""
    digest = hashlib.sha256(f"{partner.id}/{delivery.id}".encode()).hexdigest()
    return Receipt(f"RH-{digest[:10].upper()}", delivery.sent_at, partner.zh, is_rehearsal=True)


@dataclass(frozen=True)
class DirectorySink:
    """An outbox in a folder: one JSON file per delivery, readable only by the service's account.

    The file is created whole or not at all, so two processes that send the same delivery keep one.
    """

    folder: Path

    def record(self, entry: OutboxEntry) -> OutboxEntry:
        """Keep the entry unless its delivery id is known; return the entry that was kept first."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = self.path_of(entry.delivery)
        with NamedTemporaryFile("w", encoding="utf-8", dir=self.folder, suffix=".part", delete=False) as part:
            json.dump(_to_json(entry), part, ensure_ascii=False, indent=2)
            part.flush()
            os.fsync(part.fileno())
        try:
            os.link(part.name, target)  # fails if the delivery is there already; a rename would overwrite it
        except FileExistsError:
            return self.read(entry.delivery)
        finally:
            Path(part.name).unlink()
        return entry

    def read(self, delivery: str) -> OutboxEntry:
        """The recorded entry of a delivery. Raises FileNotFoundError."""
        return _from_json(json.loads(self.path_of(delivery).read_text("utf-8")))

    def entries(self) -> list[OutboxEntry]:
        """Everything recorded, in the order of the sending instants."""
        found = [_from_json(json.loads(path.read_text("utf-8"))) for path in self.folder.glob("*.json")]
        return sorted(found, key=lambda entry: (entry.receipt.received_at, entry.delivery))

    def path_of(self, delivery: str) -> Path:
        """Where the entry of a delivery lies, or would."""
        # A dot is legal in quoted names, so `..` needs the suffix to be harmless; ids are short.
        return self.folder / f"{quote(delivery, safe='')}.json"


def _to_json(entry: OutboxEntry) -> dict[str, Any]:
    data = asdict(entry)
    data["receipt"]["received_at"] = entry.receipt.received_at.isoformat()
    return data


def _from_json(data: dict[str, Any]) -> OutboxEntry:
    received_at = datetime.fromisoformat(data["receipt"]["received_at"])
    receipt = Receipt(**{**data["receipt"], "received_at": received_at})
    return OutboxEntry(**{**data, "withheld": tuple(data["withheld"]), "receipt": receipt})
