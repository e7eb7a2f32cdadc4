"""Names of persons: surname, class and code; in full only for whoever had them shown on purpose."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from service.application.queries.grounds import needed_persons, revealed
from service.application.queries.reader import Reader
from service.domain.field_access import may_see_field
from service.domain.fields import list_name


class Names:
    """Names of the persons of some rows (`person_id`, `incident_id`, `person_code`, `org_unit`, `person_sealed`).

    With `by_task` an open task that needs a person is enough: for what that task itself is made of, a letter or list
    it hands over, and for exports, which are logged. With `is_masked` never in full.
    """

    def __init__(
        self, reader: Reader, rows: Iterable[Mapping[str, Any]], *, by_task: bool = False, is_masked: bool = False
    ) -> None:
        self._reader = reader
        self._rows = {row["person_id"]: row for row in rows if row["person_id"] and row["person_sealed"] is not None}
        self._opened = opened(reader, {key: row["person_sealed"] for key, row in self._rows.items()})
        concerned = {row["incident_id"] for row in self._rows.values()}
        self._revealed = revealed(reader, concerned) if concerned and not is_masked else {}
        self._needed = needed_persons(reader, concerned) if by_task and not is_masked else frozenset()

    def is_full(self, person: str) -> bool:
        """Whether the reader may read this person's name in full now."""
        row = self._rows.get(person)
        has_task = row is not None and (person in self._needed or row["incident_id"] in self._needed)
        return may_see_field(
            self._reader.principal, "personal", has_open_task=has_task or "name" in self.groups(person)
        )

    def shows_health(self, person: str) -> bool:
        """Whether the reader may read what was answered about this person, or found of him, now."""
        row = self._rows.get(person)
        has_task = row is not None and (person in self._needed or row["incident_id"] in self._needed)
        return may_see_field(
            self._reader.principal, "health", has_open_task=has_task or "health" in self.groups(person)
        )

    def groups(self, person: str) -> frozenset[str]:
        """What the reader has had shown of this person."""
        return self._revealed.get(person, frozenset())

    def shown(self, person: str | None, places: Mapping[str, str]) -> str:
        """`学**· 七2班 · 病例1`, with the full name where the reader may see it; "" for no person."""
        row = self._rows.get(person or "")
        if row is None or person is None:
            return ""
        name = str(self._opened.get(person, {}).get("name") or "")
        unit = places.get(row["org_unit"], row["org_unit"])
        code = self._reader.person_code(row["person_code"])
        if not name and json.loads(row["person_sealed"] or "{}"):  # there was one: its key is destroyed
            name = self._reader.pick("已删除", "erased")
            return " · ".join(part for part in (name, unit, code) if part)
        if name and self.is_full(person):
            return " · ".join(part for part in (name, unit, code) if part)
        return list_name(name, unit, code)

    def identity(self, person: str) -> dict[str, Any]:
        """The opened identity block; only for callers that mask it."""
        return self._opened.get(person, {})


def opened(reader: Reader, sealed: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Sealed texts by person, opened with one look-up of keys."""
    sealer, connection = reader.sealer, reader.connection
    absent = sealer.preload_texts(connection, sealed.values())
    values: dict[str, dict[str, Any]] = {}
    for person, text in sealed.items():
        parts = sealer.open_text(connection, text, absent=absent)
        values[person] = {key: value for part in parts.values() for key, value in part.items()}
    return values
