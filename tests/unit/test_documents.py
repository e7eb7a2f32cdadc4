"""Documents: sections in order, drafts and drills marked, text safe, HTML and .docx alike."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document as open_docx
from docx.oxml.ns import qn
from lxml import etree

from service.application.document_values import Grid, chinese_number
from service.application.documents import Document, DocumentLibrary, DocumentMeta, Section, letterhead_number
from service.application.documents_docx import to_docx
from service.domain.errors import NoSuch

FORMS = Path(__file__).resolve().parents[2] / "forms"
LIBRARY = DocumentLibrary.load(FORMS / "reports")
FOUND = datetime(2026, 3, 9, 2, 20, tzinfo=UTC)  # 10:20 in Shanghai
SIGNED = FOUND + timedelta(minutes=90)
HAN = re.compile(r"[\u4e00-\u9fff]")

INITIAL: dict[str, Any] = {
    "occur_time": "2026-03-09T10:20:00+08:00",
    "occur_place": "示例学校七年级2班教室",
    "person_count": 1,
    "symptoms": "七年级2班学生（编号A-01）：发热。",
    "possible_cause": "待查",
    "measures": "10时22分，带离。\n10时25分，呼叫120。\n【处置进展】\n11时10分，由120救护车离校。",
}
PROGRESS: dict[str, Any] = {
    "period_no": 2,
    "period": {"from": "2026-03-09T10:20:00+08:00", "to": "2026-03-10T16:00:00+08:00"},
    "contact_numbers": {"初步": 12, "最终": 8, "到位": 8, "隔离中": 6, "解除": 2, "转阳": 0},
    "control_state": "本时段无新增病例。",
}


def a_meta(**changes: Any) -> DocumentMeta:
    meta = DocumentMeta(
        organisation="示例学校",
        now=SIGNED,
        recipients=("市教体局疫情防控指挥中心",),
        copies=("学区办公室",),
        place="示例学校七年级2班教室",
        found_at=FOUND,
        incident_number="0309-01",
        number="示校疫报〔2026〕3号",
        drafter="办公室丙",
        signer="己",
        signed_at=SIGNED,
    )
    return replace(meta, **changes)


def the_written_report(*, locale: str = "zh", record: dict[str, Any] | None = None, **changes: Any) -> Document:
    return LIBRARY.compose("R01w", record=record or INITIAL, meta=a_meta(**changes), locale=locale)


class Reader(HTMLParser):
    """Collects tags, classes and visible text, and checks that tags nest."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.classes: set[str] = set()
        self.text: list[str] = []
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.classes |= set((dict(attrs).get("class") or "").split())
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


def docx_text(content: bytes) -> list[str]:
    docx = open_docx(BytesIO(content))
    cells = [cell.text for table in docx.tables for row in table.rows for cell in row.cells]
    return [paragraph.text for paragraph in docx.paragraphs] + cells


def part(content: bytes, pattern: str) -> str:
    with ZipFile(BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(pattern, name)]
        return "".join(archive.read(name).decode() for name in names)


# --- composing -------------------------------------------------------------------------------


def test_the_written_report_has_its_sections_in_order() -> None:
    document = the_written_report()
    assert document.title == "示例学校关于七年级2班教室发热等症状人员应急处置情况的报告"
    assert [section.heading for section in document.sections] == ["一、基本情况", "二、已采取的措施", "三、处置进展"]
    assert document.sections[0].table == (
        ("发生时间", "3月9日10时20分"),
        ("发生地点", "示例学校七年级2班教室"),
        ("人　　数", "1例"),
        ("症　　状", "七年级2班学生（编号A-01）：发热。"),
        ("可能原因", "待查"),
    )
    assert document.sections[1].paragraphs == ("（一）10时22分，带离。", "（二）10时25分，呼叫120。")
    assert document.sections[2].paragraphs == ("11时10分，由120救护车离校。",)
    assert document.date == "2026年3月9日"
    assert document.opening.startswith("2026年3月9日10时20分，")


def test_the_first_report_leaves_the_progress_out() -> None:
    document = LIBRARY.compose("R01", record=INITIAL, meta=a_meta())
    assert "离校" not in str(document.sections)


def test_a_late_report_says_why_and_others_have_no_such_section() -> None:
    late = the_written_report(record={**INITIAL, "late_reason": "网络中断。"})
    assert (late.sections[-1].heading, late.sections[-1].paragraphs) == ("四、迟报说明", ("网络中断。",))
    assert "迟报说明" not in str(the_written_report().sections)


