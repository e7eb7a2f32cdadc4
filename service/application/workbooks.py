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
EXPLAINED = 5_000  # rows with a drop-down in a workbook with several sheets
_OPTIONS_SHEET = "options"
DRILL = "演练"
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
class Sheet:
    """A sheet of a workbook with several."""

    title: str
    columns: tuple[SheetColumn, ...]
    rows: Sequence[Sequence[Cell]] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read: bytes of the file and of what it unpacks to, rows of a sheet."""

    file_bytes: int = MAX_BYTES
    unpacked: int = MAX_UNPACKED
    rows: int = MAX_ROWS


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that holds a formula; what it would say is of no interest."""


def write(
    title: str, columns: Sequence[SheetColumn], rows: Iterable[Sequence[Cell]], *, is_drill: bool = False
) -> bytes:  # fmt: skip
    """A workbook with one sheet of rows, headings on top, and drop-downs down to the last row that may be used.

    One of a drill says so in the name of its sheet and on every printed page.
    """
    book = Workbook()
    sheet: Worksheet = book.active
    _fill(sheet, f"{DRILL} {title}" if is_drill else title, columns, rows)
    if is_drill:
        sheet.oddHeader.center.text = f"{DRILL} DRILL"
    _add_options(book, sheet, columns)
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def write_book(sheets: Sequence[Sheet], notes: Sequence[tuple[str, str, str]]) -> bytes:
    """A workbook with several sheets and, in front, what each column means: (sheet, column, meaning)."""
    book = Workbook()
    front: Worksheet = book.active
    front.title = notes[0][0][:31]
    for number, line in enumerate(notes, 1):
        for place, text in enumerate(line, 1):
            _put(front, (number, place), text)
            front.cell(number, place).alignment = Alignment(wrap_text=True, vertical="top")
            front.cell(number, place).font = Font(bold=number == 1)
    for letter, width in (("A", 14), ("B", 20), ("C", 80)):
        front.column_dimensions[letter].width = width
    for each in sheets:
        sheet = book.create_sheet()
        _fill(sheet, each.title, each.columns, each.rows)
        _add_options(book, sheet, each.columns, rows=EXPLAINED)
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def read_book(content: bytes, limits: Limits) -> dict[str, list[list[Cell | Formula]]]:
    """The rows of every sheet that is shown, by title, headings first; blank rows at the end left out.

    Raises TooLarge, ValueRefused.
    """
    _inspect(content, limits)
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        return {sheet.title: _rows(sheet, limits.rows) for sheet in sheets}
    except (InvalidFileException, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise _no_workbook() from error


def _fill(sheet: Worksheet, title: str, columns: Sequence[SheetColumn], rows: Iterable[Sequence[Cell]]) -> None:
    """Headings, rows and how it prints."""
    sheet.title = title[:31]
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, 1):
        _head(sheet, place, column)
    for number, row in enumerate(rows, 2):
        for place, value in enumerate(row, 1):
            _put(sheet, (number, place), value, is_time=columns[place - 1].is_time)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def marked(content: bytes, mark: str) -> bytes:
    """A workbook with a watermark: at the foot of every printed page, and on a last sheet of its own."""
    book = load_workbook(BytesIO(content))
    for sheet in book.worksheets:
        sheet.oddFooter.center.text = mark.replace("&", "＆")  # an ampersand begins a code there
    note = book.create_sheet("export")
    note["A1"].value, note["A1"].data_type = mark, "s"
    book.properties.description = mark
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def read(content: bytes) -> list[list[Cell | Formula]]:
    """The rows of the first sheet, headings first, blank rows at the end left out; texts without blanks around.

    Raises:
        TooLarge: The file, what it unpacks to, or the number of its rows is beyond what is read.
        ValueRefused: It is no Excel workbook.
    """
    _inspect(content, Limits())
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
        return _rows(book.worksheets[0], MAX_ROWS)
    except (InvalidFileException, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise _no_workbook() from error


# --- inside -----------------------------------------------------------------------------------


def _rows(sheet: Worksheet, limit: int) -> list[list[Cell | Formula]]:
    found = [
        [_value(cell.value, cell.data_type) for cell in row]
        for row in sheet.iter_rows(max_row=limit + 2, max_col=MAX_COLUMNS)
    ]
    while found and all(value in (None, "") for value in found[-1]):
        found.pop()
    if len(found) > limit + 1:
        raise ValueRefused("表格", f"最多 {limit} 行", f"at most {limit} rows")
    width = max(
        (place for row in found[:1] for place, value in enumerate(row, 1) if value not in (None, "")), default=0
    )
    return [row[:width] for row in found]


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


def _add_options(book: Workbook, sheet: Worksheet, columns: Sequence[SheetColumn], rows: int = MAX_ROWS) -> None:
    """Drop-downs refer to a hidden sheet: a list inside the rule itself may have 255 characters only."""
    lists = [(place, column) for place, column in enumerate(columns, 1) if column.options]
    if not lists:
        return
    hidden = book.create_sheet(_OPTIONS_SHEET)  # a further one gets a number behind its name
    hidden.sheet_state = "hidden"
    for used, (place, column) in enumerate(lists, 1):
        for number, option in enumerate(column.options, 1):
            _put(hidden, (number, used), option)
        letter = get_column_letter(used)
        rule = DataValidation("list", formula1=f"{hidden.title}!${letter}$1:${letter}${len(column.options)}")
        rule.showErrorMessage, rule.allow_blank = True, True
        sheet.add_data_validation(rule)
        rule.add(f"{get_column_letter(place)}2:{get_column_letter(place)}{rows + 1}")


def _inspect(content: bytes, limits: Limits) -> None:
    """Refuse what is too large or unpacks to too much, and what defines entities of its own."""
    if len(content) > limits.file_bytes:
        raise TooLarge(limits.file_bytes)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(each.file_size for each in archive.infolist()) > limits.unpacked:
                raise TooLarge(limits.unpacked)
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
