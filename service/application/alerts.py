"""Sending messages that wake people: what waits is put together per incident and recipient, sent by the worker.

Quiet hours and the pace of a recipient are looked at when a message could leave, so they count as they stand
then. Nothing is sent any more for a task that somebody has accepted. What leaves goes through a gateway outside
of any transaction (the third door); a drill, and the demo, only ever meet the rehearsal twin.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from service.application import escalation
from service.application.deliveries import ATTEMPTS, Outcome, pause_after
from service.application.projections import apply
from service.application.projections.duty import STREAM_PREFIX
from service.application.services import SYSTEM, Services
from service.application.steps import Advance, advance
from service.domain import events as ev
from service.domain.alerts import ACCOUNT, ADDRESS, CHANNEL, MESSAGE, PER_MINUTE, SAME_AGAIN, Quiet, compose
from service.domain.gateways import OutgoingDelivery
from service.persistence.queue import DELIVERY
from service.persistence.sealing import Sealer
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet

OPEN = "open"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries to one recipient about one incident (or an organisation's roster), oldest first."""

    stream: str
    recipient: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The deliveries."""
        return tuple(row["id"] for row in self.rows)

    @property
    def is_urgent(self) -> bool:
        """Whether one of them cannot wait."""
        return any(row["data"].get("urgent") for row in self.rows)

    @property
    def attempts(self) -> int:
        """How often it was tried."""
        return max(int(row["attempts"]) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on one channel."""

    channel: str
    outgoing: OutgoingDelivery


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a batch now: not needed ones withdrawn, the rest sent, or held until an instant."""

    unwanted: tuple[str, ...] = ()
    batch: Batch | None = None
    parcels: tuple[Parcel, ...] = ()
    held_until: datetime | None = None


def waiting(connection: Connection, limit: int) -> list[Batch]:
    """What waits to be sent, oldest first."""
    table = sql.deliveries
    is_waiting = (table.c.state == "queued") & (table.c.channel == CHANNEL)
    rows = connection.execute(select(table).where(is_waiting).order_by(table.c.queued_at, table.c.id).limit(limit))
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows.mappings():
        found.setdefault((row["incident_id"], row["recipient"]), []).append(dict(row))
    return [Batch(stream, recipient, tuple(each)) for (stream, recipient), each in found.items()]


def batch_of(connection: Connection, delivery: str) -> Batch | None:
    """The batch a delivery leads; None where it was sent, or goes with an earlier one."""
    table = sql.deliveries
    row = connection.execute(select(table.c.incident_id, table.c.recipient).where(table.c.id == delivery)).first()
    if row is None:
        return None
    mine = (table.c.incident_id == row.incident_id) & (table.c.recipient == row.recipient)
    is_waiting = mine & (table.c.state == "queued") & (table.c.channel == CHANNEL)
    rows = connection.execute(select(table).where(is_waiting).order_by(table.c.queued_at, table.c.id)).mappings()
    found = tuple(dict(each) for each in rows)
    return Batch(row.incident_id, row.recipient, found) if found and found[0]["id"] == delivery else None


def plan(connection: Connection, sealer: Sealer, batch: Batch, *, now: datetime, public_url: str) -> Plan:
    """Decide about a batch as things stand now."""
    unwanted = tuple(row["id"] for row in batch.rows if not _is_wanted(connection, row))
    left = Batch(batch.stream, batch.recipient, tuple(row for row in batch.rows if row["id"] not in unwanted))
    if not left.rows:
        return Plan(unwanted)
    held = _held_until(connection, left, now)
    if held is not None:
        return Plan(unwanted, left, held_until=held)
    return Plan(unwanted, left, _parcels(connection, sealer, left, now, public_url))


def reserve(uow: UnitOfWork, channel: str) -> bool:
    """Count a message of a channel; False where it has sent as many in this minute as its robot takes."""
    uow.alone(f"channel:{channel}")
    table = sql.channels
    row = uow.connection.execute(select(table).where(table.c.id == channel)).mappings().first()
    if row is None or not row["is_active"]:
        return False
    is_same = row["window_start"] is not None and uow.now - row["window_start"] < MINUTE
    count = row["window_count"] + 1 if is_same else 1
    if count > PER_MINUTE:
        return False
    start = row["window_start"] if is_same else uow.now
    uow.connection.execute(update(table).where(table.c.id == channel).values(window_start=start, window_count=count))
    return True


def record(uow: UnitOfWork, services: Services, batch: Batch, outcome: Outcome) -> None:
    """Record what an attempt came to for every delivery of a batch."""
    _in_stream(uow, services, batch.stream, lambda writing: _record(writing, batch, outcome))


def withdraw(uow: UnitOfWork, services: Services, stream: str, deliveries: Sequence[str]) -> None:
    """Deliveries nobody needs any more."""

    def work(writing: "_Writing") -> None:
        for delivery in deliveries:
            if writing.is_queued(delivery):
                writing.record(ev.DeliveryWithdrawn(delivery, "accepted"))

    _in_stream(uow, services, stream, work)


# --- deciding -----------------------------------------------------------------------------------


def _is_wanted(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Whether the task is still open; one handed over is claimed by whom it was handed to."""
    task = row["data"].get("task")
    if not task:
        return True
    table = sql.tasks
    found = connection.execute(select(table.c.state, table.c.assignee).where(table.c.id == task)).first()
    if found is None or found.state not in (OPEN, "claimed"):
        return False
    return bool(found.state == OPEN or row["recipient"] == f"{ACCOUNT}{found.assignee}")


