"""What browsers are told about our cookies: over HTTPS they are Secure, bound to this host, and hidden from scripts."""

import asyncio
import re
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
import yaml
from fastapi import FastAPI

from service.settings import ROOT
from service.web import build_web
from tests.web.site import Pages

PROXY: str = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["configs"]["proxy"]["content"]


def cookies_of(app: FastAPI, address: str, who: str = "nurse") -> dict[str, Morsel[str]]:
    """The cookies that signing in sets, by name."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=address) as client:
            return await client.post("/sign-in", data={"username": who, "password": "demo"})

    found: dict[str, Morsel[str]] = {}
    for line in asyncio.run(ask()).headers.get_list("set-cookie"):
        found.update(SimpleCookie(line))
    return found


def behind(web: Pages, *, secure: bool) -> FastAPI:
    """The same product with another setting."""
    settings = web.world.app.settings.model_copy(update={"secure_cookies": secure})
    app = FastAPI()
    build_web(app, replace(web.world.app, settings=settings))
    return app


@pytest.mark.parametrize(
    ("address", "secure"), [("https://test", False), ("http://test", True), ("https://test", True)]
)
def test_over_https_the_session_cookie_belongs_to_this_host_alone(web: Pages, address: str, secure: bool) -> None:
    found = cookies_of(behind(web, secure=secure), address)
    session = found["__Host-tocsin_session"]
    assert (session["secure"], session["httponly"], session["path"]) == (True, True, "/")
    assert (session["domain"], session["samesite"].lower()) == ("", "lax")
    assert int(session["max-age"]) > 0
    assert [name for name in found if not name.startswith("__Host-") and found[name].value] == []


def test_without_https_the_cookie_says_so_by_its_name(web: Pages) -> None:
    found = cookies_of(behind(web, secure=False), "http://test")
    assert (found["tocsin_session"]["secure"], found["tocsin_session"]["httponly"]) == ("", True)
    assert "__Host-tocsin_session" not in found


def test_a_cookie_of_the_other_name_opens_nothing(web: Pages) -> None:
    """What a plain page of a neighbour could set is not taken for the cookie of HTTPS."""
    app = behind(web, secure=True)
    secret = cookies_of(app, "http://test")["__Host-tocsin_session"].value

    async def ask(name: str) -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://test", cookies={name: secret}) as client:
            return (await client.get("/inbox")).status_code

    assert asyncio.run(ask("__Host-tocsin_session")) == 200
    assert asyncio.run(ask("tocsin_session")) == 303


def test_the_people_of_one_school_have_the_same_home_and_no_other_has_it(web: Pages) -> None:
    homes = {
        who: cookies_of(behind(web, secure=False), "http://test", who)["tocsin_home"].value
        for who in ("nurse", "teacher", "principal2")
    }
    assert homes["nurse"] == homes["teacher"] != homes["principal2"]


@pytest.mark.parametrize("secure", [False, True])
def test_the_proxy_of_compose_reads_the_home_a_browser_sends(web: Pages, secure: bool) -> None:
    found = cookies_of(behind(web, secure=secure), "http://test")
    sent = "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())
    (line,) = [each for each in PROXY.splitlines() if "header_regexp home Cookie" in each]
    read = re.search(line.split('"')[1], sent)
    assert read is not None
    assert read[1] == next(morsel.value for name, morsel in found.items() if name.endswith("tocsin_home"))
