"""Exact correlation: which waiting event a message is for.

The library would match any key and drop an early message; here a message
waits in a row until an event with its name and its person waits, for the time the policy gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.application import answers
from service.domain import events as ev
from service.domain.access import Principal
from service.engine.model import Kind, Trigger
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

OF_THE_INCIDENT = frozenset({"msg_contact_positive"})  # correlated by the incident alone (P01.6)
OF_TASKS = {"msg_release": "t_release"}  # messages that may complete a task of ours (P01.6): message -> task
KEY_COLUMNS = {"person": "person_id", "instance": "instance_id"}
SYSTEM_PRINCIPAL = Principal("system", "")


def hand_over(
    on: Advance, principal: Principal, message: str, wait: Mapping[str, Any], payload: Mapping[str, Any]
) -> None:
    """Give a message to the event that waits for it."""
    on.record(ev.MessageDelivered(message, wait["id"]))
    answers.answer(on, answers.target_of_wait(on, wait), principal, payload)


def waiting(on: Advance, name: str, keys: Mapping[str, Any]) -> list[Row]:
    """Waits, or open tasks, of the incident for a message, narrowed to all keys given: person, instance."""
    if name in OF_TASKS:
        tasks = on.rows.where(sql.tasks, incident_id=on.incident_id, element=OF_TASKS[name])
        found = [row for row in tasks if row["state"] in {"open", "claimed"}]
    else:
        found = on.rows.where(sql.waits, incident_id=on.incident_id, trigger="message", name=name)
    narrowed = {column: keys[key] for key, column in KEY_COLUMNS.items() if keys.get(key)}
    rows = [row for row in found if all(row[column] == value for column, value in narrowed.items())]
    return [row for row in sorted(rows, key=lambda row: row["id"]) if name in OF_TASKS or is_listed(on, row)]


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
                if node.id == OF_TASKS.get(name) or (node.message == name and (is_catch or node.kind is Kind.RECEIVE)):
                    return True
    return False


def throw(on: Advance, thrown: Mapping[str, Any]) -> None:
    """Keep a message of one of our own instances until the event for it waits, to the end of the incident.

    What it says is the answer given last in the instance that throws it.
    """
    name, person = thrown["message"], str(thrown["inputs"].get("person") or "")
    keys = {} if name in OF_THE_INCIDENT else {"person": person}
    message = f"{on.incident_id}:{name}:{person}:{on.uow.lock(on.incident_id)}"
    payload = _answered_last(on, thrown["instance"])
    on.record(ev.MessageReceived(message, name, keys, "buffered", None), sealed={on.incident_id: payload})


def _answered_last(on: Advance, instance: str) -> dict[str, Any]:
    rows = on.facts.rows
    records = rows.answered_last(instance)
    said = [_as_sent(rows.answers(record)["values"], record["person_id"]) for record in records]
    is_list = bool(records) and on.services.forms.view(f"{records[0]['form']}#{records[0]['view']}").is_list
    return {"rows": said} if is_list else dict(said[-1]) if said else {}


def _as_sent(values: Mapping[str, Any], person: str | None) -> dict[str, Any]:
    """An answer about a person who is registered by now names him by id."""
    return {**values, "person": {"id": person}} if person and "person" in values else dict(values)


def deliver_buffered(on: Advance) -> bool:
    """Hand over a buffered message for which an event waits by now; True if one was.

    One that the form of the event refuses stays where it is: somebody has to answer by hand.
    """
    buffered = on.rows.where(sql.messages, incident_id=on.incident_id, state="buffered")
    for row in sorted(buffered, key=lambda each: each["received_at"]):
        waits = waiting(on, row["name"], row["keys"])
        if len(waits) != 1:
            continue
        payload = on.uow.sealer.open_text(on.uow, row["sealed"])[on.incident_id]
        if answers.fits(on, answers.target_of_wait(on, waits[0]), SYSTEM_PRINCIPAL, payload):
            hand_over(on, SYSTEM_PRINCIPAL, row["id"], waits[0], payload)
            return True
    return False
