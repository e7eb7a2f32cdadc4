"""What scripts add: taking back, live updates, the drawing, the clock, fields that appear; on a phone and at a desk."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.paths.school import DETAILS, quick
from tests.paths.world import World
from tests.web.browser.phone import DESK, Person

pytestmark = pytest.mark.browser

People = Callable[[str], Person]


def reported(world: World) -> str:
    return world.open("teacher", quick())


def test_a_step_done_with_one_tap_can_be_taken_back(world: World, people: People) -> None:
    reported(world)
    task = world.open_tasks()["t_office_accept"][0]
    coordinator = people("coordinator")
    coordinator.open("/inbox")
    row = coordinator.page.locator(f"#task-{task}")
    row.get_by_role("button", name="完成").click()
    expect(coordinator.page.locator("#toast")).to_contain_text("接报并派单")
    coordinator.page.get_by_role("button", name="撤销").click()
    expect(coordinator.page.locator("#toast")).to_be_hidden()
    expect(row.get_by_role("button", name="完成")).to_be_enabled()
    coordinator.open("/incidents")
    assert "t_office_accept" in world.open_tasks()


def test_an_open_page_follows_what_others_do(world: World, people: People) -> None:
    incident = reported(world)
    principal = people("principal")
    with principal.page.expect_response("**/api/v1/events"):
        principal.open(f"/incidents/{incident}")
    heard = principal.page.locator("ol.timeline")
    expect(heard).not_to_contain_text("佩戴口罩带离")
    principal.page.wait_for_timeout(500)  # its answer has begun, now it listens
    world.do("teacher", "t_mask_escort", DETAILS)
    expect(heard).to_contain_text("佩戴口罩带离")


def test_a_page_left_open_says_that_the_session_has_ended(world: World, people: People) -> None:
    incident = reported(world)
    principal = people("principal")
    with principal.page.expect_response("**/api/v1/events"):
        principal.open(f"/incidents/{incident}")
    principal.page.wait_for_timeout(1500)  # the stream is open and what was to be fetched is there
    world.go("21:00")
    notice = principal.page.get_by_role("alert").filter(has_text="登录已过期")
    expect(notice).to_be_visible()
    notice.get_by_role("link", name="重新登录").click()
    principal.page.wait_for_url(re.compile("/sign-in"))
    assert incident in principal.page.url


def test_the_drawing_can_be_zoomed_and_shows_where_things_stand(world: World, chromium: Browser, address: str) -> None:
    incident = reported(world)
    desk = Person(chromium, address, "coordinator", DESK)
    desk.open(f"/incidents/{incident}/diagram?page=school_detection")
    shape = desk.page.locator('.board-viewer [data-element-id="t_mask_escort"]').first
    expect(shape).to_have_class(re.compile(r"\blook-soon\b"))
    expect(desk.page.locator(".bjs-powered-by")).to_be_visible()
    expect(desk.page.locator(".board-viewer .token").first).to_have_text("1")
    before = shape.bounding_box()
    desk.page.get_by_role("button", name="放大").click()
    after = shape.bounding_box()
    assert before
    assert after
    assert after["width"] > before["width"]
    shape.click()
    expect(desk.page.locator("#step-t_mask_escort")).to_have_class("step chosen")
    assert desk.complaints == []
    desk.context.close()


def test_the_counter_ticks_by_the_clock_of_the_server(world: World, people: People) -> None:
    reported(world)
    world.go("08:14")
    coordinator = people("coordinator")
    coordinator.open("/inbox")
    count = coordinator.page.locator("[data-due] b").first
    expect(count).to_have_text(re.compile("^00:[0-5][0-8]$"))  # due at 08:15, and two seconds have passed


def test_a_field_appears_when_it_applies(world: World, people: People) -> None:
    reported(world)
    world.do("teacher", "t_mask_escort", DETAILS)
    world.do("coordinator", "t_office_accept")
    coordinator = people("coordinator")
    coordinator.start(world.open_tasks()["s_call_120"][0])
    answered = coordinator.page.locator('[name="answered_by"]')
    coordinator.enter({"outcome": "未接通"})
    expect(answered).to_be_hidden()
    coordinator.enter({"outcome": "已接通"})
    expect(answered).to_be_visible()


def test_a_draft_is_kept_by_itself(world: World, people: People) -> None:
    reported(world)
    task = world.open_tasks()["t_mask_escort"][0]
    teacher = people("teacher")
    teacher.start(task)
    teacher.enter({"epi_history": "false", "measures_taken": ["带离"]})
    expect(teacher.page.locator("#saved")).to_contain_text("草稿保存于")
    teacher.open(f"/tasks/{task}")
    expect(teacher.page.locator('[name="measures_taken"][value="带离"]')).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_way_by_keyboard_begins_with_a_link_to_the_content(
    world: World, chromium: Browser, address: str, scheme: str
) -> None:
    reported(world)
    desk = Person(chromium, address, "coordinator", DESK)
    desk.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    desk.open("/inbox")
    desk.page.keyboard.press("Tab")
    expect(desk.page.locator(".skip")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("main")).to_be_focused()
    desk.context.close()


def test_everything_works_without_scripts(world: World, chromium: Browser, address: str) -> None:
    reported(world)
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(address + "/sign-in")
    page.get_by_role("button", name="防控办公室").click()
    task = world.open_tasks()["t_office_accept"][0]
    page.locator(f"#task-{task}").get_by_role("button", name="完成").click()
    expect(page.locator(".said")).to_contain_text("已提交")
    assert "t_office_accept" not in world.open_tasks()
    page.goto(f"{address}/incidents/{world.incident}/diagram?page=school_detection")
    expect(page.locator(".board-picture svg")).to_be_visible()
    context.close()
