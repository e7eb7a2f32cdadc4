"""The evaluation and the report of a drill as they come out of a printer."""

import pytest
from playwright.sync_api import Browser, expect

from tests.paths import reviewing
from tests.paths.world import World
from tests.web.browser.phone import DESK, Person

pytestmark = pytest.mark.browser

SEEN = "each => each.filter(one => one.checkVisibility()).length"
HOLLOW = "all => all.filter(one => one.checkVisibility() && !one.innerText.includes('\\n')).length"  # a heading alone
HEADS = "all => [...new Set(all.map(one => getComputedStyle(one).display))]"
ROWS = "all => [...new Set(all.map(one => getComputedStyle(one).breakInside))]"


def test_evaluation_and_report_print_without_buttons_and_break_between_rows(
    world: World, chromium: Browser, address: str
) -> None:
    drill = reviewing.two_failures(world)
    trainer = Person(chromium, address, "trainer", DESK)
    page = trainer.page
    for path in ("evaluation", "report", "report?layout=record"):
        trainer.open(f"/drills/{drill}/{path}")
        assert page.eval_on_selector_all("button, .btn", SEEN) > 0
        page.emulate_media(media="print")
        assert page.eval_on_selector_all("button, .btn, nav, textarea, .drill-cards", SEEN) == 0
        is_document = path != "evaluation"
        assert page.eval_on_selector_all(".drill-band, .page-head", SEEN) == (0 if is_document else 2)
        expect(page.locator(".mark-drill" if is_document else ".drill-band")).to_contain_text("演练")
        assert set(page.eval_on_selector_all("thead", HEADS)) <= {"table-header-group"}
        assert page.eval_on_selector_all("tbody tr:not(.long)", ROWS) == ["avoid"]
        assert set(page.eval_on_selector_all("tr.long", ROWS)) == ({"auto"} if "record" in path else set())
        assert page.eval_on_selector_all("section.card", HOLLOW) == 0
        page.emulate_media(media="screen")
    trainer.keep("drill-report")
    assert trainer.complaints == []
    trainer.context.close()
