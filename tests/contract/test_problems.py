"""Errors as RFC 9457 problem documents, in both languages."""

from typing import Any

import httpx
import pytest

from tests.contract.product import OPENING, QUICK, Product

MEMBERS = {"type", "title", "status", "detail", "instance", "code"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, after its shape was checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert set(found) >= MEMBERS
    assert (found["status"], found["code"]) == (status, code)
    assert found["type"].endswith(code)
    assert found["title"]
    assert found["detail"]
    return found


def test_unknown_path_and_method(world: Product) -> None:
    assert problem(world.get("/nothing"), 404, "http_404")["instance"] == "/api/v1/nothing"
    problem(world.call("DELETE", "/me"), 405, "http_405")


def test_unknown_things_look_like_things_one_may_not_see(world: Product) -> None:
    incident = world.opened()
    unknown = problem(world.get("/incidents/none", "villager"), 404, "not_found")
    hidden = problem(world.get(f"/incidents/{incident}", "villager"), 404, "not_found")
    assert unknown["detail"].replace("none", "") == hidden["detail"].replace(incident, "")


def test_fields_that_break_a_rule_are_named_in_the_callers_language(world: Product) -> None:
    body = {**OPENING, "data": {**QUICK, "temperature": 99, "zzz": 1}}
    chinese = problem(world.post("/incidents", body, "teacher"), 422, "form_refused")["errors"]
    english = problem(
        world.post("/incidents", body, "teacher", headers={"Accept-Language": "en-GB,en;q=0.9"}), 422, "form_refused"
    )["errors"]
    assert {(each["path"], each["code"]) for each in chinese} == {
        ("temperature", "out_of_range"), ("zzz", "unknown_field"),
    }  # fmt: skip
    assert [each["path"] for each in english] == [each["path"] for each in chinese]
    assert any("34.0" in each["message"] and "应" in each["message"] for each in chinese)
    assert any(each["message"].startswith("Must be between") for each in english)
    assert all(set(each) == {"path", "code", "message"} for each in chinese)


def test_a_refused_opening_stores_nothing(world: Product) -> None:
    before = len(world.get("/incidents", "teacher").json()["items"])
    world.post("/incidents", {**OPENING, "data": {}}, "teacher")
    assert len(world.get("/incidents", "teacher").json()["items"]) == before


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"username": "teacher"}, {("password", "required")}),
        ({"username": "teacher", "password": "demo", "more": 1}, {("more", "unknown_field")}),
        ({"username": 7, "password": "demo"}, {("username", "type")}),
    ],
)
def test_bodies_of_the_wrong_shape(world: Product, body: object, faults: set[tuple[str, str]]) -> None:
    found = problem(world.post("/auth/token", body), 422, "request_refused")["errors"]
    assert {(each["path"], each["code"]) for each in found} == faults


def test_bytes_that_are_no_text_and_a_form_that_is_none(world: Product) -> None:
    answer = world.call("POST", "/auth/token", content=b"\xdc\xf3", headers={"Content-Type": "application/json"})
    problem(answer, 400, "http_400")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = world.call("POST", "/attachments", who="teacher", content=b"--x\r\n[]:\r\n", headers=headers)
    problem(answer, 400, "http_400")


def test_text_that_is_no_json(world: Product) -> None:
    answer = world.call("POST", "/auth/token", content=b"{", headers={"Content-Type": "application/json"})
    assert problem(answer, 422, "request_refused")["errors"][0]["code"] == "json"


def test_wrong_password_and_unknown_name_answer_alike_and_then_no_more(world: Product) -> None:
    wrong = problem(world.post("/auth/token", {"username": "town", "password": "no"}), 401, "sign_in_failed")
    unknown = problem(world.post("/auth/token", {"username": "nobody", "password": "no"}), 401, "sign_in_failed")
    assert wrong == unknown
    for _ in range(7):
        world.post("/auth/token", {"username": "nobody", "password": "no"})
    answer = world.post("/auth/token", {"username": "nobody", "password": "no"})
    problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 0


def test_a_cookie_needs_its_csrf_value_to_change_something(world: Product) -> None:
    cookies, csrf = world.cookie("teacher")
    assert world.get("/me", cookies=cookies).json()["username"] == "teacher"
    problem(world.post("/incidents", OPENING, cookies=cookies), 403, "csrf_missing")
    problem(world.post("/incidents", OPENING, cookies=cookies, headers={"X-CSRF-Token": "x"}), 403, "csrf_missing")
    answer = world.post("/incidents", OPENING, cookies=cookies, headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 201


def test_the_secret_of_a_cookie_is_no_bearer_token(world: Product) -> None:
    cookies, _ = world.cookie("teacher")
    headers = {"Authorization": f"Bearer {cookies['tocsin_session']}"}
    problem(world.post("/incidents", OPENING, headers=headers), 401, "sign_in_needed")


def test_a_task_completed_twice_says_who_and_when(world: Product) -> None:
    task = world.task(world.opened(), "t_office_accept")["id"]
    assert world.post(f"/tasks/{task}/complete", {"data": {}}, "coordinator").status_code == 200
    again = problem(world.post(f"/tasks/{task}/complete", {"data": {}}, "coordinator"), 409, "task_not_open")
    assert "办公室丙" in again["detail"]
    assert "2026-03-09 10:20" in again["detail"]


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "!!"])
def test_cursors_we_did_not_write(world: Product, cursor: str) -> None:
    for path in ("/tasks", "/incidents", "/outbox"):
        problem(world.get(path, "teacher", params={"cursor": cursor}), 422, "value_refused")
