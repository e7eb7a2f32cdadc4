"""The library on a phone and at a desk, in both languages: nothing too wide, no complaint, a table tried out."""

from collections.abc import Mapping

import pytest
from playwright.sync_api import Browser, expect

from tests.web.browser.phone import DESK, PHONE, Person

pytestmark = pytest.mark.browser

PROCEDURE = "/procedures/school_suspected_case"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_the_library_is_read_and_a_table_tried_out(
    chromium: Browser, address: str, size: Mapping[str, int], locale: str
) -> None:
    reader = Person(chromium, address, "manager", size)
    reader.open("/me")
    reader.page.locator(f"button[name=locale][value={locale}]").click()
    for path, name in (
        ("/procedures", "list"),
        (PROCEDURE, "procedure"),
        (f"{PROCEDURE}/forms/F01?view=quick", "form"),
    ):
        reader.open(path)
        reader.keep(f"library-{name}-{locale}-{size['width']}")
    reader.open(f"{PROCEDURE}/decisions/D04")
    reader.page.locator("#D04_i1").select_option("excluded")
    reader.page.locator("#D04_i2").select_option("false")
    reader.page.locator("#try button").click()
    expect(reader.page.locator("#try [role=status] a")).to_have_attribute("href", "#row-5")
    expect(reader.page.locator("tr.hit th")).to_contain_text("5")
    reader.look()
    reader.keep(f"library-decision-{locale}-{size['width']}")
    reader.open(f"{PROCEDURE}/differences")
    assert reader.complaints == []
    reader.context.close()
