"""Asking the product every cell of access_matrix.yaml, and judging the answers."""

import asyncio
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml

from service.demo.people import usernames
from tests.contract.matrix_district import ORGANISATIONS, OUTSIDER, District
from tests.contract.matrix_planted import PLANTED

TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("access_matrix.yaml").read_text("utf-8"))
ROUTES: dict[str, dict[str, Any]] = TABLE["routes"]
ACCOUNTS = (*usernames(), OUTSIDER)
REFUSED = {403, 404}
NOT_LET_IN = {401, 303}  # a page leads to the door
BLANK = re.compile(r"{([a-z_]+)}")
# What routes ask for that belongs to no organisation.
GENERAL = {
    "procedure": "school_suspected_case", "version": "1", "decision": "D03", "form": "F01",
    "page": "school_suspected_case",
    "key": "fever_threshold", "rule": "default_alone", "scenario": "sc01_excluded_case",
    "path": "vendor/manifest.json", "partner": "hospital",
    "attachment": "none", "upgrade": "none", "grant": "none", "export": "none", "engine_incident": "none",
    "check_id": "none", "run": "none", "improvement": "none",
}  # fmt: skip
# What not every organisation has: where it is missing nothing is asked.
SOMEWHERE = ("report", "delivery", "message")


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
        return frozenset({"everybody", "anyone", *_named(self.who, self.organisation)})

    def is_one_of(self, cell: str) -> bool:
        """Whether a cell of the table, `to` or `values`, names the account."""
        return bool(self.relations & set(str(ROUTES[self.route].get(cell, "")).split()))

    def may_see_values_of(self, organisation: str) -> bool:
        """Whether planted values of an organisation may be in the answer."""
        if organisation == self.organisation:
            return self.is_one_of("values")
        wanted = str(ROUTES[self.route].get("own_values", "")).split()
        return bool(set(wanted) & set(_named(self.who, organisation)))


def _named(who: str, organisation: str) -> list[str]:
    return [*TABLE["relations"].get(organisation, {}).get(who, []), *TABLE["everywhere"].get(who, [])]


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
    """Whether the address or the body names an organisation, or something of one."""
    line = ROUTES[route]
    blanks = BLANK.findall(f"{route} {line.get('send', '')} {line.get('ask', '')}".replace(":path}", "}"))
    return any(each not in GENERAL for each in blanks)


class Asking:
    """The clients of everybody, in one event loop."""

    def __init__(self, made: District, client: httpx.AsyncClient) -> None:
        self.made, self.client = made, client

    async def ask(self, ask: Ask) -> httpx.Response | None:
        """The answer; None where the organisation has no such thing."""
        method, _, template = ask.route.partition(" ")
        values = {**GENERAL, **self.made.objects.get(ask.organisation, {})}
        if any(f"{{{name}}}" in template and name not in values for name in SOMEWHERE):
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
        query = {"params": _filled(line["ask"], values)} if "ask" in line else {}
        if "file" in line:
            return {**query, "files": {"file": ("x.txt", b"x")}}
        if ask.is_read:
            return query
        body = _filled(line.get("send", {}), values)
        if is_api:
            return {**query, "json": body}
        return {**query, "data": {"csrf": self.made.cookie[ask.who][1], **body} if ask.who else body}


def _filled(body: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {
        key: value.format(**values) if isinstance(value, str) and BLANK.search(value) else value
        for key, value in body.items()
    }


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
        if value in text and not ask.may_see_values_of(organisation)
    ]


def wrong(ask: Ask, answer: httpx.Response) -> str:
    """What is not as the table says, "" if nothing is."""
    status, line = answer.status_code, ROUTES[ask.route]
    if status >= 500:
        return f"{ask}: {status}"
    if ask.is_one_of("either"):
        return ""
    allowed, first = ask.is_one_of("to"), line.get("first", ())
    is_first = status in (first if isinstance(first, list) else [first]) and not allowed
    if not ask.who and not allowed:
        return "" if status in NOT_LET_IN or is_first else f"{ask}: nobody is signed in, {status}"
    is_refused = status in REFUSED or (status == 409 and "waits" in line) or is_first  # 409: nothing waits for him
    if allowed and ask.is_read and not 200 <= status < 400:
        return f"{ask}: {status} instead of an answer {answer.text[:200]}"
    if allowed and is_refused:
        return f"{ask}: {status}, refused {answer.text[:200]}"
    return "" if allowed or is_refused else f"{ask}: {status} instead of a refusal {answer.text[:200]}"
