"""Putting on record that a process stopped: once per instance, place and kind of failure, counting attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.domain import events as ev
from service.domain.errors import EngineFailed
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

PROCEDURE_MISSING = "procedure_missing"  # a call, or an inspection, of a procedure that was never deployed


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped, where and why. `place` tells two failures of one instance and kind apart: a wait, a due row."""

    instance: str
    code: str
    cause: str
    element: str = ""
    place: str = ""
    retry: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The id of its engine incident."""
        return f"{self.instance}:{self.code}:{self.place or self.element}"


def failure_of(error: EngineFailed) -> Failure:
    """The failure of a command that was rolled back."""
    retry = {"kind": "due", "target": error.due_row} if error.due_row else {}
    return Failure(error.instance, error.code, error.cause, error.element, error.due_row, retry)


def put_on_record(on: Advance, failure: Failure, *, again: bool = True, row: Mapping[str, Any] | None = None) -> bool:
    """Raise an engine incident; one that is open counts another attempt, or stays as it is without `again`."""
    table = sql.engine_incidents
    known = on.uow.connection.execute(
        select(table.c.attempts, table.c.state).where(table.c.id == failure.key)
    ).first()  # fmt: skip
    if known is not None and known.state == "open" and not again:
        return False
    attempts = (known.attempts if known else 0) + 1
    on.record(
        ev.EngineIncidentRaised(
            failure.key, failure.instance, failure.element, failure.cause, attempts, failure.code, failure.retry
        ),
        row=row,
        element=failure.element,
    )
    return True
