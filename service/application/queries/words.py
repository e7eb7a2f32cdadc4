"""Words for codes in a language, from `labels.yaml`; for what definitions and scenarios say from files of their own."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.domain.calendar import local

_FILES = [Path(__file__).with_name(name) for name in ("labels.yaml", "definition_labels.yaml", "scenario_labels.yaml")]


@cache
def _labels() -> Mapping[str, Mapping[str, Any]]:
    loaded: dict[str, dict[str, Any]] = {}
    for file in _FILES:
        loaded |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def is_english(locale: str) -> bool:
    """Whether texts are wanted in English; everything else gets Chinese."""
    return locale.startswith("en")


def pick(locale: str, zh: str, en: str) -> str:
    """One of two texts; Chinese where English is missing."""
    return (en or zh) if is_english(locale) else zh


def label(group: str, code: str, locale: str) -> str:
    """The word for a code of a group (role, status, …); the code itself where there is none."""
    entry = _labels()[group].get(code)
    return pick(locale, entry["zh"], entry["en"]) if entry else code


def labels(group: str, locale: str) -> dict[str, str]:
    """All codes of a group with their words."""
    return {code: pick(locale, entry["zh"], entry["en"]) for code, entry in _labels()[group].items()}


def known(group: str, locale: str) -> dict[str, str]:
    """As `labels`; empty for a group that does not exist."""
    return labels(group, locale) if group in _labels() else {}


def senders(message: str) -> tuple[str, ...]:
    """Outside parties that may say a message of the catalogue; empty for one of our own."""
    entry = _labels()["message"].get(message) or {}
    return tuple(entry.get("from", ()))


def clock_time(at: datetime, now: datetime | None = None) -> str:
    """`10:05` of the same Shanghai day as `now`, otherwise `03-09 10:05`."""
    here = local(at)
    is_today = now is not None and local(now).date() == here.date()
    return here.strftime("%H:%M" if is_today else "%m-%d %H:%M")


def span(length: timedelta, locale: str) -> str:
    """A length of time for people: 38 分, 3 时 43 分, 2 天 4 时; its sign is dropped."""
    minutes = int(abs(length).total_seconds()) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    if is_english(locale):
        parts = [(days, "d"), (hours, "h"), (0 if days else minutes % 60, "min")]
    else:
        parts = [(days, "天"), (hours, "时"), (0 if days else minutes % 60, "分")]
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown) or f"0 {parts[-1][1]}"


def remaining(due: datetime, now: datetime, locale: str) -> str:
    """剩 38 分, or 已迟 22 分."""
    text = span(due - now, locale)
    if due < now:
        return pick(locale, f"已迟 {text}", f"{text} late")
    return pick(locale, f"剩 {text}", f"{text} left")
