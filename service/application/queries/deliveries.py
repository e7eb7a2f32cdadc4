"""The outbox: what left the building or is to leave it, with attempts and receipts; and inbound messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, or_, select, tuple_

from service.application import confirmations
from service.application.definitions import active_procedures
from service.application.queries import cursors
from service.application.queries.reader import OPEN_STATES, Reader, incidents, tasks
from service.application.queries.recipients import recipient_name
from service.application.queries.words import clock_time
from service.domain.access import Action
from service.domain.alerts import MESSAGE as ALERT
from service.domain.errors import NoSuch
from service.domain.gateways import partner_of
from service.engine.model import Node
from service.persistence import tables as t

deliveries = t.table_of(t.Delivery)
messages = t.table_of(t.Message)
notices = t.table_of(t.Notice)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery; `receipt` is the reference the other side gave. Instants are the incident's time.

    `by_hand` is the open task in which a person confirms what could not be delivered, "" if there is none.
    """

    id: str
    incident: str
    incident_number: str
    instance: str
    element: str
    message: str
    message_label: str
    recipient: str
    recipient_label: str
    channel: str
    channel_label: str
    report: str
    state: str
    state_label: str
    attempts: int
    queued_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    receipt: str
    last_error: str
    by_hand: str
    may_retry: bool


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """A page of deliveries, newest first."""

    items: tuple[DeliveryRow, ...]
    next: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """An inbound message: buffered until an event waits for it, delivered, or expired."""

    id: str
    name: str
    label: str
    state: str
    state_label: str
    received_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice in the inbox of a role; `text` is rendered from its code."""

    id: str
    incident: str
    incident_number: str
    role: str
    role_label: str
    code: str
    text: str
    at: datetime


def outbox(
    reader: Reader, *, incident: str = "", state: str = "", cursor: str = "", limit: int = cursors.LIMIT,
    alerts: bool | None = None,
) -> DeliveryList:  # fmt: skip
    """Deliveries of one incident, or of all whose outbox the reader may see, newest first.

    `alerts`: only the messages that wake somebody, or only what is none; None = both.
    """
    limit = cursors.clamp(limit)
    if incident:
        reader.incident(incident, Action.OUTBOX_READ)
    columns = (incidents.c.number, incidents.c.organisation_id, incidents.c.kind)
    joined = deliveries.join(incidents, incidents.c.id == deliveries.c.incident_id)
    query = select(deliveries, *columns).select_from(joined).where(reader.in_scope)
    for column, value in ((deliveries.c.incident_id, incident), (deliveries.c.state, state)):
        query = query.where(column == value) if value else query
    if alerts is not None:
        query = query.where((deliveries.c.message == ALERT) == alerts)
    if cursor:
        queued, key = cursors.read(cursor, 2)
        left_at = (literal(cursors.read_instant(queued), deliveries.c.queued_at.type), literal(key))
        query = query.where(tuple_(deliveries.c.queued_at, deliveries.c.id) < tuple_(*left_at))
    query = query.order_by(deliveries.c.queued_at.desc(), deliveries.c.id.desc()).limit(limit + 1)
    found = reader.rows(query)
    readable = [row for row in found[:limit] if reader.may_with(Action.OUTBOX_READ, row)]
    by_hand = _confirmations(reader, readable)
    page = tuple(_row(reader, row, by_hand.get(_addressee(row), "")) for row in readable)
    last = found[limit - 1] if len(found) > limit else None
    return DeliveryList(page, cursors.write([last["queued_at"].isoformat(), last["id"]]) if last else "")


def delivery(reader: Reader, delivery_id: str) -> DeliveryRow:
    """One delivery. Raises NoSuch where the reader may not see it."""
    columns = (incidents.c.number, incidents.c.organisation_id, incidents.c.kind)
    joined = deliveries.join(incidents, incidents.c.id == deliveries.c.incident_id)
    query = select(deliveries, *columns).select_from(joined).where(deliveries.c.id == delivery_id, reader.in_scope)
    found = [row for row in reader.rows(query) if reader.may_with(Action.OUTBOX_READ, row)]
    if not found:
        raise NoSuch("delivery", delivery_id)
    return _row(reader, found[0], _confirmations(reader, found).get(_addressee(found[0]), ""))


def inbound(reader: Reader, incident: str) -> tuple[MessageRow, ...]:
    """Messages an incident received, newest first; what they say stays sealed."""
    reader.incident(incident, Action.OUTBOX_READ)
    statement = select(messages).where(messages.c.incident_id == incident)
    return tuple(
        MessageRow(
            row["id"], row["name"], reader.label("message", row["name"]), row["state"],
            reader.label("message_state", row["state"]), row["received_at"], row["expires_at"],
        )
        for row in reader.rows(statement.order_by(messages.c.received_at.desc(), messages.c.id.desc()))
    )  # fmt: skip


def my_notices(reader: Reader, *, limit: int = 20) -> tuple[NoticeRow, ...]:
    """The newest notices to the reader's roles in his organisations."""
    joined = notices.join(incidents, incidents.c.id == notices.c.incident_id)
    columns = (incidents.c.number, incidents.c.procedure, incidents.c.version)
    statement = select(notices, *columns).select_from(joined).where(_is_addressed(reader))
    found = reader.rows(statement.order_by(notices.c.at.desc(), notices.c.id.desc()).limit(cursors.clamp(limit)))
    return tuple(
        NoticeRow(
            row["id"], row["incident_id"], row["number"], row["role"], reader.label("role", row["role"]), row["code"],
            notice_text(reader, row), row["at"],
        )
        for row in found
    )  # fmt: skip


