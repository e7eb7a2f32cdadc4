"""A message that has come in: kept, delivered to the one event that waits for it, or buffered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from service.application import answers, contacts, correlation
from service.application.fill_contexts import Target
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.errors import MessageUnknown, NoSuch, SeveralWaiting
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

# Messages no event waits for: an answer about a person that decisions read later (message -> form view).
KEPT = {"msg_non_infectious": "F17#verdict"}


def take(on: Advance, principal: Principal, command: cmd.ReceiveMessage) -> str:
    """Deliver or buffer a message; who may say it was asked before. Raises as `receive`."""
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
