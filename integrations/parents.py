"""Parents and registered persons, through a message service: a code and a link, nothing personal."""

from integrations.hospital import PARTNER as HOSPITAL
from integrations.partner import ANY_MESSAGE, Partner

# `phone` is where the service sends to; it is not part of the text.
NOTICE_FIELDS = frozenset({"code", "link", "phone", "organisation", "kind"})

PARTNER = Partner(
    id="parent",
    zh="家长",
    en="Parents",
    outgoing={ANY_MESSAGE: NOTICE_FIELDS},
    inbound={"msg_external_notice": HOSPITAL.inbound["msg_external_notice"]},
)
