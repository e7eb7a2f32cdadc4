"""A roster over the API: drawn up, published, swapped, signed, handed over, and what is refused."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.product import Product
from tests.paths.world import World, at
from tests.web.site import with_passwords

HERE = "/organisations/demo-school/duty"
DAY = {"name": "日班", "begins": "12:00", "hours": 4, "weekdays": [1, 2, 3, 4, 5, 6, 7], "members": 1}
WEEK = {"week": "2026-03-04"}  # any day of it


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Product]:
    w = World(tmp_path, at("08:00"))
    with_passwords(w)
    yield Product(w.app, w.clock)
    w.close()


def ids(desk: Product) -> dict[str, str]:
    """Account by user name."""
    found = desk.get("/organisations/demo-school/members", "principal").json()["items"]
    return {each["username"]: each["account"] for each in found}


def first_shift(desk: Product, who: str = "coordinator") -> dict[str, Any]:
    """The shift of the Monday."""
    return dict(desk.get(HERE, who, params={"since": "2026-03-02"}).json()["shifts"][0])


def test_a_roster_from_the_templates_to_the_signed_hand_over(desk: Product) -> None:
    account = ids(desk)
    assert desk.post(f"{HERE}/plan", WEEK, "coordinator").json()["code"] == "value_refused"  # no templates yet
    assert desk.post(f"{HERE}/templates", {"templates": [DAY]}, "coordinator").json() == {"shifts": 1}
    assert desk.post(f"{HERE}/plan", WEEK, "coordinator").json() == {"shifts": 7}
    shift = first_shift(desk)
    assert (shift["state"], shift["people"]) == ("draft", [])
    assert desk.get(HERE, "teacher").json()["shifts"] == []  # drafts are of those who plan
    path = f"/duty/shifts/{shift['id']}"
    people = {"leaders": [account["principal"]], "members": [account["coordinator"]]}
    assert desk.post(f"{path}/people", people, "coordinator").status_code == 200
    assert desk.post(f"{HERE}/publish", WEEK, "coordinator").status_code == 403
    assert desk.post(f"{HERE}/publish", WEEK, "principal").json() == {"shifts": 7}
    roster = desk.get(HERE, "teacher").json()
    assert (roster["is_kept"], len(roster["shifts"])) == (True, 7)
    assert [each["name"] for each in roster["shifts"][0]["people"]] == ["校长己", "办公室丙"]
    assert roster["gaps"], "the second day has nobody"
    swap = desk.post(f"{path}/swaps", {"other": account["nurse"], "reason": "家里有事"}, "coordinator").json()["id"]
    assert desk.post(f"/duty/swaps/{swap}", {"state": "approved"}, "principal").status_code == 422  # not accepted yet
    assert desk.post(f"/duty/swaps/{swap}", {"state": "accepted"}, "teacher").status_code == 403
    assert desk.post(f"/duty/swaps/{swap}", {"state": "accepted"}, "nurse").status_code == 200
    assert desk.post(f"/duty/swaps/{swap}", {"state": "approved"}, "principal").status_code == 200
    assert [each["name"] for each in first_shift(desk)["people"]] == ["校长己", "校医丁"]
    early = desk.post(f"{path}/sign-in", {}, "nurse")
    assert (early.status_code, early.json()["code"]) == (422, "value_refused")
    desk.clock.set(at("11:50"))
    assert desk.post(f"{path}/sign-in", {}, "nurse").json()["people"][1]["state"] == "signed"
    assert desk.post(f"{path}/sign-in", {}, "teacher").status_code == 403
    desk.clock.set(at("15:50"))
    said = {"side": "handed", "text": "三年级一名学生发热，家长已接走\n电话0000-2000001"}
    assert desk.post(f"{path}/hand-over", {**said, "text": ""}, "nurse").status_code == 422
    assert desk.post(f"{path}/hand-over", said, "nurse").json()["handed_by"] == "校医丁"
    done = desk.post(f"{path}/hand-over", {"side": "received"}, "principal").json()
    assert (done["received_by"], done["handover"]) == ("校长己", said["text"])


def test_what_is_handed_over_is_a_sheet_for_those_who_work_there(desk: Product) -> None:
    account = ids(desk)
    desk.post(f"{HERE}/templates", {"templates": [DAY]}, "coordinator")
    desk.post(f"{HERE}/plan", WEEK, "coordinator")
    path = f"/duty/shifts/{first_shift(desk)['id']}"
    people = {"leaders": [account["principal"]], "members": [account["coordinator"]]}
    desk.post(f"{path}/people", people, "coordinator")
    desk.post(f"{HERE}/publish", WEEK, "principal")
    desk.clock.set(at("12:30"))
    desk.post(f"{path}/hand-over", {"side": "handed", "text": "钥匙在门卫"}, "coordinator")
    answer = desk.get(f"{path}/hand-over.docx", "teacher")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        text = archive.read("word/document.xml").decode("utf-8")
    assert [word for word in ("值班交接表", "校长己", "办公室丙", "钥匙在门卫", "接班") if word not in text] == []
    assert desk.get(path, "manager").json()["handover"] == ""  # a superior sees who is on duty, not what is handed over
    assert desk.get(f"{path}/hand-over.docx", "manager").status_code == 403
    assert desk.get(path, "staff2").status_code == 404
    assert desk.get(HERE, "staff2").status_code == 403


def test_absences_and_stand_ins(desk: Product) -> None:
    account = ids(desk)
    away = {
        "starts_at": "2026-03-03T08:00:00+08:00", "ends_at": "2026-03-03T18:00:00+08:00", "reason": "开会",
        "stand_in": account["nurse"],
    }  # fmt: skip
    made = desk.post(f"{HERE}/absences", away, "coordinator")
    assert made.status_code == 201
    wrong = desk.post(f"{HERE}/absences", {**away, "ends_at": away["starts_at"]}, "coordinator")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "value_refused")
    (shown,) = desk.get(HERE, "coordinator").json()["absences"]
    assert (shown["name"], shown["stand_in"]) == ("办公室丙", "校医丁")
    withdraw = f"/duty/absences/{made.json()['id']}/withdraw"
    assert desk.post(withdraw, {}, "nurse").status_code == 403
    assert desk.post(withdraw, {}, "coordinator").status_code == 200
    assert desk.get(HERE, "coordinator").json()["absences"] == []
    listed = {"role": "epi_office", "accounts": [account["nurse"], account["nurse"]]}
    assert desk.post(f"{HERE}/stand-ins", listed, "coordinator").status_code == 422
    assert desk.post(f"{HERE}/stand-ins", {**listed, "accounts": [account["nurse"]]}, "coordinator").status_code == 200
