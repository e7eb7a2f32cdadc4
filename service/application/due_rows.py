"""Putting the due rows of an incident: what will fall due, in its clock and as its image in real time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from service.persistence import queue
from service.persistence.pending import last_at

if TYPE_CHECKING:
    from service.application.steps import Advance

TOLD = "told"  # part of a working set: when the last event of the incident was
NOTHING_BEFORE = "nothing due before"  # part of a working set: no row of the incident's own falls due earlier


def put(on: Advance, kind: str, ref: str, due: datetime, instance: str = "") -> None:
    """Put or move a due row of the incident."""
    queue.put(
        on.uow, kind=kind, ref=ref, incident_id=on.incident_id, due_at=due, real_due_at=on.clock.real_of(due),
        instance_id=instance,
    )  # fmt: skip
    if NOTHING_BEFORE in on.parts:
        on.parts[NOTHING_BEFORE] = min(on.parts[NOTHING_BEFORE], due)


def told(on: Advance) -> datetime | None:
    """The time of the incident's last event: nothing is recorded before it. None where there is none."""
    if TOLD not in on.parts:
        on.parts[TOLD] = last_at(on.uow.connection, on.incident_id)
    last: datetime | None = on.parts[TOLD]
    return last
