"""Two schools, their district, their bureau and the county on one database: who sees what of the other, and no name.

Of each school: an incident with a pupil whose name, phone, identity number, guardian, address and history are known.
Whoever stands above walks every page he can reach by a link, asks the API, takes out every file, listens and searches.
"""

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.application import accounts, incidents
from service.application.accounts import NewAccount
from service.application.sessions import SessionKind
from service.domain import commands as cmd
from tests.contract.matrix_district import DETAILS, sick
from tests.contract.matrix_planted import PLANTED
from tests.contract.test_events import PATIENCE, served
from tests.paths import school
from tests.paths.world import World, at
from tests.web.site import Browser, Page

ONE, TWO = "demo-school", "demo-school-2"
ABOVE = {  # who stands above both: account -> organisation and role
    "district": ("demo-office", "district_office"),
    "bureau": ("demo-bureau", "edu_bureau"),
    "county": ("demo-county", "county_hq"),
}
BESIDE = {"market": ("demo-market-bureau", "market_bureau")}  # of another line
NAMES = tuple(value for planted in PLANTED.values() for value in planted.values)
WALKED = re.compile(r"/(inbox|incidents|reports|tasks|people|duty|audit|retention|partner|drills)\b")
MOST_PAGES = 250
CLASSES = (f"/organisations/{ONE}/places/{school.CLASS}", f"/organisations/{TWO}/places/demo-school-2-3-1")


class District:
    """The product with its pages and its API, an incident in each school, everybody signed in when asked for."""

    def __init__(self, world: World) -> None:
        self.world = world
        for name, (organisation, role) in {**ABOVE, **BESIDE}.items():
            new = NewAccount(name, f"{name}的人", accounts.hash_of_nothing(), ((organisation, role),))
            world.app.run(partial(accounts.create_account, account=new))
        self.incidents = {each: self._opened(each, who, place) for each, who, place in (
            (ONE, "teacher", school.CLASS), (TWO, "staff2", "demo-school-2-3-1"),
        )}  # fmt: skip
        self.app: FastAPI = create_app(world.app, with_worker=False)

    def _opened(self, organisation: str, who: str, place: str) -> str:
        w = self.world
        data = {key: value for key, value in sick(PLANTED[organisation], place).items() if key not in DETAILS}
        opening = cmd.OpenIncident("school_suspected_case", organisation, data)
        w.incident = w.app.run(lambda uow: incidents.open_incident(uow, w.app.services, w.who(who), opening))
        if organisation == ONE:
            school.detection(w)
            w.do("coordinator", "t_office_accept")
            school.draft(w)  # the first report to the district goes out
            school.sign(w)
        return w.incident

    def browser(self, who: str) -> Browser:
        """Somebody's browser."""
        made, begun = Browser(self.app), self._session(who, "cookie")
        made.cookies.set("tocsin_session", begun.secret)
        return made

    def token(self, who: str) -> str:
        """Somebody's bearer token."""
        return str(self._session(who, "bearer").secret)

    def _session(self, who: str, kind: SessionKind) -> Any:
        account = self.world.who(who).account_id
        return self.world.app.run(partial(accounts.begin_session, account_id=account, kind=kind))

    def api(self, who: str) -> Callable[[str], Any]:
        """What the API answers somebody: the JSON, or the status where it refuses."""
        browser, headers = Browser(self.app), {"authorization": f"Bearer {self.token(who)}"}

        def ask(path: str) -> Any:
            answer = browser.get(f"/api/v1{path}", **headers)
            return json.loads(answer.text) if answer.status == 200 else answer.status

        return ask


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    world = World(tmp_path_factory.mktemp("district"), at("08:10"))
    yield District(world)
    world.close()


def read_in(page: Page) -> str:
    """What can be read in an answer, also inside a document or workbook."""
    content = page.answer.content
    if content[:2] != b"PK":
        return page.text
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def named(page: Page) -> list[str]:
    """Values of pupils in an answer."""
    text = read_in(page)
    return [f"{page.path}: {value}" for value in NAMES if value in text]


def walked(browser: Browser, start: tuple[str, ...]) -> dict[str, Page]:
    """Every page that links lead to, and every file behind a form that asks for a purpose."""
    found: dict[str, Page] = {}
    waiting, seen = list(start), set[str]()
    while waiting and len(found) < MOST_PAGES:
        address = waiting.pop(0)
        page_of = address if "/exports/new" in address else urlsplit(address).path  # not each way to sort a list
        if page_of in seen:
            continue
        seen.add(page_of)
        page = found[address] = browser.get(address)
        if "html" not in page.answer.headers.get("content-type", "") or page.status != 200:
            continue
        if "/exports/new" in page.path and page.all("//form[@id='form']"):
            found[f"{address} the file"] = browser.submit(page, {"purpose": "handling"})
        links = (urlsplit(each) for each in page.all("//a/@href"))
        waiting += [each.geturl() for each in links if not each.netloc and WALKED.match(each.path)]
    assert len(found) < MOST_PAGES, "the walk did not come to an end"
    return found


