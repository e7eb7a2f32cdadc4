"""Live updates over a real connection: (incident, seq) of what the listener may see."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from tests.contract.product import API, Product


@contextmanager
def served(world: Product) -> Iterator[str]:
    """The product behind a real server on a port of its own; its address."""
    config = uvicorn.Config(world.app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{API}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()


def heard(address: str, token: str, world: Product, *, opened: list[str], wanted: int) -> list[dict[str, object]]:
    """What a listener hears while incidents are opened, until `wanted` announcements or two seconds of silence."""
    found: list[dict[str, object]] = []
    headers = {"Authorization": f"Bearer {token}"}
    timeout = httpx.Timeout(5, read=2.5)
    with httpx.stream("GET", f"{address}/events", headers=headers, timeout=timeout) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        opened.append(world.opened())
        try:
            for line in lines:
                if line.startswith("data: "):
                    found.append(json.loads(line.removeprefix("data: ")))
                if len(found) >= wanted:
                    break
        except httpx.ReadTimeout:
            return found
    return found


def test_a_member_hears_of_new_events_and_nothing_else(world: Product) -> None:
    opened: list[str] = []
    with served(world) as address:
        found = heard(address, world.token("coordinator"), world, opened=opened, wanted=1)
    last = world.get(f"/incidents/{opened[0]}/timeline", "coordinator", params={"limit": "200"}).json()["items"][-1]
    assert found == [{"incident": opened[0], "seq": last["seq"]}]


def test_a_stranger_hears_nothing(world: Product) -> None:
    opened: list[str] = []
    with served(world) as address:
        assert heard(address, world.token("villager"), world, opened=opened, wanted=1) == []
    assert opened


def test_nobody_listens_without_a_session(world: Product) -> None:
    assert world.get("/events").status_code == 401