def test_progress_sections_without_content_say_unchanged() -> None:
    document = LIBRARY.compose("R02", record=PROGRESS, meta=a_meta())
    by_heading = {section.heading.partition("、")[2]: section for section in document.sections}
    assert document.title.endswith("（第2期）")
    assert by_heading["病例诊断与治疗情况"].paragraphs == ("无变化",)
    assert ("最终名单", "8人") in by_heading["密接人员排查及隔离情况"].table
    assert by_heading["造成疫情的原因"].paragraphs == ("待查",)
    none = LIBRARY.compose("R02", record={**PROGRESS, "contact_numbers": dict.fromkeys("初步", 0)}, meta=a_meta())
    assert none.sections[3].paragraphs == ("无变化",)


def test_a_further_issue_marks_what_is_new_and_sets_counts_side_by_side() -> None:
    before = {"control_state": "本时段无新增病例。", "contact_numbers": {"初步": 11}, "cause": "待查"}
    now = {
        "control_state": "本时段无新增病例。\n终末消毒验收合格：教室。",
        "contact_numbers": {"初步": 11, "最终": 8},
        "cause": "待查",
        "period_no": 2,
    }
    meta = DocumentMeta(organisation="示例学校", now=SIGNED, signed_at=SIGNED)
    document = LIBRARY.compose("R02", record=now, meta=meta, previous=before)
    assert document.title.endswith("（第2期）")
    by_heading = {section.heading.partition("、")[2]: section for section in document.sections}
    control = by_heading["疫情控制情况"]
    assert control.paragraphs == ("（一）本时段无新增病例。", "（二）▲ 终末消毒验收合格：教室。")
    assert by_heading["造成疫情的原因"].paragraphs == ("待查",)
    grid = by_heading["密接人员排查及隔离情况"].grid
    assert grid is not None
    assert grid.head == ("项目", "本期", "上期")
    assert grid.rows[:2] == (("初步名单", "11人", "11人"), ("最终名单", "▲ 8人", "0人"))
    assert ("说明", "▲为较上期有变化") in document.notes
    words = docx_text(to_docx(document))
    assert {"本期", "▲ 8人", "（二）▲ 终末消毒验收合格：教室。"} <= set(words)
    first = LIBRARY.compose("R02", record=now, meta=meta)
    assert not any("▲" in line for section in first.sections for line in section.paragraphs)


def test_a_list_of_contacts_is_a_table_with_a_head() -> None:
    rows = [{"case": "病例1", "name": "学** · 七年级2班", "status": "隔离中"}]
    meta = DocumentMeta(organisation="示例学校", now=SIGNED)
    document = LIBRARY.compose("R09", record={"rows": rows}, meta=meta, locale="en")
    (section,) = document.sections
    assert section.grid is not None
    assert section.grid.head[0] == "Case"
    assert section.grid.rows[0][:2] == ("病例1", "学** · 七年级2班")
    assert Reader(LIBRARY.to_html(document)).tags.count("thead") == 1


def test_a_closing_report_names_nature_and_accountability() -> None:
    record = {"nature": "排除", "cause": "待查", "result": "共涉及1例。", "closed_at": SIGNED.isoformat()}
    document = LIBRARY.compose("R03", record=record, meta=a_meta(), locale="en")
    assert document.sections[0].table[0] == ("Nature", "Excluded")
    assert document.sections[2].heading == "3. Accountability"
    assert document.sections[2].paragraphs == ("None",)


def test_a_correction_names_what_it_corrects() -> None:
    record = {"correction_reason": "误报撤销", "person_count": 1, "correction_text": "原报告的事件予以撤销。"}
    document = LIBRARY.compose("R01c", record=record, meta=a_meta(corrected=("初次报告", "直报单")))
    assert "补充更正" in document.title
    assert "初次报告、直报单" in document.opening
    assert document.sections[0].table[0] == ("原　　因", "误报撤销")


def test_a_list_shows_names_for_ids() -> None:
    record = {
        "trigger": "上级要求",
        "suspected_count": 3,
        "classes": [{"id": "c-1"}, "七年级3班", {"id": "x", "label": "校车"}],
    }
    document = LIBRARY.compose("R04", record=record, meta=a_meta(labels={"c-1": "七年级2班"}))
    assert document.sections[0].table[-1] == ("涉及班级或场所", "七年级2班、七年级3班、校车")


