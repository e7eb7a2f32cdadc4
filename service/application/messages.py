"""Messages of outside parties: exact correlation, delivered to one waiting event, or buffered.

The payload is the answer to the form of the event that waits; taking a message by hand and
receiving it from the other side are the same command.
"""

from dataclasses import replace

from sqlalchemy import select

from service.application import answers, contacts, correlation
from service.application.fill_contexts import Target
from service.application.incidents import incident_subject
from service.application.queries.words import senders
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, may
from service.domain.errors import MessageUnknown, NoSuch, NotAllowed, SeveralWaiting
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

# Messages no event waits for: an answer about a person that decisions read later (message -> form view).
KEPT = {"msg_non_infectious": "F17#verdict"}


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
        return _take(on, principal, command)

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


def _take(on: Advance, principal: Principal, command: cmd.ReceiveMessage) -> str:
    table = sql.messages
    message_id = f"{on.incident_id}:{command.message_id}"
    if on.uow.connection.execute(select(table.c.id).where(table.c.id == message_id)).first():
        return "duplicate"
    if command.name in KEPT:
        _keep(on, principal, message_id, command)
        return "delivered"
    waits = correlation.waiting(on, command.name, command.keys)
    if not waits and command.name == contacts.JUDGED:
        contacts.refuse_second_list(on, str(command.keys.get("person") or ""))
    if not correlation.is_known(on, command.name):
        raise MessageUnknown(command.name)
    if len(waits) > 1:
        raise SeveralWaiting(command.name)
    state = "delivered" if waits else "buffered"
    expires = None if waits else (on.now + on.policies["message_buffer"]).isoformat()
    keys = {key: str(value) for key, value in command.keys.items()}
    sealed = {on.incident_id: dict(command.payload)}
    on.record(ev.MessageReceived(message_id, command.name, keys, state, expires), sealed=sealed)
    if waits:
        correlation.hand_over(on, principal, message_id, waits[0], command.payload)
    return state


def _keep(on: Advance, principal: Principal, message_id: str, command: cmd.ReceiveMessage) -> None:
    """Record what is said about a person of the incident; nothing moves by it now."""
    person = str(command.keys.get("person") or "")
    mine = (sql.persons.c.id == person) & (sql.persons.c.incident_id == on.incident_id)
    if on.uow.connection.execute(select(sql.persons.c.id).where(mine)).first() is None:
        raise NoSuch("person", person)
    keys = {key: str(value) for key, value in command.keys.items()}
    sealed = {person: dict(command.payload)}
    on.record(ev.MessageReceived(message_id, command.name, keys, "delivered", None), sealed=sealed)
    root = on.instance_row(on.incident["root_instance"])
    target = Target(
        instance=root, visit="", element="", form_key=KEPT[command.name], person=person, opened_at=on.now, due_at=None
    )
    answers.record_only(on, target, principal, command.payload)
