"""The after-action report names what failed, by element, limit and actual, and what follows from it."""

from dataclasses import replace
from io import BytesIO

import docx

from service.application import after_action, drill_reviews
from service.application.documents_docx import to_docx
from service.domain import commands as cmd
from tests.paths import drilling, reviewing
from tests.paths.world import World


def test_the_report_of_two_failures_names_both_and_keeps_what_people_write(world: World) -> None:
    w = world
    drill = reviewing.two_failures(w)
    text = read(w, drill, "objectives")
    for said in (
        "演练文书", "学校疑似病例应急处置演练评估总结报告", "七年级2班", "自由推演",
        "迟：报送成文报告|2小时成文报告|超过时限才完成，其中“签发成文报告”用时最长|09-07 10:00|09-07 10:30|超时 30 分",
        "时限出自文件，不改；把提醒提前：参数“提醒提前比例”现为 25",
        "漏做：前后左右4人留观|打开后至演练结束未做，而其后的任务已做|无|未做",
        "在流程图“前后左右4人留观”上设时限和提醒", "预案适宜性|〔待评估组填写〕",
    ):  # fmt: skip
        assert said in text, said
    texts = {"suitability": "预案适用。", "effect": "按图走完。"}
    w.app.run(lambda uow: drill_reviews.write(uow, w.app.services, w.who("trainer"), cmd.WriteReview(drill, texts)))
    w.app.run(lambda uow: drill_reviews.write(uow, w.app.services, w.who("trainer"), cmd.WriteReview(drill, texts)))
    assert len(w.events("review_written")) == 2, "what did not change is not written again"
    assert "预案适用" not in str(w.events("review_written"))
    record = read(w, drill, "record")
    for said in (
        "学校应急演练记录表", "指　　挥|导调员丑", "预案适宜性|预案适用。", "预案充分性|〔待评估组填写〕", "按图走完。",
        "迟：报送成文报告。时限 9月7日10时00分，实际 9月7日10时30分。", "漏做：前后左右4人留观。时限 无，实际 未做。",
    ):  # fmt: skip
        assert said in record, said
    assert "演练文书" in record


def test_both_layouts_are_report_r25_of_the_catalogue_in_both_languages(world: World) -> None:
    w = world
    drill = drilling.begin(w)
    files = w.app.documents.definitions
    for layout, id_ in (("objectives", "R25"), ("record", "R25r")):
        for locale in ("zh", "en"):
            with w.app.read() as connection:
                reader = replace(reviewing.reader(w, connection, "trainer"), locale=locale)
                made = after_action.draft(reader, w.app.documents, drill, layout)
            labels = [row["label"][locale] for section in files[id_]["sections"] for row in section.get("rows", ())]
            said = [label for section in made.sections for label, _ in section.table]
            assert (made.id, made.is_drill, made.is_draft) == (id_, True, False)
            assert said == [label for label in labels if label in said]
            assert {"预案适宜性", "Suitability of the plan"} & set(said)
    assert w.app.documents.name("R25") == "演练评估报告"


def read(w: World, drill: str, layout: str) -> str:
    """Every text of the file; the cells of a row, and the lines of a cell, with | between."""
    with w.app.read() as connection:
        made = after_action.draft(reviewing.reader(w, connection, "trainer"), w.app.documents, drill, layout)
    document = docx.Document(BytesIO(to_docx(made)))
    lines = [each.text for each in (*document.sections[0].header.paragraphs, *document.paragraphs)]
    for table in document.tables:
        lines += ["|".join(cell.text.replace("\n", "|") for cell in row.cells) for row in table.rows]
    return "\n".join(lines)
