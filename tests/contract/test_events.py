"""Live updates over a real connection: (incident, seq) of what the listener may see."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from tests.contract.product import API, OPENING, QUICK, Product

PATIENCE = 60.0  # seconds for an answer; a machine may have more to do than this


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


def heard(address: str, token: str, happens: Callable[[], None], *, wanted: int) -> list[dict[str, object]]:
    """The first announcements a listener hears once something happens."""
    found: list[dict[str, object]] = []
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.stream("GET", f"{address}/events", headers=headers, timeout=PATIENCE) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        happens()
        while len(found) < wanted:
            line = next(lines)
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


def test_a_member_hears_of_new_events_and_nothing_else(world: Product) -> None:
    opened: list[str] = []
    with served(world) as address:
        found = heard(address, world.token("coordinator"), lambda: opened.append(world.opened()), wanted=1)
    last = world.get(f"/incidents/{opened[0]}/timeline", "coordinator", params={"limit": "200"}).json()["items"][-1]
    assert found == [{"incident": opened[0], "seq": last["seq"]}]


def test_a_stranger_hears_nothing_before_something_of_his_own_happens(world: Product) -> None:
    """Told by the next thing he may hear, never by a silence: a slow machine is silent too."""
    place = "demo-school-2-3-1"
    person = {**QUICK["person"], "org_unit": {"id": place}}
    at_the_other_school = {
        **OPENING,
        "organisation": "demo-school-2",
        "data": {**QUICK, "place": place, "person": person},
    }
    opened: list[str] = []

    def happens() -> None:
        opened.append(world.opened())
        answer = world.post("/incidents", at_the_other_school, "staff2")
        assert answer.status_code == 201, answer.text
        opened.append(answer.json()["id"])

    with served(world) as address:
        (found,) = heard(address, world.token("staff2"), happens, wanted=1)
    assert found["incident"] == opened[1]


def test_nobody_listens_without_a_session(world: Product) -> None:
    assert world.get("/events").status_code == 401
