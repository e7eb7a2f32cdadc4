"""What scenarios look at again and again: deadlines, rows that fired, who got a message, what was answered."""

from typing import Any

from service.persistence import tables as t
from tests.paths import variants
from tests.paths.world import World


def due(w: World, rule: str, subject: str = "") -> str:
    """When a deadline falls due, as `MM-DD HH:MM`."""
    return w.local(w.deadline(rule, subject)["due_at"])


def met(w: World, rule: str, subject: str = "") -> bool:
    """Whether a deadline was met in time."""
    row = w.deadline(rule, subject)
    return row["met_at"] is not None and row["late_minutes"] == 0


def rules(w: World, decision: str) -> list[list[int]]:
    """The rows of a decision that fired, oldest first."""
    return [row["rules"] for row in sorted(w.rows(t.DecisionRow, decision=decision), key=lambda row: row["id"])]


def case(w: World) -> str:
    """The first registered case."""
    return variants.cases(w)[0]


def recipients(w: World, message: str) -> set[str]:
    """Whom a message went to."""
    return {row["recipient"] for row in w.rows(t.Delivery, message=message)}


def answered(w: World, form: str, view: str) -> dict[str, Any]:
    """The latest answer of a form view with its sealed parts."""
    row = sorted(w.rows(t.Record, form=form, view=view), key=lambda each: each["id"])[-1]
    values = dict(row["data"])
    with w.app.read() as connection:
        for part in w.app.sealer.open_text(connection, row["sealed"]).values():
            values.update(part)
    return values
