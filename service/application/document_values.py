"""How a form value reads in a document: instants, periods, counts, codes, lists, numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from service.domain.report_phrases import is_english, moment

CHINESE_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Blanks:
    """The words that may stand in titles and openings."""

    organisation: str = ""
    place: str = ""
    found: str = ""
    period_no: str = ""
    corrected: str = ""

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
    if kind == "count":
        return f"{value}{in_locale(row.definition['unit'], row.locale)}"
    if kind == "choice":
        return _choice(row, str(value))
    if kind == "list":
        stop = ", " if is_english(row.locale) else "、"
        return stop.join(_named(row, item) for item in value)
    return "\n".join(line.strip() for line in str(value).splitlines() if line.strip())


def _numbers(row: Row, values: Mapping[str, int]) -> list[tuple[str, str]]:
    if not any(values.values()):
        return []
    unit = in_locale(row.definition["unit"], row.locale)
    words = row.definition["words"]
    return [(in_locale(words[key], row.locale), f"{values.get(key, 0)}{unit}") for key in words]


def _choice(row: Row, value: str) -> str:
    """Codes of these fields are their own Chinese words; only English needs a table."""
    words = row.definition.get("words", {})
    return str(words[value]["en"]) if is_english(row.locale) and value in words else value


def _named(row: Row, item: Any) -> str:
    if isinstance(item, Mapping):
        return str(item.get("label") or row.labels.get(str(item.get("id")), item.get("id")))
    return row.labels.get(str(item), str(item))


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
