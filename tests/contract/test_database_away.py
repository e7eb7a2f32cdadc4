"""PostgreSQL goes away and comes back: whoever asks is told so by name, nothing is lost, all goes on by itself (R7)."""

import gc
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from service.bench.postgres import Server, start_server
from service.demo.people import PASSWORD
from service.domain.errors import CommitLost, DatabaseAway, OutcomeUnknown
from service.persistence.chain import verify
from service.persistence.tables import sql
from service.web import build_web
from tests.contract.product import OPENING as BODY
from tests.contract.product import Product, product
from tests.contract.test_workers import overdue, until
from tests.postgres import SETTINGS
from tests.web.site import Browser

AWAY = {DatabaseAway.code, OutcomeUnknown.code, CommitLost.code}


# A connection whose server dies while it is being opened is left to the garbage collector by the pool.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of its own, because it is stopped."""
    made = start_server(SETTINGS)
    yield made
    made.stop()
    gc.collect()  # here, and not in the middle of another test


@pytest.fixture
def world(server: Server, tmp_path: Path) -> Iterator[Product]:
    with product(tmp_path, url=server.create("away")) as made:
        build_web(made.app, made.tocsin)
        yield made


def test_a_server_that_is_away_is_named_and_everything_goes_on_when_it_is_back(server: Server, world: Product) -> None:
    incident = world.opened()
    task = world.task(incident, "t_office_accept")["id"]
    world.tocsin.worker.start(0.1)
    world.clock.advance(timedelta(minutes=20))
    reader = Browser(world.app)
    known = {"username": "coordinator", "password": PASSWORD}
    reader.submit(reader.get("/sign-in"), known, "//form[.//input[@type='password']]")
    server.halt()
    for answer in (
        world.get("/tasks", "coordinator"),
        world.post(f"/tasks/{task}/complete", {"data": {}}, "coordinator"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert "数据库" in answer.json()["detail"]
    page = reader.get("/inbox")
    assert page.status == 503
    assert "系统暂时不可用" in page.text
    assert world.get("/healthz").status_code == 200
    ready = world.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    time.sleep(1.5)  # the worker meets it too

    server.launch()
    assert world.post(f"/tasks/{task}/complete", {"data": {}}, "coordinator").status_code == 200
    world.opened()
    world.clock.advance(timedelta(minutes=20))
    until(lambda: not overdue(world))
    assert world.get("/readyz").status_code == 200


def test_a_server_that_dies_under_load_loses_nothing_it_said_it_stored(server: Server, world: Product) -> None:
    opened = [world.opened()]
    said: set[str] = set()
    ends = threading.Event()

    def open_many() -> None:
        while not ends.is_set():
            answer = world.post("/incidents", BODY, "teacher")
            if answer.status_code == 201:
                opened.append(answer.json()["id"])
            else:
                said.add(answer.json()["code"])

    threads = [threading.Thread(target=open_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(1)
        server.halt("immediate")
        time.sleep(0.3)
        server.launch()
    time.sleep(1)
    ends.set()
    for thread in threads:
        thread.join()
    assert said
    assert said <= AWAY
    with world.tocsin.read() as connection:
        stored = set(connection.execute(select(sql.incidents.c.id)).scalars())
        assert set(opened) <= stored
        assert len(stored) - len(opened) <= len(threads) * 3, "only answers cut off by the death may be missing"
        assert verify(connection).ok
