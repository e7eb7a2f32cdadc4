"""Policy values: what an organisation may set, within what range, and in which direction.

The catalogue is a file (`workflows/policies.yaml`) that cites its source for every value. An
incident takes a snapshot of raw JSON values at opening; `typed` turns it into Python values.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from service.domain.calendar import Duration, format_duration, parse_duration, parse_time
from service.domain.errors import PolicyRefused

PolicyError = PolicyRefused
Value = bool | int | str | Decimal | time | Duration
Raw = bool | int | float | str

Words = tuple[str, str]  # Chinese, English
TYPES = ("decimal", "int", "bool", "enum", "time", "duration")
DIRECTIONS = ("lower", "higher", "none")


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """A heading of the catalogue, over the policies that follow it."""

    id: str
    label_zh: str
    label_en: str


@dataclass(frozen=True, slots=True)
class PolicyEntry:
    """One policy: `default` and `org_defaults` are raw JSON values, `range` includes both ends.

    `stricter` says in which direction a subordinate organisation may move the inherited value
    (none: anywhere within what is allowed). `is_inferred`: no source states the value. `words` are
    what people call its unit and its options.
    """

    key: str
    type: str
    unit: str | None
    default: Raw
    stricter: str
    cite: tuple[str, ...]
    is_inferred: bool
    label_zh: str
    label_en: str
    org_defaults: Mapping[str, Raw] = field(default_factory=dict)
    allowed: tuple[Raw, ...] = ()
    range: tuple[Raw, Raw] | None = None
    group: PolicyGroup | None = None
    words: Mapping[str, Words] = field(default_factory=dict)

    def label(self, locale: str) -> str:
        """The name of the policy in a locale."""
        return self.label_en if locale.startswith("en") else self.label_zh

    def default_for(self, org_type: str) -> Raw:
        """The raw default of an organisation type."""
        return self.org_defaults.get(org_type, self.default)


class PolicyCatalogue(Mapping[str, PolicyEntry]):
    """All policies by key."""

    def __init__(self, entries: Sequence[PolicyEntry]) -> None:
        self._entries = {entry.key: entry for entry in entries}
        if len(self._entries) != len(entries):
            msg = "a policy key stands twice in the catalogue"
            raise ValueError(msg)
        for entry in entries:
            _check_entry(entry)

    @classmethod
    def load(cls, path: Path) -> "PolicyCatalogue":
        """Read a catalogue file and check every entry of it.

        Raises:
            ValueError: The file breaks its own rules (unknown field or type, default not allowed,
                no source and not marked as inferred).
        """
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        words = {code: (each["zh"], each["en"]) for name in ("units", "options") for code, each in data[name].items()}
        group: PolicyGroup | None = None
        entries = []
        for item in data["policies"]:
            if "heading" in item:
                group = PolicyGroup(item["heading"]["id"], item["heading"]["zh"], item["heading"]["en"])
            else:
                entries.append(_read_entry(item, group, words))
        return cls(entries)

    def __getitem__(self, key: str) -> PolicyEntry:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, key: str) -> PolicyEntry:
        """The entry of a key.

        Raises:
            PolicyError: There is no such key.
        """
        if key not in self._entries:
            raise PolicyError(key, "没有这个参数", "there is no such policy")
        return self._entries[key]


def _read_entry(item: Mapping[str, Any], group: PolicyGroup | None, words: Mapping[str, Words]) -> PolicyEntry:
    known = {"key", "type", "unit", "default", "org_defaults", "allowed", "range", "stricter", "cite", "inferred"}
    unknown = set(item) - known - {"label_zh", "label_en"}
    if unknown:
        msg = f"policy {item.get('key')}: unknown fields {sorted(unknown)}"
        raise ValueError(msg)
    bounds = item.get("range")
    said = [item["unit"]] if item["unit"] else []
    said += item["allowed"] if item["type"] == "enum" else []
    return PolicyEntry(
        key=item["key"],
        type=item["type"],
        unit=item["unit"],
        default=item["default"],
        stricter=item["stricter"],
        cite=tuple(item["cite"]),
        is_inferred=item["inferred"],
        label_zh=item["label_zh"],
        label_en=item["label_en"],
        org_defaults=dict(item.get("org_defaults", {})),
        allowed=tuple(item.get("allowed", ())),
        range=(bounds[0], bounds[1]) if bounds else None,
        group=group,
        words={each: words[each] for each in said},
    )


def _check_entry(entry: PolicyEntry) -> None:
    rules = {
        "unknown type": entry.type in TYPES,
        "unknown direction": entry.stricter in DIRECTIONS,
        "either allowed values or a range": bool(entry.allowed) != (entry.range is not None),
        "a direction needs a range": entry.stricter == "none" or entry.range is not None,
        "no source and not inferred": bool(entry.cite) or entry.is_inferred,
        "labels in both languages": bool(entry.label_zh) and bool(entry.label_en),
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        msg = f"policy {entry.key}: {', '.join(broken)}"
        raise ValueError(msg)
    for raw in (entry.default, *entry.org_defaults.values()):
        try:
            parse_value(entry, raw)
        except PolicyError as error:
            msg = f"policy {entry.key}: default {raw!r} is not allowed"
            raise ValueError(msg) from error


def parse_value(entry: PolicyEntry, raw: object) -> Value:
    """The typed value of a raw JSON value, or of the text of a form field.

    Decimals become Decimal, durations timedelta (CalendarDuration if they hold months), times a
    naive local time of day in Asia/Shanghai.

    Raises:
        PolicyError: Wrong type or form, not among the allowed values or outside the range.
    """
    value = parse_text(entry, raw)
    if entry.allowed and value not in [parse_text(entry, item) for item in entry.allowed]:
        options = "、".join(map(str, entry.allowed))
        raise PolicyError(entry.key, f"只能是 {options}", f"must be one of {', '.join(map(str, entry.allowed))}")
    if entry.range is not None:
        low, high = (parse_text(entry, bound) for bound in entry.range)
        if is_less(value, low) or is_less(high, value):
            first, last = entry.range
            raise PolicyError(entry.key, f"须在 {first} 与 {last} 之间", f"must lie between {first} and {last}")
    return value


def parse_text(entry: PolicyEntry, raw: object) -> Value:
    """The typed value, whether it is allowed today or not. Raises PolicyError for the wrong type or form."""
    return _READERS[entry.type](entry, raw)


def _wrong(entry: PolicyEntry, zh: str, en: str) -> PolicyRefused:
    return PolicyError(entry.key, f"须为{zh}", f"must be {en}")


def _read_decimal(entry: PolicyEntry, raw: object) -> Decimal:
    try:
        value = Decimal("NaN") if isinstance(raw, bool) else Decimal(str(raw))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise _wrong(entry, "数字", "a number")
    return value


def _read_int(entry: PolicyEntry, raw: object) -> int:
    text = raw.strip() if isinstance(raw, str) else raw
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise _wrong(entry, "整数", "a whole number")


def _read_bool(entry: PolicyEntry, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if raw in ("true", "false"):
        return raw == "true"
    raise _wrong(entry, "是或否", "true or false")


def _read_enum(entry: PolicyEntry, raw: object) -> str:
    if isinstance(raw, str):
        return raw
    raise _wrong(entry, "选项代码", "the code of an option")


def _read_time(entry: PolicyEntry, raw: object) -> time:
    try:
        return parse_time(str(raw))
    except ValueError as error:
        raise _wrong(entry, "时刻, 如 17:00", "a time of day such as 17:00") from error


def _read_duration(entry: PolicyEntry, raw: object) -> Duration:
    try:
        return parse_duration(str(raw))
    except (ValueError, OverflowError) as error:
        raise _wrong(entry, "时长, 如 PT2H", "a duration such as PT2H") from error


_READERS: dict[str, Callable[[PolicyEntry, object], Value]] = {
    "decimal": _read_decimal,
    "int": _read_int,
    "bool": _read_bool,
    "enum": _read_enum,
    "time": _read_time,
    "duration": _read_duration,
}


def is_less(a: Value, b: Value) -> bool:
    """Order of two values of one type; only called for types with a range."""
    return bool(a < b)  # type: ignore[operator]  # both come from the same reader


def raw_value(value: Value) -> Raw:
    """The JSON form of a typed value, as stored in snapshots and overrides."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, time):
        return value.isoformat(timespec="minutes")
    return value if isinstance(value, bool | int | str) else format_duration(value)


def typed(catalogue: PolicyCatalogue, values: Mapping[str, object]) -> dict[str, Value]:
    """Typed values of a snapshot; a policy added after the snapshot has its general default.

    Keys the catalogue no longer has are left out. Values are not held against today's ranges: a
    running incident keeps what it was opened with.
    """
    return {key: parse_text(entry, values.get(key, entry.default)) for key, entry in catalogue.items()}


class TypedSnapshot(Mapping[str, Value]):
    """`typed`, one value at a time: a command looks at a handful of the policies."""

    def __init__(self, catalogue: PolicyCatalogue, values: Mapping[str, object]) -> None:
        self._catalogue, self._values = catalogue, values
        self._known: dict[str, Value] = {}

    def __getitem__(self, key: str) -> Value:
        if key not in self._known:
            entry = self._catalogue[key]
            self._known[key] = parse_text(entry, self._values.get(key, entry.default))
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogue)

    def __len__(self) -> int:
        return len(self._catalogue)
