"""Contact lists in the pages: rows offered beforehand, leaving with a reason, people and places told afterwards."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from service.persistence import tables as t
from tests.paths import tracing, variants
from tests.paths.tracing import NEIGHBOURS, contact, judged, removed
from tests.web.site import Page, Pages, pages

OFFICE = "coordinator"
OTHER_CLASS = "demo-school-7-3"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Pages]:
    """A confirmed case of class 七2 whose contact history is known."""
    with pages(tmp_path) as made:
        variants.confirmed(made.world)
        tracing.history(made.world)
        yield made


@pytest.fixture(scope="module")
def judged_list(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The same after the CDC has judged: four close contacts, one taken off the list. Only looked at."""
    with pages(tmp_path_factory.mktemp("judged")) as made:
        variants.confirmed(made.world)
        tracing.history(made.world)
        listed(made)
        tracing.final(made.world, [*map(judged, NEIGHBOURS), removed("学生乙丑", unit=OTHER_CLASS)])
        yield made


def listed(web: Pages) -> None:
    """The four neighbours and a pupil of another class are on the initial list; the CDC has investigated."""
    rows = [contact(web.world, name) for name in NEIGHBOURS]
    tracing.initial(web.world, [*rows, contact(web.world, "学生乙丑", unit=OTHER_CLASS, scene="同桌用餐")])
    tracing.screening(web.world)
    tracing.investigated(web.world)


def rows_of(page: Page) -> list[str]:
    return [" ".join(row.text_content().split()) for row in page.all("//*[@id='f-rows']/*[@data-row]//summary[1]")]


def test_the_initial_list_is_edited_not_typed(web: Pages) -> None:
    page = web.task(OFFICE, "t_list_contacts")
    assert len(page.all("//*[@id='f-rows']/*[@data-row]")) == 29
    assert rows_of(page)[0].startswith("1学生子 · 在场")
    assert not page.all("//*[@data-row]/details[@open]")
    office = web.as_(OFFICE)
    for _ in range(25):
        page = office.submit(page, {"do": last(page)})
    done = office.submit(page, {"do": "submit"})
    assert done.status == 200, done.text
    assert set(tracing.contacts(web.world)) == set(NEIGHBOURS)


def last(page: Page) -> str:
    return str(page.all("//*[@id='f-rows']/*[@data-row][last()]//button[starts-with(@value, 'remove:')]/@value")[0])


def test_who_stood_on_the_list_leaves_with_a_reason_and_may_come_back(web: Pages) -> None:
    listed(web)
    office = web.as_(OFFICE)
    page = web.task(OFFICE, "r_contact_list")
    leaving = office.submit(page, {"do": "remove:rows.0"})
    assert leaving.words("//*[@data-row][1]//s").startswith("学生")
    assert not leaving.all("//button[@value='remove:rows.0']")
    refused = office.submit(leaving, {"do": "submit"})
    assert refused.status == 422
    assert refused.words("//*[@id='f-rows-0-removed_reason-e']") == "请填写“移出原因”"
    back = office.submit(refused, {"do": "restore:rows.0"})
    assert back.all("//button[@value='remove:rows.0']")
    source = {f"rows.{row}.info_source": "phone" for row in range(5)}
    gone = office.submit(back, {"do": "remove:rows.4"})
    done = office.submit(gone, {"do": "submit", "rows.4.removed_reason": "当日未到校", **source})
    assert done.status == 200, done.text
    assert sorted(row["stage"] for row in web.world.rows(t.Contact)) == ["final"] * 4 + ["removed"]


def test_an_empty_column_is_filled_as_in_the_first_row(web: Pages) -> None:
    listed(web)
    page = web.task(OFFICE, "r_contact_list")
    filled = web.as_(OFFICE).submit(page, {"do": "same:rows", "rows.0.info_source": "phone"})
    chosen = filled.all("//input[@type='radio'][contains(@name, 'info_source')][@checked]")
    assert [each.get("value") for each in chosen] == ["phone"] * 5
    assert len(set(filled.all("//*[@data-row]//input[contains(@name, 'person.id')]/@value"))) == 5


