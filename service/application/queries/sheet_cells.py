"""Cells of a sheet as answers of a form, and answers as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.application.workbooks import Cell, Formula, SheetColumn
from service.domain.calendar import SHANGHAI
from service.domain.forms import Field


@dataclass(frozen=True, slots=True)
class Column:
    """A column: where its value belongs, and the words that may stand in it; `field` is None for a person's code."""

    path: tuple[str, ...]
    field: Field | None
    shown: SheetColumn
    headings: frozenset[str]
    values: Mapping[str, Any]


class Unreadable(Exception):
    """A cell that cannot be what its column wants."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


_NO_FORMULA = ("不接受公式，请改为数值", "No formulas, please: enter the value")
_NO_TIME = ("应为时间，如 2026-03-09 10:20", "Expected a time, such as 2026-03-09 10:20")
_NO_NUMBER = ("应为数字", "Expected a number")


def answer_of(column: Column, cell: Cell | Formula) -> Any:
    """A cell as the form's answer. Raises Unreadable."""
    if isinstance(cell, Formula):
        raise Unreadable(*_NO_FORMULA)
    if column.field is None:
        return _among(column, str(cell))
    kind = column.field.type
    if kind == "multi":
        return [_among(column, part.strip()) for part in str(cell).replace(",", "、").split("、") if part.strip()]
    if kind == "bool" and isinstance(cell, bool):
        return cell
    if kind in ("enum", "bool", "org"):
        return _among(column, str(cell))
    if kind == "dt":
        return _instant(cell)
    if kind in ("int", "dec"):
        return _number(cell)
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _among(column: Column, text: str) -> Any:
    value = column.values.get(text, column.values.get(text.lower()))
    if value is None:
        raise Unreadable(f"“{text[:30]}”不在可选范围内", f"“{text[:30]}” is not among the choices")
    return value


def _instant(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat()
    text = str(cell).strip().replace("/", "-").replace(" ", "T")
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(*_NO_TIME) from error
    return (found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).isoformat()


def _number(cell: Cell) -> Any:
    if isinstance(cell, int | float):
        return cell
    try:
        found = float(str(cell))
    except ValueError as error:
        raise Unreadable(*_NO_NUMBER) from error
    return int(found) if found.is_integer() else found


def shown_text(cell: Cell) -> str:
    """What a page shows of a cell."""
    if isinstance(cell, datetime):
        return cell.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return "" if cell is None else str(cell)