@pytest.mark.parametrize("who", ABOVE)
def test_who_stands_above_sees_how_both_schools_stand_and_nobodys_name(district: District, who: str) -> None:
    ask = district.api(who)
    listed = {each["id"]: each for each in ask("/incidents")["items"]}
    assert set(listed) == set(district.incidents.values())
    for organisation, incident in district.incidents.items():
        one = ask(f"/incidents/{incident}")
        assert one["organisation"] == organisation
        assert [each["due_at"] for each in one["deadlines"]], "no deadline to be seen"
        assert len(ask(f"/incidents/{incident}/timeline")["items"]) > 3
        people = ask(f"/incidents/{incident}/people")
        assert len(people["items"]) >= 1
        assert ask(f"/incidents/{incident}/tasks")["items"]
        paths = ("", "/timeline", "/people", "/tasks", "/reports", "/deliveries", "/places", "/contacts", "/printouts")
        said = json.dumps([ask(f"/incidents/{incident}{path}") for path in paths], ensure_ascii=False)
        assert [value for value in NAMES if value in said] == []
    pages = walked(district.browser(who), ("/inbox", "/incidents", *(f"/incidents/{i}" for i in listed), *CLASSES))
    assert [value for page in pages.values() for value in named(page)] == []
    assert {f"/incidents/{each}/people" for each in listed} <= set(pages)
    assert any(address.endswith("the file") for address in pages), "no file was taken out"
    assert [address for address, page in pages.items() if page.status >= 500] == []


def test_the_district_reads_the_report_that_was_sent_to_it_masked(district: District) -> None:
    reports = district.api("district")(f"/incidents/{district.incidents[ONE]}/reports")["items"]
    assert "sent" in {each["state"] for each in reports}
    browser = district.browser("district")
    for each in reports:
        page = browser.get(f"/reports/{each['id']}")
        assert page.status == 200
        assert named(page) == []


def test_who_stands_above_may_not_have_anybody_shown(district: District) -> None:
    for organisation, incident in district.incidents.items():
        (person,) = [
            each["id"] for each in district.api("county")(f"/incidents/{incident}/people")["items"]
            if each["kind"] == "case"
        ]  # fmt: skip
        for who in ABOVE:
            answer = asked_over_http(
                district, who, "POST", f"/incidents/{incident}/people/{person}/reveal", {"fields": ["name"]}
            )
            assert (answer.status_code, answer.json()["code"]) == (403, "no_ground"), organisation


def test_the_other_school_and_another_line_see_nothing(district: District) -> None:
    one, two = district.incidents[ONE], district.incidents[TWO]
    for who, seen, unseen in (
        ("coordinator", [one], [two]), ("principal", [one], [two]), ("staff2", [two], [one]),
        ("principal2", [two], [one]), ("market", [], [one, two]), ("villager", [], [one, two]),
    ):  # fmt: skip
        ask, browser = district.api(who), district.browser(who)
        assert [each["id"] for each in ask("/incidents")["items"]] == seen
        for incident in unseen:
            for path in ("", "/timeline", "/tasks", "/people", "/reports", "/deliveries", "/contacts", "/diagram"):
                assert ask(f"/incidents/{incident}{path}") == 404, (who, path)
                assert browser.get(f"/incidents/{incident}{path}").status == 404, (who, path)
        organisations = {each: organisation for organisation, each in district.incidents.items()}
        strange = [PLANTED[organisations[each]].values for each in unseen]
        pages = walked(browser, ("/inbox", "/incidents"))
        found = [value for page in pages.values() for values in strange for value in values if value in read_in(page)]
        assert found == [], who


def test_a_search_for_the_pupil_finds_nothing_beyond_ones_own_and_tells_no_more(district: District) -> None:
    planted = PLANTED[ONE]
    for who, is_found in (("coordinator", True), ("staff2", False), ("market", False), ("county", True)):
        answer = asked_over_http(district, who, "POST", "/people/search", {"by": "name", "text": planted.name})
        items = answer.json()["items"]
        assert bool(items) is is_found, who
        assert [value for value in NAMES if value in json.dumps(items, ensure_ascii=False)] == []


def test_what_is_announced_names_an_incident_and_only_to_those_who_see_it(district: District) -> None:
    one, two = district.incidents[ONE], district.incidents[TWO]
    world = district.world

    def happens(incident: str, who: str) -> None:
        note = cmd.AddNote(incident, "家长来电", world.clock.now())  # these tests share the incident
        world.app.run(lambda uow: incidents.add_note(uow, world.app.services, world.who(who), note))

    with served(district) as address:  # type: ignore[arg-type]  # what it needs of a product is its app
        for who, first in (("district", one), ("staff2", two)):
            headers = {"Authorization": f"Bearer {district.token(who)}"}
            with httpx.stream("GET", f"{address}/events", headers=headers, timeout=PATIENCE) as stream:
                lines = stream.iter_lines()
                assert next(lines) == ": listening"
                happens(one, "coordinator")
                happens(two, "staff2")
                data = next(line for line in lines if line.startswith("data: "))
            heard = json.loads(data.removeprefix("data: "))
            assert (set(heard), heard["incident"]) == ({"incident", "seq"}, first), who


def asked_over_http(district: District, who: str, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
    """A request of a program with somebody's token."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=district.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = {"authorization": f"Bearer {district.token(who)}"}
            return await client.request(method, f"/api/v1{path}", headers=headers, json=body)

    return asyncio.run(ask())
