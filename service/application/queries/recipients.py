"""Whom something goes to, in words: a party, a class, another organisation; a person is never named."""

from service.application.queries.reader import Reader
from service.domain.alerts import ACCOUNT, ORGANISATION
from service.domain.gateways import PERSON_PREFIX, PLACE_PREFIX

ORGANISATION_PREFIX = "org:"


def recipient_name(reader: Reader, recipient: str) -> str:
    """The words for a recipient of a delivery or a report."""
    kind, colon, id_ = recipient.partition(":")
    prefix = kind + colon
    if prefix == PERSON_PREFIX:
        return reader.pick("当事人或家长", "the person or the parents")
    if prefix == ACCOUNT:
        return str(reader.account_names([id_]).get(id_, id_))
    if prefix in (ORGANISATION_PREFIX, ORGANISATION):
        return str(reader.organisation_names.get(id_, id_))
    if prefix == PLACE_PREFIX:
        return str(reader.place_names([id_]).get(id_, id_))
    return reader.label("role", recipient)
