"""Exact correlation: which waiting event a message is for.

The library would match any key and drop an early message; here a message
waits in a row until an event with its name and its person waits, for the time the policy gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import answers
from service.domain import events as ev
from service.domain.access import Principal
from service.engine.model import Kind, Trigger
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

SYSTEM_PRINCIPAL = Principal("system", "")


def hand_over(
    on: Advance, principal: Principal, message: str, wait: Mapping[str, Any], payload: Mapping[str, Any]
) -> None:
    """Give a message to the event that waits for it."""
    on.record(ev.MessageDelivered(message, wait["id"]))
    answers.answer(on, answers.target_of_wait(on, wait), principal, payload)


def waiting(on: Advance, name: str, keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Waits of the incident for a message, narrowed to all keys given: person, instance."""
    table = sql.waits
    same = (table.c.incident_id == on.incident_id) & (table.c.trigger == "message") & (table.c.name == name)
    if keys.get("person"):
        same &= table.c.person_id == keys["person"]
    if keys.get("instance"):
        same &= table.c.instance_id == keys["instance"]
    rows = [dict(row) for row in on.uow.connection.execute(select(table).where(same).order_by(table.c.id)).mappings()]
    return [row for row in rows if is_listed(on, row)]


def is_listed(on: Advance, wait: Mapping[str, Any]) -> bool:
    """False while the diagram says the event is not to be offered (`tocsin:listed`)."""
    if not wait["listed"]:
        return True
    row = on.instance_row(wait["instance_id"])
    instance = on.live(row)
    instance.begin_step(on.context(row))
    return bool(instance.value(wait["listed"].removeprefix("="), row["inputs"]))


def is_known(on: Advance, name: str) -> bool:
    """True if a diagram of an instance of the incident has an event or task for the message."""
    for row in on.active_rows():
        for process in on.assembly(row).bundle.processes.values():
            for node in process.nodes.values():
                is_catch = node.trigger is Trigger.MESSAGE and node.kind is not Kind.THROW
                if node.message == name and (is_catch or node.kind is Kind.RECEIVE):
                    return True
    return False


def deliver_buffered(on: Advance) -> bool:
    """Hand over buffered messages for which an event waits by now; True if one was."""
    table = sql.messages
    buffered = (table.c.incident_id == on.incident_id) & (table.c.state == "buffered")
    for row in on.uow.connection.execute(select(table).where(buffered).order_by(table.c.received_at)).mappings().all():
        waits = waiting(on, row["name"], row["keys"])
        if len(waits) == 1:
            payload = on.uow.sealer.open_text(on.uow.connection, row["sealed"])[on.incident_id]
            hand_over(on, SYSTEM_PRINCIPAL, row["id"], waits[0], payload)
            return True
    return False
