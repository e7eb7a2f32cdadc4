"""How a form value reads in a document: instants, periods, counts, codes, lists, numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service.domain.report_phrases import is_english, moment

CHINESE_DIGITS = "零一二三四五六七八九"
CHANGED = "▲"
UNCHANGED = frozenset({"无变化", "No change", "待查", "Under investigation"})  # no news, whatever stood there before
YES, NO = {"zh": "是", "en": "yes"}, {"zh": "否", "en": "no"}
COUNT_OF = {"zh": "项目", "en": "Persons"}
THIS_ISSUE = {"zh": "本期", "en": "This issue"}
ISSUE_BEFORE = {"zh": "上期", "en": "Issue before"}


@dataclass(frozen=True, slots=True)
class Blanks:
    """The words that may stand in titles and openings."""

    organisation: str = ""
    place: str = ""
    found: str = ""
    period_no: str = ""
    corrected: str = ""
    subject: str = ""

    def fill(self, text: str) -> str:
        """The text with its `{blanks}` filled; by replacement, so a brace in a name does no harm."""
        filled = text
        for key, value in asdict(self).items():
            filled = filled.replace("{" + key + "}", value)
        return filled


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a definition in one language; `labels` names the ids a record holds."""

    definition: Mapping[str, Any]
    labels: Mapping[str, str]
    locale: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a head: one tuple of cells per row; `weights` are the widths of the columns to each other."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filling:
    """What a document is filled with; `previous` is the record of the issue before, None for a first one."""

    record: Mapping[str, Any]
    labels: Mapping[str, str]
    locale: str
    previous: Mapping[str, Any] | None = None


def in_locale(pair: Mapping[str, str], locale: str) -> str:
    """The text of a `{zh, en}` pair."""
    return pair["en"] if is_english(locale) else pair["zh"]


def chinese_number(number: int) -> str:
    """1 to 99 in Chinese: 一, 十, 十二, 二十一."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return CHINESE_DIGITS[ones]
    head = "" if tens == 1 else CHINESE_DIGITS[tens]
    return f"{head}十{CHINESE_DIGITS[ones] if ones else ''}"


def numeral(number: int, locale: str) -> str:
    """The number before a heading: `一、`, in English `1. `."""
    return f"{number}. " if is_english(locale) else f"{chinese_number(number)}、"


def numbered(paragraphs: Sequence[str], locale: str) -> list[str]:
    """Paragraphs with （一）（二） before them if they are more than one."""
    if len(paragraphs) < 2:
        return list(paragraphs)
    if is_english(locale):
        return [f"({index}) {text}" for index, text in enumerate(paragraphs, start=1)]
    return [f"（{chinese_number(index)}）{text}" for index, text in enumerate(paragraphs, start=1)]


def lines_of(definition: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """The non-empty lines of the section's field, before or after the marked line if it says so.

    Marks are looked for in both languages: a text drafted in one may be read in the other.
    """
    lines = [line.strip() for line in str(record.get(definition["lines"]) or "").splitlines()]
    marks = set((definition.get("before") or definition.get("after") or {}).values())
    at = next((index for index, line in enumerate(lines) if line in marks), None)
    if "before" in definition:
        lines = lines[:at]
    elif "after" in definition:
        lines = [] if at is None else lines[at + 1 :]
    return [line for line in lines if line]


def marked(definition: Mapping[str, Any], filling: Filling) -> list[str]:
    """The lines of a section; those the issue before did not have begin with ▲."""
    lines = lines_of(definition, filling.record)
    if filling.previous is None:
        return lines
    known = {*lines_of(definition, filling.previous), *UNCHANGED}
    return [line if line in known else f"{CHANGED} {line}" for line in lines]


def compared(definition: Mapping[str, Any], filling: Filling) -> Grid | None:
    """Counts of this issue beside those of the issue before; None where both are nothing."""
    field, words, locale = definition["field"], definition["words"], filling.locale
    now, before = filling.record.get(field) or {}, (filling.previous or {}).get(field) or {}
    if not any(now.values()) and not any(before.values()):
        return None
    head = tuple(in_locale(text, locale) for text in (COUNT_OF, THIS_ISSUE, ISSUE_BEFORE))
    rows = []
    for key, word in words.items():
        mark = f"{CHANGED} " if now.get(key, 0) != before.get(key, 0) else ""
        unit = in_locale(definition["unit"], locale)
        rows.append((in_locale(word, locale), f"{mark}{now.get(key, 0)}{unit}", f"{before.get(key, 0)}{unit}"))
    return Grid(head, tuple(rows), (1, 1, 1))


def grid_of(definition: Mapping[str, Any], filling: Filling) -> Grid | None:
    """The grid of a section that lists rows of the record (`items`), None without rows."""
    items = filling.record.get(definition.get("items", "")) or []
    if not items:
        return None
    columns = definition["columns"]
    rows = [tuple(_cell(column, item, filling) for column in columns) for item in items]
    head = tuple(in_locale(column["label"], filling.locale) for column in columns)
    return Grid(head, tuple(rows), tuple(column.get("weight", 1) for column in columns))


def _cell(column: Mapping[str, Any], item: Mapping[str, Any], filling: Filling) -> str:
    value = item.get(column["field"])
    return "" if value in (None, "") else _text(Row(column, filling.labels, filling.locale), column["kind"], value)


def row_of(row: Row, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The (label, value) pairs of a table row; none when there is no value and no `empty` text."""
    value = record.get(row.definition["field"])
    kind = row.definition["kind"]
    if kind == "numbers":
        return _numbers(row, value or {})
    text = "" if value is None else _text(row, kind, value)
    if not text and "empty" in row.definition:
        text = in_locale(row.definition["empty"], row.locale)
    return [(in_locale(row.definition["label"], row.locale), text)] if text else []


def _text(row: Row, kind: str, value: Any) -> str:
    if kind == "moment":
        return moment(_instant(value), row.locale)
    if kind == "period":
        start, end = moment(_instant(value["from"]), row.locale), moment(_instant(value["to"]), row.locale)
        return f"{start} – {end}" if is_english(row.locale) else f"{start}至{end}"
    if kind == "answer":
        return in_locale(YES if value else NO, row.locale)
    if kind == "count":
        return f"{value}{in_locale(row.definition['unit'], row.locale)}"
    if kind == "choice":
        stop = ", " if is_english(row.locale) else "、"
        return stop.join(_choice(row, str(item)) for item in (value if isinstance(value, list) else [value]))
    if kind == "list":
        stop = ", " if is_english(row.locale) else "、"
        return stop.join(_named(row, item) for item in value)
    if kind == "name":
        return _named(row, value)
    return "\n".join(line.strip() for line in str(value).splitlines() if line.strip())


def _numbers(row: Row, values: Mapping[str, int]) -> list[tuple[str, str]]:
    if not any(values.values()):
        return []
    unit = in_locale(row.definition["unit"], row.locale)
    words = row.definition["words"]
    return [(in_locale(words[key], row.locale), f"{values.get(key, 0)}{unit}") for key in words]


def _choice(row: Row, value: str) -> str:
    """Most codes of these fields are their own Chinese words, so that only English needs a table."""
    words = row.definition.get("words", {})
    return in_locale({"zh": value, **words[value]}, row.locale) if value in words else value


def _named(row: Row, item: Any) -> str:
    if isinstance(item, Mapping) and "by" in item:  # a signature
        return _named(row, item["by"])
    if isinstance(item, Mapping):
        known = row.labels.get(str(item.get("id")))
        return str(known or item.get("label") or item.get("name") or item.get("id") or "")
    return row.labels.get(str(item), str(item))


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
