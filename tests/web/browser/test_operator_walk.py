"""What an administrator sees of versions and stopped processes, on a phone and at a desk, in both languages."""

from collections.abc import Mapping

import pytest
from playwright.sync_api import Browser, expect

from service.domain.errors import EngineFailed
from tests.paths import school
from tests.paths.versions import ALARM, FAILS, changed, content_of, deployed, inserted
from tests.paths.world import World
from tests.web.browser.phone import DESK, PHONE, Person

pytestmark = pytest.mark.browser

SENDING = "f_t_small_written_s_small_send"
VERSIONS = f"/procedures/{ALARM}/versions"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_versions_and_stopped_processes(
    chromium: Browser, address: str, world: World, size: Mapping[str, int], locale: str
) -> None:
    w, name = world, f"{locale}-{size['width']}"
    for _ in range(2):
        w.open("teacher", school.quick(), ALARM)
    deployed(w, inserted(content_of(ALARM), SENDING, FAILS))
    w.open("teacher", school.quick(), ALARM)
    with pytest.raises(EngineFailed):
        school.draft(w, "t_small_written")
    named = ('name="起草书面报告"', 'name="起草成文报告"')
    lane = ('tocsin:role="epi_office" tocsin:form="F08', 'tocsin:role="school_leader" tocsin:form="F08')
    deployed(w, changed(ALARM, named, lane))
    admin = Person(chromium, address, "admin", size)
    admin.open("/me")
    admin.page.locator(f"button[name=locale][value={locale}]").click()
    admin.open("/engine-incidents")
    admin.keep(f"stopped-list-{name}")
    admin.page.locator("a[href*='resolve']").click()
    admin.look()
    admin.keep(f"stopped-resolve-{name}")

    admin.open(f"{VERSIONS}/3")
    admin.keep(f"version-{name}")
    admin.page.locator("#reason").fill("指引调整")
    admin.page.locator("#form button").click()
    admin.look()
    admin.keep(f"version-preview-{name}")
    admin.page.locator("button[form=form]").click()
    expect(admin.page.locator("#progress")).to_contain_text("0 / 3")
    w.app.worker.tick()
    expect(admin.page.locator("#progress")).to_contain_text("3 / 3")
    admin.look()
    admin.keep(f"version-progress-{name}")
    assert admin.complaints == []
    admin.context.close()
