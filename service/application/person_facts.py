"""What is known of one person of an incident."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.persistence.pending import Row

if TYPE_CHECKING:
    from service.application.fact_rows import FactRows


class PersonFacts:
    """One person of the incident: identity and answers are decrypted when first asked for."""

    def __init__(self, row: Row, rows: FactRows) -> None:
        self.id: str = row["id"]
        self.status: str = row["case_status"]
        self.instance: str = row["instance_id"] or ""
        self.registered_at: datetime = row["registered_at"]
        self.code: str = row["code"]
        self.org_unit: str = row["org_unit"]
        self._sealed: str = row["sealed"]
        self._rows = rows

    @property
    def identity(self) -> dict[str, Any]:
        """The sealed person block."""
        return self._rows.opened(self._sealed).get(self.id, {})

    def records(self, form: str) -> list[dict[str, Any]]:
        """Answers of a form about this person, oldest first: {"id", "view", "at", "values"}."""
        return [self._rows.answers(r) for r in self._rows.records_about(form, self.id)]

    def form(self, form: str) -> dict[str, Any]:
        """The latest value of each field of a form about this person."""
        merged: dict[str, Any] = {}
        for record in self.records(form):
            merged.update(record["values"])
        return merged

    def decision_history(self, decision: str, output: str) -> list[object]:
        """Every outcome of a decision about this person, oldest first."""
        rows = self._rows.decided_about(decision, self.id)
        return [self._rows.outcome(row).get(output) for row in rows]

    def decision(self, decision: str) -> dict[str, Any]:
        """The latest outcome of a decision about this person."""
        rows = self._rows.decided_about(decision, self.id)
        return self._rows.outcome(rows[-1]) if rows else {}
