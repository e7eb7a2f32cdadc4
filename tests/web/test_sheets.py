"""A list taken along as an Excel sheet and brought back: every error named, nothing half taken over."""

from io import BytesIO

import pytest
from openpyxl import Workbook, load_workbook

from service.persistence import tables as t
from tests.paths.school import quick
from tests.web.site import Page, Pages

Rows = list[list[object]]


@pytest.fixture
def task(web: Pages) -> str:
    """The task that measures the four neighbours."""
    web.world.open("teacher", quick())
    web.world.do("coordinator", "t_office_accept")
    web.world.do("nurse", "t_isolation_room")
    return web.world.open_tasks()["t_observe_neighbours"][0]


def sheet(web: Pages, task: str) -> Rows:
    """The rows of the downloaded sheet."""
    content = web.as_("nurse").download(f"/tasks/{task}/sheet.xlsx")
    return [list(row) for row in load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True)]


def bring_back(web: Pages, task: str, rows: Rows) -> Page:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    made = BytesIO()
    book.save(made)
    nurse = web.as_("nurse")
    csrf = nurse.get(f"/tasks/{task}/sheet").fields("//form[.//input[@type='file']]")["csrf"]
    return nurse.upload(f"/tasks/{task}/sheet", {"csrf": csrf}, "sheet", made.getvalue())


def measured(rows: Rows, **more: object) -> Rows:
    """The sheet with a reading in every row."""
    values = {"体温": 36.5, "症状": "无", "测量人": "校医", "在位": "是", "测量时间": "2026-03-02 08:05", **more}
    headings = [str(each).rstrip("*") for each in rows[0]]
    return [
        rows[0],
        *([values.get(heading, cell) for heading, cell in zip(headings, row, strict=True)] for row in rows[1:]),
    ]


def test_the_sheet_holds_the_persons_of_the_list_and_comes_back_into_the_draft(web: Pages, task: str) -> None:
    rows = sheet(web, task)
    assert [str(each) for each in rows[0]][:3] == ["已登记编号", "姓名", "性别"]
    codes = [row["code"] for row in web.world.rows(t.Person) if row["is_neighbour"]]
    filled = measured([rows[0], *([code, *[None] * (len(rows[0]) - 1)] for code in codes)])
    preview = bring_back(web, task, filled)
    assert preview.status == 200, preview.text
    assert "新增 4" in preview.text
    after = web.as_("nurse").submit(preview, form="//form[contains(@action, 'confirm')]")
    assert "草稿已保存" in after.words("//*[@role='status']")
    assert after.all("//input[@name='rows.3.temperature']/@value") == ["36.5"]
    done = web.as_("nurse").submit(after, {"do": "submit"})
    assert done.status == 200
    assert "t_observe_neighbours" not in web.world.open_tasks()


def test_one_wrong_cell_and_nothing_is_taken_over(web: Pages, task: str) -> None:
    rows = sheet(web, task)
    code = next(row["code"] for row in web.world.rows(t.Person) if row["is_neighbour"])
    filled = measured([rows[0], [code, *[None] * (len(rows[0]) - 1)]], 体温=83.2, 在位="大概")
    page = bring_back(web, task, filled)
    assert page.status == 422
    told = [" ".join(row.text_content().split()) for row in page.all("//tbody/tr")]
    assert told == ["2体温应在 34.0–43.0 ℃ 之间，是不是 38.2？", "2在位“大概”不在可选范围内"]
    assert not page.all("//form[contains(@action, 'confirm')]")
    assert "草稿保存于" not in web.task("nurse", "t_observe_neighbours").words("//*[@id='saved']")


def test_what_is_no_sheet_is_told(web: Pages, task: str) -> None:
    nurse = web.as_("nurse")
    csrf = nurse.get(f"/tasks/{task}/sheet").fields("//form[.//input[@type='file']]")["csrf"]
    page = nurse.upload(f"/tasks/{task}/sheet", {"csrf": csrf}, "sheet", b"name,temperature\n")
    assert page.status == 422
    assert "不是 Excel 工作簿" in page.words("//*[@role='alert']")
    assert bring_back(web, task, [["体温", "病情"], [36.5, "好"]]).status == 422


def test_who_may_not_answer_gets_no_sheet(web: Pages, task: str) -> None:
    assert web.as_("cleaner").get(f"/tasks/{task}/sheet.xlsx").status == 404
    assert web.as_("cleaner").get(f"/tasks/{task}/sheet").status == 404
