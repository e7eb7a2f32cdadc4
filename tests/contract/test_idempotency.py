"""The same key with the same body gives the first answer again, and does nothing twice."""

from datetime import timedelta

from service.application.idempotency import KEPT
from tests.contract.product import OPENING, QUICK, Product


def count(world: Product) -> int:
    return len(world.get("/incidents", "teacher", params={"limit": "200"}).json()["items"])


def test_the_first_answer_again(world: Product) -> None:
    key = {"Idempotency-Key": "open-1"}
    first = world.post("/incidents", OPENING, "teacher", headers=key)
    known = count(world)
    again = world.post("/incidents", OPENING, "teacher", headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replay"] == "true"
    assert count(world) == known


def test_another_body_is_a_conflict(world: Product) -> None:
    key = {"Idempotency-Key": "open-2"}
    world.post("/incidents", OPENING, "teacher", headers=key)
    known = count(world)
    answer = world.post("/incidents", {**OPENING, "data": {**QUICK, "temperature": 39.0}}, "teacher", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_mismatch")
    assert count(world) == known


def test_keys_belong_to_a_person_and_a_route(world: Product) -> None:
    key = {"Idempotency-Key": "open-3"}
    mine = world.post("/incidents", OPENING, "teacher", headers=key).json()["id"]
    hers = world.post("/incidents", OPENING, "nurse", headers=key).json()["id"]
    assert mine != hers
    task = world.task(mine, "t_office_accept")["id"]
    assert world.post(f"/tasks/{task}/claim", None, "coordinator", headers=key).json()["state"] == "claimed"
    done = world.post(f"/tasks/{task}/complete", {"data": {}}, "coordinator", headers=key)
    again = world.post(f"/tasks/{task}/complete", {"data": {}}, "coordinator", headers=key)
    assert done.status_code == again.status_code == 200
    assert done.json() == again.json()
    assert done.json()["opened"]


def test_a_refused_request_may_be_corrected_under_the_same_key(world: Product) -> None:
    key = {"Idempotency-Key": "open-4"}
    assert world.post("/incidents", {**OPENING, "data": {}}, "teacher", headers=key).status_code == 422
    assert world.post("/incidents", OPENING, "teacher", headers=key).status_code == 201


def test_a_key_is_forgotten_after_a_day(world: Product) -> None:
    key = {"Idempotency-Key": "open-5"}
    first = world.post("/incidents", OPENING, "teacher", headers=key).json()["id"]
    world.clock.advance(KEPT)
    world.forget_tokens()
    later = world.post("/incidents", {**OPENING, "data": {**QUICK, "temperature": 39.0}}, "teacher", headers=key)
    assert later.status_code == 201
    assert later.json()["id"] != first


def test_an_overlong_key_is_refused(world: Product) -> None:
    answer = world.post("/incidents", OPENING, "teacher", headers={"Idempotency-Key": "x" * 201})
    assert (answer.status_code, answer.json()["code"]) == (422, "value_refused")


def test_what_the_service_adds_does_not_make_a_request_another_one(world: Product) -> None:
    incident = world.opened()
    key = {"Idempotency-Key": "note"}
    first = world.post(f"/incidents/{incident}/notes", {"text": "到场"}, "coordinator", headers=key)
    world.clock.advance(timedelta(minutes=1))
    again = world.post(f"/incidents/{incident}/notes", {"text": "到场"}, "coordinator", headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
