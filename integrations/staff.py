"""People of our own organisations, reached outside the page: chat robots, e-mail, push services, by apprise.

What may leave is the text and the link. The address of the channel says where it goes; it is no part of the
body, so the rehearsal twin never records it.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass, field

from integrations.partner import Partner
from service.domain.alerts import ADDRESS, MESSAGE, STAFF, kind_of
from service.domain.errors import OutsideSystemRefused, OutsideSystemUnreachable
from service.domain.gateways import OutgoingDelivery, Receipt

LIMIT_SECONDS = 15.0
AT_ONCE = 4

PARTNER = Partner(
    id=STAFF,
    zh="本单位人员",
    en="People of the organisation",
    outgoing={MESSAGE: frozenset({"text", "link", "kind"})},
    inbound={},
)


@dataclass(frozen=True)
class StaffGateway:
    """The real way to people; each message has a time limit, whatever the service at the other end does."""

    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "alerts"))

    def __post_init__(self) -> None:
        """The library writes addresses, which are secrets, into its own log: it is kept silent."""
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

    @property
    def partner(self) -> str:
        """Role id of the outside party."""
        return PARTNER.id

    def send(self, delivery: OutgoingDelivery) -> Receipt:
        """Send once; see Gateway.send for the errors. A robot has no memory: a second attempt sends again."""
        if delivery.is_drill:
            raise OutsideSystemRefused(PARTNER.zh, "drill")
        address, text = str(delivery.payload.get(ADDRESS, "")), str(delivery.payload.get("text", ""))
        if kind_of(address) is None:
            raise OutsideSystemRefused(PARTNER.zh, "address")
        sending = self.pool.submit(_notify, address, text)
        try:
            is_taken = bool(sending.result(LIMIT_SECONDS))
        except OutsideSystemRefused:
            raise
        except OutOfTime as error:
            raise OutsideSystemUnreachable(PARTNER.zh, "time limit") from error
        except Exception as error:  # whatever a plug-in of the library raises
            raise OutsideSystemUnreachable(PARTNER.zh, type(error).__name__) from error
        if not is_taken:
            raise OutsideSystemUnreachable(PARTNER.zh, "not taken")
        return Receipt(str(delivery.payload.get("kind", "")), delivery.sent_at)


def _notify(address: str, text: str) -> bool:
    """Hand a text to the library, which takes most of a second to load: only whoever sends does."""
    from apprise import Apprise, AppriseAsset, NotifyFormat

    target = Apprise(asset=AppriseAsset(app_id="Tocsin", app_desc="Tocsin", plugin_paths=[], async_mode=False))
    if not target.add(address):
        raise OutsideSystemRefused(PARTNER.zh, "address")
    return bool(target.notify(body=text, body_format=NotifyFormat.TEXT))
