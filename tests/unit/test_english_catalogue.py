"""Everything that is said in Chinese by a file of ours is said in English too, and there in English only."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from babel.messages.pofile import read_po
from lxml import etree

from service.domain import errors
from service.settings import ROOT
from service.web.translations import FOLDER

HAN = re.compile(r"[\u3400-\u9fff，。：；（）、！？]")
DATA = sorted((ROOT / "service").rglob("*.yaml")) + sorted((ROOT / "workflows").glob("*.yaml"))
FORMS = sorted((ROOT / "forms").rglob("*.json"))
DIAGRAMS = sorted((ROOT / "workflows").rglob("*.bpmn")) + sorted((ROOT / "workflows").rglob("*.dmn"))
TOCSIN = "{https://tocsin.example/bpmn/1.0}"


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_catalogue_of_the_pages_is_complete_and_settled() -> None:
    with (FOLDER / "en" / "LC_MESSAGES" / "tocsin.po").open("rb") as source:
        catalogue = read_po(source, locale="en")
    for message in catalogue:
        if not message.id:
            continue
        texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
        assert all(texts), message.id
        assert not message.fuzzy, message.id
        assert not any(HAN.search(text) for text in texts), message.id
    assert not catalogue.obsolete


def pairs(value: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Where a text stands with its Chinese and its English: `zh` beside `en`, `label_zh` beside `label_en` …"""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from pairs(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            if (key == "zh" or str(key).endswith("_zh")) and isinstance(item, str):
                yield f"{path}.{key}", item, str(value.get(f"{str(key)[:-2]}en") or "")
            yield from pairs(item, f"{path}.{key}")


@pytest.mark.parametrize("file", [*DATA, *FORMS], ids=short)
def test_a_data_file_says_everything_twice(file: Path) -> None:
    text = file.read_text("utf-8")
    loaded = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    found = list(pairs(loaded))
    assert [where for where, zh, en in found if zh and not en] == []
    assert [(where, en) for where, _, en in found if HAN.search(en)] == []


@pytest.mark.parametrize("file", FORMS, ids=short)
def test_an_option_has_an_english_word(file: Path) -> None:
    found = list(options(json.loads(file.read_text("utf-8"))))
    assert [each for each in found if HAN.search(str(each.get("value", ""))) and not each.get("en")] == []


def options(value: Any) -> Iterator[dict[str, Any]]:
    """Options of fields, wherever they stand."""
    if isinstance(value, list):
        for item in value:
            yield from options(item)
    elif isinstance(value, dict):
        if isinstance(value.get("options"), list):
            yield from (each for each in value["options"] if isinstance(each, dict))
        for item in value.values():
            yield from options(item)


@pytest.mark.parametrize("file", DIAGRAMS, ids=short)
def test_a_diagram_and_a_table_are_labelled_in_english(file: Path) -> None:
    for element in etree.parse(str(file)).iter("{*}*"):
        kind = etree.QName(element).localname
        english = element.get(f"{TOCSIN}label-en", "")
        assert not HAN.search(english), english
        if kind in ("input", "output", "decision") and file.suffix == ".dmn":
            assert english, element.get("id")
        if file.suffix == ".dmn" and element.find("{*}description") is not None:
            note = element.get(f"{TOCSIN}note-en", "")
            assert note, element.get("id")
            assert not HAN.search(re.sub(r"\[S[^\]]*\]", "", note)), note


def leaves(branch: type[errors.TocsinError]) -> Iterator[type[errors.TocsinError]]:
    for each in branch.__subclasses__():
        if each.__subclasses__():
            yield from leaves(each)
        else:
            yield each


def test_every_error_has_an_english_message() -> None:
    found = [each for each in leaves(errors.TocsinError) if each.__module__ == errors.__name__]
    assert len(found) > 20
    assert [each for each in found if not each.english or HAN.search(each.english)] == []
