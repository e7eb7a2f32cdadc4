"""A document as .docx in the Chinese official layout (GB/T 9704-2012).

A4, margins 37/35/28/26 mm; red letterhead and rule, title 方正小标宋 二号, text 仿宋_GB2312 三号
at 28 points, headings 黑体, page numbers — 1 —. The fonts are named, not shipped; Chinese text
needs the name on `w:eastAsia` as well, or the program takes its own font.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from docx import Document as new_docx
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

from service.application.document_values import Grid
from service.application.documents import Document, Section
from service.domain.report_phrases import is_english

TITLE_FONT = "方正小标宋简体"
BODY_FONT = "仿宋_GB2312"
HEADING_FONT = "黑体"
NUMBER_FONT = "宋体"
LATIN_FONT = "Times New Roman"
RED = RGBColor(0xC0, 0x00, 0x00)
GREY = RGBColor(0x66, 0x66, 0x66)
VIOLET = RGBColor(0x6A, 0x1B, 0x9A)
TEXT_WIDTH = Mm(156)
LABEL_WIDTHS = {"zh": Mm(34), "en": Mm(50)}
LINE = Pt(28)
TABLE_LINE = Pt(22)
SIZE_TITLE = Pt(22)  # 二号
SIZE_BODY = Pt(16)  # 三号
SIZE_TABLE = Pt(14)  # 四号
SIZE_MARK = Pt(14)

WATERMARK = """
<w:pict {namespaces} xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
  <v:shapetype id="_x0000_t136" coordsize="21600,21600" o:spt="136" adj="10800"
      path="m@7,l@8,m@5,21600l@6,21600e">
    <v:formulas><v:f eqn="sum #0 0 10800"/><v:f eqn="prod #0 2 1"/><v:f eqn="sum 21600 0 @1"/>
      <v:f eqn="sum 0 0 @2"/><v:f eqn="sum 21600 0 @3"/><v:f eqn="if @0 @3 0"/><v:f eqn="if @0 21600 @1"/>
      <v:f eqn="if @0 0 @2"/><v:f eqn="if @0 @4 21600"/></v:formulas>
    <v:path textpathok="t" o:connecttype="rect"/><v:textpath on="t" fitshape="t"/>
  </v:shapetype>
  <v:shape id="drill_watermark" o:spid="_x0000_s2049" type="#_x0000_t136" alt="{word}"
      style="position:absolute;width:{width}pt;height:150pt;rotation:332;z-index:-251658240;mso-position-horizontal:center;
      mso-position-horizontal-relative:margin;mso-position-vertical:center;mso-position-vertical-relative:margin"
      fillcolor="#d9c6e4" stroked="f">
    <v:fill opacity=".5"/><v:textpath style="font-family:&quot;黑体&quot;;font-size:1pt" string="{word}"/>
  </v:shape>
