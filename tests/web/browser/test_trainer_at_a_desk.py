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
    clock = trainer.page.locator(".drill-clocks time").first
    before = clock.get_attribute("datetime") or ""
    trainer.tap(form.get_by_role("button", name="快进"))
    expect(clock).not_to_have_attribute("datetime", before)


def hand_over(trainer: Person) -> None:
    """Let the service play every role of a person, those without a task so far too."""
    everything = trainer.page.get_by_role("button", name="全部交给系统")
    trainer.tap(everything)
    expect(everything).to_be_hidden()


def lights(trainer: Person) -> list[str]:
    """What the objective lights say, without the names of the objectives."""
    return trainer.page.locator(".lights li small").all_inner_texts()


def test_sc16_from_the_first_fever_to_the_after_action_report(chromium: Browser, address: str) -> None:
    trainer = Person(chromium, address, "trainer", DESK)
    trainer.context.set_default_timeout(TOOK_LONG)
    trainer.open("/scenarios")
    trainer.tap(trainer.page.get_by_role("link", name="综合演练：确诊与14天观察"))
    trainer.page.locator("select[name=organisation]").first.select_option("demo-school")
    trainer.page.get_by_label("随机种子").fill("7")
    trainer.tap(trainer.page.get_by_role("button", name="开始演练"))
    trainer.page.wait_for_url("**/drills/*")
    drill = trainer.page.url.partition("?")[0].removeprefix(address)
    assert len(lights(trainer)) == 4
    trainer.tap(trainer.page.get_by_role("button", name="到下一步"))
    expect(trainer.page.locator("main")).to_contain_text("接报并派单")
    hand_over(trainer)
    ahead(trainer, 24, "hour")
    first_day = lights(trainer)
    assert first_day[0].startswith("达到"), first_day
    trainer.keep("drill-first-day")
    ahead(trainer, 17, "day")
    assert all(each.startswith("达到") for each in lights(trainer)), lights(trainer)
    trainer.keep("drill-at-its-end")
    trainer.open(f"{drill}/evaluation")
    trainer.keep("drill-evaluation")
    trainer.open(f"{drill}/report")
    expect(trainer.page.locator(".sheet")).to_contain_text("演练")
    assert trainer.complaints == []
    assert trainer.taps <= 20, "minutes, not hours, of one trainer"
