"""The directory over the API: reading within one's scope, changing it, refusals as problem documents."""

from tests.contract.product import Product
from tests.contract.test_directory_import import GOOD, a_workbook

SCHOOL = "/organisations/demo-school"


def test_organisations_are_read_within_ones_scope(world: Product) -> None:
    assert [each["id"] for each in world.get("/organisations", "teacher").json()["items"]] == ["demo-school"]
    below = world.get("/organisations", "manager", params={"parent": "demo-county"}).json()["items"]
    assert {"demo-bureau", "demo-town"} <= {each["id"] for each in below}
    found = world.get("/organisations", "manager", params={"q": "第二学校"}).json()["items"]
    assert [each["id"] for each in found] == ["demo-school-2"]
    one = world.get(SCHOOL, "teacher").json()
    assert one["above"] == ["demo-county", "demo-bureau", "demo-office"]
    assert world.get(SCHOOL, "staff2").status_code == 404
    for path in ("/members", "/places", "/history"):
        assert world.get(SCHOOL + path, "teacher").status_code == 200
        assert world.get(SCHOOL + path, "staff2").status_code == 404
    english = world.get(SCHOOL, "teacher", headers={"Accept-Language": "en"}).json()
    assert (english["name"], english["type_name"]) == ("Example School", "school")


def test_an_organisation_is_made_moved_and_closed(world: Product) -> None:
    body = {"name": "示例接口村", "type": "village", "parent": "demo-town", "id": "api-village"}
    made = world.post("/organisations", body, "town", headers={"Idempotency-Key": "a"})
    assert (made.status_code, made.json()["id"]) == (201, "api-village"), made.text
    again = world.post("/organisations", body, "town", headers={"Idempotency-Key": "a"})
    assert again.json() == made.json()
    twice = world.post("/organisations", body, "town")
    assert (twice.status_code, twice.json()["code"]) == (409, "already_exists")
    assert world.post("/organisations", {**body, "parent": "demo-office"}, "town").status_code == 403
    changed = world.call("PATCH", "/organisations/api-village", who="town", json={"contact": "0000-2000009"})
    assert changed.json()["contact"] == "0000-2000009"
    move = {"parent": "demo-school", "reason": "试"}
    refused = world.post("/organisations/api-village/move", move, "admin")
    assert (refused.status_code, refused.json()["code"]) == (422, "value_refused")
    closed = world.post("/organisations/api-village/switch", {"is_active": False, "reason": "并村"}, "town")
    assert closed.json()["is_active"] is False
    entry = world.get("/organisations/api-village/history", "town").json()["items"][0]
    assert entry["can_undo"]
    undone = world.post(f"/organisations/api-village/history/{entry['seq']}/undo", {}, "town")
    assert undone.json()["is_active"] is True


def test_a_move_can_be_looked_at_first(world: Product) -> None:
    body = {"parent": "demo-county", "reason": "撤并", "dry_run": True}
    told = world.post("/organisations/demo-school-2/move", body, "admin").json()
    assert (told["before"], told["after"], told["count"]) == ("demo-office", "demo-county", 1)
    assert world.get("/organisations/demo-school-2", "admin").json()["parent"] == "demo-office"


def test_people_are_invited_given_roles_and_switched_off(world: Product) -> None:
    body = {"username": "api-teacher", "name": "教师申", "roles": ["place_lead"]}
    made = world.post(f"{SCHOOL}/members", body, "principal", headers={"Idempotency-Key": "b"})
    assert made.status_code == 201, made.text
    account = made.json()["account"]
    assert len(made.json()["code"]) == 19
    shown = {each["account"]: each for each in world.get(f"{SCHOOL}/members", "teacher").json()["items"]}
    assert shown[account]["invited_until"]
    role = {"account": account, "role": "cleaner", "valid_until": "2027-01-01T00:00:00+08:00"}
    assert world.post(f"{SCHOOL}/memberships", role, "principal").status_code == 200
    beyond = world.post(f"{SCHOOL}/memberships", {"account": account, "role": "cdc"}, "principal")
    assert (beyond.status_code, beyond.json()["code"]) == (403, "beyond_reach")
    end = {"account": account, "role": "cleaner"}
    assert world.post(f"{SCHOOL}/memberships/end", end, "principal").status_code == 200
    named = world.call("PATCH", f"/accounts/{account}", who="principal", json={"name": "教师酉"})
    assert named.json() == {"changed": True}
    assert world.post(f"/accounts/{account}/invitation", {}, "principal").json()["code"] != made.json()["code"]
    off = {"is_active": False, "reason": "离职"}
    assert world.post(f"/accounts/{account}/switch", off, "teacher").status_code == 403
    assert world.post(f"/accounts/{account}/switch", off, "principal").json() == {"changed": True}
    left = world.post(f"{SCHOOL}/hand-over", {"account": account, "reason": "离职"}, "principal")
    assert left.status_code == 200
    assert account not in {each["account"] for each in world.get(f"{SCHOOL}/members", "teacher").json()["items"]}


def test_a_workbook_is_checked_and_confirmed(world: Product) -> None:
    template = world.get("/imports/template.xlsx", "principal")
    assert template.content[:2] == b"PK"
    bad = a_workbook(people=[("x", "某", "nowhere", "村书记")])
    told = world.call("POST", "/imports", who="admin", files={"file": ("a.xlsx", bad)}).json()
    assert (told["state"], told["faults"]) == ("refused", 1)
    assert told["errors"][0] == {"sheet": "人员", "row": 2, "column": "单位编号", "message": "没有这个单位"}
    assert world.call("POST", "/imports", who="teacher", files={"file": ("a.xlsx", bad)}).status_code == 403
    good = world.call("POST", "/imports", who="admin", files={"file": ("a.xlsx", GOOD)}).json()
    assert good["state"] == "checked"
    assert world.get(f"/imports/{good['id']}", "principal").status_code == 404
    confirmed = world.post(f"/imports/{good['id']}/confirm", {}, "admin").json()
    assert confirmed["state"] == "waiting"
    world.tocsin.worker.tick()
    assert world.get(f"/imports/{good['id']}", "admin").json()["state"] == "done"
    assert world.get("/organisations/new-town", "admin").json()["name"] == "示例乡"