def test_unsigned_is_a_draft_without_number_and_signer() -> None:
    draft = the_written_report(signed_at=None)
    assert draft.is_draft
    assert draft.number is None
    html = LIBRARY.to_html(draft)
    for text in (html, "\n".join(docx_text(to_docx(draft)))):
        assert "草稿，未经签发，不得报送" in text
        assert "〔2026〕" not in text
        assert "签发人：己" not in text
    signed = the_written_report()
    for text in (LIBRARY.to_html(signed), "\n".join(docx_text(to_docx(signed)))):
        assert "草稿" not in text
        assert "示校疫报〔2026〕3号" in text
        assert "签发人：己" in text


def test_the_exclusion_notice_needs_no_signature() -> None:
    notice = LIBRARY.compose("R18", record={}, meta=a_meta(signed_at=None, signer="", number=None))
    assert not notice.is_draft
    assert "经医疗机构诊断排除" in notice.sections[0].paragraphs[0]
    assert "签发人" not in LIBRARY.to_html(notice)
    assert notice.date == "2026年3月9日"


def test_an_unknown_document_is_an_error() -> None:
    with pytest.raises(NoSuch):
        LIBRARY.compose("R99", record={}, meta=a_meta())


def test_the_day_is_that_of_shanghai() -> None:
    late = datetime(2026, 3, 9, 16, 30, tzinfo=UTC)  # 00:30 on the 10th
    assert the_written_report(signed_at=late).date == "2026年3月10日"
    assert the_written_report(signed_at=late, locale="en").date == "10 March 2026"


def test_letterhead_numbers() -> None:
    assert letterhead_number("示校疫报", 2026, 3) == "示校疫报〔2026〕3号"
    assert letterhead_number("SX", 2026, 3, locale="en") == "SX [2026] no. 3"


@pytest.mark.parametrize(("number", "text"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (35, "三十五")])
def test_chinese_numbers(number: int, text: str) -> None:
    assert chinese_number(number) == text


# --- the definitions ----------------------------------------------------------------------------


def a_record_for(definition: dict[str, Any]) -> dict[str, Any]:
    values = {"moment": SIGNED, "period": PROGRESS["period"], "count": 1, "numbers": PROGRESS["contact_numbers"]}
    record: dict[str, Any] = {}
    for section in definition["sections"]:
        for row in section.get("rows", ()):
            words = list(row.get("words", {"plain": {}}))
            record[row["field"]] = values.get(row["kind"], ["x"] if row["kind"] == "list" else words[0])
        if "lines" in section:
            record[section["lines"]] = "one\ntwo"
    return record


@pytest.mark.parametrize("document_id", sorted(LIBRARY.definitions))
def test_every_document_is_complete_in_both_languages(document_id: str) -> None:
    definition = dict(LIBRARY.definitions[document_id])
    record = a_record_for(definition)
    meta = DocumentMeta(
        organisation="School", now=SIGNED, place="Class 2", found_at=FOUND, signed_at=SIGNED, is_drill=True
    )
    for locale in ("zh", "en"):
        document = LIBRARY.compose(document_id, record=record, meta=meta, locale=locale)
        assert "{" not in document.title + document.opening
        page = "\n".join(Reader(LIBRARY.to_html(document)).text)
        words = "\n".join(docx_text(to_docx(document)))
        assert bool(HAN.search(page)) is (locale == "zh")
        assert bool(HAN.search(words)) is (locale == "zh")
        for section in document.sections:
            for line in (*section.paragraphs, *(value for row in section.table for value in row)):
                assert line in page
                assert line in words


@pytest.mark.parametrize("document_id", sorted(LIBRARY.definitions))
def test_every_field_of_a_document_is_a_field_of_its_form(document_id: str) -> None:
    definition = LIBRARY.definitions[document_id]
    if not definition["form"]:
        assert definition["signed"] is False  # the notice comes from facts, not from a form
        return
    form = json.loads((FORMS / f"{definition['form']}.json").read_text("utf-8"))
    known = {field["key"] for field in form["fields"]}
    used = {row["field"] for section in definition["sections"] for row in section.get("rows", ())}
    used |= {section["lines"] for section in definition["sections"] if "lines" in section}
    assert used <= known
    assert all(section["sources"] for section in definition["sections"])
    assert definition["cite"].startswith("[S")


# --- HTML ------------------------------------------------------------------------------------------


