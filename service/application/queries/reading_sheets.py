"""The readings of one round as a sheet: taken along per class, filled in, brought back or pasted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.application import workbooks
from service.application.queries import grid
from service.application.queries.grid import Entry
from service.application.queries.reader import Reader
from service.application.queries.sheet_cells import Column, Unreadable, answer_of
from service.application.workbooks import Cell, Formula, SheetColumn
from service.domain.errors import ValueRefused
from service.domain.forms import Field
from service.domain.sessions import EVENING, MORNING

YES, NO = ("是", "yes"), ("否", "no")
SESSIONS = {MORNING: ("早", "morning"), EVENING: ("晚", "evening")}
FIELDS = (
    "temperature", "symptoms", "in_place", "measured_at", "needs", "window_reason", "entry_reason",
    "correction_reason",
)  # fmt: skip
KEYS = ("code", "day", "session")


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong in a row; `column` "" where it is the row as a whole."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class ReadingSheet:
    """The round a sheet holds: its rows with the number each has in the sheet; rows without a reading are left out."""

    day: date | None
    session: str
    rows: tuple[Mapping[str, Any], ...]
    numbers: tuple[int, ...]
    errors: tuple[CellError, ...]


def download(reader: Reader, incident: str, entry: Entry) -> tuple[str, bytes]:
    """File name and content: one row per person of the round, his reading where there is one."""
    columns = _columns(reader)
    name = SESSIONS[entry.round.session][reader.locale.startswith("en")]
    fixed = [_fixed(reader, key) for key in (*KEYS, "name", "seat")]
    rows: list[list[Cell]] = [
        [
            row.code,
            entry.round.day.isoformat(),
            name,
            row.name,
            row.seat,
            row.half.temperature,
            *[None] * (len(FIELDS) - 1),
        ]
        for row in entry.rows
    ]
    title = f"{entry.round.day:%m-%d} {name}"
    found = reader.incident(incident)
    is_drill = found["kind"] == "drill"
    content = workbooks.write(title, [*fixed, *(column.shown for column in columns.values())], rows, is_drill=is_drill)
    number = f"{workbooks.DRILL} " * is_drill + found["number"]
    return f"{number}-{entry.round.day:%m%d}-{name}.xlsx", content


def read(reader: Reader, incident: str, cells: Sequence[Sequence[Cell | Formula]]) -> ReadingSheet:
    """The readings of a sheet or of what was pasted; every cell that cannot be read is an error.

    Raises ValueRefused where the headings are not there.
    """
    if not cells:
        raise ValueRefused("表格", "没有内容", "it is empty")
    columns = _columns(reader)
    places = _places(reader, columns, cells[0])
    people = {who.code: who.person for who in grid.everybody(reader, incident)}
    found = [_line(reader, columns, people, (number, _said(places, line))) for number, line in enumerate(cells[1:], 2)]
    lines = [each for each in found if each.is_filled]
    errors = [error for each in lines for error in each.errors]
    rounds = sorted({each.when for each in lines if each.when is not None})
    if len(rounds) > 1:
        text = reader.pick("一张表只能有一个日期和时段", "A sheet holds one date and session only")
        errors.append(CellError(0, "", text))
    day, session = rounds[0] if rounds else (None, "")
    return ReadingSheet(
        day, session, tuple(each.answers for each in lines), tuple(each.number for each in lines), tuple(errors)
    )


def labelled(reader: Reader, path: str) -> str:
    """The heading a field error belongs to."""
    column = _columns(reader).get(path)
    return column.shown.heading if column else path


def pasted(text: str) -> list[list[Cell | Formula]]:
    """Lines and tabs, as a spreadsheet puts them on the clipboard."""
    return [[cell.strip() for cell in line.split("\t")] for line in text.splitlines() if line.strip()]


# --- inside -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a sheet; without a value in it nobody is meant."""

    number: int
    is_filled: bool
    when: tuple[date, str] | None
    answers: Mapping[str, Any]
    errors: tuple[CellError, ...]


