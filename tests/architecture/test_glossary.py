"""ARCHITECTURE.md against the code: words, events, problem codes, modules."""

import re
import subprocess
import sys
from importlib import import_module

import pytest

from service.domain.events import REGISTRY
from tests.architecture.checkout import ROOT
from tests.architecture.reference import DOCUMENT, TABLES, block, written

TEXT = DOCUMENT.read_text("utf-8")
ROW = re.compile(r"^\| (?P<english>[^|]+) \| (?P<chinese>[^|]+) \| (?P<source>[^|]+) \| `(?P<cls>[\w.]+)` \|$")


def test_every_word_of_the_glossary_names_a_class_that_exists() -> None:
    lines = block(TEXT, "glossary").splitlines()[2:]
    assert len(lines) > 25
    for line in lines:
        row = ROW.match(line)
        assert row, line
        module, _, name = row["cls"].rpartition(".")
        assert isinstance(getattr(import_module(module), name, None), type), row["cls"]
        assert re.search(r"[\u4e00-\u9fff]", row["chinese"]), line


def test_no_class_is_in_the_glossary_twice() -> None:
    named = re.findall(r"`([\w.]+)` \|$", block(TEXT, "glossary"), re.MULTILINE)
    assert sorted(named) == sorted(set(named))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_generated_tables_are_as_the_code_says(name: str) -> None:
    assert block(TEXT, name).strip() == TABLES[name](), "run: python -m tests.architecture.reference"


def test_writing_the_tables_again_changes_nothing() -> None:
    assert written(TEXT) == TEXT


def test_every_event_says_what_it_means() -> None:
    assert [cls.__name__ for cls in REGISTRY.values() if not (cls.__doc__ or "").strip()] == []


def test_modules_named_in_the_table_of_places_are_there() -> None:
    named = re.findall(r"`((?:domain|engine|persistence|application)/[\w/]+\.py|simulation/|worker\.py)`", TEXT)
    assert len(named) > 12
    assert [name for name in named if not (ROOT / "service" / name).exists()] == []


def test_the_readme_lists_every_command_there_is() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "service.cli", "--help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    offered = set(re.findall(r"^    ([a-z][a-z-]+)", shown, re.MULTILINE))
    table = block((ROOT / "README.md").read_text("utf-8"), "commands")
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))
    assert offered == listed
