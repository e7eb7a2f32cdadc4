"""Moving running incidents to another version, over the API."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from service.application import definitions
from tests.contract.product import OPENING, QUICK, Product, product
from tests.paths.versions import ALARM, changed

PATH = f"/procedures/{ALARM}/versions/2/upgrade"
NAMED = ('name="起草书面报告"', 'name="起草成文报告"')


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Product]:
    """A product of its own: what one test deploys must not be there for the next."""
    with product(tmp_path) as made:
        yield made


@pytest.fixture
def incidents(world: Product) -> list[str]:
    """Two incidents of version 1; version 2 calls the written report otherwise."""
    opened = []
    for _ in range(2):
        body = {**OPENING, "procedure": ALARM, "data": QUICK}
        opened.append(str(world.post("/incidents", body, "teacher").json()["id"]))
    store = world.tocsin.services.definitions
    content = changed(ALARM, NAMED)
    world.tocsin.run(partial(definitions.deploy, store=store, procedure=ALARM, content=content, actor="system"))
    return opened


def test_a_dry_run_says_per_instance_what_would_change(world: Product, incidents: list[str]) -> None:
    body = {"reason": "指引调整", "dry_run": True, "incidents": incidents[:1]}
    assert world.post(PATH, body, "manager").status_code == 403
    answer = world.post(PATH, body, "admin").json()
    [item] = answer["items"]
    assert (answer["dry_run"], item["incident"], item["can_move"]) == (True, incidents[0], True)
    [instance] = item["instances"]
    assert (instance["before"], instance["blockers"]) == (1, [])
    [change] = instance["changes"]
    assert (change["how"], change["id"]) == ("changed", "t_small_written")
    assert (change["aspects"][0]["before"], change["aspects"][0]["after"]) == ("起草书面报告", "起草成文报告")
    assert world.get(f"/incidents/{incidents[0]}", "coordinator").json()["version"] == 1


def test_one_is_moved_and_the_rest_stays(world: Product, incidents: list[str]) -> None:
    begun = world.post(PATH, {"reason": "指引调整", "incidents": incidents[:1]}, "admin")
    assert begun.status_code == 202
    run = begun.json()
    assert (run["total"], run["waiting"], run["ended_at"]) == (1, 1, None)
    world.tocsin.worker.tick()
    done = world.get(f"/upgrades/{run['id']}", "admin").json()
    assert (done["moved"], done["waiting"], done["items"][0]["state"]) == (1, 0, "moved")
    assert done["ended_at"]
    versions = [world.get(f"/incidents/{each}", "coordinator").json()["version"] for each in incidents]
    assert versions == [2, 1]
    assert world.task(incidents[0], "t_small_written")["name"] == "起草成文报告"
    told = [each["type"] for each in world.get(f"/incidents/{incidents[0]}/timeline", "coordinator").json()["items"]]
    assert "instance_upgraded" in told


def test_what_cannot_be_is_refused(world: Product, incidents: list[str]) -> None:
    assert incidents
    assert world.post(PATH, {"reason": ""}, "admin").status_code == 422
    assert world.post(PATH.replace("2", "9"), {"reason": "无"}, "admin").status_code == 404
    assert world.get("/upgrades/nothing", "admin").status_code == 404
    assert world.get("/upgrades/nothing", "manager").status_code == 403