def _held_until(connection: Connection, batch: Batch, now: datetime) -> datetime | None:
    quiet = quiet_of(connection, batch.recipient.removeprefix(ACCOUNT)) if _is_person(batch.recipient) else None
    ends = quiet.holds(now, is_urgent=batch.is_urgent) if quiet else None
    if ends is not None or batch.is_urgent:
        return ends
    table = sql.deliveries
    mine = (table.c.incident_id == batch.stream) & (table.c.recipient == batch.recipient) & (table.c.channel == CHANNEL)
    last: datetime | None = connection.execute(
        select(table.c.sent_at).where(mine, table.c.sent_at.is_not(None)).order_by(table.c.sent_at.desc()).limit(1)
    ).scalar()
    return last + SAME_AGAIN if last is not None and now < last + SAME_AGAIN else None


def quiet_of(connection: Connection, account: str) -> Quiet | None:
    """The quiet hours of a person, None if he has none."""
    row = connection.execute(select(sql.quiet_hours).where(sql.quiet_hours.c.account_id == account)).mappings().first()
    if row is None or not row["begins"]:
        return None
    return Quiet(time.fromisoformat(row["begins"]), time.fromisoformat(row["ends"]), row["urgent_anyway"])


def _is_person(recipient: str) -> bool:
    return recipient.startswith(ACCOUNT)


def _parcels(
    connection: Connection, sealer: Sealer, batch: Batch, now: datetime, public_url: str
) -> tuple[Parcel, ...]:
    table, lead = sql.channels, batch.rows[0]
    mine = (table.c.owner == batch.recipient) & table.c.is_active.is_(True)
    channels = [dict(row) for row in connection.execute(select(table).where(mine).order_by(table.c.id)).mappings()]
    link = _link(batch, public_url)
    is_drill = _is_drill(connection, batch.stream)
    text = compose(
        lead["data"]["wake"], lead["data"]["number"], link, count=len(batch.rows),
        locale=_locale(connection, batch.recipient), is_drill=is_drill,
    )  # fmt: skip
    return tuple(
        parcel(sealer, connection, row, delivery=f"{lead['id']}.{row['id']}", stream=batch.stream, text=text,
               link=link, now=now, recipient=batch.recipient, is_drill=is_drill)
        for row in channels
    )  # fmt: skip