def test_people_are_counted_by_state_and_every_number_is_a_link(judged_list: Pages) -> None:
    office = judged_list.as_(OFFICE)
    case = tracing.person(judged_list.world, "学生甲")
    base = f"/incidents/{judged_list.world.incident}/people"
    page = office.get(base)
    numbers = {" ".join(each.text_content().split()): each.get("href") for each in page.all("//a[@class='toggle']")}
    assert {"病例 1", "接触者 5", "现场登记 25"} <= set(numbers)
    contacts = office.get(numbers["接触者 5"])
    assert len(contacts.all("//tbody/tr")) == 5
    assert "待转运 4" in contacts.text.replace("<b>", "").replace("</b>", "")
    assert len(office.get(f"{base}?group=contact&state=待转运").all("//tbody/tr")) == 4
    assert len(office.get(f"{base}?case={case}").all("//tbody/tr")) == 6
    down = office.get(f"{base}?sort=name&order=down")
    assert down.all("//th[@aria-sort='descending']")


def test_the_two_lists_are_compared_and_can_be_taken_along(judged_list: Pages) -> None:
    office = judged_list.as_(OFFICE)
    page = office.get(f"/incidents/{judged_list.world.incident}/contacts")
    assert page.words("//h2") == "病例1 的密接名单"
    rows = [" ".join(row.text_content().split()) for row in page.all("//tbody/tr")]
    assert len(rows) == 5
    assert [("不变" in row, "移出" in row) for row in rows].count((True, False)) == 4
    content = office.download(f"/incidents/{judged_list.world.incident}/contacts.xlsx")
    cells = list(load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True))
    assert cells[0][:4] == ("编号", "人员", "班级/单位", "关联病例")
    assert len(cells) == 6
    assert "学生乙丑" not in str(cells)  # nobody of the office has a task that needs his name
    assert judged_list.as_("admin").get(f"/incidents/{judged_list.world.incident}/contacts.xlsx").status == 403


def test_a_person_has_a_timeline_of_his_own(judged_list: Pages) -> None:
    person = tracing.person(judged_list.world, "学生乙丑")
    page = judged_list.as_(OFFICE).get(f"/incidents/{judged_list.world.incident}/people/{person}")
    said = [" ".join(each.text_content().split()) for each in page.all("//ol[@class='timeline']//h3")]
    told = [each for each in said if "导出" not in each]  # another test may have taken the list along
    assert len(told) == 3  # registered, listed, taken off
    assert "移出" in told[0]
    assert (
        "学生乙丑"
        not in judged_list.as_("teacher").get(f"/incidents/{judged_list.world.incident}/people/{person}").text
    )


def test_running_processes_stand_by_kind_and_those_that_are_over_are_folded(judged_list: Pages) -> None:
    address = f"/incidents/{judged_list.world.incident}/diagram"
    page = judged_list.as_(OFFICE).get(address)
    folded = "//nav[contains(@class, 'instances')]/details"
    assert not page.all(f"{folded}/@open")
    groups = [" ".join(each.text_content().split()) for each in page.all(f"{folded}/summary")]
    assert groups[0] == f"医学观察 {len(NEIGHBOURS)}"
    assert groups[-1].startswith("已结束 ")
    assert len(page.all(f"{folded}[last()]//a")) == int(groups[-1].split()[1])
    observed = judged_list.as_(OFFICE).get(page.all(f"{folded}[1]//a/@href")[0])
    assert observed.all(f"{folded}[1]/summary[@aria-current='true']/small")


def test_places_tell_what_happened_there(judged_list: Pages) -> None:
    page = judged_list.as_(OFFICE).get(f"/incidents/{judged_list.world.incident}/places")
    headings = [each.text_content() for each in page.all("//h2")]
    assert headings[0] == "七年级2班"
    assert "教室" in headings
    text = " ".join(page.words("//main").split())
    assert "接触地点 · 5 人 · 前后左右 · 同桌用餐" in text
    assert "已发布" in text
    assert "接触地点 · 5 人" not in judged_list.as_("admin").get(f"/incidents/{judged_list.world.incident}/places").text
