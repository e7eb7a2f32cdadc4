"""Two versions of a procedure beside each other: what changed, in words, and what to mark in the drawings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.application.queries.decision_pages import words_of
from service.application.queries.expression_words import said
from service.application.queries.reader import Reader
from service.application.queries.words import known
from service.engine.decision_tables import InputClause, OutputClause
from service.engine.decisions import Decision, handed_on
from service.engine.differences import CHANGED, REMOVED, Aspect, Change, differences
from service.engine.expressions import ExpressionError, compile_expression
from service.engine.model import Bundle


@dataclass(frozen=True, slots=True)
class AspectRow:
    """What reads differently, before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One difference. `how` is added, removed or changed; `what` a word for what it is."""

    how: str
    how_name: str
    what: str
    id: str
    name: str
    aspects: tuple[AspectRow, ...]


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """The differences of one page or decision table; marks are looks by element id, for each of the two drawings."""

    id: str
    name: str
    is_page: bool
    rows: tuple[ChangeRow, ...]
    marks_before: Mapping[str, str]
    marks_after: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences from a version to another."""

    before: int
    after: int
    places: tuple[PlaceRow, ...]
    count: int


def compare(reader: Reader, procedure: str, before: int, after: int) -> Comparison:
    """The differences between two versions. Raises NoSuch."""
    store = reader.services.definitions
    old = store.get(reader.connection, procedure, before)
    new = store.get(reader.connection, procedure, after)
    changes = differences(old.bundle, new.bundle)
    words = _Words(reader, {**old.decisions, **new.decisions})
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.item.place, []).append(change)
    places = (_place(words, place, each, (old.bundle, new.bundle)) for place, each in found.items())
    return Comparison(before, after, tuple(places), len(changes))


def told(reader: Reader, of: tuple[str, int, int], changes: Sequence[Change]) -> tuple[ChangeRow, ...]:
    """Some of the differences between two versions (procedure, before, after), in words."""
    if not changes:
        return ()
    procedure, *versions = of
    tables = [reader.services.definitions.get(reader.connection, procedure, each).decisions for each in versions]
    words = _Words(reader, {**tables[0], **tables[1]})
    return tuple(words.row(change) for change in changes)


def _place(words: "_Words", place: str, changes: list[Change], bundles: tuple[Bundle, Bundle]) -> PlaceRow:
    page = next((each.processes[place] for each in reversed(bundles) if place in each.processes), None)
    name = words.pick(page.name, page.name_en) if page else words.table_name(place)
    drawn = [change for change in changes if change.item.what in ("node", "flow")]
    return PlaceRow(
        id=place,
        name=name or place,
        is_page=page is not None,
        rows=tuple(words.row(change) for change in changes),
        marks_before={each.item.id: each.how for each in drawn if each.how in (REMOVED, CHANGED)},
        marks_after={each.item.id: each.how for each in drawn if each.how != REMOVED},
    )


class _Words:
    """Says changes in the reader's language."""

    def __init__(self, reader: Reader, tables: Mapping[str, Decision]) -> None:
        self.reader = reader
        self.tables = tables
        self.values = words_of(reader)
        self.pick = reader.pick
        self.columns = {
            clause.id: (self.pick(clause.label, clause.label_en), about) for clause, about in _columns(tables)
        }

    def table_name(self, table: str) -> str:
        """The name of a decision table."""
        found = self.tables.get(table)
        return self.pick(found.name, found.name_en) if found else table

    def row(self, change: Change) -> ChangeRow:
        """A change."""
        item = change.item
        what = known("element_kind", self.reader.locale).get(item.kind) or self.reader.label("change_what", item.what)
        name = self.pick(item.name, item.name_en)
        if item.what == "lane":
            name = self.reader.label("role", item.id)
        elif item.what == "row":
            name = self.pick(f"第 {item.name} 行", f"row {item.name}")
        aspects = tuple(self._aspect(each) for each in change.aspects)
        return ChangeRow(change.how, self.reader.label("change_how", change.how), what, item.id, name, aspects)

    def _aspect(self, aspect: Aspect) -> AspectRow:
        if aspect.name in self.columns:
            label, about = self.columns[aspect.name]
            return AspectRow(label, self._cell(aspect.before, about), self._cell(aspect.after, about))
        label = self.reader.label("aspect", aspect.name)
        if aspect.name == "facts":
            before, after = aspect.before.split(", "), aspect.after.split(", ")
            gone, come = (each for each in before if each not in after), (each for each in after if each not in before)
            return AspectRow(label, ", ".join(gone), ", ".join(come))
        return AspectRow(label, self._text(aspect.name, aspect.before), self._text(aspect.name, aspect.after))

    def _text(self, aspect: str, text: str) -> str:
        if aspect in ("role", "also"):
            return ", ".join(self.reader.label("role", each) for each in text.split(", ")) if text else ""
        if aspect == "kind":
            return self.reader.label("element_kind", text)
        if aspect == "called":
            return self.reader.procedure_names.get(text, text)
        return {"true": self.values.value(True), "false": self.values.value(False)}.get(text, text)

    def _cell(self, text: str, about: str) -> str:
        try:
            return said(compile_expression(text), self.values, about) if text not in ("", "–") else text
        except ExpressionError:
            return text


def _columns(tables: Mapping[str, Decision]) -> Iterator[tuple[InputClause | OutputClause, str]]:
    for table in tables.values():
        for clause in table.inputs:
            yield clause, handed_on(clause.expression)
        for output in table.outputs:
            yield output, output.name
