"""The roster without scripts: drawing up a week, publishing it, serving it; channels; what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.paths import duty_world as night
from tests.paths import school
from tests.web.english import in_english
from tests.web.site import Pages, pages

ROSTER = "/duty?organisation=demo-school&week=2026-03-02"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Pages]:
    """Pages for tests that change the roster."""
    with pages(tmp_path) as made:
        yield made


def test_a_week_is_drawn_up_published_and_taken_along(fresh: Pages, tmp_path: Path) -> None:
    office, principal = fresh.as_("coordinator"), fresh.as_("principal")
    assert "还没有发布值班表" in office.get(ROSTER).text
    refused = office.submit(office.get(ROSTER), form="//form[@action='/duty/plan']")
    assert refused.status == 422
    assert "还没有班次模板" in refused.words("//p[@role='alert']")
    form = "//form[@action='/duty/templates']"
    typed: dict[str, str | list[str]] = {
        "name-1": "夜班", "begins-1": "18:00", "hours-1": "40", "members-1": "1", "weekdays-1": ["1", "2"],
    }  # fmt: skip
    bad = office.submit(office.get("/duty/templates"), typed, form)
    assert bad.status == 422
    assert "1至24" in bad.words("//fieldset//p[contains(@class,'error')]")
    assert bad.all("//input[@name='hours-1']/@value") == ["40"], "what was typed stays"
    office.submit(bad, {"hours-1": "12"}, form)
    planned = office.submit(office.get(ROSTER), form="//form[@action='/duty/plan']")
    assert len(planned.all("//table//tbody/tr[td]")) == 2
    assert not planned.all("//form[@action='/duty/publish']"), "the scheduler does not approve"
    assert "夜班" not in fresh.as_("teacher").get(ROSTER).text, "drafts are the scheduler's and the leaders'"
    shift = planned.all("//table//tbody/tr/td/a/@href")[0]
    people = "//form[contains(@action,'/people')]"
    names = dict(zip(office.get(shift).all("//input[@name='leaders']/@value"),
                     office.get(shift).all("//fieldset[1]//label/span/text()"), strict=True))  # fmt: skip
    boss, clerk = (next(id_ for id_, name in names.items() if name == each) for each in ("校长己", "办公室丙"))
    both = office.submit(office.get(shift), {"leaders": [boss], "members": [boss]}, people)
    assert both.status == 422
    assert "不能同时" in both.words("//fieldset[2]//p[contains(@class,'error')]")
    office.submit(office.get(shift), {"leaders": [boss], "members": [clerk]}, people)
    done = principal.submit(principal.get(ROSTER), form="//form[@action='/duty/publish']")
    assert "已发布" in done.words("//p[@role='status']")
    assert "没有带班领导" in done.words("//aside"), "the second night has nobody yet"
    answer = office.get("/duty/week.xlsx?organisation=demo-school&week=2026-03-02").answer
    (tmp_path / "week.xlsx").write_bytes(answer.content)
    rows = list(load_workbook(tmp_path / "week.xlsx").active.values)
    assert rows[1][:6] == ("2026-03-02", "夜班", "18:00", "03-03 06:00", "校长己", "办公室丙")
    changed = office.submit(office.get(shift), {"reason": ""}, people)
    assert changed.status == 422
    assert "理由" in changed.words("//p[@id='reason-e']")


def test_a_shift_is_signed_swapped_and_handed_over(fresh: Pages) -> None:
    w = fresh.world
    night.roster(w)
    office, nurse, principal = fresh.as_("coordinator"), fresh.as_("nurse"), fresh.as_("principal")
    later = next(shift for shift in night.shifts(w) if shift.starts_at > w.clock.now())
    path = f"/duty/shifts/{later.id}"
    swap = "//form[contains(@action,'/swap')]"
    empty = office.submit(office.get(path), {"other": "", "swap_reason": "有事"}, swap)
    assert empty.status == 422
    assert empty.all("//input[@name='swap_reason']/@value") == ["有事"]
    office.submit(office.get(path), {"other": w.who("nurse").account_id, "swap_reason": "有事"}, swap)
    asked = nurse.get("/duty")
    answer = asked.all("//form[starts-with(@action,'/duty/swaps/')]/@action")[0]
    nurse.post(answer, {**asked.fields("//form[starts-with(@action,'/duty/swaps/')]"), "state": "accepted"})
    waiting = principal.get("/duty")
    principal.post(answer, {**waiting.fields("//form[starts-with(@action,'/duty/swaps/')]"), "state": "approved"})
    assert "校医丁" in office.get(path).words("//section[1]")
    w.go("18:02")
    assert "已签到" in nurse.submit(nurse.get(path), form="//form[contains(@action,'/sign-in')]").text
    hand = "//form[contains(@action,'/hand-over')]"
    refused = nurse.submit(nurse.get(path), {"text": " "}, hand)
    assert refused.status == 422
    assert refused.words("//p[@id='text-e']")
    signed = nurse.submit(refused, {"text": "无"}, hand)
    assert "校医丁" in signed.text
    principal.submit(principal.get(path), {"side": "received"}, hand)
    assert "校长己" in office.get(path).words("//section[last()]//ul")


def test_an_absence_is_reported_and_taken_back(fresh: Pages) -> None:
    teacher = fresh.as_("teacher")
    form = "//form[@action='/duty/absences']"
    bad = teacher.submit(
        teacher.get("/duty/absences"), {"starts_at": "x", "ends_at": "2026-03-05T10:00", "reason": "开会"}, form
    )
    assert bad.status == 422
    assert bad.words("//p[@id='starts_at-e']")
    assert bad.all("//input[@name='reason']/@value") == ["开会"]
    done = teacher.submit(bad, {"starts_at": "2026-03-05T08:00"}, form)
    assert "教师乙" in done.words("//section//ul")
    gone = teacher.submit(done, form="//form[contains(@action,'/withdraw')]")
    assert "没有人外出" in gone.text


def test_channels_are_added_tested_and_never_shown(fresh: Pages) -> None:
    nurse = fresh.as_("nurse")
    form = "//form[@action='/me/channels']"
    bad = nurse.submit(nurse.get("/me/channels"), {"name": "手机", "address": "file:///etc/passwd"}, form)
    assert bad.status == 422
    assert bad.words("//p[@id='address-e']")
    assert bad.all("//input[@name='name']/@value") == ["手机"]
    done = nurse.submit(bad, {"address": "ntfys://push.example/secret-topic"}, form)
    assert "secret-topic" not in done.text
    one = "//form[starts-with(@action,'/me/channels/')]"
    nurse.post(done.all(one)[0].get("action"), {**done.fields(one), "act": "test"})
    fresh.world.app.worker.tick()
    assert "测试已送出" in nurse.get("/me/channels").text
    quiet = "//form[@action='/me/quiet-hours']"
    wrong = nurse.submit(nurse.get("/me/channels"), {"begins": "22:00", "ends": "x"}, quiet)
    assert wrong.status == 422
    assert wrong.all("//input[@name='begins']/@value") == ["22:00"]
    nurse.submit(wrong, {"ends": "06:30"}, quiet)
    assert nurse.get("/me/channels").all("//input[@name='ends']/@value") == ["06:30"]


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("villager", "/duty?organisation=demo-school", 403),
        ("villager", "/duty/channels?organisation=demo-school", 403),
        ("teacher", "/duty/channels?organisation=demo-school", 403), ("teacher", "/duty?organisation=nowhere", 404),
        ("teacher", "/duty/shifts/none", 404), ("manager", "/duty?organisation=demo-school", 200),
        ("manager", "/duty/absences?organisation=demo-school", 403), ("teacher", "/duty?week=nonsense", 200),
    ],
)  # fmt: skip
def test_who_may_look(web: Pages, who: str, path: str, status: int) -> None:
    assert web.as_(who).get(path).status == status


def test_a_task_says_why_and_shows_its_levels(fresh: Pages) -> None:
    w = fresh.world
    night.roster(w)
    w.go("03-03 02:10")
    w.open("teacher", school.quick())
    school.detection(w)
    w.go("03-03 02:20")
    task = w.open_tasks()["t_office_accept"][0]
    seen = fresh.as_("principal").get(f"/tasks/{task}")
    assert "您是今晚的带班领导；值班的办公室丙未在5分钟内接单。" in seen.text
    levels = [" ".join(each.text_content().split()) for each in seen.all("//ol[@class='levels']/li")]
    assert levels == ["02:10值班人员 办公室丙", "02:15带班领导 校长己", "02:17上级单位 指挥中心子"]
    english = in_english(fresh.as_("principal")).get(f"/tasks/{task}")
    assert "You are the leader on duty tonight; 办公室丙, on duty, did not accept it within 5 minutes" in english.text
    assert "指挥中心子" in fresh.as_("manager").get(f"/tasks/{task}").text