</w:pict>
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How a run looks: Chinese font, size, weight, colour."""

    font: str = BODY_FONT
    size: Any = SIZE_BODY
    is_bold: bool = False
    colour: Any = None


BODY = Look()
HEADING = Look(HEADING_FONT)
TABLE = Look(size=SIZE_TABLE)


def to_docx(document: Document) -> bytes:
    """The document as the bytes of a .docx file.

    A drill carries the word 演练 on every page, a draft 草稿 instead of its number. Text is
    written as text, so markup in a name does no harm.
    """
    docx = new_docx()
    _page(docx, document)
    _letterhead(docx, document)
    _body(docx, document)
    _signature(docx, document)
    docx.core_properties.title = document.title
    docx.core_properties.author = document.organisation
    docx.core_properties.language = "en-GB" if is_english(document.locale) else "zh-CN"
    if document.signed_at is not None:  # else the template's own date stays: a draft has none
        docx.core_properties.created = docx.core_properties.modified = document.signed_at
    target = BytesIO()
    docx.save(target)
    return target.getvalue()


def _page(docx: Any, document: Document) -> None:
    section = docx.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    normal = docx.styles["Normal"]
    normal.font.name, normal.font.size = LATIN_FONT, SIZE_BODY
    properties = normal.element.get_or_add_rPr()
    properties.get_or_add_rFonts().set(qn("w:eastAsia"), BODY_FONT)
    language = OxmlElement("w:lang")  # tells a program without the named fonts to take mainland glyphs
    language.set(qn("w:val"), "en-GB")
    language.set(qn("w:eastAsia"), "zh-CN")
    properties.append(language)
    _page_number(section.footer.paragraphs[0])
    if document.is_drill:
        header = section.header.paragraphs[0]
        header.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _run(header, document.labels["drill_note"], Look(HEADING_FONT, SIZE_MARK, is_bold=True, colour=VIOLET))
        _watermark(header, document.labels["drill"])


def _letterhead(docx: Any, document: Document) -> None:
    colour = GREY if document.is_draft else RED
    if document.is_draft:
        mark = _paragraph(docx, align=WD_ALIGN_PARAGRAPH.CENTER)
        mark.paragraph_format.space_after = Pt(14)
        _run(mark, document.labels["draft_note"], Look(HEADING_FONT, SIZE_MARK, is_bold=True, colour=RED))
    head = _paragraph(docx, align=WD_ALIGN_PARAGRAPH.CENTER, line=None)
    _run(head, document.letterhead, Look(TITLE_FONT, _head_size(document.letterhead), colour=colour))
    _reference(docx, document, "666666" if document.is_draft else "C00000")
    title = _paragraph(docx, align=WD_ALIGN_PARAGRAPH.CENTER, line=Pt(34))
    title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(28), Pt(18)
    _run(title, document.title, Look(TITLE_FONT, SIZE_TITLE))


def _reference(docx: Any, document: Document, rule_colour: str) -> None:
    """Number at the left, signer at the right, the red rule under both."""
    line = _paragraph(docx)
    line.paragraph_format.space_before = Pt(14)
    line.paragraph_format.tab_stops.add_tab_stop(TEXT_WIDTH, alignment=2)
    number = document.number or (document.labels["no_number"] if document.is_draft else "")
    _run(line, number, Look(colour=GREY if document.is_draft else None))
    if document.is_signable:
        signer = document.signer if document.signed_at else ""
        _run(line, "\t" + _labelled(document.labels["signer"], signer, document.locale), BODY)
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    for key, value in {"val": "single", "sz": "18", "space": "4", "color": rule_colour}.items():
        bottom.set(qn(f"w:{key}"), value)
    borders.append(bottom)
    line._p.get_or_add_pPr().insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _body(docx: Any, document: Document) -> None:
    is_en = is_english(document.locale)
    if document.recipients:
        names = (", " if is_en else "、").join(document.recipients)
        _run(_paragraph(docx), names + (":" if is_en else "："), BODY)
    if document.opening:
        _text(docx, document, document.opening)
    for section in document.sections:
        _section(docx, document, section)
    _text(docx, document, document.closing)


def _section(docx: Any, document: Document, section: Section) -> None:
    if section.heading:
        heading = _text(docx, document, section.heading, HEADING)
        heading.paragraph_format.keep_with_next = True
    if section.table:
        _table(docx, section, LABEL_WIDTHS["en" if is_english(document.locale) else "zh"])
    if section.grid is not None:
        _grid(docx, section.grid)
    for paragraph in section.paragraphs:
        _text(docx, document, paragraph)


def _table(docx: Any, section: Section, label_width: Any) -> None:
    table = docx.add_table(rows=0, cols=2)
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, (label_width, TEXT_WIDTH - label_width), strict=True):
        column.width = width
    for label, value in section.table:
        row = table.add_row()
        cannot_split = OxmlElement("w:cantSplit")
        row._tr.get_or_add_trPr().append(cannot_split)
        left, right = row.cells
        left.width, right.width = label_width, TEXT_WIDTH - label_width
        _cell(left, [label])
        _cell(right, value.splitlines())


def _grid(docx: Any, grid: Grid) -> None:
    """The head stands again on each page, a row is not torn apart."""
    table = docx.add_table(rows=0, cols=len(grid.head))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    widths = [int(TEXT_WIDTH * weight / sum(grid.weights)) for weight in grid.weights]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for index, cells in enumerate((grid.head, *grid.rows)):
        row = table.add_row()
        properties = row._tr.get_or_add_trPr()
        properties.append(OxmlElement("w:cantSplit"))
        if index == 0:
            properties.append(OxmlElement("w:tblHeader"))
        for cell, text, width in zip(row.cells, cells, widths, strict=True):
            cell.width = width
            _cell(cell, text.splitlines() or [""])
            for paragraph in cell.paragraphs:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _cell(cell: Any, lines: list[str]) -> None:
    cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    for index, line in enumerate(lines):
        paragraph = cell.paragraphs[0] if index == 0 else cell.add_paragraph()
        _spaced(paragraph, TABLE_LINE)
        _run(paragraph, line, TABLE)


def _signature(docx: Any, document: Document) -> None:
    last = document.labels["draft"] if document.is_draft else document.date
    for index, text in enumerate((document.organisation, last)):
        paragraph = _paragraph(docx, align=WD_ALIGN_PARAGRAPH.RIGHT)
        paragraph.paragraph_format.right_indent = Pt(64)
        paragraph.paragraph_format.keep_with_next = index == 0
        if index == 0:
            paragraph.paragraph_format.space_before = Pt(42)
        _run(paragraph, text, BODY)
    for index, (label, value) in enumerate(document.notes):
        note = _paragraph(docx, line=TABLE_LINE)
        if index == 0:
            note.paragraph_format.space_before = Pt(28)
        _run(note, _labelled(label, value, document.locale), TABLE)


def _text(docx: Any, document: Document, text: str, look: Look = BODY) -> Any:
    paragraph = _paragraph(docx, align=WD_ALIGN_PARAGRAPH.LEFT)
    if not is_english(document.locale):
        paragraph.paragraph_format.first_line_indent = 2 * SIZE_BODY
    _run(paragraph, text, look)
    return paragraph


def _paragraph(docx: Any, *, align: Any = None, line: Any = LINE) -> Any:
    paragraph = docx.add_paragraph()
    paragraph.alignment = align
    _spaced(paragraph, line)
    return paragraph


def _spaced(paragraph: Any, line: Any) -> None:
    layout = paragraph.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    if line is not None:
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, line


def _run(paragraph: Any, text: str, look: Look) -> Any:
    run = paragraph.add_run(text)
    run.font.name, run.font.size, run.font.bold = LATIN_FONT, look.size, look.is_bold
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), look.font)
    if look.colour is not None:
        run.font.color.rgb = look.colour
    return run


def _page_number(paragraph: Any) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    look = Look(NUMBER_FONT, SIZE_TABLE)
    _run(paragraph, "— ", look)
    number = _run(paragraph, "", look)
    for kind, text in (("begin", ""), ("", " PAGE "), ("end", "")):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = text
        number._r.append(part)
    _run(paragraph, " —", look)


def _watermark(paragraph: Any, word: str) -> None:
    width = 400 if len(word) > 2 else 330
    xml = WATERMARK.format(namespaces=nsdecls("w"), word=escape(word, {'"': "&quot;"}), width=width)
    paragraph.add_run()._r.append(parse_xml(xml))


def _head_size(text: str) -> Any:
    """As large as fits one line: 小初 for short names, smaller for long ones."""
    return Pt(max(22, min(44, int(430 / max(len(text), 1)))))


def _labelled(label: str, value: str, locale: str) -> str:
    return f"{label}: {value}" if is_english(locale) else f"{label}：{value}"
