"""The page of a version: putting it into use, retiring it, moving running incidents to it."""

import pytest

from tests.paths import school
from tests.paths.versions import ALARM, changed, deployed
from tests.web.site import Page, Pages

PATH = f"/procedures/{ALARM}/versions"
FORM = "//form[contains(@action, '{}')]"


@pytest.fixture
def running(web: Pages) -> str:
    """An incident of version 1, and a version 2 that calls the written report otherwise."""
    admin, page = web.as_("admin"), web.as_("admin").get(f"{PATH}/1")
    if "不在用" in page.words("//div[@class='page-head']"):
        admin.submit(page, {"reason": "重来", "do": "activate"}, FORM.format("/versions/1"))
    web.world.open("teacher", school.quick(), ALARM)
    deployed(web.world, changed(ALARM, ('name="起草书面报告"', 'name="起草成文报告"')))
    return web.world.incident


def switched(web: Pages, version: int, do: str, reason: str = "指引调整") -> Page:
    admin = web.as_("admin")
    form = FORM.format(f"/versions/{version}") + "[not(@id)]"
    return admin.submit(admin.get(f"{PATH}/{version}"), {"reason": reason, "do": do}, form)


def test_a_version_is_put_into_use_and_retired(web: Pages, running: str) -> None:
    assert running
    assert switched(web, 2, "activate", "").status == 422
    switched(web, 2, "activate")
    page = switched(web, 2, "retire")
    assert "不在用" in page.words("//div[@class='page-head']")
    assert "停用" in page.words("//aside//section[last()]//li")
    assert "指引调整" in page.words("//aside//section[last()]//li")
    library = web.as_("teacher").get("/procedures")
    assert any("已停用" in row.text_content() for row in library.all("//tbody/tr"))
    done = switched(web, 1, "activate")
    assert "在用" in done.words("//div[@class='page-head']")
    assert web.as_("teacher").get(f"{PATH}/1").all("//form[contains(@action, 'versions')]") == []
    assert web.as_("admin").get(f"{PATH}/9").status == 404


def test_running_incidents_move_after_a_preview(web: Pages, running: str) -> None:
    admin = web.as_("admin")
    page = admin.get(f"{PATH}/2")
    assert running in page.fields()["incident"]
    assert admin.submit(page, {"reason": ""}).status == 422
    preview = admin.submit(page, {"reason": "指引调整", "incident": [running]})
    assert "可以改用" in preview.text
    assert (preview.words("//del"), preview.words("//ins")) == ("起草书面报告", "起草成文报告")
    assert web.world.row()["version"] == 1
    progress = admin.submit(preview)
    assert "0 / 1" in progress.words("//div[@id='progress']")
    assert progress.all("//div[@id='progress'][@hx-get]")
    web.world.app.worker.tick()
    done = admin.get(progress.path)
    assert "1 / 1" in done.words("//div[@id='progress']")
    assert not done.all("//div[@id='progress'][@hx-get]")
    assert web.world.row()["version"] == 2
    assert "改用新版流程图" in admin.get(f"/incidents/{running}").text
    assert web.as_("principal").get(progress.path).status == 403


def test_one_that_cannot_move_says_why(web: Pages, running: str) -> None:
    deployed(web.world, changed(ALARM, ("t_small_written", "t_small_letter")))
    admin = web.as_("admin")
    preview = admin.submit(admin.get(f"{PATH}/3"), {"reason": "指引调整", "incident": [running]})
    assert "不能改用" in preview.text
    assert "这一步新版没有" in preview.words("//p[@class='error']")
    assert preview.all("//button[@form='form'][@disabled]")
