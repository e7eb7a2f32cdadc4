"""The pages of a whole product, asked for in memory the way a browser without scripts asks."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from fastapi import FastAPI
from lxml import html

from service.application import accounts
from service.demo.people import PASSWORD, usernames
from service.web import build_web
from tests.paths.world import World, at

Fields = Mapping[str, str | list[str]]


class Page:
    """An answer, read as HTML."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.text = answer.text
        self.path = answer.url.raw_path.decode()

    @property
    def tree(self) -> Any:
        """The parsed page."""
        return html.fromstring(self.text)

    def all(self, xpath: str) -> list[Any]:
        """Everything an XPath finds."""
        found: list[Any] = self.tree.xpath(xpath)
        return found

    def words(self, xpath: str) -> str:
        """The text of the first thing found, blanks drawn together."""
        found = self.all(xpath)
        return " ".join(found[0].text_content().split()) if found else ""

    def fields(self, form: str = "//form[@id='form']") -> dict[str, list[str]]:
        """What the browser would send of a form as it stands."""
        sent: dict[str, list[str]] = {}
        for name, value in html.fromstring(self.text).xpath(form)[0].form_values():
            sent.setdefault(name, []).append(value)
        return sent


class Browser:
    """Somebody with a cookie jar; redirects are followed."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.cookies = httpx.Cookies()

    def get(self, path: str, **headers: str) -> Page:
        """A page."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: Fields, **headers: str) -> Page:
        """A form as it is."""
        return self._ask("POST", path, fields, headers)

    def download(self, path: str, purpose: str = "handling") -> bytes:
        """A file that is handed out once it is said what for."""
        asked = self.get(path)
        assert asked.status == 200, asked.text
        return self.submit(asked, {"purpose": purpose}).answer.content

    def upload(self, path: str, fields: Fields, name: str, content: bytes, *, called: str = "sheet.xlsx") -> Page:
        """A form with a file."""
        return self._ask("POST", path, fields, {}, {name: (called, content)})

    def submit(self, page: Page, changes: Fields | None = None, form: str = "//form[@id='form']") -> Page:
        """The form of a page with some inputs changed."""
        action = page.all(form)[0].get("action")
        return self.post(urljoin(page.path, action), {**page.fields(form), **(changes or {})})

    def _ask(
        self, method: str, path: str, fields: Fields | None, headers: Mapping[str, str], files: Any = None
    ) -> Page:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", cookies=self.cookies) as client:
                answer = await client.request(method, path, data=fields, files=files, headers=dict(headers))
                while answer.is_redirect:
                    answer = await client.get(answer.headers["location"])
                self.cookies = client.cookies
                return answer

        return Page(asyncio.run(ask()))


class Pages:
    """A world with its pages."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app = FastAPI()
        build_web(self.app, world.app)
        self._browsers: dict[str, Browser] = {}

    def guest(self) -> Browser:
        """Somebody not signed in."""
        return Browser(self.app)

    def as_(self, username: str) -> Browser:
        """A demo account, signed in once."""
        if username not in self._browsers:
            browser = self.guest()
            page = browser.post("/sign-in", {"username": username, "password": "demo"})
            assert page.status == 200, page.text
            self._browsers[username] = browser
        return self._browsers[username]

    def task(self, username: str, element: str) -> Page:
        """The page of the open task of an element."""
        return self.as_(username).get(f"/tasks/{self.world.open_tasks()[element][0]}")


@contextmanager
def pages(folder: Path, start: str = "08:10") -> Iterator[Pages]:
    """Pages of a product with the demo district, on a clock of its own."""
    world = World(folder, at(start))
    with_passwords(world)
    try:
        yield Pages(world)
    finally:
        world.close()


def with_passwords(world: World) -> None:
    """Give every demo account the password of the demo; a world has none, since hashing is slow."""
    password = accounts.hash_any_password(PASSWORD)
    for username in usernames():
        account = world.who(username).account_id
        world.app.run(partial(accounts.set_password, account_id=account, password_hash=password))
