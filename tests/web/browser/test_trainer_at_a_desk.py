"""One trainer alone, in a real browser: the first day of SC02, then its fourteen days of observation (SC16)."""

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browser.phone import DESK, Person

pytestmark = pytest.mark.browser

TOOK_LONG = 120_000  # milliseconds a jump of days may take on a slow machine


def ahead(trainer: Person, number: int, unit: str) -> None:
    """Jump."""
    form = trainer.page.locator("form", has=trainer.page.locator("#number"))
    form.locator("#number").fill(str(number))
    form.locator("select[name=unit]").select_option(unit)
    trainer.tap(form.get_by_role("button", name="快进"))
    expect(trainer.page.locator(".said")).to_be_visible()


def hand_over(trainer: Person) -> None:
    """Let the service play whatever role has something to do and waits for a person."""
    buttons = trainer.page.get_by_role("button", name="交给系统")
    while buttons.count():
        trainer.tap(buttons.first)
        expect(trainer.page.locator(".said")).to_be_visible()


def lights(trainer: Person) -> list[str]:
    """What the objective lights say, without the names of the objectives."""
    return trainer.page.locator(".lights li small").all_inner_texts()


def test_sc16_from_the_first_fever_to_the_after_action_report(chromium: Browser, address: str) -> None:
    trainer = Person(chromium, address, "trainer", DESK)
    trainer.context.set_default_timeout(TOOK_LONG)
    trainer.open("/scenarios")
    trainer.tap(trainer.page.get_by_role("link", name="综合演练：确诊与14天观察"))
    trainer.page.locator("select[name=organisation]").first.select_option("demo-school")
    trainer.tap(trainer.page.get_by_role("button", name="开始演练"))
    trainer.page.wait_for_url("**/drills/*")
    drill = trainer.page.url.partition("?")[0].removeprefix(address)
    assert len(lights(trainer)) == 4
    trainer.tap(trainer.page.get_by_role("button", name="到下一步"))
    expect(trainer.page.locator("main")).to_contain_text("接报并派单")
    for _ in range(8):  # the first day, hours at a time, as roles that people play come to have something to do
        hand_over(trainer)
        ahead(trainer, 3, "hour")
    first_day = lights(trainer)
    assert first_day[0].startswith("达到"), first_day
    trainer.keep("drill-first-day")
    for _ in range(17):
        hand_over(trainer)
        ahead(trainer, 1, "day")
    assert all(each.startswith("达到") for each in lights(trainer)), lights(trainer)
    trainer.keep("drill-at-its-end")
    trainer.open(f"{drill}/evaluation")
    trainer.keep("drill-evaluation")
    trainer.open(f"{drill}/report")
    expect(trainer.page.locator(".sheet")).to_contain_text("演练")
    assert trainer.complaints == []
    assert trainer.taps <= 120, "minutes, not hours, of one trainer"
