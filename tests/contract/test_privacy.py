"""Persons shown on purpose, emergency access, searching: what is allowed, what is logged, what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.persistence.tables import sql
from tests.contract.product import QUICK, Product

PHONE, ID_NO = "13912345678", "110105201203077432"
PERSON = {
    "name": "钱小满", "person_type": "student", "org_unit": {"id": "demo-school-7-2"}, "phone": PHONE, "id_no": ID_NO,
}  # fmt: skip
ESCORT = {"mask_put_on": True, "escorted_to": "临时留观点", "measures_taken": ["带离"], "epi_history": False}


def opened(world: Product, name: str = "钱小满") -> tuple[str, str]:
    """A new incident and its case."""
    incident = world.opened(person={**QUICK["person"], **PERSON, "name": name})
    items = world.get(f"/incidents/{incident}/people", "coordinator").json()["items"]
    return incident, next(item["id"] for item in items if item["kind"] == "case")


def reveal(world: Product, incident: str, person: str, who: str, *fields: str) -> Any:
    path = f"/incidents/{incident}/people/{person}/reveal"
    return world.post(path, {"fields": list(fields or ("name", "contact", "id_no"))}, who)


def events(world: Product, stream: str, type_: str) -> list[Any]:
    """The events of a type in a stream, oldest first."""
    log = sql.events
    with world.tocsin.read() as connection:
        wanted = (log.c.stream == stream) & (log.c.type == type_)
        return list(connection.execute(select(log).where(wanted).order_by(log.c.seq)).mappings())


def values(world: Product, incident: str, person: str, who: str) -> dict[str, Any]:
    found: dict[str, Any] = world.get(f"/incidents/{incident}/people/{person}", who).json()["values"]
    return found


def test_a_person_is_shown_for_the_task_that_needs_him_and_it_is_logged(world: Product) -> None:
    incident, person = opened(world)
    assert values(world, incident, person, "coordinator")["phone"] == "139****5678"
    answer = reveal(world, incident, person, "coordinator")
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    assert (seen["values"]["name"], seen["values"]["phone"], seen["values"]["id_no"]) == ("钱小满", PHONE, ID_NO)
    (event,) = events(world, incident, "person_revealed")
    task = world.task(incident, "t_office_accept")["id"]
    assert (event["data"]["person"], event["data"]["basis"], event["data"]["task"]) == (person, "task", task)
    assert event["data"]["fields"] == ["contact", "id_no", "name"]
    assert not any(each in str(dict(event)) for each in ("钱小满", PHONE, ID_NO))
    assert values(world, incident, person, "cleaner")["phone"] == "139****5678"  # only who asked
    world.clock.advance(timedelta(minutes=11))
    assert values(world, incident, person, "coordinator")["phone"] == "139****5678"
    assert world.get("/audit/verify", "admin").json()["ok"] is True


def test_without_a_task_that_needs_him_nobody_is_shown(world: Product) -> None:
    incident, person = opened(world)
    for who in ("cleaner", "manager"):
        answer = reveal(world, incident, person, who)
        assert (answer.status_code, answer.json()["code"]) == (403, "no_ground"), who
    assert reveal(world, incident, person, "staff2").json()["code"] == "not_allowed"
    assert reveal(world, incident, "nobody", "coordinator").status_code == 404
    assert world.post(f"/incidents/{incident}/people/{person}/reveal", {"fields": []}, "nurse").status_code == 422
    assert events(world, incident, "person_revealed") == []


def test_access_ends_a_short_while_after_the_task(world: Product) -> None:
    incident, person = opened(world)
    for element, data in (("t_mask_escort", ESCORT), ("t_remind_protection", {})):
        task = world.task(incident, element)["id"]
        assert world.post(f"/tasks/{task}/complete", {"data": data}, "teacher").status_code == 200
    assert reveal(world, incident, person, "teacher").status_code == 200
    assert events(world, incident, "person_revealed")[-1]["data"]["basis"] == "tail"
    world.clock.advance(timedelta(minutes=31))
    assert reveal(world, incident, person, "teacher").json()["code"] == "no_ground"


def test_emergency_access_has_a_reason_an_end_and_a_witness(world: Product) -> None:
    incident, person = opened(world)
    path = f"/incidents/{incident}/break-glass"
    before = len(events(world, incident, "break_glass_opened"))
    for body, name in (({"reason": " ", "minutes": 10}, "reason"), ({"reason": "晕倒", "minutes": 600}, "minutes")):
        answer = world.post(path, body, "cleaner")
        assert (answer.status_code, answer.json()["code"]) == (422, "value_refused"), name
    assert len(events(world, incident, "break_glass_opened")) == before
    grant = world.post(path, {"reason": "晕倒，须联系家长", "minutes": 10}, "cleaner").json()["id"]
    (event,) = events(world, incident, "break_glass_opened")
    assert "晕倒" not in str(dict(event))
    assert event["data"]["notified"] != []
    assert events(world, incident, "notice_sent")[-1]["data"]["code"] == "break_glass"
    assert reveal(world, incident, person, "cleaner", "contact").json()["values"]["phone"] == PHONE
    assert events(world, incident, "person_revealed")[-1]["data"]["grant"] == grant
    assert world.post(f"{path}/{grant}/end", {}, "cleaner").status_code == 200
    assert values(world, incident, person, "cleaner")["phone"] == "139****5678"
    assert events(world, incident, "break_glass_ended")[-1]["data"]["cause"] == "given_up"
    assert world.post(f"{path}/{grant}/end", {}, "cleaner").status_code == 404
    again = world.post(path, {"reason": "晕倒", "minutes": 10}, "cleaner").json()["id"]
    assert world.post(f"{path}/{again}/end", {}, "nurse").status_code == 403
    world.clock.advance(timedelta(minutes=11))
    assert reveal(world, incident, person, "cleaner").json()["code"] == "no_ground"


def search(world: Product, who: str, text: str, by: str = "name") -> Any:
    return world.post("/people/search", {"by": by, "text": text}, who)


@pytest.mark.parametrize(
    ("by", "text"), [("name", "孙立 秋"), ("phone", "139-1234 5678"), ("id_no", "１１０１０５２０１２０３０７７４３２")]
)
def test_a_person_is_found_by_what_is_sealed_within_ones_scope(world: Product, by: str, text: str) -> None:
    incident, person = opened(world, "孙立秋")
    found = search(world, "nurse", text, by).json()["items"]
    assert person in {item["person"] for item in found}
    assert all("立秋" not in item["name"] for item in found)
    assert person in {item["person"] for item in search(world, "manager", text, by).json()["items"]}
    for who in ("staff2", "villager", "admin"):
        assert search(world, who, text, by).json()["items"] == [], who
    logged = events(world, "access", "person_searched")[-1]
    assert (logged["data"], logged["sealed"]) == ({"by": by, "found": []}, {})
    with world.tocsin.read() as connection:
        rows = connection.execute(select(sql.person_index).where(sql.person_index.c.person_id == person)).all()
    assert {row.kind for row in rows} == {"name", "phone", "id_no"}
    assert not any(each in str(rows) for each in ("孙立秋", PHONE, ID_NO))
    assert incident in {item["incident"] for item in found}


def test_a_search_for_too_little_is_refused_and_not_logged(world: Product) -> None:
    before = len(events(world, "access", "person_searched"))
    for by, text in (("name", "孙"), ("phone", "139"), ("id_no", "1101")):
        assert search(world, "nurse", text, by).json()["code"] == "value_refused"
    assert len(events(world, "access", "person_searched")) == before