def _said(places: Mapping[str, int], line: Sequence[Cell | Formula]) -> dict[str, Cell | Formula]:
    given = {key: line[place] for key, place in places.items() if place < len(line)}
    return {key: cell for key, cell in given.items() if cell not in (None, "")}


def _line(
    reader: Reader, columns: Mapping[str, Column], people: Mapping[str, str],
    numbered: tuple[int, Mapping[str, Cell | Formula]],
) -> _Line:  # fmt: skip
    number, said = numbered
    answers, wrong = _answers(reader, columns, {key: said[key] for key in said if key in FIELDS})
    errors = [CellError(number, column, message) for column, message in wrong]
    person, when = people.get(str(said.get("code", "")).strip()), _round(said)
    if person is None or when is None:
        text = reader.pick("没有这个编号，或日期、时段不正确", "No such code, or the date or session is wrong")
        errors.append(CellError(number, "", text))
    row = {"person": {"id": person}, "symptoms": ["none"], "in_place": True, **answers}
    return _Line(number, bool(answers or wrong), when, row, tuple(errors))


def _columns(reader: Reader) -> dict[str, Column]:
    form = reader.services.forms.view("F14#session")
    fields = {entry.field.key: entry.field for entry in form.entries}
    return {key: _column(reader, fields[key]) for key in FIELDS}


def _column(reader: Reader, field: Field) -> Column:
    label = field.label
    heading = label.of(reader.locale)
    values: dict[str, Any] = {}
    options: tuple[str, ...] = ()
    if field.type == "bool":
        values = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
        options = (reader.pick(*YES), reader.pick(*NO))
    elif field.options:
        for option in field.options:
            values |= {option.label.zh: option.value, option.label.en.lower(): option.value}
        options = tuple(option.label.of(reader.locale) for option in field.options)
    shown = SheetColumn(heading, options, is_time=field.type == "dt")
    return Column((field.key,), field, shown, frozenset({label.zh, label.en}), values)


_FIXED = {
    "code": ("编号", "code"), "day": ("日期", "date"), "session": ("时段", "session"), "name": ("姓名", "name"),
    "seat": ("座位", "seat"),
}  # fmt: skip


def _fixed(reader: Reader, key: str) -> SheetColumn:
    zh, en = _FIXED[key]
    return SheetColumn(reader.pick(zh, en.capitalize()))


def _places(reader: Reader, columns: Mapping[str, Column], headings: Sequence[Cell | Formula]) -> dict[str, int]:
    words = {key: {zh, en} for key, (zh, en) in _FIXED.items() if key in KEYS}
    words |= {key: {heading.lower() for heading in column.headings} for key, column in columns.items()}
    found = {}
    for place, heading in enumerate(headings):
        text = str(heading).strip().rstrip("*").lower()
        for key, known in words.items():
            if text in known:
                found[key] = place
    if not {*KEYS, "temperature"} <= set(found):
        needed = [reader.pick(*_FIXED[key]) for key in KEYS] + [columns["temperature"].shown.heading]
        listed = "、".join(needed)
        raise ValueRefused("表头", f"须有这些列：{listed}", f"these columns are needed: {', '.join(needed)}")
    return found


def _answers(
    reader: Reader, columns: Mapping[str, Column], said: Mapping[str, Cell | Formula]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    answers, wrong = {}, []
    for key, cell in said.items():
        try:
            answers[key] = answer_of(columns[key], cell)
        except Unreadable as error:
            wrong.append((columns[key].shown.heading, reader.pick(error.zh, error.en)))
    return answers, wrong


def _round(said: Mapping[str, Cell | Formula]) -> tuple[date, str] | None:
    day, session = said.get("day"), str(said.get("session", "")).strip().lower()
    name = next((name for name, words in SESSIONS.items() if session in words), "")
    if isinstance(day, datetime):
        return (day.date(), name) if name else None
    try:
        found = date.fromisoformat(str(day).strip().replace("/", "-")[:10])
    except ValueError:
        return None
    return (found, name) if name else None
