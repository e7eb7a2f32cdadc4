"""Signing in by an OpenID Connect provider that really speaks the protocol, on this machine."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import RSAKey
from sqlalchemy import func, select

from service.bootstrap import Tocsin, build
from service.persistence.tables import sql
from service.settings import Settings
from service.web import build_web
from tests.paths.world import World, at
from tests.web.provider import CLIENT, SECRET, Provider, provider

START = "/sign-in/oidc?next=/incidents"


@dataclass
class Browser:
    """A browser that stops at every redirect."""

    app: FastAPI
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", cookies=self.cookies) as client:
                answer = await client.get(path)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def to_provider(self) -> str:
        """Where the provider sends the browser back to."""
        asked = self.get(START)
        assert asked.status_code == 303, asked.text
        back = httpx.get(asked.headers["location"]).headers["location"]
        return str(back.removeprefix("http://test"))


@dataclass
class House:
    """The product that knows the provider."""

    tocsin: Tocsin
    provider: Provider
    app: FastAPI

    def browser(self) -> Browser:
        return Browser(self.app)

    def counts(self) -> tuple[Any, Any]:
        with self.tocsin.read() as connection:
            tables = (sql.accounts, sql.memberships)
            return tuple(connection.execute(select(func.count()).select_from(each)).scalar() for each in tables)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("data")
    secret = folder / "client.secret"
    world = World(folder, at("08:10"))
    secret.write_text(f"{SECRET}\n", "utf-8")
    with provider(world.clock.now()) as made:
        known = {
            "oidc_issuer": made.issuer, "oidc_client_id": CLIENT, "oidc_client_secret_file": secret,
            "oidc_name": "县教育云", "base_url": "http://test",
        }  # fmt: skip
        settings = Settings(**{**world.settings.model_dump(), **known})
        tocsin = build(settings, world.clock, warm=world.app)
        app = FastAPI()
        build_web(app, tocsin)
        try:
            yield House(tocsin, made, app)
        finally:
            tocsin.stop()
            world.close()


@pytest.fixture(autouse=True)
def as_usual(house: House) -> None:
    """The provider vouches for the teacher again, and rightly."""
    house.provider.user, house.provider.changes, house.provider.signs_with = "teacher", {}, house.provider.key


def test_who_has_an_account_here_is_let_in(house: House) -> None:
    browser = house.browser()
    assert "用县教育云登录" in browser.get("/sign-in").text
    asked = parse_qs(urlsplit(browser.get(START).headers["location"]).query)
    assert (asked["code_challenge_method"], asked["response_type"], asked["scope"]) == (
        ["S256"], ["code"], ["openid profile"],
    )  # fmt: skip
    before = house.counts()
    answer = browser.get(browser.to_provider())
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    assert browser.get("/inbox").status_code == 200
    assert house.counts() == before
    with house.tocsin.read() as connection:
        log = connection.execute(select(sql.events.c.data).where(sql.events.c.type == "signed_in")).scalars().all()
    assert log[-1]["method"] == "oidc"


def refused(browser: Browser, back: str) -> bool:
    answer = browser.get(back)
    return answer.status_code == 401 and "没有成功" in answer.text and browser.get("/inbox").status_code == 303


def test_nobody_gets_an_account_or_a_switched_off_one(house: House) -> None:
    before = house.counts()
    house.provider.user = "somebody-else"
    browser = house.browser()
    assert refused(browser, browser.to_provider())
    assert house.counts() == before


def test_the_answer_must_fit_the_question_of_this_browser(house: House) -> None:
    browser, other = house.browser(), house.browser()
    back = browser.to_provider()
    assert refused(other, back)  # another browser: login fixation
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert refused(browser, back.replace(state, "made-up"))
    assert refused(browser, back)  # the question is used up by the wrong answer


def test_an_answer_counts_once(house: House) -> None:
    browser = house.browser()
    back = browser.to_provider()
    assert browser.get(back).status_code == 303
    again = house.browser()
    again.cookies = browser.cookies
    again.cookies.delete("tocsin_session")
    assert refused(again, back)


@pytest.mark.parametrize(
    "changes",
    [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"iss": "http://another"}, {"exp": 1}, {"exp": None},
     {"preferred_username": None}, {"preferred_username": 7}],
    ids=str,
)  # fmt: skip
def test_a_token_that_says_anything_wrong_opens_nothing(house: House, changes: dict[str, Any]) -> None:
    house.provider.changes = changes
    browser = house.browser()
    assert refused(browser, browser.to_provider())


def test_a_token_signed_by_somebody_else_opens_nothing(house: House) -> None:
    house.provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
    browser = house.browser()
    assert refused(browser, browser.to_provider())


def test_a_provider_that_is_away_is_said_to_be(house: House) -> None:
    settings = Settings(**{**house.tocsin.settings.model_dump(), "oidc_issuer": "http://127.0.0.1:9"})
    tocsin = build(settings, house.tocsin.clock, warm=house.tocsin)
    app = FastAPI()
    build_web(app, tocsin)
    try:
        answer = Browser(app).get(START)
        assert (answer.status_code, "联系不上" in answer.text) == (502, True)
    finally:
        tocsin.stop()


def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    world = World(tmp_path, at("08:10"))
    app = FastAPI()
    build_web(app, world.app)
    try:
        assert Browser(app).get(START).status_code == 404
        assert "/sign-in/oidc" not in Browser(app).get("/sign-in").text
    finally:
        world.close()
