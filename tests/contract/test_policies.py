"""Policies over the API: values with their sources, changes, their history, and what they do to running incidents."""

from typing import Any

import pytest

from tests.contract.product import Product

SCHOOL = "demo-school"


def _value(world: Product, key: str, organisation: str) -> dict[str, Any]:
    items = world.get("/policies", "teacher", params={"organisation": organisation}).json()["items"]
    found: dict[str, Any] = next(each for each in items if each["key"] == key)
    return found


def _body(organisation: str, value: object, *apply_to: str) -> dict[str, Any]:
    return {"organisation": organisation, "value": value, "reason": "流感高发", "apply_to": list(apply_to)}


@pytest.mark.parametrize(
    ("value", "status"),
    [(37.0, 200), (38.0, 422), ("warm", 422), (True, 422)],
    ids=["stricter", "looser", "word", "bool"],
)
def test_policies_may_only_be_made_stricter(world: Product, value: object, status: int) -> None:
    answer = world.call("PUT", "/policies/fever_threshold", who="admin", json=_body("demo-school-2", value))
    assert answer.status_code == status, answer.text
    entry = _value(world, "fever_threshold", "demo-school-2")
    assert entry["default"] == 37.3
    assert entry["cite"]


def test_a_refusal_names_the_direction_and_the_superiors_value(world: Product) -> None:
    answer = world.call("PUT", "/policies/fever_threshold", who="admin", json=_body(SCHOOL, 38.0))
    assert answer.json()["code"] == "policy_refused"
    assert "不高于 37.3 ℃" in answer.json()["detail"]


def test_a_running_incident_takes_a_value_over_when_it_is_named(world: Product) -> None:
    running, other = world.opened(), world.opened()
    path = "/policies/written_report"
    told = world.post(f"{path}/preview", _body(SCHOOL, "PT1H", running), "admin")
    assert told.status_code == 200, told.text
    assert _value(world, "written_report", SCHOOL)["value"] == "PT2H"  # nothing is stored by looking

    answer = world.call("PUT", path, who="admin", json=_body(SCHOOL, "PT1H", running))
    assert answer.status_code == 200, answer.text
    assert answer.json()["applied"] == told.json()["applied"]
    applied = answer.json()["applied"][0]
    assert (applied["incident"], applied["changed"], applied["old"], applied["new"]) == (running, True, "PT2H", "PT1H")
    report = next(each for each in applied["moves"] if each["kind"] == "deadline")
    assert (report["name"], report["before"], report["after"]) == (
        "2小时成文报告", "2026-03-09T04:20:00Z", "2026-03-09T03:20:00Z",
    )  # fmt: skip

    assert _deadline(world, running, "T02").startswith("2026-03-09T03:20")
    assert _deadline(world, other, "T02").startswith("2026-03-09T04:20")
    log = world.get(f"/incidents/{running}/timeline", "coordinator", params={"limit": "200"}).json()["items"]
    assert "policy_applied" in [each["type"] for each in log]


def _deadline(world: Product, incident: str, rule: str) -> str:
    deadlines = world.get(f"/incidents/{incident}", "coordinator").json()["deadlines"]
    return str(next(each["due_at"] for each in deadlines if each["rule"] == rule))


def test_all_or_nothing(world: Product) -> None:
    answer = world.call("PUT", "/policies/transit_alert", who="admin", json=_body(SCHOOL, "PT1H", "no-such-incident"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not _value(world, "transit_alert", SCHOOL)["overridden"]


def test_an_incident_of_another_organisation_is_refused(world: Product) -> None:
    body = _body("demo-school-2", "PT1H", world.opened())
    answer = world.call("PUT", "/policies/written_report", who="admin", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "value_refused")
    assert not _value(world, "written_report", "demo-school-2")["overridden"]


def test_the_history_says_who_when_from_to_and_why(world: Product) -> None:
    for value in (35.5, None):
        answer = world.call("PUT", "/policies/fever_threshold", who="admin", json=_body("demo-institution", value))
        assert answer.status_code == 200, answer.text
    items = world.get(
        "/policies/fever_threshold/history", "teacher", params={"organisation": "demo-institution"}
    ).json()["items"]
    assert [(each["old"], each["new"], each["reason"]) for each in items] == [
        (35.5, None, "流感高发"), (37.2, 35.5, "流感高发"),
    ]  # fmt: skip
    assert {each["organisation"] for each in items} == {"demo-institution"}
    assert all(each["actor"] and each["at"] for each in items)
    entry = _value(world, "fever_threshold", "demo-institution")
    assert (entry["value"], entry["overridden"]) == (37.2, False)


def test_a_superiors_value_is_named_as_inherited(world: Product) -> None:
    assert (
        world.call("PUT", "/policies/closing_report", who="admin", json=_body("demo-county", "P2D")).status_code == 200
    )
    entry = _value(world, "closing_report", SCHOOL)
    assert (entry["value"], entry["inherited"], entry["inherited_from"], entry["overridden"]) == (
        "P2D", "P2D", "demo-county", False,
    )  # fmt: skip
