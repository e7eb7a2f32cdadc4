"""The evening round of a class of 45 pupils in home quarantine, on a phone 390 pixels wide."""

import time

import pytest

from service.persistence import tables as t
from tests.paths import observing
from tests.paths.world import World
from tests.web.browser.walk import People

pytestmark = pytest.mark.browser

PUPILS = tuple(f"学生{number:02d}号" for number in range(1, 46))


def test_45_normal_readings_take_no_minute(world: World, people: People) -> None:
    observing.at_home(world, PUPILS)
    world.go("18:00")
    nurse = people("nurse")
    nurse.open(f"/incidents/{world.incident}/readings")
    nurse.keep("round-empty")
    began = time.monotonic()
    page = nurse.page
    rows = page.locator(".round li")
    assert rows.count() == 45
    rows.nth(4).locator('input[type="number"]').fill("38.1")
    rows.nth(4).locator("summary").click()
    rows.nth(4).locator("label", has_text="干咳").click()
    rows.nth(17).locator('input[type="number"]').fill("36.9")
    rows.nth(17).locator("summary").click()
    rows.nth(17).locator("label", has_text="不在位").click()
    nurse.keep("round-typed")
    page.get_by_role("button", name="登记").click()
    page.wait_for_url("**/readings?saved=45*")
    assert time.monotonic() - began <= 60
    nurse.keep("round-done")
    assert len(world.rows(t.Record, form="F14", view="session")) == 45
    assert "t_session_record" not in world.open_tasks()
    assert page.locator(".grid-table .half.bad").count() == 1
    assert page.locator(".grid-table .half.out").count() == 1
    assert page.locator(".grid-table .half.ok").count() == 43


def test_a_wrong_value_stays_beside_its_error(world: World, people: People) -> None:
    observing.at_home(world, PUPILS[:3])
    world.go("18:00")
    nurse = people("nurse")
    nurse.open(f"/incidents/{world.incident}/readings")
    page = nurse.page
    page.locator('.round li input[type="number"]').nth(1).fill("48.1")
    page.get_by_role("button", name="登记").click()
    page.wait_for_selector(".round li.refused")
    nurse.keep("round-refused")
    assert page.locator('.round li.refused input[type="number"]').input_value() == "48.1"
    assert not world.rows(t.Record, form="F14", view="session")
