"""An import of the directory in words: counts, faults, how far it is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.application.directory_steps import ACCOUNTS, CHANGES
from service.application.directory_workbook import MEMBERS, ORGANISATIONS, PEOPLE, PLACES
from service.application.queries.reader import Reader
from service.domain.errors import NoSuch
from service.persistence.tables import sql

_ORDER = (ORGANISATIONS, PLACES, ACCOUNTS, PEOPLE, MEMBERS)


@dataclass(frozen=True, slots=True)
class ImportError:
    """A fault: the sheet, the row as Excel counts it (0 = the sheet as a whole), the column, and what to do."""

    sheet: str
    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportCount:
    """How many rows of a kind are new, changed, the same, and not in the workbook."""

    kind: str
    name: str
    new: int
    changed: int
    same: int
    removed: int


@dataclass(frozen=True, slots=True)
class ImportShown:
    """An import; `faults` counts all errors, of which the first are listed."""

    id: str
    file_name: str
    state: str
    organisation: str
    started_at: datetime
    ended_at: datetime | None
    done: int
    total: int
    counts: tuple[ImportCount, ...]
    errors: tuple[ImportError, ...]
    faults: int
    removed: int
    removes: bool


def shown(reader: Reader, import_id: str) -> ImportShown:
    """An import of the reader's own. Raises NoSuch."""
    table = sql.directory_imports
    row = next(iter(reader.rows(select(table).where(table.c.id == import_id))), None)
    if row is None or row["started_by"] != reader.principal.account_id:
        raise NoSuch("import", import_id)
    summary = row["summary"]
    found = summary.get("counts", {})
    counts = tuple(
        ImportCount(kind, reader.label("import_kind", kind), *(found[kind].get(change, 0) for change in CHANGES))
        for kind in _ORDER
        if kind in found
    )
    return ImportShown(
        row["id"], row["file_name"], row["state"], row["organisation_id"], row["started_at"], row["ended_at"],
        row["done"], row["total"], counts, tuple(_error(reader, each) for each in summary.get("errors", [])),
        summary.get("faults", 0), sum(each.removed for each in counts), bool(summary.get("remove", False)),
    )  # fmt: skip


def _error(reader: Reader, stored: list[str]) -> ImportError:
    path, _code, zh, en = stored
    sheet, _, rest = path.partition(".")
    row, _, column = rest.partition(".")
    number = int(row) if row.isdecimal() else 0
    return ImportError("" if sheet == "0" else sheet, number, column, reader.pick(zh, en))
