"""Official documents: a signed record laid out in sections, as HTML and as .docx.

What a document says in which order stands in `forms/reports/R….yaml`; this module fills it. A
document that must be signed and is not is a draft: no letterhead number, the word 草稿 on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.application.document_values import (
    Blanks,
    Filling,
    Grid,
    Row,
    compared,
    grid_of,
    in_locale,
    marked,
    numbered,
    numeral,
    row_of,
)
from service.domain.errors import NoSuch
from service.domain.report_phrases import SHANGHAI, is_english, moment

LABELS_FILE = "labels.yaml"


@dataclass(frozen=True, slots=True)
class DocumentMeta:
    """What surrounds a record: who, to whom, when; names are as people shall read them.

    `number` is the letterhead number given at signing (see `letterhead_number`). `place` is the
    place of the incident, `found_at` its finding, `corrected` the names of corrected reports.
    `labels` names the ids a record holds (places, classes), `subject` what it is about. Instants are aware.
    """

    organisation: str
    now: datetime
    recipients: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    place: str = ""
    found_at: datetime | None = None
    incident_number: str = ""
    number: str | None = None
    drafter: str = ""
    signer: str = ""
    signed_at: datetime | None = None
    due_at: datetime | None = None
    due_rule: str = ""
    contact: str = ""
    is_drill: bool = False
    corrected: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table of (label, value), a grid with a head, and paragraphs, each if it has any.

    A value's lines are its paragraphs. A paragraph that was not in the issue before begins with ▲.
    """

    heading: str
    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, str], ...] = ()
    grid: Grid | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document ready to be drawn; `labels` are the words of the layout in its language.

    `number` is None for a draft and for what carries none. `date` is the day of the signature in
    Asia/Shanghai as written under the text. `notes` are the (label, value) lines of the foot.
    """

    id: str
    title: str
    number: str | None
    organisation: str
    letterhead: str
    recipients: tuple[str, ...]
    date: str
    opening: str
    sections: tuple[Section, ...]
    closing: str
    drafter: str
    signer: str
    signed_at: datetime | None
    notes: tuple[tuple[str, str], ...]
    is_draft: bool
    is_drill: bool
    is_signable: bool
    locale: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DocumentLibrary:
    """The document definitions and page templates of one folder (`forms/reports`)."""

    definitions: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Mapping[str, str]]
    templates: Environment

    @classmethod
    def load(cls, folder: Path) -> "DocumentLibrary":
        """Read every `R….yaml`, the shared words and the templates of the folder, once."""
        definitions = {}
        for path in sorted(folder.glob("R*.yaml")):
            definition = yaml.safe_load(path.read_text("utf-8"))
            definitions[str(definition["id"])] = definition
        words = yaml.safe_load((folder / LABELS_FILE).read_text("utf-8"))
        templates = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
        return cls(definitions, words, templates)

    def name(self, document_id: str, *, locale: str = "zh") -> str:
        """The short name of a document: 初次报告. Raises NoSuch."""
        return in_locale(self._definition(document_id)["name"], locale)

    def compose(
        self, document_id: str, *, record: Mapping[str, Any], meta: DocumentMeta, locale: str = "zh",
        previous: Mapping[str, Any] | None = None,
    ) -> Document:  # fmt: skip
        """Lay a record out as the document; `record` holds form values in their JSON form.

        Sections without content say what the definition gives as `empty`, or are left out. With the record of the
        issue before, what has changed since is marked and counts stand beside those before.

        Raises:
            NoSuch: no definition has this id.
        """
        definition = self._definition(document_id)
        labels = {key: in_locale(pair, locale) for key, pair in self.words.items()}
        blanks = _blanks(record, meta, locale)
        is_signable = bool(definition["signed"])
        is_draft = is_signable and meta.signed_at is None
        return Document(
            id=document_id,
            title=blanks.fill(in_locale(definition["title"], locale)),
            number=None if is_draft else meta.number,
            organisation=meta.organisation,
            letterhead=blanks.fill(labels["letterhead"]),
            recipients=meta.recipients,
            date=day_text(meta.signed_at or meta.now, locale),
            opening=blanks.fill(in_locale(definition["opening"], locale)),
            sections=_sections(definition["sections"], Filling(record, meta.labels, locale, previous)),
            closing=in_locale(definition["closing"], locale),
            drafter=meta.drafter,
            signer=meta.signer,
            signed_at=meta.signed_at,
            notes=_notes(meta, labels, locale, is_compared=previous is not None),
            is_draft=is_draft,
            is_drill=meta.is_drill,
            is_signable=is_signable,
            locale=locale,
            labels=labels,
        )

    def plain(self, id_: str, title: str, *, meta: DocumentMeta, sections: Sequence[Section], locale: str) -> Document:
        """A document that nobody signs or sends, of sections that are there already."""
        labels = {key: in_locale(pair, locale) for key, pair in self.words.items()}
        return Document(
            id=id_, title=title, number=meta.number, organisation=meta.organisation,
            letterhead=labels["letterhead"].replace("{organisation}", meta.organisation), recipients=meta.recipients,
            date=day_text(meta.now, locale), opening="", sections=tuple(sections), closing="", drafter=meta.drafter,
            signer="", signed_at=None, notes=(), is_draft=False, is_drill=meta.is_drill, is_signable=False,
            locale=locale, labels=labels,
        )  # fmt: skip

    def to_html(self, document: Document) -> str:
        """The document as one `<article class="sheet">`, to stand inside a page of the application."""
        return self.templates.get_template("document.html").render(document=document)

    def to_page(self, document: Document, *, stylesheets: Sequence[str]) -> str:
        """The document as a whole HTML page; no inline style, so a strict policy holds."""
        page = self.templates.get_template("page.html")
        return page.render(document=document, stylesheets=tuple(stylesheets))

    def _definition(self, document_id: str) -> Mapping[str, Any]:
        if document_id not in self.definitions:
            raise NoSuch("document", document_id)
        return self.definitions[document_id]


def letterhead_number(prefix: str, year: int, count: int, *, locale: str = "zh") -> str:
    """The number under the letterhead: 示校疫报〔2026〕3号; `count` runs per organisation and year."""
    return f"{prefix} [{year}] no. {count}" if is_english(locale) else f"{prefix}〔{year}〕{count}号"


def day_text(at: datetime, locale: str) -> str:
    """The day in Asia/Shanghai as documents write it: 2026年3月9日, in English 9 March 2026."""
    local = at.astimezone(SHANGHAI)
    if is_english(locale):
        return f"{local.day} {local:%B %Y}"
    return f"{local.year}年{local.month}月{local.day}日"


def _blanks(record: Mapping[str, Any], meta: DocumentMeta, locale: str) -> Blanks:
    found = ""
    if meta.found_at is not None:
        year = "" if is_english(locale) else f"{meta.found_at.astimezone(SHANGHAI).year}年"
        found = year + moment(meta.found_at, locale)
    corrected = (", " if is_english(locale) else "、").join(meta.corrected)
    return Blanks(
        organisation=meta.organisation,
        place=meta.place.removeprefix(meta.organisation),
        found=found,
        period_no=str(record.get("period_no") or 1),
        corrected=corrected,
        subject=meta.subject,
    )


def _notes(
    meta: DocumentMeta, labels: Mapping[str, str], locale: str, *, is_compared: bool
) -> tuple[tuple[str, str], ...]:
    stop = ", " if is_english(locale) else "、"
    due = ""
    if meta.due_at is not None:
        due = moment(meta.due_at, locale)
        brackets = (" ({})" if is_english(locale) else "（{}）") if meta.due_rule else ""
        due += brackets.format(meta.due_rule)
    notes = {
        "drafter": meta.drafter,
        "contact": meta.contact,
        "copies": stop.join(meta.copies),
        "due": due,
        "reported_at": moment(meta.signed_at, locale) if meta.signed_at else "",
        "incident": meta.incident_number,
        "mark": labels["changed"] if is_compared else "",
    }
    return tuple((labels[key], value) for key, value in notes.items() if value)


def _sections(definitions: Sequence[Mapping[str, Any]], filling: Filling) -> tuple[Section, ...]:
    sections: list[Section] = []
    headed = 0
    for definition in definitions:
        section = _section(definition, filling)
        if section is None:
            continue
        if section.heading:
            headed += 1
            section = replace(section, heading=numeral(headed, filling.locale) + section.heading)
            if definition.get("numbered", True):
                section = replace(section, paragraphs=tuple(numbered(section.paragraphs, filling.locale)))
        sections.append(section)
    return tuple(sections)


def _section(definition: Mapping[str, Any], filling: Filling) -> Section | None:
    """A section with what the record has for it; None where it has nothing to say."""
    rows: list[tuple[str, str]] = []
    grid = grid_of(definition, filling)
    for row in definition.get("rows", ()):
        if row["kind"] == "numbers" and filling.previous is not None:
            grid = compared(row, filling)
        else:
            rows += row_of(Row(row, filling.labels, filling.locale), filling.record)
    paragraphs = marked(definition, filling) if "lines" in definition else []
    if not rows and not paragraphs and grid is None:
        if "empty" not in definition:
            return None
        paragraphs = [in_locale(definition["empty"], filling.locale)]
    sources = tuple(definition.get("sources", ()))
    return Section(in_locale(definition["heading"], filling.locale), tuple(paragraphs), tuple(rows), grid, sources)
