"""Processes that stopped, over the API."""

from functools import partial

import pytest

from service.application import definitions
from tests.contract.product import OPENING, QUICK, Product
from tests.paths.versions import ALARM, FAILS, content_of, inserted


@pytest.fixture
def stuck(world: Product) -> str:
    """An incident whose opening ends in a step that fails when the nurse is done; its id."""
    content = inserted(content_of("small_check"), "f_t_small_check_ee_small_check", FAILS)
    store = world.tocsin.services.definitions
    world.tocsin.run(
        partial(definitions.deploy, store=store, procedure="small_check", content=content, actor="system")
    )  # fmt: skip
    incident = str(world.post("/incidents", {**OPENING, "procedure": ALARM, "data": QUICK}, "teacher").json()["id"])
    task = world.task(incident, "t_small_check", "nurse")["id"]
    failed = world.post(f"/tasks/{task}/complete", {"data": {}}, "nurse")
    assert (failed.status_code, failed.json()["code"]) == (409, "engine_failed")
    return incident


def test_it_is_listed_with_cause_element_attempts_and_times(world: Product, stuck: str) -> None:
    [row] = world.get(f"/engine-incidents?incident={stuck}", "admin").json()["items"]
    assert (row["element"], row["code"], row["attempts"], row["state"]) == ("x_note", "engine_failed", 1, "open")
    assert row["procedure"] == "small_check"
    assert "no item 3" in row["cause"]
    assert row["at"] == row["last_at"]
    assert world.get(f"/incidents/{stuck}/engine-incidents", "admin").json()["items"] == [row]
    assert world.get(f"/incidents/{stuck}/engine-incidents", "villager").status_code == 404


def test_only_an_administrator_resolves_it_and_says_why(world: Product, stuck: str) -> None:
    id_ = world.get(f"/engine-incidents?incident={stuck}", "admin").json()["items"][0]["id"]
    path, reason = f"/engine-incidents/{id_}", {"reason": "核对过"}
    for way, body in (("skip", reason), ("cancel", {**reason, "scope": "instance"}), ("retry", None)):
        assert world.post(f"{path}/{way}", body, "principal").status_code == 403, way
    assert world.post(f"{path}/skip", {"reason": ""}, "admin").status_code == 422
    assert world.post(f"{path}/cancel", {**reason, "scope": "all"}, "admin").status_code == 422
    done = world.post(f"{path}/skip", reason, "admin").json()
    assert (done["state"], done["resolution"], done["reason"]) == ("resolved", "skipped", "核对过")
    assert world.post(f"{path}/cancel", {**reason, "scope": "incident"}, "admin").status_code == 404
    task = world.task(stuck, "t_small_check", "nurse")["id"]
    assert world.post(f"/tasks/{task}/complete", {"data": {}}, "nurse").status_code == 200
