"""A product served on this machine, with a clock the test sets, and people with phones."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import APIRouter
from playwright.sync_api import Browser, expect, sync_playwright

from service.api import add_api
from tests.paths.world import World
from tests.web.browser.phone import DESK, PATIENCE, PHONE, Person
from tests.web.site import Pages, pages

CHROMIUM = "chromium"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


def _path() -> str:
    import shutil

    found = shutil.which(CHROMIUM) or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "the browser tests need Chromium on the search path"
    return found


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Pages]:
    """Pages and API of a school on Monday 2 March 2026 at 08:10."""
    with pages(tmp_path) as made:
        yield made


@pytest.fixture
def address(web: Pages) -> Iterator[str]:
    """Where they are served."""
    api = APIRouter()
    add_api(api, web.world.app)
    web.app.router.routes[:0] = api.routes
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web.app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def world(web: Pages) -> World:
    """What is behind the pages."""
    return web.world


@pytest.fixture
def people(chromium: Browser, address: str) -> Iterator[Callable[[str], Person]]:
    """People with phones by account; at the end nobody may have seen an error or a page wider than the screen."""
    with _people(chromium, address, PHONE) as person:
        yield person


@pytest.fixture
def desks(chromium: Browser, address: str) -> Iterator[Callable[[str], Person]]:
    """The same people at a desk."""
    with _people(chromium, address, DESK) as person:
        yield person


@contextmanager
def _people(chromium: Browser, address: str, size: Mapping[str, int]) -> Iterator[Callable[[str], Person]]:
    known: dict[str, Person] = {}

    def person(username: str) -> Person:
        if username not in known:
            known[username] = Person(chromium, address, username, size)
        return known[username]

    yield person
    complaints = {name: each.complaints for name, each in known.items() if each.complaints}
    for each in known.values():
        each.context.close()
    assert not complaints
