"""Who sees what: jurisdiction on every incident route, names only while a task needs them."""

from typing import Any

import pytest

from tests.contract.product import OPENING, Product

READS = (
    "", "/timeline", "/tasks", "/diagram", "/instances", "/people", "/places", "/reports", "/deliveries", "/actions",
)  # fmt: skip
STRANGERS = ("villager", "doctor")


def names(world: Product, incident: str, who: str) -> list[str]:
    items = world.get(f"/incidents/{incident}/people", who).json()["items"]
    return [item["name"] for item in items if item["kind"] == "case"]


def revealed(world: Product, incident: str, who: str) -> int:
    """Have the name of the case shown; the status of the answer."""
    items = world.get(f"/incidents/{incident}/people", who).json()["items"]
    person = next(item["id"] for item in items if item["kind"] == "case")
    return world.post(f"/incidents/{incident}/people/{person}/reveal", {"fields": ["name"]}, who).status_code


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("path", READS)
def test_strangers_see_no_incident(world: Product, who: str, path: str) -> None:
    incident = world.opened()
    assert world.get(f"/incidents/{incident}{path}", who).status_code == 404


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_lists_are_empty(world: Product, who: str) -> None:
    world.opened()
    for path in ("/incidents", "/tasks", "/outbox", "/engine-incidents"):
        assert world.get(path, who).json()["items"] == []


def test_strangers_change_nothing(world: Product) -> None:
    incident = world.opened()
    task = world.task(incident, "t_office_accept")["id"]
    for path, body in (
        (f"/tasks/{task}/claim", None),
        (f"/tasks/{task}/complete", {"data": {}}),
        (f"/tasks/{task}/draft", {"data": {}}),
        (f"/tasks/{task}/not-executable", {"reason": "x"}),
        (f"/incidents/{incident}/cases", {"data": {}}),
        (f"/incidents/{incident}/notes", {"text": "x"}),
        (f"/incidents/{incident}/messages", {"name": "msg_120_arrived", "message_id": "1"}),
        ("/incidents", OPENING),
    ):
        assert world.post(path, body, "villager").status_code in (403, 404), path
    assert world.task(incident, "t_office_accept")["state"] == "open"


def test_only_roles_of_a_task_may_do_it(world: Product) -> None:
    task = world.task(world.opened(), "t_office_accept")["id"]
    answer = world.post(f"/tasks/{task}/complete", {"data": {}}, "cleaner")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert world.get(f"/tasks/{task}", "cleaner").json()["values"] == {}


def test_a_name_is_shown_in_full_only_to_whoever_revealed_it_for_a_task(world: Product) -> None:
    incident = world.opened()
    assert names(world, incident, "coordinator") == ["学** · 七年级2班 · 病例1"]
    assert revealed(world, incident, "coordinator") == 200
    assert names(world, incident, "coordinator") == ["学生甲 · 七年级2班 · 病例1"]
    assert revealed(world, incident, "cleaner") == 403
    assert names(world, incident, "cleaner") == ["学** · 七年级2班 · 病例1"]
    assert names(world, incident, "manager") == ["学** · 七年级2班 · 病例1"]
    assert names(world, incident, "teacher") == ["学** · 七年级2班 · 病例1"]
    for element in ("t_mask_escort", "t_remind_protection"):
        task = world.task(incident, element)["id"]
        answers = {"mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["带离"], "epi_history": False}
        data = answers if element == "t_mask_escort" else {}
        assert world.post(f"/tasks/{task}/complete", {"data": data}, "teacher").status_code == 200
    assert names(world, incident, "teacher") == ["学** · 七年级2班 · 病例1"]


def test_no_answer_to_an_overseer_holds_a_full_name(world: Product) -> None:
    incident = world.opened()
    for path in READS:
        answer = world.get(f"/incidents/{incident}{path}", "manager", params={"limit": "200"})
        if answer.status_code == 200:
            assert "学生甲" not in answer.text, path


def test_an_overseer_reads_and_an_administrator_sees_no_people(world: Product) -> None:
    incident = world.opened()
    assert world.get(f"/incidents/{incident}", "manager").status_code == 200
    assert world.get(f"/incidents/{incident}", "admin").status_code == 200
    assert world.get(f"/incidents/{incident}/people", "admin").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/audit/verify", None),
        ("PUT", "/policies/fever_threshold", {"organisation": "demo-school", "value": 37.0, "reason": "x"}),
        ("POST", "/policies/fever_threshold/preview", {"organisation": "demo-school", "value": 37.0, "reason": "x"}),
        ("POST", "/engine-incidents/x/retry", None),
    ],
)
def test_what_is_in_the_care_of_administrators(world: Product, method: str, path: str, body: Any) -> None:
    assert world.call(method, path, who="principal", json=body).status_code == 403


def test_a_party_is_played_by_who_speaks_for_it(world: Product) -> None:
    incident = world.opened()
    body = {"name": "msg_120_arrived", "keys": {}, "payload": {}, "message_id": "m-1"}
    assert world.post(f"/incidents/{incident}/messages", body, "coordinator").status_code == 403
    answer = world.post(f"/incidents/{incident}/messages", body, "manager")
    assert (answer.status_code, answer.json()["state"]) == (202, "buffered")
    again = world.post(f"/incidents/{incident}/messages", body, "manager")
    assert (again.status_code, again.json()["state"]) == (202, "duplicate")
