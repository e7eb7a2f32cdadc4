"""Messages of outside parties: exact correlation, delivered to one waiting event, or buffered.

The payload is the answer to the form of the event that waits; taking a message by hand and
receiving it from the other side are the same command.
"""

from dataclasses import replace

from service.application import message_taking
from service.application.incidents import incident_subject
from service.application.queries.words import senders
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain.access import Action, Principal, may
from service.domain.errors import NotAllowed
from service.persistence.unit_of_work import UnitOfWork


def receive(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.ReceiveMessage, *, request_id: str = ""
) -> str:
    """Deliver or buffer a message; answers delivered, buffered or duplicate (by message id).

    Raises:
        MessageUnknown: No deployed diagram of the incident knows the name.
        SeveralWaiting: More than one event waits and the keys do not tell which.
        FormRefused: The payload breaks the form of the event that waits.
    """

    def work(on: Advance) -> str:
        on.origin = replace(on.origin, role=_sender(on, principal, command.name))
        return message_taking.take(on, principal, command)

    origin = Origin(actor=principal.account_id, request_id=request_id)
    return advance(uow, services, command.incident, origin, work)


def _sender(on: Advance, principal: Principal, name: str) -> str:
    """The party the principal speaks for, of those that may say this. Raises NotAllowed."""
    parties = senders(name) or ("",)
    subjects = {party: incident_subject(on.uow, on.incident, sender=party) for party in parties}
    for party, subject in subjects.items():
        if may(principal, Action.MESSAGE_SEND, subject):
            return party
    raise NotAllowed(Action.MESSAGE_SEND)
