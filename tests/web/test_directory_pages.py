"""Organisations, places with their rosters, and people, without scripts: done, refused beside the field, input kept."""

from tests.web.english import in_english
from tests.web.site import Pages

SCHOOL = "/organisations/demo-school"
ERROR = "//p[contains(@class,'error')]"


def test_an_organisation_is_changed_and_changed_back(web: Pages) -> None:
    mine = web.as_("principal")
    form = mine.get(f"{SCHOOL}/edit")
    refused = mine.submit(form, {"name": " ", "contact": "0000-2000001"})
    assert (refused.status, "请填写名称" in refused.words(ERROR)) == (422, True)
    assert refused.fields()["contact"] == ["0000-2000001"], "what was typed stays"
    done = mine.submit(refused, {"name": "示例学校", "contact": "0000-2000001"})
    assert (done.path.split("?")[0], "0000-2000001" in done.text) == (SCHOOL, True)
    undone = mine.submit(done, form="//form[contains(@action,'/undo')][1]")
    assert "0000-2000001" not in undone.words("//main").replace(undone.words("//aside"), "")
    for who in ("teacher", "coordinator"):  # who may only look is not shown a form
        assert web.as_(who).get(SCHOOL).status == 200
        assert [web.as_(who).get(f"{SCHOOL}/{path}").status for path in ("edit", "switch", "places/new")] == [403] * 3
    assert web.as_("staff2").get(SCHOOL).status == 404
    assert web.as_("admin").get("/organisations?q=第二学校").words("//main//table//a | //main//ul//a") != ""


def test_a_roster_is_masked_until_its_names_are_asked_for(web: Pages) -> None:
    mine, teacher = web.as_("principal"), web.as_("teacher")
    place = mine.submit(mine.get(f"{SCHOOL}/places/new"), {"name": "九年级1班", "kind": "class"})
    here = place.path.split("?")[0]
    form = mine.get(f"{here}/members/new")
    typed = {"name": "周立夏", "person_type": "student", "guardian_phone": "0000-2000002", "seat_no": "一排"}
    refused = mine.submit(form, typed)
    assert (refused.status, "排-列" in refused.words(ERROR)) == (422, True)
    assert refused.fields()["name"] == ["周立夏"]
    mine.submit(refused, {"seat_no": "1-1"})
    masked = teacher.get(here)
    assert ("周立夏" in masked.text, "周**" in masked.text) == (False, True)
    opened = mine.post(here, {"csrf": mine.get(here).fields("//form[@method='post'][1]")["csrf"][0]})
    assert ("周立夏" in opened.text, opened.answer.headers["cache-control"]) == (True, "no-store")
    assert teacher.post(here, {"csrf": teacher.get("/me").all("//input[@name='csrf']/@value")[0]}).status == 403
    assert web.as_("manager").get(here).status == 200  # a superior sees the place and nobody of its roster
    assert "周" not in web.as_("manager").get(here).words("//main").replace("周一", "")


def test_somebody_is_invited_gets_a_role_more_and_leaves(web: Pages) -> None:
    mine = web.as_("principal")
    form = mine.get(f"{SCHOOL}/people/new")
    refused = mine.submit(form, {"name": "门卫某", "username": "gate9"})
    assert (refused.status, "至少选择一个岗位" in refused.words(ERROR)) == (422, True)
    assert refused.fields()["username"] == ["gate9"]
    invited = mine.submit(refused, {"roles": ["cleaner"]})
    code = invited.words("//p[contains(@class,'invite-code')]")
    assert code
    account = web.world.who("gate9").account_id
    guest = web.guest()
    asked = guest.get(f"/invitation?code={code}")
    assert "门卫某" in asked.text
    chosen = {"code": code, "password": "校门口的第三棵树", "again": "校门口的第三棵树"}
    assert guest.post("/invitation", {**chosen, "again": "另一个"}).status == 422
    assert guest.post("/invitation", chosen).path == "/sign-in"
    assert guest.post("/invitation", chosen).status == 404  # once
    assert guest.post("/sign-in", {"username": "gate9", "password": chosen["password"]}).path == "/inbox"
    page = f"{SCHOOL}/people/{account}"
    given = mine.submit(mine.get(page), {"role": "guard_counsellor", "do": "give"}, "//form[.//select[@name='role']]")
    assert "保安与咨询师" in given.words("//main")
    leave = mine.get(f"{page}/leave")
    no_reason = mine.submit(leave, {"reason": ""}, "//form[contains(@action,'/leave')]")
    assert (no_reason.status, "请写明理由" in no_reason.text) == (422, True)
    left = mine.submit(no_reason, {"reason": "调离"}, "//form[contains(@action,'/leave')]")
    assert "已交接" in left.words("//p[@role='status']")
    assert guest.get("/inbox").path.startswith("/sign-in")
    assert in_english(web.as_("principal2")).get(page).status == 404
