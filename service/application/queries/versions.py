"""The life of a procedure: its versions, and who put which into use or out of it."""

from dataclasses import dataclass
from datetime import datetime

from service.application import definition_versions
from service.application.queries.reader import Reader


@dataclass(frozen=True, slots=True)
class VersionEventRow:
    """An entry of the history; `how` is deployed, activated or retired."""

    version: int
    how: str
    how_name: str
    at: datetime
    by: str
    reason: str


def history(reader: Reader, procedure: str) -> tuple[VersionEventRow, ...]:
    """What was done with the versions of a procedure, newest first."""
    found = definition_versions.history(reader.connection, procedure)
    names = reader.account_names({each.actor for each in found})
    return tuple(
        VersionEventRow(
            each.version, each.how, reader.label("version_how", each.how), each.at, names.get(each.actor, each.actor),
            each.reason,
        )
        for each in found
    )  # fmt: skip
