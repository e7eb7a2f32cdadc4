"""The audit log over the API: the same search for programs, logged like any other look."""

from tests.contract.product import Product


def test_a_leader_reads_what_happened_in_his_organisation_in_pages(world: Product) -> None:
    incident = world.opened()
    first = world.get(f"/audit?incident={incident}&kind=change&limit=2", "principal")
    assert first.status_code == 200
    page = first.json()
    assert len(page["items"]) == 2
    assert {each["kind"] for each in page["items"]} == {"change"}
    assert all(each["incident"] == incident and each["hash"] for each in page["items"])
    second = world.get(f"/audit?incident={incident}&kind=change&limit=2&cursor={page['next']}", "principal").json()
    places = [(each["stream"], each["seq"]) for each in (*page["items"], *second["items"])]
    assert len(set(places)) == len(places)
    assert "学生甲" not in first.text


def test_a_look_is_in_the_log(world: Product) -> None:
    world.get("/audit?kind=sign_in", "principal")
    newest = world.get("/audit?kind=view&limit=1", "principal").json()["items"][0]
    assert newest["type"] == "audit_read"


def test_who_may_not_and_what_is_not_there(world: Product) -> None:
    incident = world.opened()
    assert world.get("/audit", "teacher").status_code == 403
    assert world.get(f"/audit?incident={incident}", "principal2").status_code == 404
    assert world.get("/audit?person=nobody", "principal").status_code == 404
    assert world.get("/audit?kind=gossip", "principal").status_code == 422
    assert world.get("/audit?cursor=abc", "principal").status_code == 422
    answer = world.get("/audit?since=2026-03-01T00:00:00", "principal")
    assert (answer.status_code, answer.json()["code"]) == (422, "value_refused")


def test_the_chain_verifies_over_the_api(world: Product) -> None:
    world.opened()
    answer = world.get("/audit/verify", "admin").json()
    assert answer["ok"]
    assert answer["events"] > 20
    assert answer["first_bad"] is None
