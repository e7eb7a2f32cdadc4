"""R8: every route × every account × whose organisation it is about, against access_matrix.yaml; and no value leaks."""

import asyncio
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

from service.demo.people import usernames
from tests.contract.matrix_district import ORGANISATIONS, OUTSIDER, PLANTED, District, district

TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("access_matrix.yaml").read_text("utf-8"))
ROUTES: dict[str, dict[str, Any]] = TABLE["routes"]
ACCOUNTS = (*usernames(), OUTSIDER)
REVEAL = "POST /api/v1/incidents/{incident}/people/{person}/reveal"
ONE_PERSON = "GET /incidents/{incident}/people/{person}"
REFUSED = {403, 404}
NOT_LET_IN = {401, 303}  # a page leads to the door
# What routes ask for that belongs to no organisation.
GENERAL = {
    "procedure": "school_suspected_case", "version": "1", "decision": "D03", "form": "F01",
    "page": "school_suspected_case",
    "key": "fever_threshold", "rule": "default_alone", "scenario": "sc01_excluded_case",
    "path": "vendor/manifest.json", "partner": "hospital",
    "attachment": "none", "upgrade": "none", "grant": "none", "export": "none", "engine_incident": "none",
    "improvement": "none",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One cell of the matrix."""

    route: str
    who: str
    organisation: str  # "" where the route is about none

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.route.startswith("GET ")

    @property
    def relations(self) -> frozenset[str]:
        """What the account is to the organisation."""
        if not self.who:
            return frozenset({"everybody"})
        named = TABLE["relations"].get(self.organisation, {}).get(self.who, [])
        return frozenset({"everybody", "anyone", *named, *TABLE["everywhere"].get(self.who, [])})

    def is_one_of(self, cell: str) -> bool:
        """Whether a cell of the table, `to` or `values`, names the account."""
        return bool(self.relations & set(str(ROUTES[self.route].get(cell, "")).split()))


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[District]:
    """A district of its own: what is revealed or done there is not there for the reading."""
    with district(tmp_path / "changing") as each:
        yield each


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    with district(tmp_path_factory.mktemp("matrix")) as each:
        yield each


def route_table(app: FastAPI) -> set[str]:
    """`METHOD path` of every route of the product, included routers opened."""

    def of(routes: Any, prefix: str) -> Iterator[str]:
        for route in routes:
            if hasattr(route, "original_router"):
                yield from of(route.original_router.routes, prefix + route.include_context.prefix)
            else:
                yield from (f"{method} {prefix}{route.path}" for method in route.methods - {"HEAD"})

    return set(of(app.routes, ""))


def test_every_route_of_the_product_is_in_the_table_and_no_other(made: District) -> None:
    found = route_table(made.app)
    listed = {*ROUTES, *TABLE["unasked"], *TABLE["awaited"]}
    assert found - listed == set(), "say in access_matrix.yaml who may ask for these"
    assert listed == found


def cells(*, reading: bool) -> list[Ask]:
    """Every cell, those about no organisation once per account; ends of a session last."""
    ordered = sorted(ROUTES, key=lambda route: bool(ROUTES[route].get("last")))
    found = []
    for route in ordered:
        about = ORGANISATIONS if needs_organisation(route) else ("",)
        found += [Ask(route, who, organisation) for organisation in about for who in ("", *ACCOUNTS)]
    return [ask for ask in found if ask.is_read is reading]


@cache
def needs_organisation(route: str) -> bool:
    """Whether the address or the body names an incident, or something of one."""
    blanks = ("{incident}", "{drill}", "{task}", "{report}", "{delivery}", "{wait}")
    return any(each in route for each in blanks) or "{organisation}" in str(ROUTES[route].get("send"))


class Asking:
    """The clients of everybody, in one event loop."""

    def __init__(self, made: District, client: httpx.AsyncClient) -> None:
        self.made, self.client = made, client

    async def ask(self, ask: Ask) -> httpx.Response | None:
        """The answer; None where the organisation has no such thing."""
        method, _, template = ask.route.partition(" ")
        values = {**GENERAL, **self.made.objects.get(ask.organisation, {})}
        if any(f"{{{name}}}" in template and name not in values for name in ("report", "delivery", "message")):
            return None
        path = template.replace(":path}", "}").format(**values)
        is_api = path.startswith("/api")
        headers, cookies = self._known(ask.who, is_api=is_api)
        sent = self._sent(ask, values, is_api=is_api)
        self.client.cookies = httpx.Cookies(cookies)
        return await self.client.request(method, path, headers=headers, **sent)

    def _known(self, who: str, *, is_api: bool) -> tuple[dict[str, str], dict[str, str]]:
        if not who:
            return {}, {}
        if is_api:
            return {"authorization": f"Bearer {self.made.bearer[who]}"}, {}
        secret, csrf = self.made.cookie[who]
        return {"x-csrf-token": csrf}, {"tocsin_session": secret}

    def _sent(self, ask: Ask, values: Mapping[str, str], *, is_api: bool) -> dict[str, Any]:
        line = ROUTES[ask.route]
        if "file" in line:
            return {"files": {"file": ("x.txt", b"x")}}
        body = {
            key: value.format(**values) if isinstance(value, str) and re.search(r"{[a-z]+}", value) else value
            for key, value in line.get("send", {}).items()
        }
        if ask.is_read:
            return {"params": line["ask"]} if "ask" in line else {}
        return (
            {"json": body} if is_api else {"data": {"csrf": self.made.cookie[ask.who][1], **body} if ask.who else body}
        )


def answers(made: District, asked: list[Ask]) -> list[tuple[Ask, httpx.Response]]:
    """Everything asked, one after the other."""

    async def all_of_them() -> list[tuple[Ask, httpx.Response]]:
        transport = httpx.ASGITransport(app=made.app, client=("127.0.0.1", 1))
        found = []
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            asking = Asking(made, client)
            for each in asked:
                answer = await asking.ask(each)
                if answer is not None:
                    found.append((each, answer))
        return found

    return asyncio.run(all_of_them())


def text_of(answer: httpx.Response) -> str:
    """What can be read in an answer, also inside a workbook or document."""
    if answer.content[:2] != b"PK":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def leaks(ask: Ask, answer: httpx.Response) -> list[str]:
    """Planted values that somebody was shown who may not see them; what he typed himself is none."""
    text = text_of(answer)
    return [
        f"{ask}: {value}"
        for organisation, planted in PLANTED.items()
        for value in planted.values
        if value in text and not (ask.organisation == organisation and ask.is_one_of("values"))
    ]


def wrong(ask: Ask, answer: httpx.Response) -> str:
    """What is not as the table says, "" if nothing is."""
    status = answer.status_code
    if status >= 500:
        return f"{ask}: {status}"
    if ask.is_one_of("either"):
        return ""
    allowed = ask.is_one_of("to")
    if not ask.who and not allowed:
        return "" if status in NOT_LET_IN else f"{ask}: nobody is signed in, {status}"
    line = ROUTES[ask.route]
    is_refused = (
        status in REFUSED
        or (status == 409 and "waits" in line)  # nothing waits for him
        or (status == line.get("first") and not allowed)
    )
    if allowed and ask.is_read and not 200 <= status < 400:
        return f"{ask}: {status} instead of an answer {answer.text[:200]}"
    if allowed and is_refused:
        return f"{ask}: {status}, refused {answer.text[:200]}"
    return "" if allowed or is_refused else f"{ask}: {status} instead of a refusal {answer.text[:200]}"


def test_who_may_read_what_and_no_value_leaks(made: District) -> None:
    found = answers(made, cells(reading=True))
    assert [text for each in found if (text := wrong(*each))] == []
    assert [text for each in found for text in leaks(*each)] == []
    unseen = {route for route in ROUTES if route.startswith("GET ")} - {ask.route for ask, _ in found}
    assert unseen == set(), "never asked: no organisation has what it is about"


def test_who_may_change_what(changing: District) -> None:
    made = changing
    asked = cells(reading=False)
    before = made.heads()
    found = answers(made, [ask for ask in asked if ask.who and not ask.is_one_of("to") and not ask.is_one_of("either")])
    assert made.heads() == before, "somebody who may not has changed something"
    found += answers(made, [ask for ask in asked if not ask.who or ask.is_one_of("to") or ask.is_one_of("either")])
    assert [text for each in found if (text := wrong(*each))] == []
    assert [text for each in found for text in leaks(*each)] == []


def test_the_planted_values_can_be_found_at_all(changing: District) -> None:
    """The search would be worth nothing if they were nowhere: whoever reveals the person sees them, and he alone."""
    asked = [Ask(route, "nurse", "demo-school") for route in (REVEAL, ONE_PERSON)]
    (_, revealed), (_, page) = answers(changing, asked)
    assert [value for value in PLANTED["demo-school"].values if value not in text_of(revealed)] == []
    assert PLANTED["demo-school"].phone in text_of(page)
    ((ask, other),) = answers(changing, [Ask(ONE_PERSON, "cleaner", "demo-school")])
    assert leaks(ask, other) == []
