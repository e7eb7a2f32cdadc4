"""The procedures library: reading tables, trying them out, forms as they will be asked, versions side by side."""

from functools import partial

import pytest

from service.application import definitions
from service.settings import ROOT
from tests.web.site import Page, Pages

PROCEDURE = "/procedures/school_suspected_case"


def rows(page: Page, xpath: str) -> list[str]:
    return [" ".join(each.text_content().split()) for each in page.all(xpath)]


def test_the_library_says_version_deployer_and_running_incidents(web: Pages) -> None:
    page = web.as_("manager").get("/procedures")
    found = next(row for row in rows(page, "//tbody/tr") if "学校疑似病例" in row)
    assert found.startswith("学校疑似病例应急处置 1 ")
    assert "可直接启动" in found


def test_a_procedure_names_what_it_needs_and_rests_on(web: Pages) -> None:
    page = web.as_("cleaner").get(PROCEDURE)
    assert page.status == 200
    assert page.all(f"//a[starts-with(@href, '{PROCEDURE}/decisions/D04')]")
    assert page.all("//a[@href='/procedures/case_transfer']")
    assert any("2小时成文报告" in row and "依据" in row for row in rows(page, "//li"))
    assert any(row.startswith("发热阈值") and "37.3" in row and "37.2" in row for row in rows(page, "//li"))
    assert any("隔离室负责人" in row for row in rows(page, "//aside//li"))


def test_a_decision_table_reads_as_sentences(web: Pages) -> None:
    page = web.as_("cleaner").get(f"{PROCEDURE}/decisions/D04")
    assert "确诊" in page.words("//table")
    readings = rows(page, "//ol[contains(@class, 'readings')]/li")
    assert readings[4].startswith("第 5 行若医院诊断“已排除”，且")
    assert "证明待补“是”" in readings[4]
    examples = rows(page, "//section[.//h2[.='示例']]//tbody/tr")
    assert len(examples) == 11
    assert all(row.endswith("相符") for row in examples)


@pytest.mark.parametrize(
    ("query", "row", "result"),
    [
        ("D04_i1=excluded&D04_i2=false&D04_i3=", "第 5 行", "证明待补是"),
        ("D04_i1=confirmed&D04_i2=&D04_i3=", "第 1 行", "判定类别确诊"),
        ("D04_i1=pending&D04_i2=&D04_i3=true", "第 6 行", "判定类别疑似"),
    ],
)
def test_a_table_is_tried_out(web: Pages, query: str, row: str, result: str) -> None:
    page = web.as_("cleaner").get(f"{PROCEDURE}/decisions/D04?{query}")
    said = page.words("//*[@role='status']")
    assert row in said
    assert result in said
    assert rows(page, "//tr[@class='hit']/th")[0].startswith(row.split()[1])


def test_trying_out_goes_by_the_policies_of_the_organisation(web: Pages) -> None:
    base = f"{PROCEDURE}/decisions/D03_table?D03_table_i2=mercury_axillary&D03_table_i4=false&D03_table_i1=false"
    school = web.as_("cleaner").get(f"{base}&org_type=school&D03_table_i3=37.3")
    village = web.as_("cleaner").get(f"{base}&org_type=training_institution&D03_table_i3=37.2")
    assert "第 3 行" in school.words("//*[@role='status']")
    assert "第 5 行" in village.words("//*[@role='status']")


@pytest.mark.parametrize("value", ["", "38,5", "hot"])
def test_a_value_that_decides_nothing_is_told(web: Pages, value: str) -> None:
    base = f"{PROCEDURE}/decisions/D03_table?D03_table_i2=mercury_axillary&D03_table_i4=&D03_table_i1="
    page = web.as_("cleaner").get(f"{base}&D03_table_i3={value}")
    assert page.status == 200
    assert page.all("//*[@role='status']//*[@class='error']")


def test_a_form_is_shown_as_it_will_be_asked_and_cannot_be_filled(web: Pages) -> None:
    page = web.as_("cleaner").get(f"{PROCEDURE}/forms/F01?view=quick")
    assert page.all("//fieldset[@disabled]//input[@name='temperature']")
    assert not page.all("//main//form[@method='post']")
    fields = rows(page, "//section[.//h2[.='字段']]//tbody/tr")
    assert any("体温" in row and "健康信息" in row for row in fields)


def test_what_is_not_there_is_not_found(web: Pages) -> None:
    for path in ("decisions/D99", "forms/F99", "forms/F01?view=nothing", "?version=99", "differences?after=99"):
        address = PROCEDURE + ("" if path.startswith("?") else "/") + path
        assert web.as_("cleaner").get(address).status == 404, path


def second_version(web: Pages) -> None:
    """The small procedure with a step renamed."""
    folder, world = ROOT / "workflows" / "small_alarm", web.world
    content = definitions.folder_content(folder, ROOT / "workflows" / "decisions")
    text = content["small_alarm.bpmn"]
    content["small_alarm.bpmn"] = text.replace('name="登记异常"', 'name="登记可疑情况"')
    store = world.app.services.definitions
    world.app.run(partial(definitions.deploy, store=store, procedure="small_alarm", content=content, actor="system"))


def test_two_versions_are_compared_in_words_and_in_both_drawings(web: Pages) -> None:
    second_version(web)
    page = web.as_("admin").get("/procedures/small_alarm/differences")
    changes = rows(page, "//ul[contains(@class, 'changes')]/li")
    assert len(changes) == 1
    assert "修改" in changes[0]
    assert page.words("//del") == "登记异常"
    assert page.words("//ins") == "登记可疑情况"
    assert len(page.all("//figure//*[contains(@class, 'changed')]")) == 2
    same = web.as_("admin").get("/procedures/small_alarm/differences?before=2&after=2")
    assert "两个版本说的一样" in same.text
