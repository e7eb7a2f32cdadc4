"""The page of processes that stopped: what an administrator sees and does there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from service.domain.errors import EngineFailed
from service.persistence import tables as t
from service.persistence.tables import sql
from tests.paths import school
from tests.paths.damaging import damage
from tests.paths.versions import ALARM, FAILS, content_of, deployed, inserted
from tests.paths.world import World
from tests.web.site import Page, Pages, pages

PATH = "/engine-incidents"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Pages]:
    """Pages of a school of its own: what one test damages must not be there for the next."""
    with pages(tmp_path) as made:
        yield made


@pytest.fixture
def stuck(web: Pages) -> str:
    """An incident with a script nobody can get past; the id of its engine incident."""
    w = web.world
    deployed(w, inserted(content_of(ALARM), "f_t_small_written_s_small_send", FAILS))
    w.open("teacher", school.quick(), ALARM)
    with pytest.raises(EngineFailed):
        school.draft(w, "t_small_written")
    return str(w.rows(t.EngineIncident)[0]["id"])


def choices(page: Page) -> dict[str, bool]:
    """The ways offered, and whether each can be chosen."""
    return {each.get("value"): each.get("disabled") is None for each in page.all("//input[@name='way']")}


def rows(web: Pages, query: str = "") -> list[str]:
    """The lines about the incident."""
    page, number = web.as_("admin").get(f"{PATH}{query}"), web.world.row()["number"]
    found = [" ".join(each.text_content().split()) for each in page.all("//tbody/tr")]
    return [each for each in found if number in each]


def resolve(web: Pages, stuck: str, **fields: str) -> Page:
    admin = web.as_("admin")
    return admin.submit(admin.get(f"{PATH}/resolve?id={stuck}"), fields)


def test_the_list_says_what_stopped_where_why_and_how_often(web: Pages, stuck: str) -> None:
    assert stuck
    [row] = rows(web)
    for text in ("记下", "x_note", "这一步出错", "no item", "处理…"):
        assert text in row, text
    assert web.as_("teacher").get(PATH).status == 403
    incident = web.as_("admin").get(f"/incidents/{web.world.incident}")
    assert incident.all(f"//a[@href='{PATH}?incident={web.world.incident}']")


def test_it_is_passed_over_with_a_reason(web: Pages, stuck: str) -> None:
    page = web.as_("admin").get(f"{PATH}/resolve?id={stuck}")
    assert choices(page) == {"skip": True, "instance": False, "incident": True}
    assert "主流程" in page.words("//form[@id='form']")
    assert resolve(web, stuck, way="skip").status == 422
    assert resolve(web, stuck, reason="核对过").status == 422
    assert resolve(web, stuck, way="skip", reason="核对过").status == 200
    assert rows(web) == []
    assert "已跳过" in rows(web, "?state=all")[0]
    assert "核对过" in web.as_("admin").get(f"/incidents/{web.world.incident}").text


def test_what_cannot_be_chosen_is_refused_all_the_same(web: Pages, stuck: str) -> None:
    refused = resolve(web, stuck, way="instance", reason="试试")
    assert refused.status == 409
    assert "取消整个事件" in refused.words("//p[@id='way-e']")
    assert web.as_("principal").get(f"{PATH}/resolve?id={stuck}").status == 403


def test_cancelling_closes_the_incident(web: Pages, stuck: str) -> None:
    assert resolve(web, stuck, way="incident", reason="误建").status == 200
    assert (web.world.row()["status"], web.world.row()["result"]) == ("closed", "cancelled")
    assert rows(web) == []


def test_a_definition_that_is_gone_leaves_the_other_pages_open(web: Pages) -> None:
    """What rests on it says so; lists, and all that does not, are there as before."""
    w = web.world
    w.open("teacher", school.quick(), ALARM)
    broken, table = w.incident, sql.definitions
    damage(w, update(table).where(table.c.procedure == "small_check").values(content={}), restart=False)
    forget(w, "small_check")
    w.open("teacher", school.quick(), ALARM)  # its call is on record, and the rest of it goes on
    assert [row["code"] for row in w.rows(t.EngineIncident)] == ["definition_unreadable"]
    assert "t_small_written" in w.open_tasks()
    for path in ("/inbox", "/incidents", f"/incidents/{w.incident}", "/procedures", PATH, f"/incidents/{broken}"):
        assert web.as_("admin").get(path).status == 200, path
    assert web.as_("nurse").get("/inbox").status == 200
    refused = web.as_("admin").get("/procedures/small_check")
    assert refused.status == 409
    assert "不能读取" in refused.text


def forget(w: World, procedure: str) -> None:
    """As a process that has not read the definition yet."""
    store = w.app.services.definitions
    for version in (1, 2, 3):
        store._assemblies.pop((procedure, version), None)
