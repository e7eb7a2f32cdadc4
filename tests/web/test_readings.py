"""The grid of an observation without scripts: a round, a sheet out and back, corrections, rights, English."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from service.persistence import tables as t
from tests.paths import observing
from tests.paths.tracing import NEIGHBOURS
from tests.web.english import HAN, in_english
from tests.web.site import Page, Pages, pages

ROUND = "//section[@id='round']//form"
SHEET = "//form[contains(@action, '/readings/sheet')]"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Pages]:
    """Three pupils in home quarantine, at six in the evening of the first day."""
    with pages(tmp_path) as made:
        observing.at_home(made.world, NEIGHBOURS[:3])
        made.world.go("18:00")
        yield made


def address(web: Pages) -> str:
    return f"/incidents/{web.world.incident}/readings"


def persons(page: Page) -> list[str]:
    return page.fields(ROUND)["person"]


def readings(web: Pages) -> int:
    return len(web.world.rows(t.Record, form="F14", view="session"))


def test_exceptions_are_typed_and_the_others_are_normal(web: Pages) -> None:
    nurse = web.as_("nurse")
    page = nurse.get(address(web))
    first, second, _ = persons(page)
    done = nurse.submit(page, {f"t.{first}": "38.2", f"s.{first}": ["cough"], f"t.{second}": "36.9"}, ROUND)
    assert done.status == 200, done.text
    assert "已登记 3 人" in done.text
    assert readings(web) == 3
    assert [each.text for each in done.all("//table//span[contains(@class, 'half bad')]")] == ["热"]
    assert "已测 3/3，缺 0，补录 0" in done.text


def test_what_was_typed_stays_where_one_row_is_refused(web: Pages) -> None:
    nurse = web.as_("nurse")
    page = nurse.get(address(web))
    first, second, _ = persons(page)
    refused = nurse.submit(page, {f"t.{first}": "52", f"t.{second}": "36.9"}, ROUND)
    assert refused.status == 422
    assert readings(web) == 0
    assert refused.fields(ROUND)[f"t.{first}"] == ["52"]
    assert refused.fields(ROUND)[f"t.{second}"] == ["36.9"]
    assert "34.0" in refused.words("//li[@class='refused']//p")


def test_a_correction_asks_for_its_reason_and_is_marked(web: Pages) -> None:
    nurse = web.as_("nurse")
    done = nurse.submit(nurse.get(address(web)), {}, ROUND)
    first = done.all("//ul[@class='round']//a/@href")[0].split("#")[0]
    page = nurse.get(first)
    (person,) = persons(page)
    assert nurse.submit(page, {f"t.{person}": "36.1"}, ROUND).status == 422
    corrected = nurse.submit(page, {f"t.{person}": "36.1", f"r.{person}": "看错"}, ROUND)
    assert corrected.status == 200
    assert readings(web) == 4
    assert "已更正" in corrected.all("//table//span[contains(@class, 'half ok')]/@title")[0]


def sheet(web: Pages, page: Page) -> list[list[object]]:
    href = page.all("//a[contains(@href, 'sheet.xlsx')]/@href")[0]
    content = web.as_("nurse").download(href, "offline")
    return [list(row) for row in load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True)]


def bring_back(web: Pages, page: Page, rows: list[list[object]]) -> Page:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    made = BytesIO()
    book.save(made)
    fields = page.fields(SHEET)
    action = page.all(SHEET)[0].get("action")
    return web.as_("nurse").upload(action, {**fields, "lines": ""}, "sheet", made.getvalue())


def test_a_sheet_goes_out_and_comes_back_with_its_errors(web: Pages) -> None:
    page = web.as_("nurse").get(address(web))
    headings, *rows = sheet(web, page)
    assert [str(each) for each in headings[:6]] == ["编号", "日期", "时段", "姓名", "座位", "体温"]
    filled = [[*row[:5], value, *row[6:]] for row, value in zip(rows, (36.6, 51, 36.8), strict=True)]
    refused = bring_back(web, page, [headings, *filled])
    assert refused.status == 422
    assert "第 3 行 体温" in refused.words("//section[@role='alert']")
    assert readings(web) == 0
    filled[1][5] = 37.0
    done = bring_back(web, page, [headings, *filled])
    assert done.status == 200, done.text
    assert readings(web) == 3


def test_lines_may_be_pasted(web: Pages) -> None:
    nurse = web.as_("nurse")
    page = nurse.get(address(web))
    _, row, *_ = sheet(web, page)
    lines = f"编号\t日期\t时段\t体温\t症状\n{row[0]}\t{row[1]}\t{row[2]}\t36.7\t咳嗽"
    done = nurse.submit(page, {"lines": lines}, SHEET)
    assert done.status == 200, done.text
    assert readings(web) == 1
    wrong = nurse.submit(page, {"lines": "编号\t体温\n密接01\t36.5"}, SHEET)
    assert wrong.status == 422
    assert "日期" in wrong.words("//section[@role='alert']")


def test_who_does_not_record_sees_marks_and_no_values(web: Pages) -> None:
    nurse = web.as_("nurse")
    page = nurse.get(address(web))
    nurse.submit(page, {f"t.{persons(page)[0]}": "38.2"}, ROUND)
    seen = web.as_("manager").get(address(web))
    assert seen.status == 200
    assert not seen.all(ROUND)
    assert not seen.all("//table//span[contains(@class, 'half bad')]")
    assert len(seen.all("//table//span[contains(@class, 'half done')]")) == 3
    assert "38.2" not in seen.text
    assert NEIGHBOURS[0] not in seen.text


def test_it_speaks_english(web: Pages) -> None:
    nurse = in_english(web.as_("nurse"))
    page = nurse.get(address(web))
    names = "|".join(NEIGHBOURS)
    text = " ".join(page.all("//main")[0].text_content().split())
    left = {each for each in HAN.findall(text) if each not in names and "密接" not in each}
    assert not left
    done = nurse.submit(page, {}, ROUND)
    assert [each.text for each in done.all("//table//span[contains(@class, 'half ok')]")][:1] == ["N"]


def test_the_page_of_the_papers_names_the_sessions_without_a_reading(web: Pages) -> None:
    web.world.go("03-16 10:30")
    task = web.world.open_tasks()["t_complete_papers"][0]
    page = web.as_("coordinator").get(f"/tasks/{task}")
    assert "缺测 28 次" in page.text
    assert "第1天晚、第2天早" in page.text
