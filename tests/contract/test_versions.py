"""Versions of a procedure over the API."""

from tests.contract.product import Product

ALARM = "/procedures/small_alarm"


def test_a_version_is_retired_and_taken_up_again(world: Product) -> None:
    reason = {"reason": "指引调整"}
    assert world.post(f"{ALARM}/versions/1/retire", reason, "manager").status_code == 403
    assert world.post(f"{ALARM}/versions/1/retire", {"reason": ""}, "admin").status_code == 422
    assert world.post(f"{ALARM}/versions/7/retire", reason, "admin").status_code == 404
    retired = world.post(f"{ALARM}/versions/1/retire", reason, "admin").json()
    assert retired == {"version": 1, "is_active": False, "changed": True}

    refused = world.post(
        "/incidents", {"procedure": "small_alarm", "organisation": "demo-school", "data": {}}, "teacher"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "procedure_retired")
    assert "small_alarm" not in [each["id"] for each in world.get("/procedures", "teacher").json()["items"]]

    [version] = world.get(f"{ALARM}/versions", "teacher").json()["items"]
    assert (version["version"], version["is_active"], version["running"]) == (1, False, 0)
    assert version["retired_at"]
    again = world.post(f"{ALARM}/versions/1/activate", reason, "admin").json()
    assert again == {"version": 1, "is_active": True, "changed": True}
    told = world.get(f"{ALARM}/history", "teacher").json()["items"]
    assert [(each["how"], each["reason"]) for each in told] == [
        ("activated", "指引调整"), ("retired", "指引调整"), ("deployed", "")
    ]  # fmt: skip
