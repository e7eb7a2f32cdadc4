"""The two lists of a case side by side: who stood on the first one, who was added, who left and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import workbooks
from service.application.queries import names
from service.application.queries.contacts import ContactRow, contacts
from service.application.queries.reader import Reader
from service.application.workbooks import Cell, SheetColumn
from service.domain.access import Action
from service.domain.calendar import SHANGHAI
from service.domain.fields import mask_value
from service.persistence.tables import sql

_FIRST = ("initial", "self")


@dataclass(frozen=True, slots=True)
class ListedContact:
    """A contact and what the final list made of him: `change` is listed, same, added or removed."""

    contact: ContactRow
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseList:
    """The list of one case; `is_final` once the CDC has judged."""

    case: str
    case_code: str
    is_final: bool
    items: tuple[ListedContact, ...]
    counts: Mapping[str, int]


def compared(reader: Reader, incident: str, *, by_task: bool = False) -> tuple[CaseList, ...]:
    """The lists of an incident, case by case. Raises NotAllowed where only the incident may be seen."""
    reader.incident(incident, Action.PEOPLE_READ)
    first, reasons = _answers(reader, incident)
    by_case: dict[str, list[ContactRow]] = {}
    for row in contacts(reader, incident, by_task=by_task).items:
        by_case.setdefault(row.case, []).append(row)
    return tuple(_case(rows, first, reasons) for rows in by_case.values())


def headings(reader: Reader) -> dict[str, str]:
    """The columns of the workbook by the words in which an export is asked for."""
    words = (
        ("编号", "code"), ("人员", "person"), ("班级/单位", "class or unit"), ("关联病例", "case"), ("名单", "list"),
        ("状态", "state"), ("类别", "class"), ("管控方式", "kind of observation"), ("观察起", "observed from"),
        ("观察止", "observed until"), ("所属单位", "organisation"), ("移出原因", "reason for removal"),
    )  # fmt: skip
    return {english: reader.pick(chinese, english).capitalize() for chinese, english in words}


def download(reader: Reader, incident: str, chosen: Sequence[str]) -> tuple[str, bytes, tuple[str, ...]]:
    """The lists as a workbook (R09) of some columns: its name, its content, and whom it holds.

    Names are in full where an open task of the reader needs them: taking them out is put on record.
    """
    found = reader.incident(incident, Action.PEOPLE_READ)
    is_drill = found["kind"] == "drill"
    number = f"{workbooks.DRILL} " * is_drill + found["number"]
    all_of = headings(reader)
    places = [place for place, each in enumerate(all_of) if each in chosen]
    columns = [SheetColumn(all_of[each]) for each in all_of if each in chosen]
    items = [each for one in compared(reader, incident, by_task=True) for each in one.items]
    rows = [[cells[place] for place in places] for cells in map(_cells, items)]
    title = reader.pick("密接名单", "Contacts")
    persons = tuple(dict.fromkeys(each.contact.person for each in items))
    return f"{title} {number}.xlsx", workbooks.write(title, columns, rows, is_drill=is_drill), persons


# --- inside -----------------------------------------------------------------------------------


def _answers(reader: Reader, incident: str) -> tuple[set[str], dict[str, str]]:
    """Who was named before the final list, and the sealed answers that give a reason, by person."""
    records = sql.records
    mine = (records.c.incident_id == incident) & (records.c.form == "F12") & records.c.is_revoked.is_(False)
    found = reader.rows(select(records).where(mine).order_by(records.c.at, records.c.id))
    first = {row["person_id"] for row in found if row["view"] in _FIRST}
    opened = names.opened(reader, {row["id"]: row["sealed"] for row in found if row["view"] == "final"})
    who = {row["id"]: row["person_id"] for row in found}
    reasons = {
        who[key]: str(values["removed_reason"]) for key, values in opened.items() if values.get("removed_reason")
    }
    return first, reasons


def _case(rows: list[ContactRow], first: set[str], reasons: Mapping[str, str]) -> CaseList:
    is_final = any(row.stage != "initial" for row in rows)
    items = tuple(ListedContact(row, _change(row, first), _reason(row, reasons)) for row in rows)
    counts: dict[str, int] = {}
    for item in items:
        counts[item.change] = counts.get(item.change, 0) + 1
    return CaseList(rows[0].case, rows[0].case_code, is_final, items, counts)


def _change(row: ContactRow, first: set[str]) -> str:
    if row.stage == "final":
        return "same" if row.person in first else "added"
    return "removed" if row.stage == "removed" else "listed"


def _reason(row: ContactRow, reasons: Mapping[str, str]) -> str:
    reason = reasons.get(row.person, "") if row.stage == "removed" else ""
    return reason if row.is_health_shown else str(mask_value(reason, None))


def _cells(each: ListedContact) -> list[Cell]:
    row = each.contact
    return [
        row.code, row.name, row.place_name, row.case_code, row.stage_label, row.status_label, row.class_label,
        row.mode_label, _time(row.observed_from), _time(row.observed_until), row.other_org_name, each.reason,
    ]  # fmt: skip


def _time(at: datetime | None) -> Any:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else None