def notice_text(reader: Reader, row: Mapping[str, Any]) -> str:
    """A notice as a sentence; `row` has its code, data and the definition of its incident."""
    data = row["data"]
    rule = reader.services.deadline_rules.get(str(data.get("rule", "")))
    due, until = data.get("due"), data.get("until")
    words = {
        "rule": rule.label(reader.locale) if rule else str(data.get("rule", "")),
        "due": clock_time(datetime.fromisoformat(due)) if isinstance(due, str) else "",
        "until": clock_time(datetime.fromisoformat(until)) if isinstance(until, str) else "",
        "element": reader.named(_node(reader, row), str(data.get("element", ""))),
    }
    return reader.label("notice", row["code"]).format_map(words)


# --- inside -----------------------------------------------------------------------------------


def _node(reader: Reader, row: Mapping[str, Any]) -> Node | None:
    """The step a notice is about, looked for in the definition of the incident and then in all active ones."""
    element = str(row["data"].get("element", ""))
    if not element:
        return None
    own = reader.node(row["procedure"], row["version"], element)
    if own is not None:
        return own
    for procedure, version in active_procedures(reader.connection).items():
        found = reader.node(procedure, version, element)
        if found is not None:
            return found
    return None


def _is_addressed(reader: Reader) -> ColumnElement[bool]:
    held = [
        and_(notices.c.organisation_id == organisation, notices.c.role.in_(sorted(roles)))
        for organisation, roles in sorted(reader.principal.memberships.items())
    ]
    return or_(*held) if held else false()


def _addressee(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """What one confirmation by hand stands for: a send task and whom it reaches."""
    return row["instance_id"], row["element"], partner_of(row["recipient"])


def _confirmations(reader: Reader, found: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Open confirmations by hand of the failed deliveries among some rows."""
    failed = {row["incident_id"] for row in found if row["state"] == "failed" and row["channel"] == "auto"}
    if not failed:
        return {}
    is_open = tasks.c.state.in_(OPEN_STATES) & (tasks.c.kind == confirmations.KIND)
    ids = [row["id"] for row in reader.rows(select(tasks.c.id).where(tasks.c.incident_id.in_(failed), is_open))]
    asked = {confirmations.delivery_of(task): task for task in ids}
    rows = reader.rows(select(deliveries).where(deliveries.c.id.in_(list(asked))))
    return {_addressee(row): asked[row["id"]] for row in rows}


def _row(reader: Reader, row: Mapping[str, Any], by_hand: str) -> DeliveryRow:
    return DeliveryRow(
        id=row["id"],
        incident=row["incident_id"],
        incident_number=row["number"],
        instance=row["instance_id"],
        element=row["element"],
        message=row["message"],
        message_label=reader.label("message", row["message"]),
        recipient=row["recipient"],
        recipient_label=recipient_name(reader, row["recipient"]),
        channel=row["channel"],
        channel_label=reader.label("channel", row["channel"]),
        report=row["report_id"] or "",
        state=row["state"],
        state_label=reader.label("delivery_state", row["state"]),
        attempts=row["attempts"],
        queued_at=row["queued_at"],
        sent_at=row["sent_at"],
        acknowledged_at=row["acknowledged_at"],
        receipt=row["receipt"],
        last_error=row["last_error"],
        by_hand=by_hand if row["state"] == "failed" else "",
        may_retry=row["state"] == "failed" and reader.may_with(Action.OUTBOX_RETRY, row),
    )
