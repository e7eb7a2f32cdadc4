"""Events as sentences: complete in both languages, without names the reader may not see."""

import string
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from service.application.queries import summaries, words
from service.domain import events as ev

SENTENCES = summaries.sentences()
LABELS = yaml.safe_load((Path(words.__file__).parent / "labels.yaml").read_text("utf-8"))


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_event_type_has_a_sentence_and_no_other() -> None:
    assert set(SENTENCES) == {type_ for type_, _ in ev.REGISTRY}


@pytest.mark.parametrize("type_", sorted(SENTENCES))
def test_both_languages_say_the_same(type_: str) -> None:
    sentence = SENTENCES[type_]
    assert sentence.kind in summaries.KINDS
    assert sentence.zh
    assert sentence.en
    assert blanks(sentence.zh) == blanks(sentence.en)


@pytest.mark.parametrize(("type_", "version"), sorted(ev.REGISTRY))
def test_blanks_are_known_words_or_fields_of_the_event(type_: str, version: int) -> None:
    fields = set(ev.REGISTRY[(type_, version)].__dataclass_fields__)
    for name in blanks(SENTENCES[type_].zh):
        assert name in summaries.FILLERS or name in fields, name


@pytest.mark.parametrize("group", sorted(LABELS))
def test_labels_have_both_languages(group: str) -> None:
    for code, entry in LABELS[group].items():
        assert isinstance(code, str), code
        assert entry["zh"], code
        assert entry["en"], code
        assert blanks(entry["zh"]) == blanks(entry["en"]), code


def test_an_unknown_code_is_said_as_it_is() -> None:
    assert words.label("role", "nobody", "en") == "nobody"
    assert words.label("role", "epi_office", "zh_CN") == "疫情防控办公室"


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (2280, "38 分", "38 min"),
        (3 * 3600 + 43 * 60, "3 时 43 分", "3 h 43 min"),
        (2 * 86400 + 4 * 3600 + 60, "2 天 4 时", "2 d 4 h"),
        (59, "0 分", "0 min"),
        (-1320, "22 分", "22 min"),
    ],
)
def test_lengths_of_time(seconds: int, zh: str, en: str) -> None:
    assert words.span(timedelta(seconds=seconds), "zh_CN") == zh
    assert words.span(timedelta(seconds=seconds), "en") == en


def test_outside_parties_of_messages() -> None:
    assert words.senders("msg_120_arrived") == ("ambulance_120",)
    assert words.senders("msg_cancel_request") == ()
