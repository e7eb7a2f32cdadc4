"""Reads every page somebody can reach, the way one walks through them in English, and finds Chinese left over."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

from lxml import html

from tests.web.site import Browser, Page

HAN = re.compile(r"[\u3400-\u9fff，。：；（）、！？]+")
# What people read beside the text itself.
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "data-left", "data-late")
STARTS = ("/inbox", "/incidents", "/procedures", "/policies", "/partner", "/engine-incidents", "/report", "/me")
# Addresses that differ only in these parts show the same kind of page.
TELLING = frozenset({"page", "view", "instance", "before", "after"})
FORM = re.compile(r"^/procedures/[^/]+/forms/")
NOT_PAGES = re.compile(r"\.(docx|bpmn|xlsx|csv|json)$|^/(static|sign-out|attachments)")


def in_english(browser: Browser) -> Browser:
    """The same person, from now on in English."""
    return _speaking(browser, "en")


def in_chinese(browser: Browser) -> Browser:
    """The same person, from now on in Chinese again."""
    return _speaking(browser, "zh_CN")


def _speaking(browser: Browser, locale: str) -> Browser:
    browser.post("/me/language", {**browser.get("/me").fields("//form[@action='/me/language']"), "locale": locale})
    return browser


def pages(browser: Browser, *, most: int) -> Iterator[Page]:
    """Every page that can be reached from the navigation, breadth first."""
    queue, seen = list(STARTS), set[str]()
    while queue and len(seen) < most:
        address = queue.pop(0)
        if _kind(address) in seen:
            continue
        seen.add(_kind(address))
        page = browser.get(address)
        yield page
        if page.status == 200:
            queue += [each for each in _links(page) if _kind(each) not in seen]


def chinese_in(page: Page, allowed: Iterable[str]) -> set[str]:
    """What a page says in Chinese that is neither marked as such nor somebody's name or words."""
    return {text for text in _said(page.tree) if HAN.search(without(text, allowed))}


def without(text: str, allowed: Iterable[str]) -> str:
    """A text without the words that are allowed; a single character is one only where it stands alone."""
    for each in allowed:
        text = "" if text == each else text.replace(each, "") if len(each) > 1 else text
    return text


def _said(tree: html.HtmlElement) -> Iterator[str]:
    """Every text of a page outside of what is marked as Chinese."""
    if tree.get("lang", "").startswith("zh") or tree.tag in ("script", "style"):
        return
    for name in ATTRIBUTES:
        if tree.get(name):
            yield tree.get(name)
    if tree.text and tree.text.strip():
        yield tree.text.strip()
    for child in tree:
        if isinstance(child.tag, str):
            yield from _said(child)
        if child.tail and child.tail.strip():
            yield child.tail.strip()


def _links(page: Page) -> list[str]:
    found = [urljoin(page.path, each) for each in page.all("//a/@href")]
    return [
        each.partition("#")[0] for each in found if each.startswith("/") and not NOT_PAGES.search(urlsplit(each).path)
    ]


def _kind(address: str) -> str:
    """What makes a page a different one: its path, and the parts of the query that say what it is about.

    A form reads the same in whatever procedure it is looked at; one diagram of an instance stands for its pages.
    """
    parts = urlsplit(address)
    path = FORM.sub("/procedures/-/forms/", parts.path)
    telling = TELLING - {"page"} if path.endswith("/diagram") else TELLING
    query = sorted((name, *values) for name, values in parse_qs(parts.query).items() if name in telling)
    return f"{path}?{query}"
