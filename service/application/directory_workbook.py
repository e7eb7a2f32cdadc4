"""The workbook of the directory: four sheets, what each column means, and reading them with every error named.

Columns are known by their heading in either language, with or without the star of those that must be filled in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.application import workbooks
from service.application.organisation_changes import SYSTEM
from service.application.place_changes import KINDS
from service.application.roster_changes import PERSON_TYPES, SEXES
from service.application.workbooks import Cell, Formula, Limits, Sheet, SheetColumn
from service.domain.calendar import at_local, local
from service.domain.errors import FieldError
from service.domain.organisation_catalogue import OrganisationCatalogue

LIMITS = Limits(file_bytes=12 * 1024 * 1024, unpacked=300 * 1024 * 1024, rows=60_000)
ORGANISATIONS, PEOPLE, PLACES, MEMBERS = "organisations", "people", "places", "members"
PLACE_KINDS_ZH, PLACE_KINDS_EN = ("班级", "房间", "室外场地", "车辆"), ("class", "room", "outdoor site", "vehicle")
PERSON_TYPES_ZH, PERSON_TYPES_EN = ("学生", "教师", "职工", "居民"), ("pupil", "teacher", "staff", "resident")
_NO_FORMULA = ("不接受公式，请改为数值", "No formulas, please: enter the value")
_NO_CHOICE = ("不在可选范围内，请从下拉列表选择", "Not among the choices: choose from the list")
_NO_NUMBER = ("应为整数", "Expected a whole number")
_TOO_LONG = ("太长，最多 200 个字", "Too long: at most 200 characters")
_NO_DAY = ("应为日期，如 2026-12-31", "Expected a date, such as 2026-12-31")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key, heading and meaning in both languages; `words` maps what may be written to the value."""

    key: str
    zh: str
    en: str
    note_zh: str
    note_en: str
    is_needed: bool = False
    kind: str = "text"  # text, day, end, number or one of `words`
    words: Mapping[str, Any] | None = None
    options: tuple[tuple[str, str], ...] = ()

    def heading(self, locale: str) -> str:
        """The heading in a locale."""
        return self.en if locale.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Kind:
    """A sheet."""

    id: str
    zh: str
    en: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row as read: where it stands, and its values by column; what is empty is absent."""

    kind: str
    sheet: str
    row: int
    values: Mapping[str, Any]


def kinds(catalogue: OrganisationCatalogue) -> tuple[Kind, ...]:
    """The sheets, in the order they are taken over."""
    words = _words(catalogue)
    return tuple(
        Kind(each["id"], each["zh"], each["en"], tuple(_described(column, words) for column in each["columns"]))
        for each in _sheets()
    )


def template(catalogue: OrganisationCatalogue, locale: str) -> bytes:
    """An empty workbook with explanations in front and drop-down lists."""
    is_english = locale.startswith("en")
    sheets, notes = [], [("read me", "column", "meaning") if is_english else ("说明", "列", "含义")]
    for kind in kinds(catalogue):
        columns = tuple(
            SheetColumn(each.heading(locale), tuple(pair[is_english] for pair in each.options), each.is_needed)
            for each in kind.columns
        )
        title = kind.en if is_english else kind.zh
        sheets.append(Sheet(title, columns))
        must = " *" if is_english else "（必填）"
        for each in kind.columns:
            heading = each.heading(locale) + (must if each.is_needed else "")
            notes.append((title, heading, each.note_en if is_english else each.note_zh))
    return workbooks.write_book(sheets, notes)


def read(catalogue: OrganisationCatalogue, content: bytes) -> tuple[list[Line], list[FieldError]]:
    """The rows of a workbook and what is wrong with its cells. Raises TooLarge, ValueRefused.

    The path of an error is `sheet.row.column`, the row as Excel counts it.
    """
    sheets = workbooks.read_book(content, LIMITS)
    lines: list[Line] = []
    errors: list[FieldError] = []
    known = kinds(catalogue)
    for kind in known:
        title = next((title for title in sheets if title.strip().lower() in (kind.zh, kind.en)), None)
        if title is not None and sheets[title]:
            _read_sheet(kind, title, sheets[title], (lines, errors))
    if not lines and not errors:
        names = "、".join(kind.zh for kind in known), ", ".join(kind.en for kind in known)
        errors.append(
            FieldError("0", "empty", f"没有找到数据：工作表应为{names[0]}", f"No rows: the sheets are {names[1]}")
        )
    return lines, errors


def wrong(line: Line, column: str, zh: str, en: str) -> FieldError:
    """An error of a cell."""
    return FieldError(f"{line.sheet}.{line.row}.{column}", "wrong", zh, en)


def day_text(instant: datetime | None) -> str:
    """An instant as ISO text in UTC, "" for none."""
    return instant.astimezone(UTC).isoformat() if instant else ""


# --- inside -----------------------------------------------------------------------------------


@cache
def _sheets() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return loaded


Words = tuple[dict[str, Any], tuple[tuple[str, str], ...]]


def _words(catalogue: OrganisationCatalogue) -> dict[str, Words]:
    """What may be written in a column of words: values by whatever they are called, and what is offered."""
    return {
        "type": _named((each.id, each.zh, each.en) for each in catalogue.types.values() if each.id != SYSTEM),
        "role": _named((each.id, each.zh, each.en) for each in catalogue.roles.values()),
        "place_kind": _named(zip(KINDS, PLACE_KINDS_ZH, PLACE_KINDS_EN, strict=True)),
        "roster_type": _named(zip(PERSON_TYPES, PERSON_TYPES_ZH, PERSON_TYPES_EN, strict=True)),
        "sex": _named(zip(SEXES, SEXES, ("male", "female"), strict=True)),
        "flag": _named(((True, "是", "yes"), (False, "否", "no"))),
    }


def _named(rows: Iterable[tuple[Any, str, str]]) -> Words:
    words: dict[str, Any] = {}
    options = []
    for value, zh, en in rows:
        words |= {zh: value, en.lower(): value, str(value).lower(): value}
        options.append((zh, en))
    return words, tuple(options)


def _described(item: Mapping[str, Any], words: Mapping[str, Words]) -> Column:
    kind = item.get("kind", "text")
    known, options = words.get(kind, (None, ()))
    return Column(
        item["key"], item["zh"], item["en"], item["note_zh"], item["note_en"], item.get("needed", False), kind, known,
        options,
    )  # fmt: skip


def _read_sheet(
    kind: Kind, title: str, cells: Sequence[Sequence[Cell | Formula]], into: tuple[list[Line], list[FieldError]]
) -> None:
    lines, errors = into
    columns = [_column(kind, heading) for heading in cells[0]]
    for heading, column in zip(cells[0], columns, strict=True):
        if heading not in (None, "") and column is None:
            errors.append(
                FieldError(
                    f"{title}.1.{heading}", "unknown", "没有这一列，请用模板", "No such column: use the template"
                )
            )
    missing = [each for each in kind.columns if each.is_needed and each not in columns]
    errors += [
        FieldError(f"{title}.1.{each.zh}", "missing", "缺少这一列", "This column is missing") for each in missing
    ]
    if missing:
        return
    for number, row in enumerate(cells[1:], 2):
        if all(value in (None, "") for value in row):
            continue
        values: dict[str, Any] = {}
        for column, cell in zip(columns, row, strict=False):
            if column is None or cell in (None, ""):
                continue
            try:
                values[column.key] = _value(column, cell)
            except _Unreadable as error:
                errors.append(FieldError(f"{title}.{number}.{column.zh}", "wrong", error.zh, error.en))
                values[column.key] = None
        errors += [
            FieldError(f"{title}.{number}.{each.zh}", "missing", "必须填写", "Must be filled in")
            for each in kind.columns
            if each.is_needed and each.key not in values
        ]
        lines.append(Line(kind.id, title, number, values))


class _Unreadable(Exception):
    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def _column(kind: Kind, heading: Cell | Formula) -> Column | None:
    text = str(heading or "").rstrip("*").strip().lower()
    return next((each for each in kind.columns if text in (each.zh, each.en.lower())), None)


def _value(column: Column, cell: Cell | Formula) -> Any:
    if isinstance(cell, Formula):
        raise _Unreadable(*_NO_FORMULA)
    if column.words is not None:
        found = column.words.get(str(cell).strip().lower(), column.words.get(str(cell).strip()))
        if found is None:
            raise _Unreadable(*_NO_CHOICE)
        return found
    if column.kind in ("day", "end"):
        return _day(cell, is_end=column.kind == "end")
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
    if column.kind == "number":
        if not text.isdecimal():
            raise _Unreadable(*_NO_NUMBER)
        return int(text)
    if len(text) > 200:
        raise _Unreadable(*_TOO_LONG)
    return text


def _day(cell: Cell, *, is_end: bool) -> datetime:
    try:
        day = local(cell).date() if isinstance(cell, datetime) else date.fromisoformat(str(cell).strip())
    except ValueError as error:
        raise _Unreadable(*_NO_DAY) from error
    return at_local(day + timedelta(days=1) if is_end else day, time())
