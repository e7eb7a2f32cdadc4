"""The files persons are taken out in: made within the maker's rights, each with a watermark of who, when and why."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select

from service.application import workbooks
from service.application.documents import Document, DocumentLibrary
from service.application.documents_docx import to_docx
from service.application.exports import ExportWish, MadeExport, check
from service.application.queries import (
    contact_lists,
    grid,
    printouts,
    reading_sheets,
    reports,
    sheets,
    subject_extracts,
)
from service.application.queries.reader import Reader
from service.domain.calendar import SHANGHAI
from service.domain.errors import NoSuch, ValueRefused

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Content:
    """What a kind of export consists of before it becomes a file."""

    name: str
    persons: tuple[str, ...]
    fields: tuple[str, ...] = ()
    document: Document | None = None
    workbook: bytes = b""
    data: Callable[[str], dict[str, Any]] | None = None  # for a program, with the watermark in it
    incidents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outline:
    """What would be taken out: its kind in words, how many persons, and the columns that can be chosen."""

    kind_label: str
    rows: int
    columns: tuple[tuple[str, str], ...]


def make(
    reader: Reader, library: DocumentLibrary, wish: ExportWish, *, form: str = "", stylesheets: tuple[str, ...] = ()
) -> MadeExport:  # fmt: skip
    """The file for a wish; `form` is docx or html for a document. Raises ValueRefused, NoSuch, NotAllowed."""
    check(wish)
    found, mark = _content(reader, library, wish), watermark(reader, wish)
    if found.document is None:
        content, form, media = workbooks.marked(found.workbook, mark), "xlsx", workbooks.MEDIA_TYPE
    else:
        label = reader.pick("导出", "Exported")
        document = replace(found.document, notes=(*found.document.notes, (label, mark)))
        if form == "json" and found.data is not None:
            content, media = json.dumps(found.data(mark), ensure_ascii=False, indent=1).encode(), JSON
        elif form == "html":
            content, media = library.to_page(document, stylesheets=stylesheets).encode(), HTML
        else:
            content, form, media = to_docx(document), "docx", DOCX
    name = found.name if found.name.endswith(f".{form}") else f"{found.name}.{form}"
    return MadeExport(wish, form, name, media, content, found.fields, found.persons, found.incidents)


def outline(reader: Reader, library: DocumentLibrary, wish: ExportWish) -> Outline:
    """What the form asks about. Raises as `make`."""
    found = _content(reader, library, replace(wish, fields=()))
    columns = tuple(contact_lists.headings(reader).items()) if wish.kind == "contacts" else ()
    return Outline(reader.label("export_kind", wish.kind), len(found.persons), columns)


def watermark(reader: Reader, wish: ExportWish) -> str:
    """Who takes it out, when and why."""
    at = reader.now.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    purpose = reader.label("export_purpose", wish.purpose)
    note = f" ({wish.note.strip()})" if wish.note.strip() else ""
    return f"{reader.principal.name} · {at} · {purpose}{note}"


# --- inside -----------------------------------------------------------------------------------


def _content(reader: Reader, library: DocumentLibrary, wish: ExportWish) -> Content:
    if wish.kind not in KINDS:
        raise NoSuch("export", wish.kind)
    return KINDS[wish.kind](reader, library, wish)


def _contacts(reader: Reader, _library: DocumentLibrary, wish: ExportWish) -> Content:
    known = contact_lists.headings(reader)
    if not set(wish.fields) <= set(known):
        raise ValueRefused("fields", "没有这样的列", "there is no such column")
    chosen = tuple(each for each in known if each in wish.fields or not wish.fields)
    name, content, persons = contact_lists.download(reader, wish.incident, chosen)
    return Content(name, persons, chosen, workbook=content)


def _report(reader: Reader, library: DocumentLibrary, wish: ExportWish) -> Content:
    found = reports.page(reader, library, wish.key)
    if found.row.incident != wish.incident:
        raise NoSuch("report", wish.key)
    table = reports.reports
    persons = reader.rows(select(table.c.persons).where(table.c.id == wish.key))[0]["persons"]
    return Content(f"{found.row.incident_number} {found.document.title}", tuple(persons), document=found.document)


def _printout(reader: Reader, library: DocumentLibrary, wish: ExportWish) -> Content:
    document, _, key = wish.key.partition("/")
    found = printouts.page(reader, library, wish.incident, document, key, by_task=True)
    number = printouts.number_of(reader, wish.incident)
    persons = printouts.persons_of(reader, wish.incident, document, key)
    return Content(f"{number} {found.title}", persons, document=found)


def _rows(reader: Reader, _library: DocumentLibrary, wish: ExportWish) -> Content:
    name, content, persons, incident = sheets.download(reader, wish.key)
    if incident != wish.incident:
        raise NoSuch("task", wish.key)
    return Content(name, persons, workbook=content)


def _readings(reader: Reader, _library: DocumentLibrary, wish: ExportWish) -> Content:
    day, session, place, case = (*wish.key.split("/"), "", "", "")[:4]
    try:
        when = date.fromisoformat(day)
    except ValueError as error:
        raise NoSuch("session", wish.key) from error
    entry = grid.entry(reader, wish.incident, when, session, place=place, case=case)
    name, content = reading_sheets.download(reader, wish.incident, entry)
    return Content(name, tuple(row.person for row in entry.rows), workbook=content)


def _subject(reader: Reader, library: DocumentLibrary, wish: ExportWish) -> Content:
    found = subject_extracts.extract(reader, wish.incident, wish.key)
    others = tuple(each for each in found.incidents if each != wish.incident)
    title = reader.pick("个人信息摘录", "Extract of personal data")
    number = printouts.number_of(reader, wish.incident)
    laid_out = subject_extracts.document(reader, library, found)
    return Content(f"{title} {number}", found.persons, document=laid_out, data=found.as_data, incidents=others)


KINDS: Mapping[str, Callable[[Reader, DocumentLibrary, ExportWish], Content]] = {
    "contacts": _contacts, "report": _report, "printout": _printout, "rows": _rows, "readings": _readings,
    "subject": _subject,
}  # fmt: skip
