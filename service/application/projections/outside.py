"""Messages, deliveries, reports and notices."""

import json
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.application.projections.registry import applies, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent


def _sealed(stored: StoredEvent) -> str:
    return json.dumps(stored.sealed, ensure_ascii=False, sort_keys=True)


@applies(ev.MessageReceived)
def message_received(connection: Connection, stored: StoredEvent, event: ev.MessageReceived) -> None:
    """Taken, and buffered until an event waits for it."""
    connection.execute(
        insert(sql.messages).values(
            id=event.message, incident_id=stored.stream, name=event.name, keys=event.keys, sealed=_sealed(stored),
            state=event.state, received_at=stored.at, expires_at=instant(event.expires), delivered_to="",
        )
    )  # fmt: skip


@applies(ev.MessageDelivered)
def message_delivered(connection: Connection, _stored: StoredEvent, event: ev.MessageDelivered) -> None:
    """It reached one waiting event."""
    connection.execute(
        update(sql.messages)
        .where(sql.messages.c.id == event.message)
        .values(state="delivered", delivered_to=event.wait)
    )


@applies(ev.MessageExpired)
def message_expired(connection: Connection, _stored: StoredEvent, event: ev.MessageExpired) -> None:
    """Nobody waited for it in time."""
    connection.execute(update(sql.messages).where(sql.messages.c.id == event.message).values(state="expired"))


@applies(ev.DeliveryQueued)
def delivery_queued(connection: Connection, stored: StoredEvent, event: ev.DeliveryQueued) -> None:
    """To be sent by the worker, or already said by a person."""
    connection.execute(
        insert(sql.deliveries).values(
            id=event.delivery, incident_id=stored.stream, instance_id=stored.instance, element=event.element,
            message=event.message, recipient=event.recipient, channel=event.channel,
            report_id=event.report or None, state="queued", attempts=0, queued_at=stored.at, sent_at=None,
            acknowledged_at=None, receipt="", last_error="", data=event.content, sealed=_sealed(stored),
        )
    )  # fmt: skip


def _delivery(connection: Connection, delivery: str, **values: Any) -> None:
    connection.execute(update(sql.deliveries).where(sql.deliveries.c.id == delivery).values(**values))


@applies(ev.DeliverySent)
def delivery_sent(connection: Connection, stored: StoredEvent, event: ev.DeliverySent) -> None:
    """The gateway took it."""
    _delivery(
        connection, event.delivery, state="sent", attempts=event.attempts, receipt=event.receipt, sent_at=stored.at,
        last_error="",
    )  # fmt: skip


@applies(ev.DeliveryAcknowledged)
def delivery_acknowledged(connection: Connection, stored: StoredEvent, event: ev.DeliveryAcknowledged) -> None:
    """The other side confirmed."""
    _delivery(connection, event.delivery, state="acknowledged", receipt=event.receipt, acknowledged_at=stored.at)


@applies(ev.DeliveryFailed)
def delivery_failed(connection: Connection, _stored: StoredEvent, event: ev.DeliveryFailed) -> None:
    """An attempt failed; after the last one a person must see to it."""
    state = "failed" if event.final else "queued"
    _delivery(connection, event.delivery, state=state, attempts=event.attempts, last_error=event.error)


@applies(ev.ReportDrafted)
def report_drafted(connection: Connection, stored: StoredEvent, event: ev.ReportDrafted) -> None:
    """A new draft of a report; sent back and drafted again it stays the same report."""
    record = connection.execute(
        select(sql.records.c.id)
        .where(sql.records.c.incident_id == stored.stream, sql.records.c.instance_id == stored.instance)
        .order_by(sql.records.c.at.desc(), sql.records.c.id.desc())
    ).scalars().first()  # fmt: skip
    values: dict[str, Any] = {
        "state": "draft", "record_id": record or "", "corrects": event.corrects, "persons": event.persons,
        "drafter": stored.actor, "drafted_at": stored.at, "signer": "", "signed_at": None,
    }  # fmt: skip
    known = connection.execute(select(sql.reports.c.id).where(sql.reports.c.id == event.report)).first()
    if known:
        connection.execute(update(sql.reports).where(sql.reports.c.id == event.report).values(**values))
        return
    connection.execute(
        insert(sql.reports).values(
            id=event.report, incident_id=stored.stream, instance_id=stored.instance, kind=event.kind,
            document=event.document, number="", sent_at=None, is_late=False, **values,
        )
    )  # fmt: skip


@applies(ev.ReportSigned)
def report_signed(connection: Connection, stored: StoredEvent, event: ev.ReportSigned) -> None:
    """Signed, or a draft again."""
    is_signed = event.decision == "签发"
    connection.execute(
        update(sql.reports)
        .where(sql.reports.c.id == event.report)
        .values(
            state="signed" if is_signed else "draft",
            signer=stored.actor if is_signed else "",
            signed_at=stored.at if is_signed else None,
        )
    )


@applies(ev.ReportSent)
def report_sent(connection: Connection, stored: StoredEvent, event: ev.ReportSent) -> None:
    """Queued to every recipient."""
    connection.execute(
        update(sql.reports)
        .where(sql.reports.c.id == event.report)
        .values(state="sent", number=event.number, sent_at=stored.at, is_late=event.is_late)
    )


@applies(ev.NoticeSent)
def notice_sent(connection: Connection, stored: StoredEvent, event: ev.NoticeSent) -> None:
    """In the inbox of a role."""
    connection.execute(
        insert(sql.notices).values(
            id=f"{stored.stream}:{stored.seq:07d}", incident_id=stored.stream, organisation_id=event.organisation,
            role=event.role, code=event.code, data=event.content, at=stored.at,
        )
    )  # fmt: skip
