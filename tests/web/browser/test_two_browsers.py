"""Two people at two browsers in the same second: both are heard, neither is lost."""

import pytest
from playwright.sync_api import Browser

from tests.paths import tracing, variants
from tests.paths.world import World
from tests.web.browser.phone import DESK, Person

pytestmark = pytest.mark.browser

OFFICE = "coordinator"


def test_two_contacts_who_report_themselves_in_the_same_second(world: World, chromium: Browser, address: str) -> None:
    case = variants.confirmed(world)
    tracing.history(world)
    tracing.initial(world, [tracing.contact(world, name) for name in tracing.NEIGHBOURS])
    both = [Person(chromium, address, OFFICE, DESK) for _ in range(2)]
    for person, name in zip(both, ("学生乙丑", "学生乙寅"), strict=True):
        person.open(f"/incidents/{world.incident}/actions/msg_contact_self_report")
        person.enter({
            "person.name": name, "person.person_type": "student", "person.org_unit": "demo-school-7-3",
            "contact_place": "食堂", "last_contact": "2026-03-02T08:00",
        })  # fmt: skip
    for person in both:  # neither waits for the other's answer
        person.page.evaluate("setTimeout(() => document.querySelector('.actions .btn.primary').click(), 300)")
    for person in both:
        person.page.wait_for_url("**?said=acted")
        assert person.complaints == []
        person.context.close()
    found = tracing.contacts(world, case_id=case)
    assert {"学生乙丑", "学生乙寅"} <= set(found)
    assert len(found) == len(tracing.NEIGHBOURS) + 2
    codes = [row["code"] for row in tracing.people(world) if row["kind"] == "contact"]
    assert sorted(codes) == ["密接01", "密接02"]
    assert len({row["registered_at"] for name, row in found.items() if name.startswith("学生乙")}) == 1
