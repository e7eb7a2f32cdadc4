"""What an operator watches: numbers for who may see them, and of each part whether it is well and why not."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import select

from service import logs
from service.api import add_api
from service.api.metrics import FORWARDED
from service.application.queries import health
from service.domain.clock import SettableClock
from service.observing import HEADER, Observed
from service.persistence.database import open_database
from service.persistence.tables import sql
from tests.contract.product import OPENING, START, Product
from tests.stores import Store, a_store, execute, on_both

NAME = "学生甲"


def asked(app: Any, path: str, *, host: str = "127.0.0.1", **headers: str) -> httpx.Response:
    """A GET from some address."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(host, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers={key.replace("_", "-"): value for key, value in headers.items()})

    return asyncio.run(ask())


def numbers(text: str) -> dict[str, float]:
    """`{name{labels}: value}`."""
    return {
        f"{sample.name}{sorted(sample.labels.items()) or ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_without_a_token_only_this_machine_sees_numbers(world: Product) -> None:
    assert asked(world.app, "/metrics").status_code == 200
    refused = asked(world.app, "/metrics", host="10.0.0.5")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("header", FORWARDED)
def test_who_comes_through_a_proxy_is_not_on_this_machine(world: Product, header: str) -> None:
    assert asked(world.app, "/metrics", **{header: "10.0.0.5"}).status_code == 403


def test_with_a_token_who_holds_it_sees_numbers_from_anywhere(world: Product) -> None:
    token = world.tocsin.settings.model_copy(update={"metrics_token": SecretStr("a-long-secret")})
    app = FastAPI()
    add_api(app.router, replace(world.tocsin, settings=token))
    assert asked(app, "/metrics", host="10.0.0.5", authorization="Bearer a-long-secret").status_code == 200
    assert asked(app, "/metrics", authorization="Bearer a-long-secret-not").status_code == 403
    assert asked(app, "/metrics").status_code == 403


def test_numbers_rise_with_what_happens(world: Product) -> None:
    before = numbers(asked(world.app, "/metrics").text)
    opened = world.opened()
    after_text = asked(world.app, "/metrics").text
    after = numbers(after_text)
    for name in ("tocsin_step_seconds_count", "tocsin_commands_total[('outcome', 'done')]", "tocsin_incidents_open"):
        assert after[name] > before.get(name, 0), name
    assert after["tocsin_engine_incidents_open"] == 0
    assert NAME not in after_text
    assert opened not in after_text


def test_a_refused_command_is_counted_by_its_code(world: Product) -> None:
    name = "tocsin_commands_total[('outcome', 'not_found')]"
    before = numbers(asked(world.app, "/metrics").text).get(name, 0)
    assert world.post("/tasks/nothing/complete", {"data": {}}, "coordinator").status_code == 404
    assert numbers(asked(world.app, "/metrics").text)[name] == before + 1


def test_a_late_timer_is_counted_by_how_late_it_was_and_until_then_the_service_is_not_ready(world: Product) -> None:
    bucket = "tocsin_timer_lateness_seconds_bucket[('le', '{}')]".format
    world.opened()
    before = numbers(asked(world.app, "/metrics").text)
    world.clock.advance(timedelta(days=2))
    world.forget_tokens()
    waiting = asked(world.app, "/readyz")
    shown = waiting.json()
    assert (waiting.status_code, shown["status"], shown["due"], shown["database"]) == (503, "not ready", False, True)
    assert shown["details"]["due"]["reason"] == "overdue"
    assert shown["details"]["due"]["oldest_seconds"] > 3600
    while world.tocsin.worker.tick():
        pass
    after = numbers(asked(world.app, "/metrics").text)
    assert after[bucket("+Inf")] > before.get(bucket("+Inf"), 0)
    assert after[bucket("86400.0")] < after[bucket("+Inf")]
    assert after["tocsin_due_rows_overdue"] == 0
    assert asked(world.app, "/readyz").status_code == 200


# --- readiness ----------------------------------------------------------------------------------


def ready(store: Store, folder: Path, workers: int | None = None) -> dict[str, health.Check]:
    return health.readiness(store.database, folder, now=START, workers=lambda: workers)


@on_both
def test_a_database_of_another_version_is_told(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        assert ready(store, tmp_path)["schema"].ok
        execute(store, "UPDATE alembic_version SET version_num = '0000'")
        found = ready(store, tmp_path)
    assert (found["schema"].ok, found["schema"].reason, found["database"].ok) == (False, "another_version", True)
    assert found["schema"].facts["found"] == "0000"


def test_a_database_that_cannot_be_read_is_told_and_nothing_of_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database" * 100)
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}", SettableClock(START))
    found = health.readiness(database, tmp_path, now=START, workers=lambda: None)
    database.close()
    assert [name for name, check in found.items() if not check.ok] == ["database", "schema", "due"]
    assert str(tmp_path) not in str(found)


def test_a_worker_that_should_beat_and_does_not_is_told(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        checks = {count: ready(store, tmp_path, count)["worker"] for count in (0, 2, None)}
    assert [checks[count].ok for count in (0, 2, None)] == [False, True, True]
    assert checks[0].reason == "no_heartbeat"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with a_store("sqlite", tmp_path) as store:
        assert ready(store, tmp_path / "elsewhere")["disk"].reason == "no_folder"


# --- the id of a request ------------------------------------------------------------------------


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    target = io.StringIO()
    logs.configure(now=lambda: START, log_format="json", level="debug", stream=target)
    yield target
    root.handlers[:] = before
    root.setLevel(level)


def test_answer_and_log_lines_share_the_id_and_name_the_route_not_the_address(
    world: Product, stream: io.StringIO
) -> None:
    given = asked(Observed(world.app), "/api/v1/incidents/somebody", **{"X-Request-Id": "caller-7"})
    made = asked(Observed(world.app), "/healthz", **{"X-Request-Id": "not an id"})
    assert given.headers[HEADER] == "caller-7"
    assert len(made.headers[HEADER]) == 16
    lines = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "request"]
    assert [(line["request_id"], line["route"], line["status"]) for line in lines] == [
        ("caller-7", "/api/v1/incidents/{incident}", "401"),
        (made.headers[HEADER], "/healthz", "200"),
    ]
    assert "somebody" not in stream.getvalue()


def test_requests_are_counted_by_route_and_status(world: Product) -> None:
    name = (
        "tocsin_http_request_seconds_count"
        "[('method', 'GET'), ('route', '/api/v1/incidents/{incident}'), ('status', '401')]"
    )
    before = numbers(asked(world.app, "/metrics").text).get(name, 0)
    asked(Observed(world.app), "/api/v1/incidents/somebody")
    text = asked(world.app, "/metrics").text
    assert numbers(text)[name] == before + 1
    assert "somebody" not in text


def test_whatever_is_asked_for_makes_no_new_label(world: Product) -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(app=Observed(world.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await client.request("BREW", "/no/such/page")

    asyncio.run(ask())
    text = asked(world.app, "/metrics").text
    assert "BREW" not in text
    assert "/no/such/page" not in text


def test_an_event_keeps_the_id_of_its_request(world: Product) -> None:
    token = world.token("teacher")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=Observed(world.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = {"Authorization": f"Bearer {token}", HEADER: "caller-9"}
            return await client.post("/api/v1/incidents", json=OPENING, headers=headers)

    incident = asyncio.run(ask()).json()["id"]
    with world.tocsin.read() as connection:
        mine = select(sql.events.c.request_id).where(sql.events.c.stream == incident).distinct()
        assert "caller-9" in connection.execute(mine).scalars().all()
