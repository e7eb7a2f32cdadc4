"""A whole product in a temporary folder, on a clock that stands still, spoken to over HTTP in memory."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from service.api import QuickCompletion, add_api
from service.application import accounts, definitions
from service.bootstrap import Tocsin, build
from service.demo.people import PASSWORD, load_people
from service.domain.clock import SettableClock
from service.persistence.database import migrate
from service.settings import Settings
from tests.stores import chosen_url

START = datetime(2026, 3, 9, 2, 20, tzinfo=UTC)  # 10:20 in Shanghai
FOUND = "2026-03-09T10:20:00+08:00"
QUICK: dict[str, Any] = {
    "source_kind": "check",
    "found_at": FOUND,
    "place": "demo-school-7-2",
    "person": {"name": "学生甲", "person_type": "student", "org_unit": {"id": "demo-school-7-2"}},
    "temperature": 38.4,
    "thermometer": "ir_forehead",
    "symptoms": ["fever"],
}
OPENING: dict[str, Any] = {"procedure": "school_suspected_case", "organisation": "demo-school", "data": QUICK}
API = "/api/v1"


class Product:
    """The running product and clients that speak for its demo accounts."""

    def __init__(self, tocsin: Tocsin, clock: SettableClock) -> None:
        self.tocsin, self.clock = tocsin, clock
        self.app = FastAPI()
        add_api(self.app.router, tocsin)
        self.app.add_middleware(QuickCompletion, tocsin=tocsin)
        self._tokens: dict[str, str] = {}

    def call(
        self,
        method: str,
        path: str,
        *,
        who: str = "",
        headers: Mapping[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """One request; `who` is a demo account, "" for nobody. A path without `/api` is below the prefix."""
        known = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        url = path if path.startswith(("/api", "/healthz", "/readyz", "/metrics", "/openapi")) else API + path

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test", cookies=cookies) as client:
                return await client.request(method, url, headers={**known, **(headers or {})}, **options)

        return asyncio.run(ask())

    def get(self, path: str, who: str = "", **options: Any) -> httpx.Response:
        """A GET."""
        return self.call("GET", path, who=who, **options)

    def post(self, path: str, body: Any, who: str = "", **options: Any) -> httpx.Response:
        """A POST with a JSON body."""
        return self.call("POST", path, who=who, json=body, **options)

    def token(self, who: str) -> str:
        """A bearer token of a demo account."""
        if who not in self._tokens:
            answer = self.post("/auth/token", {"username": who, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            self._tokens[who] = answer.json()["access_token"]
        return self._tokens[who]

    def forget_tokens(self) -> None:
        """Sign in anew at the next request: the sessions have ended."""
        self._tokens.clear()

    def cookie(self, who: str) -> tuple[dict[str, str], str]:
        """The cookie of a browser session, and its CSRF value."""
        begun = accounts.sign_in(self.tocsin.database, self.tocsin.writer, username=who, password=PASSWORD)
        return {"tocsin_session": begun.secret}, begun.csrf

    def opened(self, procedure: str = "school_suspected_case", **changes: Any) -> str:
        """A new incident; its id."""
        body = {**OPENING, "procedure": procedure, "data": {**QUICK, **changes}}
        answer = self.post("/incidents", body, "teacher")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def task(self, incident: str, element: str, who: str = "coordinator") -> dict[str, Any]:
        """The task of an incident at an element."""
        items = self.get(f"/incidents/{incident}/tasks", who).json()["items"]
        found: dict[str, Any] = next(item for item in items if item["element"] == element)
        return found


@contextmanager
def product(folder: Path, *, url: str = "") -> Iterator[Product]:
    """A product with the demo district and every shipped procedure; stopped at the end."""
    clock = SettableClock(START)
    settings = Settings(data_dir=folder, demo=True, database_url=url or chosen_url(folder))
    migrate(settings.database)
    tocsin = build(settings, clock)
    try:
        password = accounts.hash_any_password(PASSWORD)
        tocsin.run(lambda uow: load_people(uow, password))
        deploy_all(tocsin)
        yield Product(tocsin, clock)
    finally:
        tocsin.stop()


def deploy_all(tocsin: Tocsin) -> None:
    """Deploy every bundle folder of the checkout."""
    workflows = tocsin.settings.workflows_dir
    for folder in sorted(path for path in workflows.iterdir() if list(path.glob("*.bpmn"))):
        content = definitions.folder_content(folder, workflows / "decisions")

        def deploy(uow: Any, name: str = folder.name, files: dict[str, str] = content) -> object:
            return definitions.deploy(uow, tocsin.services.definitions, name, files, actor="system")

        tocsin.run(deploy)
