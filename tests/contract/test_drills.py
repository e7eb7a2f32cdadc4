"""Drills over HTTP: beginning one, its clock, its roles, and who may."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.product import OPENING, QUICK, Product

STARTS = "2026-09-07T08:00:00+08:00"
FREE_PLAY: dict[str, Any] = {
    "procedure": "small_alarm", "organisation": "demo-school", "data": {**QUICK, "found_at": STARTS}, "speed": 60,
    "starts_at": STARTS,
}  # fmt: skip


@pytest.fixture(autouse=True)
def all_ended(world: Product) -> Iterator[None]:
    """No drill of a test runs on in the next one."""
    yield
    for drill in world.get("/drills?limit=200", "trainer").json()["items"]:
        if drill["ended_at"] is None:
            world.post(f"/drills/{drill['id']}/finish", {}, "trainer")


def begun(world: Product, **more: Any) -> dict[str, Any]:
    """A drill of the trainer."""
    answer = world.post("/drills", {**FREE_PLAY, **more}, "trainer")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_free_play_answers_id_incident_and_clock(world: Product) -> None:
    drill = begun(world)
    assert drill["id"] == drill["incident"]
    assert (drill["clock"]["speed"], drill["clock"]["paused"]) == (60, False)
    assert datetime.fromisoformat(drill["clock"]["now"]) == datetime.fromisoformat(STARTS)
    assert datetime.fromisoformat(drill["clock"]["real_now"]) == world.clock.now()
    seen = world.get(f"/incidents/{drill['incident']}", "coordinator").json()
    assert (seen["kind"], seen["number"][:8], seen["clock"]["speed"]) == ("drill", "YL-0907-", 60)
    assert drill["id"] in [each["id"] for each in world.get("/drills", "trainer").json()["items"]]


def test_everybody_is_handed_to_the_service_at_once_those_who_were_named_too(world: Product) -> None:
    drill = begun(world, speed=0, roles={"place_lead": "human", "parent": "simulated"})["id"]
    answer = world.post(f"/drills/{drill}/roles", {"role": "*", "played_by": "simulated"}, "trainer")
    assert answer.status_code == 200, answer.text
    assert {each["played_by"] for each in answer.json()["roles"]} == {"simulated"}
    back = {"role": "place_lead", "played_by": "human"}
    taken = world.post(f"/drills/{drill}/roles", back, "trainer").json()["roles"]
    assert [each["role"] for each in taken if each["played_by"] == "human"] == ["place_lead"]


def test_drills_are_listed_by_when_they_were_begun_whatever_their_clocks_say(world: Product) -> None:
    years = ("2026", "2025", "2027")
    made = []
    for year in years:
        starts = STARTS.replace("2026", year)
        world.clock.advance(timedelta(seconds=1))
        made.append(begun(world, starts_at=starts, data={**QUICK, "found_at": starts}, speed=0)["id"])
    listed: list[str] = []
    cursor = ""
    while not set(made) <= set(listed):
        page = world.get("/drills", "trainer", params={"limit": "2", "cursor": cursor}).json()
        listed += [each["id"] for each in page["items"]]
        cursor = page["next"]
    assert listed[:3] == made[::-1]


def test_what_time_does_during_a_jump_is_not_put_down_to_the_trainer(world: Product) -> None:
    drill = begun(world, speed=0)["id"]
    assert world.post(f"/drills/{drill}/clock", {"action": "advance", "by": "PT3H"}, "trainer").status_code == 200
    told = world.get(f"/incidents/{drill}/timeline?limit=200", "trainer").json()["items"]
    rungs = [each for each in told if each["type"] == "deadline_escalated"]
    assert rungs
    assert {each["actor"] for each in rungs} == {"system"}


def test_the_clock_answers_the_new_clock_and_what_fired(world: Product) -> None:
    drill = begun(world, speed=0)["id"]
    at = datetime.fromisoformat(STARTS)

    def clock(**body: Any) -> dict[str, Any]:
        answer = world.post(f"/drills/{drill}/clock", body, "trainer")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    jumped = clock(action="advance", by="PT2H")
    assert datetime.fromisoformat(jumped["clock"]["now"]) == at + timedelta(hours=2)
    assert [each["name"].rpartition("#")[2] for each in jumped["fired"]] == ["0", "e_small_due", "1"]
    moved = clock(action="until_next")
    assert [(each["kind"], each["name"].rpartition("#")[2]) for each in moved["fired"]] == [("ladder", "2")]
    assert datetime.fromisoformat(moved["clock"]["now"]) == at + timedelta(hours=3)
    assert clock(action="resume")["clock"]["speed"] == 1
    assert clock(action="speed", speed=360)["clock"]["speed"] == 360
    world.clock.advance(timedelta(seconds=10))
    paused = clock(action="pause")["clock"]
    assert (paused["speed"], paused["wanted"], paused["paused"]) == (0, 360, True)
    assert datetime.fromisoformat(paused["now"]) == at + timedelta(hours=4)
    types = [each["type"] for each in world.get(f"/incidents/{drill}/timeline?limit=200", "trainer").json()["items"]]
    assert types.count("drill_created") == 1
    assert types.count("drill_clock_changed") == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"speed": -1}, "value_refused"), ({"speed": 3601}, "value_refused"), ({"slow_to": 0}, "value_refused"),
        ({"on_loss": "explode"}, "value_refused"), ({"floor_seconds": -5}, "value_refused"),
        ({"procedure": "nothing"}, "not_found"), ({"data": {}}, "form_refused"),
    ],
)  # fmt: skip
def test_what_a_drill_cannot_begin_with_is_refused_and_stores_nothing(
    world: Product, body: dict[str, Any], code: str
) -> None:
    before = world.get("/drills", "trainer").json()["items"]
    answer = world.post("/drills", {**FREE_PLAY, **body}, "trainer")
    assert (answer.status_code, answer.json()["code"]) in ((422, code), (404, code))
    assert world.get("/drills", "trainer").json()["items"] == before


def test_a_real_incident_has_no_clock_to_change(world: Product) -> None:
    incident = world.opened()
    for path, body in (("clock", {"action": "pause"}), ("finish", {}), ("settings", {}),
                       ("roles", {"role": "cdc", "played_by": "simulated"})):  # fmt: skip
        assert world.post(f"/drills/{incident}/{path}", body, "trainer").status_code in (403, 404, 409)
    drill = begun(world)["id"]
    for who in ("teacher", "principal", "town", "admin"):
        assert world.post(f"/drills/{drill}/clock", {"action": "pause"}, who).status_code == 403
    assert world.post("/drills", FREE_PLAY, "principal").status_code == 403


def test_a_real_incident_pauses_the_drills_of_its_organisation(world: Product) -> None:
    drill = begun(world)["id"]
    world.opened()
    world.tocsin.worker.tick()
    clock = world.get(f"/drills/{drill}", "trainer").json()["clock"]
    assert (clock["paused"], clock["cause"]) == (True, "real_incident")


def test_the_code_word_stops_all_drills(world: Product) -> None:
    drills = [begun(world, code_word="真实情况")["id"], begun(world)["id"]]
    body = {"organisation": "demo-school", "word": "别的"}
    assert world.post("/drills/stop", body, "teacher").status_code == 422
    assert world.post("/drills/stop", {**body, "word": "真实情况"}, "villager").status_code == 403
    assert world.post("/drills/stop", {**body, "word": "真实情况"}, "teacher").json() == {"stopped": 2}
    world.tocsin.worker.tick()
    for drill in drills:
        clock = world.get(f"/drills/{drill}", "trainer").json()["clock"]
        assert (clock["speed"], clock["cause"]) == (0, "code_word")


def test_simulated_roles_answer_and_give_back(world: Product) -> None:
    drill = begun(world, speed=0, seed=3, roles=["isolation_lead", "epi_office"])["id"]
    roles = {each["role"]: each for each in world.get(f"/drills/{drill}", "trainer").json()["roles"]}
    assert roles["isolation_lead"]["played_by"] == "simulated"
    answer = world.post(f"/drills/{drill}/roles", {"role": "epi_office", "played_by": "human"}, "trainer")
    assert answer.status_code == 200
    world.post(f"/drills/{drill}/clock", {"action": "advance", "by": "PT1H"}, "trainer")
    tasks = {each["element"]: each for each in world.get(f"/incidents/{drill}/tasks", "trainer").json()["items"]}
    assert (tasks["t_small_check"]["state"], tasks["t_small_written"]["state"]) == ("completed", "open")


def test_an_ended_drill_stays_ended(world: Product) -> None:
    drill = begun(world)["id"]
    ended = world.post(f"/drills/{drill}/finish", {}, "trainer").json()
    assert (ended["status"], ended["clock"]["speed"]) == ("closed", 0)
    assert ended["ended_at"] is not None
    again = world.post(f"/drills/{drill}/clock", {"action": "resume"}, "trainer")
    assert (again.status_code, again.json()["code"]) == (409, "incident_closed")
    assert world.get(f"/incidents/{drill}/tasks?state=open", "trainer").json()["items"] == []


def test_a_drill_is_in_no_number_of_real_incidents(world: Product) -> None:
    first = world.post("/incidents", {**OPENING, "procedure": "small_alarm"}, "teacher").json()["number"]
    before = _numbers(world)
    begun(world)
    assert _numbers(world) == before
    assert [each["kind"] for each in world.get("/incidents?kind=drill", "manager").json()["items"]][:1] == ["drill"]
    assert {each["kind"] for each in world.get("/incidents?kind=real", "coordinator").json()["items"]} == {"real"}
    second = world.post("/incidents", {**OPENING, "procedure": "small_alarm"}, "teacher").json()
    assert int(second["number"][-2:]) == int(first[-2:]) + 1


def _numbers(world: Product) -> tuple[object, ...]:
    """What counts real incidents: the measurements, the library, the incidents a policy could be applied to."""
    shown = world.get("/metrics").text.splitlines()
    open_incidents = [line for line in shown if line.startswith("tocsin_incidents_open")]
    preview = world.post(
        "/policies/written_report/preview", {"organisation": "demo-school", "value": "PT1H"}, "admin"
    ).json()
    procedures = world.get("/procedures/small_alarm", "coordinator").json()
    return tuple(open_incidents), str(preview), str(procedures)
