"""The rows of a list as an Excel sheet: out with drop-downs, back with every error named by row and column.

Nothing is stored here: what was read becomes the draft of the task only after somebody has looked at it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.application import workbooks
from service.application.queries import form_contexts, task_pages
from service.application.queries.people import people
from service.application.queries.reader import Reader
from service.application.queries.sheet_cells import Column, Unreadable, answer_of, shown_text
from service.application.workbooks import Cell, Formula, SheetColumn
from service.domain.errors import FormNotFound, FormRefused
from service.domain.form_answers import usable_default
from service.domain.form_context import FillContext, as_instant
from service.domain.form_definitions import Entry
from service.domain.forms import Field, View, fill

CODE = "code"  # the column that names somebody the incident knows
REASON = "removed_reason"
_PARTS = (
    "name", "sex", "age", "person_type", "org_unit", "seat_no", "phone", "id_no", "guardian_name", "guardian_phone",
)  # fmt: skip
_SIMPLE = ("str", "text", "int", "dec", "bool", "enum", "multi", "dt", "org")
_YES = {"是": True, "yes": True, "true": True, "否": False, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class SheetError:
    """What is wrong with a cell: the row as Excel counts it (0 = the sheet as a whole), the column, and why."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row as it will stand in the form: `change` is new, same or leaves."""

    row: int
    who: str
    cells: tuple[str, ...]
    change: str


@dataclass(frozen=True, slots=True)
class SheetReading:
    """What a sheet says, by the columns that say anything. With errors nothing of it may be taken over."""

    headings: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    errors: tuple[SheetError, ...]
    data: Mapping[str, Any]


def has_sheet(view: View) -> bool:
    """Whether a view is a list whose every demanded field fits into cells."""
    asked = [entry.field for entry in view.entries if not entry.is_more and not _is_given(entry.field)]
    return view.is_list and all(field.type in (*_SIMPLE, "person") or _is_known(field) for field in asked)


def download(reader: Reader, task: str) -> tuple[str, bytes, tuple[str, ...], str]:
    """The rows of a task as they stand in the draft or beforehand: name, workbook, whom it holds, of which incident.

    Raises NoSuch, NotAllowed, FormNotFound where the task asks for no list.
    """
    sheet = _Sheet(reader, task)
    columns = [each.shown for each in sheet.columns]
    is_drill = sheet.task.row.incident_kind == "drill"
    number = f"{workbooks.DRILL} " * is_drill + sheet.task.row.incident_number
    name = f"{sheet.view.name.of(reader.locale)} {number}"
    content = workbooks.write(sheet.view.name.of(reader.locale), columns, sheet.standing(), is_drill=is_drill)
    return f"{name}.xlsx", content, sheet.persons(), sheet.task.row.incident


def read(reader: Reader, task: str, content: bytes) -> SheetReading:
    """What a workbook says for the list of a task. Raises as `download`, and TooLarge, ValueRefused."""
    return _Sheet(reader, task).read(workbooks.read(content))


# --- inside -----------------------------------------------------------------------------------


