"""Queueing messages that wake somebody outside the page: a delivery row for each person or organisation.

What leaves is composed when it is sent: a code and a link (`domain/alerts.py`), never a name.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from service.application import duty_rosters
from service.domain import events as ev
from service.domain.alerts import CHANNEL, MESSAGE, to_account, to_organisation
from service.persistence.pending import Row
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance


def wake(
    on: Advance, task: Row, accounts: Collection[str], *, level: str, is_urgent: bool, organisation: str = ""
) -> None:
    """Queue a message about a task to everybody of some accounts who can be reached, and to their organisation."""
    owners = duty_rosters.channel_owners(on.uow)
    wanted = [to_account(account) for account in accounts if account]
    if organisation:
        wanted.append(to_organisation(organisation))
    for recipient in wanted:
        if recipient in owners:
            content = {
                "number": on.incident["number"], "wake": level, "task": task["id"], "urgent": is_urgent, "person": "",
            }  # fmt: skip
            event = ev.DeliveryQueued(on.uow.new_id(), task["element"], MESSAGE, recipient, CHANNEL, "", content)
            on.record(event, row=on.instance_row(task["instance_id"]), element=task["element"])


def settle(on: Advance, task: str) -> None:
    """A task was accepted or fell away: what waits is not sent, what was sent to him who accepted is acknowledged."""
    accepted = to_account(on.origin.actor)
    for row in on.rows.where(sql.deliveries, incident_id=on.incident_id):
        if row["channel"] != CHANNEL or row["data"].get("task") != task:
            continue
        instance = on.instance_row(row["instance_id"])
        if row["state"] == "queued":
            on.record(ev.DeliveryWithdrawn(row["id"], "accepted"), row=instance, element=row["element"])
        elif row["state"] == "sent" and row["recipient"] == accepted:
            on.record(ev.DeliveryAcknowledged(row["id"], "accepted"), row=instance, element=row["element"])
