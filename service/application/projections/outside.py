"""Messages, deliveries, reports and notices."""

from typing import Any

from service.application.projections.registry import applies, instant, sealed_column
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.MessageReceived)
def message_received(rows: IncidentRows, stored: StoredEvent, event: ev.MessageReceived) -> None:
    """Taken, and buffered until an event waits for it."""
    row = {
        "id": event.message, "incident_id": stored.stream, "name": event.name, "keys": event.keys,
        "sealed": sealed_column(stored), "state": event.state, "received_at": stored.at,
        "expires_at": instant(event.expires), "delivered_to": "",
    }  # fmt: skip
    rows.add(sql.messages, row)


@applies(ev.MessageDelivered)
def message_delivered(rows: IncidentRows, _stored: StoredEvent, event: ev.MessageDelivered) -> None:
    """It reached one waiting event."""
    rows.change(sql.messages, event.message, state="delivered", delivered_to=event.wait)


@applies(ev.MessageExpired)
def message_expired(rows: IncidentRows, _stored: StoredEvent, event: ev.MessageExpired) -> None:
    """Nobody waited for it in time."""
    rows.change(sql.messages, event.message, state="expired")


@applies(ev.DeliveryQueued)
def delivery_queued(rows: IncidentRows, stored: StoredEvent, event: ev.DeliveryQueued) -> None:
    """To be sent by the worker, or already said by a person."""
    row = {
        "id": event.delivery, "incident_id": stored.stream, "instance_id": stored.instance,
        "element": event.element, "message": event.message, "recipient": event.recipient,
        "channel": event.channel, "report_id": event.report or None, "state": "queued", "attempts": 0,
        "queued_at": stored.at, "sent_at": None, "acknowledged_at": None, "receipt": "", "last_error": "",
        "data": event.content, "sealed": sealed_column(stored),
    }  # fmt: skip
    rows.add(sql.deliveries, row)


@applies(ev.DeliverySent)
def delivery_sent(rows: IncidentRows, stored: StoredEvent, event: ev.DeliverySent) -> None:
    """The gateway took it."""
    rows.change(
        sql.deliveries, event.delivery, state="sent", attempts=event.attempts, receipt=event.receipt,
        sent_at=stored.at, last_error="",
    )  # fmt: skip


@applies(ev.DeliveryAcknowledged)
def delivery_acknowledged(rows: IncidentRows, stored: StoredEvent, event: ev.DeliveryAcknowledged) -> None:
    """The other side confirmed."""
    rows.change(sql.deliveries, event.delivery, state="acknowledged", receipt=event.receipt, acknowledged_at=stored.at)


@applies(ev.DeliveryFailed)
def delivery_failed(rows: IncidentRows, _stored: StoredEvent, event: ev.DeliveryFailed) -> None:
    """An attempt failed; after the last one a person must see to it."""
    state = "failed" if event.final else "queued"
    rows.change(sql.deliveries, event.delivery, state=state, attempts=event.attempts, last_error=event.error)


@applies(ev.ReportDrafted)
def report_drafted(rows: IncidentRows, stored: StoredEvent, event: ev.ReportDrafted) -> None:
    """A new draft of a report; sent back and drafted again it stays the same report."""
    written = rows.where(sql.records, incident_id=stored.stream, instance_id=stored.instance)
    record = max(written, key=lambda row: (row["at"], row["id"]), default=None)
    values: dict[str, Any] = {
        "state": "draft", "record_id": record["id"] if record else "", "corrects": event.corrects,
        "persons": event.persons, "drafter": stored.actor, "drafted_at": stored.at, "signer": "", "signed_at": None,
    }  # fmt: skip
    if rows.change(sql.reports, event.report, **values):
        return
    row = {
        "id": event.report, "incident_id": stored.stream, "instance_id": stored.instance, "kind": event.kind,
        "document": event.document, "number": "", "sent_at": None, "is_late": False,
    }  # fmt: skip
    rows.add(sql.reports, row | values)


@applies(ev.ReportSigned)
def report_signed(rows: IncidentRows, stored: StoredEvent, event: ev.ReportSigned) -> None:
    """Signed, or a draft again."""
    is_signed = event.decision == "签发"
    rows.change(
        sql.reports, event.report, state="signed" if is_signed else "draft",
        signer=stored.actor if is_signed else "", signed_at=stored.at if is_signed else None,
    )  # fmt: skip


@applies(ev.ReportSent)
def report_sent(rows: IncidentRows, stored: StoredEvent, event: ev.ReportSent) -> None:
    """Queued to every recipient."""
    rows.change(sql.reports, event.report, state="sent", number=event.number, sent_at=stored.at, is_late=event.is_late)


@applies(ev.NoticeSent)
def notice_sent(rows: IncidentRows, stored: StoredEvent, event: ev.NoticeSent) -> None:
    """In the inbox of a role."""
    key = f"{stored.stream}:{stored.seq:07d}"
    row = {
        "id": key, "incident_id": stored.stream, "organisation_id": event.organisation, "role": event.role,
        "code": event.code, "data": event.content, "at": stored.at,
    }  # fmt: skip
    rows.add_unread(sql.notices, key, row)
