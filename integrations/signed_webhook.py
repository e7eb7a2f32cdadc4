"""The thin client all outside systems share: a signed JSON post that answers with a receipt.

The delivery id travels as `Idempotency-Key`, so a partner that got the first post and whose answer
was lost gives the first receipt to the second. Redirects are not followed: a signed body goes to
the configured address or nowhere.
"""

import json
from dataclasses import dataclass
from datetime import datetime

import httpx

from integrations.partner import Partner
from service.domain.clock import Clock
from service.domain.errors import OutsideSystemRefused, OutsideSystemUnreachable
from service.domain.gateways import OutgoingDelivery, Receipt
from service.domain.signatures import HEADER, sign

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
MAX_ANSWER_BYTES = 64 * 1024
RETRYABLE_STATUS = frozenset({408, 425, 429})
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def http_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client with our time limits; tests and recorded exchanges hand in a transport."""
    return httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False, trust_env=False)


@dataclass(frozen=True)
class WebhookGateway:
    """The real client of one outside party; `clock` is real time, for the signature."""

    to: Partner
    endpoint: str
    secret: str
    http: httpx.Client
    clock: Clock

    def __post_init__(self) -> None:
        """Refuse an address that would send health data in clear over a network."""
        url = httpx.URL(self.endpoint)
        if url.scheme != "https" and url.host not in LOCAL_HOSTS:
            message = f"the endpoint of {self.to.id} must use https"
            raise ValueError(message)
        if not self.secret:
            message = f"the endpoint of {self.to.id} needs a secret"
            raise ValueError(message)

    @property
    def partner(self) -> str:
        """Role id of the outside party."""
        return self.to.id

    def send(self, delivery: OutgoingDelivery) -> Receipt:
        """Post the delivery and read the receipt; see Gateway.send for the errors."""
        if delivery.is_drill:
            raise OutsideSystemRefused(self.to.zh, "drill")
        body = json.dumps(self.to.body_of(delivery), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": delivery.id,
            HEADER: sign(body, self.secret, now=self.clock.now()),
        }
        try:
            status, answer = self._post(body, headers)
        except httpx.HTTPError as error:
            raise OutsideSystemUnreachable(self.to.zh, type(error).__name__) from error
        return self._receipt(status, answer)

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        with self.http.stream("POST", self.endpoint, content=body, headers=headers) as response:
            answer = b""
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    raise OutsideSystemRefused(self.to.zh, "answer too large")
            return response.status_code, answer

    def _receipt(self, status: int, answer: bytes) -> Receipt:
        if status >= 500 or status in RETRYABLE_STATUS:
            raise OutsideSystemUnreachable(self.to.zh, f"HTTP {status}")
        if not 200 <= status < 300:
            raise OutsideSystemRefused(self.to.zh, f"HTTP {status}")
        try:
            data = json.loads(answer)
            received_at = datetime.fromisoformat(data["received_at"])
            reference = data["reference"]
            received_by = data.get("received_by", "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutsideSystemRefused(self.to.zh, "unreadable receipt") from error
        is_right = isinstance(reference, str) and reference and isinstance(received_by, str)
        if not is_right or received_at.tzinfo is None:
            raise OutsideSystemRefused(self.to.zh, "unreadable receipt")
        return Receipt(reference[:200], received_at, received_by[:200])
