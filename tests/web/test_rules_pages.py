"""The rule book, and checking files on a page before they are deployed."""

import pytest

from service.engine import rule_examples
from service.engine.rules import RULES
from tests.web.site import Page, Pages

STUCK = rule_examples.files("join_deadlock", is_good=False)["sample.bpmn"]
SOUND = rule_examples.files("join_deadlock", is_good=True)["sample.bpmn"]


def test_every_rule_stands_in_the_book(web: Pages) -> None:
    browser = web.as_("cleaner")
    book = browser.get("/rules")
    assert book.status == 200
    assert {each.get("id") for each in book.all("//li[@id]")} == set(RULES)
    assert [link.get("href") for link in browser.get("/procedures").all("//a[@href='/rules']")]


@pytest.mark.soak
def test_every_rule_has_a_page(web: Pages) -> None:
    for name in RULES:
        assert web.as_("cleaner").get(f"/rules/{name}").status == 200, name


def test_rules_of_every_kind_have_a_page(web: Pages) -> None:
    first = {name.partition("_")[0]: name for name in RULES}
    for name in list(first.values())[::3]:
        assert web.as_("cleaner").get(f"/rules/{name}").status == 200, name


def test_a_rule_says_why_and_shows_both_examples(web: Pages) -> None:
    page = web.as_("nurse").get("/rules/join_deadlock")  # the cleaner of these tests reads English
    assert RULES["join_deadlock"].why in page.words("//main")
    assert len(page.all("//section//*[name()='svg']")) == 2
    assert page.all("//*[name()='svg']//*[contains(@class, 'stuck')]")
    assert "parallelGateway" in page.words("//pre")


def test_the_book_in_english(web: Pages) -> None:
    browser = web.as_("cleaner")
    browser.post("/me/language", {**browser.get("/me").fields("//form[@action='/me/language']"), "locale": "en"})
    page = browser.get("/rules/join_deadlock")
    assert RULES["join_deadlock"].why_en in page.words("//main")
    assert "A bad example" in page.words("//main")


def test_there_is_no_page_for_a_rule_that_does_not_exist(web: Pages) -> None:
    assert web.as_("cleaner").get("/rules/nonsense").status == 404


def check(web: Pages, who: str, content: bytes, act: str = "check") -> Page:
    browser = web.as_(who)
    fields: dict[str, str | list[str]] = {**browser.get("/rules/check").fields(), "act": act, "procedure": "sample"}
    return browser.upload("/rules/check", fields, "files", content, called="sample.bpmn")


def test_a_finding_is_drawn_with_the_way_to_it(web: Pages) -> None:
    page = check(web, "admin", STUCK)
    assert page.status == 422
    assert page.all("//a[@href='/rules/join_deadlock']")
    assert page.all("//*[name()='svg']//*[contains(@class, 'done')]")
    assert page.all("//*[name()='svg']//*[contains(@class, 'stuck')]")


def test_the_way_a_name_stays_missing_is_drawn(web: Pages) -> None:
    page = check(web, "admin", rule_examples.files("name_missing", is_good=False)["sample.bpmn"])
    assert page.status == 422
    assert page.all("//a[@href='/rules/name_missing']")
    assert "start → a → g → m → h" in page.words("//main")
    assert page.all("//*[name()='svg']//*[contains(@class, 'done')]")
    assert page.all("//*[name()='svg']//*[contains(@class, 'stuck')]")


def test_only_an_administrator_deploys_from_the_page(web: Pages) -> None:
    before = web.as_("admin").get("/procedures/sample").words("//main")
    assert check(web, "cleaner", SOUND, "deploy").status == 403
    assert web.as_("admin").get("/procedures/sample").words("//main") == before
    assert check(web, "admin", SOUND, "deploy").status == 200
    assert web.as_("admin").get("/procedures/sample").status == 200


def test_checking_changes_nothing(web: Pages) -> None:
    before = web.as_("admin").get("/procedures/sample").words("//main")
    assert check(web, "cleaner", SOUND).status == 200
    assert web.as_("admin").get("/procedures/sample").words("//main") == before
