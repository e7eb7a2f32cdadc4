"""The third door: what leaves the building passes through a delivery row and a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from service.application import confirmations
from service.application.incident_view import IncidentView
from service.application.incidents import incident_subject
from service.application.services import SYSTEM, Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoSuch, OutsideSystemFailed
from service.domain.gateways import OutgoingDelivery, OutsideWorld, partner_of
from service.persistence.queue import DELIVERY
from service.persistence.sealing import Sealer
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

ATTEMPTS = 5  # then a person must see to it
FIRST_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to: a receipt, or an error and whether it is the last attempt."""

    receipt: str = ""
    error: str = ""
    is_retryable: bool = False


def waiting(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Queued deliveries a gateway is to take, oldest first."""
    table = sql.deliveries
    is_waiting = (table.c.state == "queued") & (table.c.channel == "auto")
    rows = connection.execute(select(table).where(is_waiting).order_by(table.c.queued_at, table.c.id).limit(limit))
    return [dict(row) for row in rows.mappings()]


def find_waiting(connection: Connection, delivery: str) -> dict[str, Any] | None:
    """A delivery, if a gateway is still to take it."""
    table = sql.deliveries
    is_waiting = (table.c.id == delivery) & (table.c.state == "queued") & (table.c.channel == "auto")
    row = connection.execute(select(table).where(is_waiting)).mappings().first()
    return dict(row) if row else None


def pause_after(attempts: int) -> timedelta:
    """How long to wait after the nth attempt failed: 5 s, doubled each time."""
    return FIRST_PAUSE * (1 << (attempts - 1))


def outgoing(connection: Connection, sealer: Sealer, services: Services, row: Mapping[str, Any]) -> OutgoingDelivery:
    """The delivery as the gateway gets it; only declared fields of the message leave (gateways)."""
    view = IncidentView.read(connection, sealer, services, row["incident_id"])
    payload: dict[str, object] = {"organisation": view.organisation["name"], "number": view.incident["number"]}
    if row["report_id"]:
        payload.update(_report_text(view, row["report_id"]))
    person = row["recipient"].partition(":")[2] or row["data"].get("person")
    if person:
        payload.update(code=_code(connection, person), kind=row["message"])
    is_drill = view.incident["kind"] == "drill"
    return OutgoingDelivery(
        id=row["id"], incident=row["incident_id"], recipient=row["recipient"], message=row["message"],
        sent_at=view.now, payload=payload, is_drill=is_drill,
        is_unreachable=is_drill and _fails(connection, row, view.now),
    )  # fmt: skip


def _fails(connection: Connection, row: Mapping[str, Any], now: datetime) -> bool:
    """Whether an inject lets the party of a delivery fail now."""
    table = sql.drill_injects
    lasting = (table.c.kind == "failure") & (table.c.state == "sent") & (table.c.sent_at <= now) & (table.c.until > now)
    mine = table.c.incident_id == row["incident_id"]
    found = connection.execute(select(table.c.content).where(mine & lasting)).scalars()
    return partner_of(row["recipient"]) in {each.get("system") for each in found}


def _report_text(view: IncidentView, report: str) -> dict[str, object]:
    table = sql.reports
    row = view.connection.execute(select(table).where(table.c.id == report)).mappings().one()
    record = view.rows.get(sql.records, row["record_id"]) if row["record_id"] else None
    values = view.facts.rows.answers(record)["values"] if record and not record["is_revoked"] else {}
    return {**values, "document": row["document"], "report": report}


def _code(connection: Connection, person: str) -> str:
    return str(connection.execute(select(sql.persons.c.code).where(sql.persons.c.id == person)).scalar() or "")


def attempt(outside: OutsideWorld, delivery: OutgoingDelivery) -> Outcome:
    """Send once; a failure is an outcome, not an exception."""
    try:
        receipt = outside.gateway_for(delivery).send(delivery)
    except OutsideSystemFailed as error:
        return Outcome(error=error.text("zh_CN"), is_retryable=error.is_retryable)
    return Outcome(receipt=receipt.reference)


def record(uow: UnitOfWork, services: Services, row: Mapping[str, Any], outcome: Outcome) -> None:
    """Record what an attempt came to; a delivery that was settled meanwhile stays as it is."""

    def work(on: Advance) -> None:
        table = sql.deliveries
        current = dict(uow.connection.execute(select(table).where(table.c.id == row["id"])).mappings().one())
        if current["state"] != "queued":
            return
        attempts = current["attempts"] + 1
        instance = on.instance_row(current["instance_id"])
        if outcome.error:
            final = attempts >= ATTEMPTS or not outcome.is_retryable
            on.record(ev.DeliveryFailed(row["id"], attempts, outcome.error, final), row=instance)
            if final:
                confirmations.failed(on, current, attempts)
            else:
                uow.wake(DELIVERY, row["id"], uow.now + pause_after(attempts))
        else:
            on.record(ev.DeliverySent(row["id"], attempts, outcome.receipt), row=instance)
            on.record(ev.DeliveryAcknowledged(row["id"], outcome.receipt), row=instance)
            confirmations.reached(on, current)

    advance(uow, services, row["incident_id"], SYSTEM, work)


def retry(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.RetryDelivery, *, request_id: str = ""
) -> None:
    """Queue a failed delivery again. Raises NoSuch, NotAllowed."""
    table = sql.deliveries
    row = uow.connection.execute(select(table).where(table.c.id == command.delivery)).mappings().first()
    if row is None:
        raise NoSuch("delivery", command.delivery)

    def work(on: Advance) -> None:
        require(principal, Action.OUTBOX_RETRY, incident_subject(uow, on.incident))
        state = uow.connection.execute(select(table.c.state).where(table.c.id == row["id"])).scalar_one()
        if state == "failed":
            event = ev.DeliveryFailed(row["id"], row["attempts"], row["last_error"], final=False)
            on.record(event, row=on.instance_row(row["instance_id"]))
            uow.wake(DELIVERY, row["id"], uow.now)

    advance(uow, services, row["incident_id"], Origin(principal.account_id, request_id=request_id), work)
