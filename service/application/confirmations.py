"""An automatic delivery that failed for good is confirmed by hand: somebody phones, writes or goes there.

One task stands for one send task and one addressee; all persons and classes a notice goes to are one
addressee. The task is no token of the diagram, whose flow went on long ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.domain import events as ev
from service.domain.gateways import partner_of
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.fill_contexts import Target
    from service.application.steps import Advance

KIND = "delivery"  # of the task
FORM = "F00#send"
MARK = "-by-hand-"  # {delivery}-by-hand-{attempts}
REACHED = frozenset({"已接通", "已送达"})
OPEN = ("open", "claimed")


def delivery_of(task: str) -> str:
    """The delivery a task was opened for."""
    return task.partition(MARK)[0]


def failed(on: Advance, delivery: Mapping[str, Any], attempts: int) -> None:
    """No further attempt follows by itself: the role of the send task is asked to confirm it, once."""
    if _open_task(on, delivery) is not None:
        return
    row = on.instance_row(delivery["instance_id"])
    processes = on.assembly(row).bundle.processes.values()
    process = next(each for each in processes if delivery["element"] in each.nodes)
    node = process.nodes[delivery["element"]]
    task = f"{delivery['id']}{MARK}{attempts}"
    role, also = node.role or "epi_office", list(node.also)
    on.record(ev.TaskOpened(task, process.id, node.id, KIND, role, also, FORM, "", "", ""), row=row)


def confirmed(on: Advance, target: Target, answers: Mapping[str, Any]) -> None:
    """Somebody reached the addressee, or did not: then it is asked for again."""
    delivery = _delivery(on, delivery_of(target.visit))
    if answers["outcome"] not in REACHED:
        attempts = delivery["attempts"] + 1
        failure = ev.DeliveryFailed(delivery["id"], attempts, str(answers["outcome"]), final=True)
        on.record(failure, row=target.instance)
        failed(on, delivery, attempts)
        return
    for each in _same(on, delivery):
        if each["state"] == "failed" or each["id"] == delivery["id"]:
            on.record(ev.DeliveryAcknowledged(each["id"], str(answers["send_channel"])), row=target.instance)


def reached(on: Advance, delivery: Mapping[str, Any]) -> None:
    """A later attempt or a receipt made the confirmation needless, if nothing else of it is failed."""
    task = _open_task(on, delivery)
    if task is not None and not any(each["state"] == "failed" for each in _same(on, delivery)):
        event = ev.ElementCancelled(task["id"], task["process"], task["element"])
        on.record(event, row=on.instance_row(delivery["instance_id"]))


def _delivery(on: Advance, delivery: str) -> dict[str, Any]:
    table = sql.deliveries
    return dict(on.uow.connection.execute(select(table).where(table.c.id == delivery)).mappings().one())


def _same(on: Advance, delivery: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Deliveries of the same send task to the same addressee."""
    table = sql.deliveries
    mine = (table.c.instance_id == delivery["instance_id"]) & (table.c.element == delivery["element"])
    rows = on.uow.connection.execute(select(table).where(mine, table.c.channel == "auto").order_by(table.c.id))
    addressee = partner_of(delivery["recipient"])
    return [dict(row) for row in rows.mappings() if partner_of(row["recipient"]) == addressee]


def _open_task(on: Advance, delivery: Mapping[str, Any]) -> dict[str, Any] | None:
    """The open confirmation of the same addressee."""
    table = sql.tasks
    mine = (table.c.instance_id == delivery["instance_id"]) & (table.c.kind == KIND) & table.c.state.in_(OPEN)
    same = {each["id"] for each in _same(on, delivery)}
    rows = on.uow.connection.execute(select(table).where(mine, table.c.element == delivery["element"])).mappings()
    return next((dict(row) for row in rows if delivery_of(row["id"]) in same), None)
