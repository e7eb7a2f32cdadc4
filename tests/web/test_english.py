"""Everything there is to read, for somebody who has chosen English: nothing is in Chinese but what people typed.

Allowed are names of people, places and accounts, and the words people wrote into fields of free text.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from service.bootstrap import Tocsin, build
from service.demo import district
from service.domain.clock import SettableClock
from service.domain.form_definitions import Field
from service.persistence.tables import sql
from service.settings import Settings
from service.web import build_web
from tests.paths import test_sc01_excluded_case as sc01
from tests.paths.world import World, at
from tests.stores import chosen_url
from tests.unit.test_demo import deploy
from tests.web.english import HAN, chinese_in, in_english, pages, without
from tests.web.site import Browser, Pages, with_passwords

FREE = frozenset({"str", "text", "file", "file_or_text", "sign", "org", "ref"})
NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


class Reading:
    """A product and the words in it that are nobody's but their author's."""

    def __init__(self, tocsin: Tocsin) -> None:
        self.tocsin = tocsin
        self.app = FastAPI()
        build_web(self.app, tocsin)
        self.allowed = sorted(self._names() | self._typed(), key=len, reverse=True)

    def browser(self, username: str) -> Browser:
        browser = Browser(self.app)
        assert browser.post("/sign-in", {"username": username, "password": "demo"}).status == 200
        return in_english(browser)

    def _names(self) -> set[str]:
        with self.tocsin.read() as connection:
            accounts = set(connection.execute(select(sql.accounts.c.name)).scalars())
            places = set(connection.execute(select(sql.places.c.name)).scalars())
            shifts = set(connection.execute(select(sql.shifts.c.name)).scalars())
            channels = set(connection.execute(select(sql.channels.c.name)).scalars())
            reasons = set(connection.execute(select(sql.absences.c.reason)).scalars())
            members = self._opened(connection, sql.members)
            persons = self._opened(connection, sql.persons)
        people = {str(each.get("name") or "") for each in (*members, *persons)}
        masked = {f"{name[:1]}{'*' * length}" for name in people if name for length in (1, 2, 3)}
        named = accounts | places | shifts | channels | reasons
        return {name for name in named | people | masked | {name[-1:] for name in accounts} if name}

    def _typed(self) -> set[str]:
        """What stands in fields of free text."""
        found = set[str]()
        with self.tocsin.read() as connection:
            rows = connection.execute(select(sql.records)).mappings().all()
            for row in rows:
                values = {**row["data"], **self._sealed(connection, row["sealed"])}
                fields = self.tocsin.services.forms.form(row["form"]).fields
                for key, value in values.items():
                    found |= set(_written(fields[key], value)) if key in fields else set()
        return {text for text in found if text}

    def _opened(self, connection: Any, table: Any) -> list[dict[str, Any]]:
        return [self._sealed(connection, text) for text in connection.execute(select(table.c.sealed)).scalars()]

    def _sealed(self, connection: Any, text: str | None) -> dict[str, Any]:
        parts = self.tocsin.sealer.open_all(connection, json.loads(text or "{}"))
        return {key: value for part in parts.values() for key, value in part.items()}


def _written(field: Field, value: Any) -> Iterator[str]:
    """The texts somebody wrote into a field; the codes of a list are not his words."""
    if isinstance(value, list):
        for item in value:
            yield from _written(field.item or field, item)
    elif isinstance(value, dict) and field.parts:
        for part in field.parts:
            yield from _written(part, value.get(part.key))
    elif field.type in FREE:
        yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (value, *value.splitlines())
    elif isinstance(value, dict):
        yield from (item for item in value.values() if isinstance(item, str))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    folder = tmp_path_factory.mktemp("demo")
    settings = Settings(data_dir=folder, demo=True, database_url=chosen_url(folder))
    tocsin = build(settings, SettableClock(NOW))
    tocsin.database.migrate()
    district.load(tocsin, only_if_empty=True, deploy=deploy, say=lambda _: None)
    yield Reading(tocsin)
    tocsin.stop()


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    world = World(tmp_path_factory.mktemp("sc01"), at("08:00"))
    sc01.test_sc01_excluded_case_to_the_return_of_the_pupil(world)
    with_passwords(world)
    yield Reading(Pages(world).world.app)
    world.close()


def left_over(reading: Reading, username: str, most: int) -> dict[str, str]:
    """Texts in Chinese, each with the page it was met on first."""
    found: dict[str, str] = {}
    for page in pages(reading.browser(username), most=most):
        assert page.status < 500, page.path
        assert page.tree.get("lang") == "en", page.path
        for text in chinese_in(page, reading.allowed):
            found.setdefault(text, page.path)
    return found


@pytest.mark.parametrize(("username", "most"), [("coordinator", 140), ("manager", 40), ("admin", 40)])
def test_the_pages_of_the_demo(demo: Reading, username: str, most: int) -> None:
    assert left_over(demo, username, most) == {}


@pytest.mark.parametrize(("username", "most"), [("coordinator", 80), ("manager", 40)])
def test_the_pages_of_an_incident_that_ended(ended: Reading, username: str, most: int) -> None:
    assert left_over(ended, username, most) == {}


def test_the_documents_of_an_incident(ended: Reading) -> None:
    browser = ended.browser("coordinator")
    with ended.tocsin.read() as connection:
        reports = connection.execute(select(sql.reports.c.id)).scalars().all()
    assert len(reports) > 3
    for report in reports:
        content = browser.download(f"/reports/{report}.docx")
        xml = ZipFile(BytesIO(content)).read("word/document.xml").decode()
        lines = [re.sub(r"<[^>]+>", "", line) for line in re.split(r"</w:p>", xml)]
        left = [line for line in lines if HAN.search(without(line, ended.allowed))]
        assert left == []