class _Sheet:
    """The list of one task as columns, with what is known of its persons and places."""

    def __init__(self, reader: Reader, task: str) -> None:
        self.reader = reader
        self.task = task_pages.page(reader, task)
        if not self.task.row.may_complete or not has_sheet(reader.services.forms.view(self.task.row.form_key)):
            raise FormNotFound(self.task.row.form_key)
        self.view = reader.services.forms.view(self.task.row.form_key)
        self.context: FillContext = form_contexts.of_task(reader, self.task.row)
        known = people(reader, self.task.row.incident).items
        self.codes = {each.code: each.id for each in known if not each.is_revoked}
        choices = form_contexts.choices(reader, self.task.row.incident, self.task.row.organisation)
        self.places = {each.name: {"id": each.id} for each in choices.places}
        self.organisations = {each.name: {"id": each.id} for each in choices.organisations}
        self.columns = tuple(self._columns())

    # --- columns ------------------------------------------------------------------------------

    def _columns(self) -> Iterable[Column]:
        for entry in self.view.entries:
            field = entry.field
            if _is_given(field):
                continue
            if field.type == "person":
                yield from self._person_columns(field)
            elif field.type in _SIMPLE:
                yield self._column((field.key,), field, is_required=self._is_demanded(entry))

    def _is_demanded(self, entry: Entry) -> bool:
        return not entry.is_more and usable_default(entry.field, self.context) is None

    def _person_columns(self, field: Field) -> Iterable[Column]:
        codes = self.codes
        heading = self.reader.pick("已登记编号", "code if registered")
        shown = SheetColumn(heading.capitalize() if heading.isascii() else heading, tuple(codes))
        yield Column((field.key, "id"), None, shown, frozenset(("已登记编号", "code if registered")), codes)
        parts = {part.key: part for part in field.parts}
        for key in _PARTS:
            if key in parts:
                yield self._column((field.key, key), parts[key], is_required=False)

    def _column(self, path: tuple[str, ...], field: Field, *, is_required: bool) -> Column:
        label = field.label.of(self.reader.locale)
        words, values = self._words(field)
        shown = SheetColumn(label[:1].upper() + label[1:], words, is_required, is_time=field.type == "dt")
        return Column(path, field, shown, frozenset((field.label.zh.lower(), field.label.en.lower())), values)

    def _words(self, field: Field) -> tuple[tuple[str, ...], Mapping[str, Any]]:
        """The words offered in a column, and every word that is understood."""
        if field.type == "org":
            known = self.places if field.key == "org_unit" else self.organisations
            return tuple(known), {**self.organisations, **self.places}
        if field.type == "bool":
            return (self.reader.pick("是", "yes"), self.reader.pick("否", "no")), _YES
        values: dict[str, Any] = {}
        for option in field.options:
            values |= {option.value: option.value, option.label.zh: option.value, option.label.en.lower(): option.value}
        words = tuple(option.label.of(self.reader.locale) for option in field.options)
        return (() if field.type == "multi" else words), values

    # --- out ----------------------------------------------------------------------------------

    def persons(self) -> tuple[str, ...]:
        """Persons known to the incident who stand in the rows."""
        given = self.task.draft or (self.task.form.values if self.task.form else {})
        blocks = [value for row in given.get("rows") or () for value in row.values() if isinstance(value, Mapping)]
        known = set(self.codes.values())
        return tuple(dict.fromkeys(str(each["id"]) for each in blocks if each.get("id") in known))

    def standing(self) -> list[list[Cell]]:
        """The rows of the draft, or those that stood there beforehand, as cells."""
        given = self.task.draft or (self.task.form.values if self.task.form else {})
        return [[self._cell(column, row) for column in self.columns] for row in given.get("rows") or ()]

    def _cell(self, column: Column, row: Mapping[str, Any]) -> Cell:
        value: Any = row
        for key in column.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if column.field is None:
            return next((code for code, person in self.codes.items() if person == value), None)
        if value is None and len(column.path) == 2:
            value = self._known_part(row, column.path)
        return self._word(column, value)

    def _known_part(self, row: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        """Enough of somebody known to recognise him by: name, kind, class."""
        block = row.get(path[0])
        person = str(block.get("id")) if isinstance(block, Mapping) else ""
        return self.context.persons.get(person, {}).get(path[1]) if path[1] in _PARTS[:1] + _PARTS[3:5] else None

    def _word(self, column: Column, value: Any) -> Cell:
        if value is None or column.field is None:
            return None
        if column.field.type == "dt":
            return as_instant(value) or str(value)
        if isinstance(value, list):
            return "、".join(str(self._word(column, each)) for each in value)
        if column.field.type == "org":
            unit = value.get("id") if isinstance(value, Mapping) else value
            return next((name for name, each in column.values.items() if each == {"id": unit}), "")
        if column.field.type == "bool":
            return column.shown.options[0 if value else 1]
        labels = {option.value: option.label.of(self.reader.locale) for option in column.field.options}
        return labels.get(str(value), value) if isinstance(value, str | int | float | bool) else str(value)

    # --- in -----------------------------------------------------------------------------------

    def read(self, cells: list[list[Cell | Formula]]) -> SheetReading:
        """The rows with their errors, those of the form's own check among them."""
        errors: dict[tuple[int, str], SheetError] = {}

        def wrong(row: int, column: str, zh: str, en: str) -> None:
            errors.setdefault((row, column), SheetError(row, column, self.reader.pick(zh, en)))

        places = self._places(cells[0] if cells else [], wrong)
        rows: dict[int, dict[str, Any]] = {}
        for number, line in enumerate(cells[1:], 2):
            if any(value not in (None, "") for value in line):
                rows[number] = self._row(number, zip(places, line, strict=False), wrong)
        if not rows and not errors:
            wrong(0, "", "表里没有数据", "The sheet holds no rows")
        for key in self._missing(rows.values()):
            wrong(
                0, key, f"名单上的 {key} 不在表中：请保留这一行，并填写移出原因",
                f"{key} is on the list and not in the sheet: keep the row and say why it leaves",
            )  # fmt: skip
        self._check(rows, errors)
        headings = tuple(each.shown.heading for each in self.columns)
        places_of = {heading: place for place, heading in enumerate(headings)}
        order = sorted(errors.values(), key=lambda each: (each.row, places_of.get(each.column, 0)))
        shown = [self._shown(number, row) for number, row in rows.items()]
        used = [place for place in range(len(headings)) if any(row.cells[place] for row in shown)]
        return SheetReading(
            headings=tuple(headings[place] for place in used),
            rows=tuple(replace(row, cells=tuple(row.cells[place] for place in used)) for row in shown),
            errors=tuple(order),
            data={"rows": list(rows.values())},
        )

    def _places(self, headings: list[Cell | Formula], wrong: Callable[..., None]) -> list[Column | None]:
        found: list[Column | None] = []
        for heading in headings:
            text = str(heading or "").rstrip("*").strip().lower()
            column = next((each for each in self.columns if text in each.headings), None)
            if text and column is None:
                wrong(1, str(heading)[:50], "没有这一列", "There is no such column")
            found.append(column)
        for each in self.columns:
            if each.shown.is_required and each not in found:
                wrong(1, each.shown.heading, "缺少这一列", "This column is missing")
        return found

    def _row(
        self, number: int, line: Iterable[tuple[Column | None, Cell | Formula]], wrong: Callable[..., None]
    ) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for column, cell in line:
            if column is None or cell in (None, ""):
                continue
            try:
                value = answer_of(column, cell)
            except Unreadable as error:
                wrong(number, column.shown.heading, error.zh, error.en)
                continue
            at = row
            for key in column.path[:-1]:
                at = at.setdefault(key, {})
            at[column.path[-1]] = value
        for block in row.values():  # somebody known is named by his code alone
            if isinstance(block, dict) and block.get("id") in self.codes.values():
                block_id = block["id"]
                block.clear()
                block["id"] = block_id
        return row

    def _missing(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Codes of those who stood on the list beforehand and may not simply be left out."""
        if self.view.field(REASON) is None or self.task.form is None:
            return []
        there = {_person_of(row) for row in rows}
        before = {_person_of(row) for row in self.task.form.values.get("rows") or ()} - {""}
        return sorted(code for code, person in self.codes.items() if person in before - there)

    def _check(self, rows: Mapping[int, Mapping[str, Any]], errors: dict[tuple[int, str], SheetError]) -> None:
        numbers = list(rows)
        try:
            fill(self.view, {"rows": list(rows.values())}, self.context)
        except FormRefused as refused:
            for each in refused.errors:
                parts = each.path.split(".")
                if len(parts) > 2 and parts[1].isdigit():
                    number, heading = numbers[int(parts[1])], self._heading(tuple(parts[2:]))
                    errors.setdefault((number, heading), SheetError(number, heading, each.text(self.reader.locale)))

    def _heading(self, path: tuple[str, ...]) -> str:
        same = (each.shown.heading for each in self.columns if each.path == path)
        near = (each.shown.heading for each in self.columns if each.path[0] == path[0] and each.field is not None)
        return next(same, next(near, ".".join(path)))

    def _shown(self, number: int, row: Mapping[str, Any]) -> SheetRow:
        before = {_person_of(each) for each in (self.task.form.values.get("rows") or () if self.task.form else ())}
        change = "leaves" if row.get(REASON) else "same" if _person_of(row) in before - {""} else "new"
        cells = tuple(shown_text(self._cell(column, row)) for column in self.columns)
        return SheetRow(number, next((cell for cell in cells if cell), ""), cells, change)


def _is_given(field: Field) -> bool:
    """Whether the service alone fills a field in."""
    return field.is_auto or field.const is not None


def _is_known(field: Field) -> bool:
    """Whether the service usually knows the value: the case a list belongs to."""
    return field.default is not None and field.default.source == "context"


def _person_of(row: Mapping[str, Any]) -> str:
    block = row.get("person")
    return str(block.get("id") or "") if isinstance(block, Mapping) else ""