def parcel(
    sealer: Sealer, connection: Connection, channel: Mapping[str, Any], *, delivery: str, stream: str, text: str,
    link: str, now: datetime, recipient: str, is_drill: bool,
) -> Parcel:  # fmt: skip
    """One message for one channel; the address is opened here and goes no further than the gateway."""
    opened = sealer.open_text(connection, channel["sealed"])
    address = str(opened.get(f"channel:{channel['id']}", {}).get(ADDRESS, ""))
    payload = {"text": text, "link": link, "kind": channel["kind"], ADDRESS: address}
    return Parcel(channel["id"], OutgoingDelivery(delivery, stream, recipient, MESSAGE, now, payload, (), is_drill))


def _link(batch: Batch, public_url: str) -> str:
    tasks = {row["data"].get("task") for row in batch.rows}
    if batch.stream.startswith(STREAM_PREFIX):
        return f"{public_url}/duty"
    return f"{public_url}/tasks/{next(iter(tasks))}" if len(tasks) == 1 else f"{public_url}/inbox"


def _locale(connection: Connection, recipient: str) -> str:
    if not _is_person(recipient):
        return "zh_CN"
    account = sql.accounts
    mine = account.c.id == recipient.removeprefix(ACCOUNT)
    return str(connection.execute(select(account.c.locale).where(mine)).scalar() or "zh_CN")


def _is_drill(connection: Connection, stream: str) -> bool:
    return connection.execute(select(sql.incidents.c.kind).where(sql.incidents.c.id == stream)).scalar() == "drill"


# --- recording ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Writing:
    """Appending to the stream a batch belongs to: an incident's, or an organisation's."""

    uow: UnitOfWork
    stream: str
    on: Advance | None

    def is_queued(self, delivery: str) -> bool:
        """Whether it still waits."""
        return bool(self.row(delivery)["state"] == "queued")

    def row(self, delivery: str) -> Mapping[str, Any]:
        """The delivery as it stands."""
        table = sql.deliveries
        return dict(self.uow.connection.execute(select(table).where(table.c.id == delivery)).mappings().one())

    def record(self, event: ev.Event) -> None:
        """Append and project."""
        if self.on is not None:
            delivery = self.row(str(event.data()["delivery"]))
            self.on.record(event, row=self.on.instance_row(delivery["instance_id"]), element=delivery["element"])
            return
        new = NewEvent(event.type, self.uow.now, event.data(), actor=SYSTEM.actor, schema_version=event.schema_version)
        apply(self.uow.rows(WorkingSet(self.stream)), self.uow.append(self.stream, [new])[0], event)


def _in_stream(uow: UnitOfWork, services: Services, stream: str, work: Callable[[_Writing], None]) -> None:
    if stream.startswith(STREAM_PREFIX):
        uow.alone(f"duty:{stream.removeprefix(STREAM_PREFIX)}")
        work(_Writing(uow, stream, None))
    else:
        advance(uow, services, stream, SYSTEM, lambda on: work(_Writing(uow, stream, on)))


def _record(writing: _Writing, batch: Batch, outcome: Outcome) -> None:
    attempts = batch.attempts + 1
    final = bool(outcome.error) and (attempts >= ATTEMPTS or not outcome.is_retryable)
    waiting_ids = [delivery for delivery in batch.ids if writing.is_queued(delivery)]
    for delivery in waiting_ids:
        if outcome.error:
            writing.record(ev.DeliveryFailed(delivery, attempts, outcome.error, final))
        else:
            writing.record(ev.DeliverySent(delivery, attempts, outcome.receipt))
    if outcome.error and not final:
        for delivery in waiting_ids:
            writing.uow.wake(DELIVERY, delivery, writing.uow.now + pause_after(attempts))
    elif final and waiting_ids and writing.on is not None:
        escalation.tell(writing.on, escalation.LEADERS, "wake_failed", {})
