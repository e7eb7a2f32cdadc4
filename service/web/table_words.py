"""Cells of decision tables as people read them: no syntax of comparisons, the names of policies."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from service.domain.forms import FormLibrary
from service.domain.policies import PolicyCatalogue

_EQUAL = re.compile(r"\(?value == \(([^()]*)\)\)?")
_NOT = re.compile(r"not \(value == \(([^()]*)\)\)")
_POLICY = re.compile(r"\(?policy\(\"([a-z0-9_]+)\"\)\)?")
_TEXT = re.compile(r"\"([^\"]*)\"")
_WORDS = {
    "zh_CN": {
        "not given(value)": "未填写",
        "given(value)": "已填写",
        "now()": "现在",
        "true": "是",
        "false": "否",
        "null": "空",
        " or ": " 或 ",
        " and ": " 且 ",
        "not ": "非 ",
        "value": "值",
    },
    "en": {
        "not given(value)": "not filled in",
        "given(value)": "filled in",
        "now()": "now",
        "true": "yes",
        "false": "no",
        "null": "empty",
    },
}


def cell_reader(forms: FormLibrary, policies: PolicyCatalogue, locale: str) -> Callable[[str], str]:
    """A filter that makes the text of a cell readable in a locale."""
    is_english = locale.startswith("en")
    labels = _labels(forms, is_english=is_english)
    names = {key: entry.label_en if is_english else entry.label_zh for key, entry in policies.items()}

    @lru_cache(maxsize=2_000)
    def read(text: str) -> str:
        return _read(text, labels, names, _WORDS["en" if is_english else "zh_CN"])

    return read


def _labels(forms: FormLibrary, *, is_english: bool) -> dict[str, str]:
    """Codes of all forms with their word, where every form uses the same one."""
    found: dict[str, set[str]] = {}
    for view in forms.views():
        for field in view.fields:
            for option in field.options:
                found.setdefault(option.value, set()).add(option.label.en if is_english else option.label.zh)
    return {code: next(iter(words)) for code, words in found.items() if len(words) == 1}


def _read(text: str, labels: Mapping[str, str], names: Mapping[str, str], words: Mapping[str, str]) -> str:
    text = _NOT.sub(lambda match: f"≠ {match[1]}", text)
    text = _EQUAL.sub(lambda match: match[1], text)
    text = _POLICY.sub(lambda match: f"“{names.get(match[1], match[1])}”", text)
    text = _TEXT.sub(lambda match: labels.get(match[1], match[1]), text)
    for code, word in words.items():
        text = re.sub(rf"\b{code}\b" if code.isalpha() else re.escape(code), word, text)
    return text.replace("<=", "≤").replace(">=", "≥")