def test_the_page_holds_one_heading_and_no_inline_style() -> None:
    reader = Reader(LIBRARY.to_page(the_written_report(), stylesheets=("/static/document.css",)))
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("title") == 1
    assert not {"style", "script"} & set(reader.tags)
    assert "style" not in reader.attributes
    assert not {"mark-draft", "mark-drill", "watermark"} & reader.classes


def test_long_rows_may_break_between_pages_and_short_cells_stay_on_one_line() -> None:
    cells = (
        "9月7日10时00分前",
        "09-07 10:30\n超时 30 分",
        "未达到",
        "−2 天 23 时",
        "",
        "3 d 4 h",
        "漏做：前后左右4人留观",
    )
    course = "\n".join(f"{minute:02d}" for minute in range(13))
    grid = Grid(tuple("甲乙丙丁戊己庚"), (cells,), (1,) * len(cells))
    section = Section("", table=(("过程", course), ("效果", "好")), grid=grid)
    html = LIBRARY.to_html(LIBRARY.plain("R26", "表", meta=a_meta(), sections=(section,), locale="zh"))
    assert re.findall(r'<tr class="long"><th scope="row">(.*?)</th>', html) == ["过程"]
    shorts = re.findall(r"<td( class=\"short\")?>", html.partition("<tbody>")[2])
    assert [bool(each) for each in shorts] == [False, True, True, True, True, True, False]


def test_a_drill_is_marked_in_html_and_on_every_page_of_the_docx() -> None:
    drill = the_written_report(is_drill=True)
    assert {"is-drill", "mark-drill", "watermark"} <= Reader(LIBRARY.to_html(drill)).classes
    header = part(to_docx(drill), r"word/header\d*\.xml")
    assert "演练文书，不作真实报送" in header
    assert 'string="演练"' in header
    assert "演练" not in part(to_docx(the_written_report()), r"word/.*\.xml")


def test_markup_in_answers_stays_text() -> None:
    evil = "<script>alert(1)</script> & {organisation} {{ 7 * 7 }}"
    document = the_written_report(record={**INITIAL, "symptoms": evil, "measures": evil}, organisation="甲<乙")
    reader = Reader(LIBRARY.to_html(document))
    assert "script" not in reader.tags
    assert evil in reader.text
    assert evil in docx_text(to_docx(document))


def test_every_class_of_the_template_is_styled() -> None:
    css = (FORMS / "reports" / "document.css").read_text("utf-8")
    draft = the_written_report(signed_at=None, is_drill=True)
    for name in Reader(LIBRARY.to_html(draft)).classes - {"no", "by", "is-drill"}:
        assert f".{name}" in css


# --- .docx -----------------------------------------------------------------------------------------


def test_the_docx_is_laid_out_officially() -> None:
    content = to_docx(the_written_report())
    docx = open_docx(BytesIO(content))
    section = docx.sections[0]
    assert [round(length.mm) for length in (section.page_width, section.page_height)] == [210, 297]
    assert [round(length.mm) for length in (section.top_margin, section.left_margin)] == [37, 28]
    assert " PAGE " in part(content, r"word/footer\d*\.xml")
    assert docx.core_properties.title == the_written_report().title
    red = [run for paragraph in docx.paragraphs for run in paragraph.runs if str(run.font.color.rgb) == "C00000"]
    assert [run.text for run in red] == ["示例学校文件"]


def test_every_run_names_its_chinese_font() -> None:
    for document in (the_written_report(), the_written_report(signed_at=None, is_drill=True)):
        docx = open_docx(BytesIO(to_docx(document)))
        runs = list(docx.element.body.iter(qn("w:r")))
        fonts = {run.find(qn("w:rPr")).find(qn("w:rFonts")).get(qn("w:eastAsia")) for run in runs}
        assert fonts == {"方正小标宋简体", "仿宋_GB2312", "黑体"}


def test_the_docx_holds_well_formed_parts_in_schema_order() -> None:
    content = to_docx(the_written_report(is_drill=True))
    order = ["pStyle", "keepNext", "pBdr", "tabs", "spacing", "ind", "jc", "rPr"]
    with ZipFile(BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".xml"):
                etree.fromstring(archive.read(name))
        body = etree.fromstring(archive.read("word/document.xml"))
    for properties in body.iter(qn("w:pPr")):
        names = [etree.QName(child).localname for child in properties]
        assert names == sorted(names, key=order.index)


def test_the_same_document_gives_the_same_docx_text() -> None:
    assert docx_text(to_docx(the_written_report())) == docx_text(to_docx(the_written_report()))
