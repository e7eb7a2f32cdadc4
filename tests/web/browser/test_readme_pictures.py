"""The pictures of the README: what people of a school see on the third day of a confirmed case.

`make pictures` keeps them in tests/web/pictures; any other run only looks that the pages are well.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.paths import drilling, observing, school, tracing
from tests.paths.test_scenarios import begin
from tests.paths.world import World
from tests.web.browser.phone import DESK, PHONE, Person

pytestmark = pytest.mark.browser

KEPT = os.environ.get("TOCSIN_PICTURES", "")


def third_day(w: World) -> tuple[str, str]:
    """A case confirmed on Monday, four contacts observed since; on Wednesday a second pupil has a fever."""
    observing.listed(w)
    reported(w, "t_draft_initial")
    school.tell_parents(w, "理解配合", 1, "t_inform_family")
    w.go("10:30")
    people = [tracing.person(w, name) for name in tracing.NEIGHBOURS]
    for person in people:
        observing.moved(w, person)
    confirmed = w.incident
    for day in ("03-02", "03-03"):
        w.go(f"{day} 16:20")
        reported(w, "t_draft_progress")
        w.go(f"{day} 17:30")
        observing.record(w, "晚", others=observing.NORMAL)
        if day == "03-02":
            w.go("03-03 07:30")
            observing.record(w, "早", others=observing.NORMAL)
    w.go("03-04 07:30")
    observing.record(w, "早", observing.reading(people[0], 37.4, symptoms=["cough"]), others=observing.NORMAL)
    w.go("03-04 09:00")
    w.open("teacher", school.quick("学生甲辰", 37.9))
    school.detection(w)
    w.do("coordinator", "t_office_accept")
    w.go("03-04 09:04")
    return confirmed, w.incident


def reported(w: World, draft: str) -> None:
    """A report is drafted, signed and sent."""
    school.draft(w, draft)
    school.sign(w)


def picture(chromium: Browser, address: str, who: str, size: Mapping[str, int], pages: Mapping[str, str]) -> None:
    """Open pages as somebody and keep each under its name; a name that ends in `-en` is seen in English."""
    person = Person(chromium, address, who, size)
    for name, path in pages.items():
        locale = "en" if name.endswith("-en") else "zh_CN"
        person.open("/me")
        person.page.locator(f"button[name=locale][value={locale}]").click()
        person.open(path)
        if path.endswith("/diagram"):
            person.page.locator(".djs-shape").first.wait_for()
        if KEPT:
            Path(KEPT).mkdir(parents=True, exist_ok=True)
            person.page.screenshot(path=Path(KEPT) / f"{name}.png")
    assert person.complaints == []
    person.context.close()


def test_the_pages_of_the_readme_are_well(chromium: Browser, address: str, world: World) -> None:
    confirmed, today = third_day(world)
    task = world.open_tasks()["s_call_120"][0]
    of_coordinator = {"inbox": "/inbox", "inbox-en": "/inbox", "task": f"/tasks/{task}", "task-en": f"/tasks/{task}"}
    picture(chromium, address, "coordinator", PHONE, of_coordinator)
    readings = f"/incidents/{confirmed}/readings"
    picture(chromium, address, "nurse", PHONE, {"round": readings, "round-en": readings})
    picture(chromium, address, "nurse", DESK, {"grid": readings, "grid-en": readings})
    at_the_desk = {
        "timeline": f"/incidents/{today}", "timeline-en": f"/incidents/{today}",
        "diagram": f"/incidents/{confirmed}/diagram", "diagram-en": f"/incidents/{confirmed}/diagram",
        "people-en": f"/incidents/{confirmed}/people",
    }  # fmt: skip
    picture(chromium, address, "principal", DESK, at_the_desk)
    drill = begin(world, "sc01_excluded_case", trial=False)
    drilling.clock(world, "advance", by="PT6M")
    picture(chromium, address, "trainer", DESK, {"control-room": f"/drills/{drill}"})
    drilling.clock(world, "advance", by="PT3H")
    picture(chromium, address, "trainer", DESK, {"evaluation": f"/drills/{drill}/evaluation"})
