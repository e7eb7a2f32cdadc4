"""Scenarios and injects over HTTP: the list, a drill of one, what is sent, skipped and made up."""

from collections.abc import Iterator

import pytest

from tests.contract.product import Product
from tests.contract.test_drills import FREE_PLAY

SCENARIO = "sc12_false_alarm"
BODY = {"scenario": SCENARIO, "organisation": "demo-school", "speed": 0, "seed": 3}


@pytest.fixture(autouse=True)
def all_ended(world: Product) -> Iterator[None]:
    """No drill of a test runs on in the next one."""
    yield
    for drill in world.get("/drills?limit=200", "trainer").json()["items"]:
        if drill["ended_at"] is None:
            world.post(f"/drills/{drill['id']}/finish", {}, "trainer")


def test_scenarios_are_listed_with_roles_objectives_and_injects(world: Product) -> None:
    items = {each["id"]: each for each in world.get("/scenarios", "trainer").json()["items"]}
    assert {"sc01_excluded_case", "sc02_confirmed_case", "sc16_drill", "varied_case"} <= set(items)
    one = world.get(f"/scenarios/{SCENARIO}", "trainer").json()
    assert one == items[SCENARIO]
    assert (one["catalogue"], one["faults"], one["injects"][1]["trigger"]) == ("SC12", [], "after")
    assert world.get("/scenarios", "teacher").status_code == 403


def test_a_drill_of_a_scenario_tells_its_trainer_what_will_come(world: Product) -> None:
    answer = world.post("/drills", BODY, "trainer")
    assert answer.status_code == 201, answer.text
    drill = answer.json()
    assert (drill["scenario"], drill["seed"], drill["clock"]["now"][:16]) == (SCENARIO, 3, "2026-03-02T00:05")
    assert [(each["id"], each["state"]) for each in drill["injects"]] == [("i01", "sent"), ("i02", "pending")]
    assert [each["id"] for each in drill["objectives"]] == ["o_measure", "o_wind_up"]
    seen = world.get(f"/drills/{drill['id']}", "coordinator").json()
    assert (seen["injects"], seen["objectives"]) == ([], [])


def test_injects_are_sent_skipped_and_made_up(world: Product) -> None:
    path = f"/drills/{world.post('/drills', BODY, 'trainer').json()['id']}/injects"
    skipped = world.post(path, {"inject": "i02", "action": "skip", "reason": "够了"}, "trainer").json()
    assert [(each["state"], each["outcome"]) for each in skipped["injects"]] == [("sent", ""), ("skipped", "够了")]
    assert world.post(path, {"inject": "i02"}, "trainer").status_code == 404
    made = world.post(path, {"kind": "cue", "title": "看钟", "text": "还有五分钟"}, "trainer").json()
    assert (made["injects"][-1]["title"], made["injects"][-1]["state"]) == ("看钟", "sent")
    bad = world.post(path, {"kind": "failure", "title": "断网", "system": "district_ofice", "lasts": "PT1H"}, "trainer")
    assert (bad.status_code, bad.json()["code"], bad.json()["errors"][0]["path"]) == (
        422, "scenario_refused", "inject.system",
    )  # fmt: skip
    assert "district_office" in bad.json()["errors"][0]["message"]
    assert world.post(path, {"kind": "cue", "title": "x", "text": "y"}, "teacher").status_code in (403, 404)


def test_free_play_takes_made_up_injects_too(world: Product) -> None:
    drill = world.post("/drills", FREE_PLAY, "trainer").json()["id"]
    made = world.post(f"/drills/{drill}/injects", {"kind": "cue", "title": "试", "text": "试"}, "trainer")
    assert made.status_code == 200, made.text
    assert [each["state"] for each in made.json()["injects"]] == ["sent"]


@pytest.mark.parametrize("body", [{}, {"scenario": SCENARIO, "procedure": "small_alarm"}, {"scenario": "sc99"}])
def test_what_names_no_scenario_or_two_things_begins_nothing(world: Product, body: dict[str, str]) -> None:
    before = len(world.get("/drills?limit=200", "trainer").json()["items"])
    answer = world.post("/drills", {"organisation": "demo-school", **body}, "trainer")
    assert answer.status_code in (404, 422), answer.text
    assert len(world.get("/drills?limit=200", "trainer").json()["items"]) == before
