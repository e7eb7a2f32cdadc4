"""Messages of outside parties: exact correlation, delivered to one waiting event, or buffered.

The payload is the answer to the form of the event that waits; taking a message by hand and
receiving it from the other side are the same command.
"""

from sqlalchemy import select

from service.application import correlation
from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import MessageUnknown, SeveralWaiting
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

# message -> the outside party it comes from (P01.6); the principal must speak for it
SENDERS = {
    "msg_120_arrived": "ambulance_120", "msg_recheck_result": "ambulance_120", "msg_hospital_advice": "ambulance_120",
    "msg_diagnosis": "designated_hospital", "msg_patient_update": "designated_hospital",
    "msg_superior_order": "edu_bureau", "msg_merge_order": "edu_bureau", "msg_external_notice": "designated_hospital",
    "msg_handover_received": "designated_hospital", "msg_disinfection_accepted": "cdc",
    "msg_rumour_alert": "edu_bureau", "msg_contact_positive": "lab", "msg_epi_request": "cdc",
    "msg_epi_result": "cdc", "msg_contact_judged": "cdc",
}  # fmt: skip


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
        sender = SENDERS.get(command.name, "")
        require(principal, Action.MESSAGE_SEND, incident_subject(uow, on.incident, sender=sender))
        return _take(on, principal, command)

    origin = Origin(actor=principal.account_id, role=SENDERS.get(command.name, ""), request_id=request_id)
    return advance(uow, services, command.incident, origin, work)


def _take(on: Advance, principal: Principal, command: cmd.ReceiveMessage) -> str:
    table = sql.messages
    message_id = f"{on.incident_id}:{command.message_id}"
    if on.uow.connection.execute(select(table.c.id).where(table.c.id == message_id)).first():
        return "duplicate"
    if not correlation.is_known(on, command.name):
        raise MessageUnknown(command.name)
    waits = correlation.waiting(on, command.name, command.keys)
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
