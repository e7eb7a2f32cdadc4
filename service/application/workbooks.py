"""Sheets as Excel files: writing one with drop-downs, reading one back. Nothing here knows what a column means.

A text never becomes a formula when it is written, and a cell that holds one is not read: what a colleague
opens must not run what somebody typed. Files are capped before they are unpacked.
"""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from io import BytesIO

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from service.domain.calendar import SHANGHAI
from service.domain.errors import TooLarge, ValueRefused

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_BYTES = 2 * 1024 * 1024
MAX_UNPACKED = 40 * 1024 * 1024
MAX_ROWS = 1000
MAX_COLUMNS = 80
_OPTIONS_SHEET = "options"
_TEXT, _TIME = "@", "yyyy-mm-dd hh:mm"

Cell = str | int | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column to be written; `options` become a drop-down."""

    heading: str
    options: tuple[str, ...] = ()
    is_required: bool = False
    is_time: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that holds a formula; what it would say is of no interest."""


def write(title: str, columns: Sequence[SheetColumn], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A workbook with one sheet of rows, headings on top, and drop-downs down to the last row that may be used."""
    book = Workbook()
    sheet: Worksheet = book.active
    sheet.title = title[:31]
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, 1):
        _head(sheet, place, column)
    for number, row in enumerate(rows, 2):
        for place, value in enumerate(row, 1):
            _put(sheet, (number, place), value, is_time=columns[place - 1].is_time)
    _add_options(book, sheet, columns)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def read(content: bytes) -> list[list[Cell | Formula]]:
    """The rows of the first sheet, headings first, blank rows at the end left out; texts without blanks around.

    Raises:
        TooLarge: The file, what it unpacks to, or the number of its rows is beyond what is read.
        ValueRefused: It is no Excel workbook.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge(MAX_BYTES)
    _inspect(content)
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        found = [
            [_value(cell.value, cell.data_type) for cell in row]
            for row in sheet.iter_rows(max_row=MAX_ROWS + 2, max_col=MAX_COLUMNS)
        ]
    except (InvalidFileException, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise _no_workbook() from error
    while found and all(value in (None, "") for value in found[-1]):
        found.pop()
    if len(found) > MAX_ROWS + 1:
        raise ValueRefused("表格", f"最多 {MAX_ROWS} 行", f"at most {MAX_ROWS} rows")
    width = max(
        (place for row in found[:1] for place, value in enumerate(row, 1) if value not in (None, "")), default=0
    )
    return [row[:width] for row in found]


# --- inside -----------------------------------------------------------------------------------


def _head(sheet: Worksheet, place: int, column: SheetColumn) -> None:
    cell = sheet.cell(1, place)
    _put(sheet, (1, place), f"{column.heading}*" if column.is_required else column.heading)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", start_color="E5F0F4")
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    width = max(len(column.heading) * 2 + 2, *(len(each) * 2 for each in column.options), 10)
    sheet.column_dimensions[get_column_letter(place)].width = 18 if column.is_time else min(width, 40)


def _put(sheet: Worksheet, at: tuple[int, int], value: Cell, *, is_time: bool = False) -> None:
    cell = sheet.cell(*at)
    if isinstance(value, datetime):
        cell.value = value.astimezone(SHANGHAI).replace(tzinfo=None)
    elif value is not None:
        cell.value = value
    if isinstance(value, str):
        # openpyxl takes a text with a leading "=" for a formula; Excel takes the other signs for one when it is edited.
        cell.data_type, cell.quotePrefix = "s", value[:1] in ("=", "+", "-", "@", "\t")
    cell.number_format = _TIME if is_time else _TEXT if isinstance(value, str | None) else "General"


def _add_options(book: Workbook, sheet: Worksheet, columns: Sequence[SheetColumn]) -> None:
    """Drop-downs refer to a hidden sheet: a list inside the rule itself may have 255 characters only."""
    lists = [(place, column) for place, column in enumerate(columns, 1) if column.options]
    if not lists:
        return
    hidden = book.create_sheet(_OPTIONS_SHEET)
    hidden.sheet_state = "hidden"
    for used, (place, column) in enumerate(lists, 1):
        for number, option in enumerate(column.options, 1):
            _put(hidden, (number, used), option)
        letter = get_column_letter(used)
        rule = DataValidation("list", formula1=f"{_OPTIONS_SHEET}!${letter}$1:${letter}${len(column.options)}")
        rule.showErrorMessage, rule.allow_blank = True, True
        sheet.add_data_validation(rule)
        rule.add(f"{get_column_letter(place)}2:{get_column_letter(place)}{MAX_ROWS + 1}")


def _inspect(content: bytes) -> None:
    """Refuse what unpacks to too much and what defines entities of its own."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > MAX_UNPACKED:
                raise TooLarge(MAX_UNPACKED)
            parts = (archive.read(each) for each in archive.infolist() if each.filename.endswith((".xml", ".rels")))
            if any(b"<!DOCTYPE" in part or b"<!ENTITY" in part for part in parts):
                raise _no_workbook()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _no_workbook() from error


def _value(value: object, kind: str) -> Cell | Formula:
    if kind == "f":
        return Formula()
    if kind == "e":
        return str(value)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, datetime):
        return value.replace(tzinfo=SHANGHAI)
    if isinstance(value, date):
        return datetime.combine(value, time(), SHANGHAI)
    return value if isinstance(value, int | float | bool) else None if value is None else str(value)


def _no_workbook() -> ValueRefused:
    return ValueRefused("文件", "不是 Excel 工作簿（.xlsx）", "it is not an Excel workbook (.xlsx)")
