"""A person at a phone: signs in, works tasks from the inbox, and notices what a page does wrong."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect

from service.demo.people import PASSWORD

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
PICTURES = os.environ.get("TOCSIN_SCREENSHOTS", "")

_UNFOLD = """each => {
  for (let up = each.closest("details"); up; up = up.parentElement.closest("details")) up.open = true;
}"""

Answers = Mapping[str, str | list[str]]


PATIENCE = 30_000  # milliseconds until a page is given up; a machine may have other things to do


class Person:
    """One account in a browser of its own; `complaints` are errors of scripts, of the policy, and overflowing pages."""

    def __init__(self, browser: Browser, address: str, username: str, size: Mapping[str, int] = PHONE) -> None:
        self.context = browser.new_context(viewport={"width": size["width"], "height": size["height"]}, locale="zh-CN")
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.address = address
        self.username = username
        self.complaints: list[str] = []
        self.taps = 0
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._sign_in()

    def _heard(self, kind: str, text: str) -> None:
        # A form that is refused answers 422, which the browser reports as a failed load; that is meant.
        if kind == "error" and "422" not in text:
            self.complaints.append(text)

    def _sign_in(self) -> None:
        self.page.goto(f"{self.address}/sign-in")
        self.page.get_by_label("用户名").fill(self.username)
        self.page.get_by_label("密码").fill(PASSWORD)
        self.page.locator("form.card button[type=submit]").click()
        self.page.wait_for_url("**/inbox*")

    # --- looking --------------------------------------------------------------------------------

    def open(self, path: str) -> None:
        """Go to a page; who has been away for days signs in again first."""
        self.page.goto(self.address + path)
        if urlsplit(self.page.url).path == "/sign-in":
            self._sign_in()
            self.page.goto(self.address + path)
        self.look()

    def look(self) -> None:
        """Nothing may be wider than the screen."""
        extra = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if extra > 0:
            self.complaints.append(f"{urlsplit(self.page.url).path} is {extra} px too wide")

    def keep(self, name: str) -> None:
        """Keep a picture where the run was asked for pictures."""
        if PICTURES:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}.png", full_page=True)

    def put_away(self) -> None:
        """Leave the page."""
        self.page.goto("about:blank")

    def said(self) -> str:
        """What the page says was just done."""
        return self.page.locator(".said").inner_text()

    # --- working --------------------------------------------------------------------------------

    def tap(self, place: Locator) -> None:
        """One tap, counted."""
        place.click()
        self.taps += 1

    def start(self, task: str) -> None:
        """Open a task from the inbox."""
        self.open("/inbox")
        self.page.locator(f"#task-{task} h3 a").click()
        self.page.wait_for_url(f"**/tasks/{task}")
        self.look()

    def enter(self, answers: Answers) -> None:
        """Fill in fields by their name."""
        for name, value in answers.items():
            for each in value if isinstance(value, list) else [value]:
                self._enter(name, each)

    def _enter(self, name: str, value: str) -> None:
        choice = self.page.locator(f'[name="{name}"][value="{value}"]:is([type=radio], [type=checkbox])')
        field = choice.first if choice.count() else self.page.locator(f'[name="{name}"]:not([type=hidden])').first
        self._unfold(field)
        if choice.count():
            field.check(force=True)
        elif field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(value)
        elif field.get_attribute("type") == "file":
            field.set_input_files({"name": value, "mimeType": "application/pdf", "buffer": b"%PDF-1.4 certificate"})
        else:
            field.fill(value)

    def _unfold(self, field: Locator) -> None:
        """Open what a field is folded away in, as a person does."""
        field.evaluate(_UNFOLD)

    def submit(self) -> None:
        """Press the filled button at the bottom; the page says what was done."""
        before = self.page.url
        self.page.locator(".actions .btn.primary").click()
        self.page.wait_for_url(lambda url: url != before or "said=" in url)
        expect(self.page.locator(".said")).to_be_visible()
        self.look()

    def do(self, task: str, answers: Answers | None = None) -> None:
        """Answer a task from the inbox."""
        self.start(task)
        self.enter(answers or {})
        self.submit()

    def finish(self, task: str) -> None:
        """Finish a simple step in the inbox; leaving the page sends it at once."""
        self.open("/inbox")
        self.page.locator(f"#task-{task}").get_by_role("button", name="完成").click()
        expect(self.page.locator("#toast")).to_be_visible()
        self.open("/incidents")
