"""The policy pages without scripts: finding a value, changing it after a look at what that does, being refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.persistence import tables as t
from tests.paths import school
from tests.web.site import Page, Pages, pages

POLICY = "/policies/ambulance_wait?organisation=demo-school"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Pages]:
    """Pages for tests that change values."""
    with pages(tmp_path) as made:
        yield made


def waiting_since_0814(web: Pages) -> str:
    """A pupil waits for the ambulance; the case's id."""
    w = web.world
    w.open("teacher", school.quick())
    w.go("08:13")
    w.do("coordinator", "t_office_accept")
    w.go("08:14")
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    return str(next(person["id"] for person in w.rows(t.Person) if person["kind"] == "case"))


def _changed(web: Pages, **changes: str | list[str]) -> Page:
    """What the administrator is shown after filling in the form."""
    admin = web.as_("admin")
    return admin.submit(admin.get(POLICY), {"reason": "指引调整", **changes})


def test_everybody_finds_a_value_with_its_source(web: Pages) -> None:
    teacher = web.as_("teacher")
    page = teacher.get("/policies")
    assert page.all("//select[@name='organisation']/option[@selected]/@value") == ["demo-school"]
    assert len(page.all("//table//tbody/tr")) == len(web.world.app.services.policies)
    assert len(page.all("//section//h2")) == 8

    found = teacher.get("/policies?organisation=demo-school&q=120未到")
    rows = [" ".join(row.text_content().split()) for row in found.all("//tbody/tr")]
    assert len(rows) == 1
    assert "30 分钟" in rows[0]
    assert "不长于 30 分钟" in rows[0]
    assert "按流程推定" in rows[0]
    assert "没有找到" in teacher.get("/policies?organisation=demo-school&q=没有的词").text

    one = teacher.get(POLICY)
    assert "30 分钟" in one.words("//p[@class='policy-value']")
    assert not one.all("//form[@id='form']")  # only administrators change values


def test_a_change_is_previewed_and_confirmed(fresh: Pages) -> None:
    web, w = fresh, fresh.world
    case = waiting_since_0814(web)
    w.go("08:20")
    shown = _changed(web, value="20", unit="PT{}M", apply_to=[w.incident])
    assert shown.words("//h1") == "确认修改"
    moves = shown.words("//ul[contains(@class, 'moves')]")
    assert "03-02 08:44 → 03-02 08:34" in moves
    assert "120逾时未到" in moves
    assert not w.events("policy_applied")

    again = web.as_("admin").submit(shown, {"do": "edit"})
    assert again.all("//input[@name='value']/@value")  # back in the form as typed

    done = web.as_("admin").submit(shown)
    assert "参数已修改" in done.words("//*[@role='status']")
    assert w.local(w.deadline("X02", case)["due_at"]) == "03-02 08:34"
    history = done.words("//aside//li")
    assert "30 分钟 → 20 分钟" in history
    assert "指引调整" in history
    assert "示例学校" in history
    timeline = web.as_("coordinator").get(f"/incidents/{w.incident}")
    assert "进行中改用新参数" in timeline.text


def test_what_would_be_overdue_is_said_beforehand(fresh: Pages) -> None:
    web = fresh
    waiting_since_0814(web)
    web.world.go("08:30")
    shown = _changed(web, value="10", unit="PT{}M", apply_to=[web.world.incident])
    assert "立即到期" in shown.words("//ul[contains(@class, 'moves')]")
    assert "再呼120" in shown.words("//p[@class='table-note']")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": "40", "unit": "PT{}M"}, "不长于 30 分钟"),  # looser than the superior's
        ({"value": "zwei", "unit": "PT{}M"}, "须为时长"),
        ({"value": "20", "unit": "PT{}M", "reason": " "}, "须写明理由"),
        ({"value": "30", "unit": "PT{}M"}, "没有变化"),
    ],
)
def test_what_is_refused_stands_beside_its_input_and_nothing_is_lost(
    web: Pages, changes: dict[str, str | list[str]], told: str
) -> None:
    page = _changed(web, **changes)
    assert page.status == 422
    assert told in page.words("//p[@class='error']")
    assert page.all("//input[@name='value']/@value") == [changes["value"]]
    assert page.all("//option[@value='PT{}M']/@selected")


def test_an_override_can_be_taken_back(fresh: Pages) -> None:
    admin = fresh.as_("admin")
    admin.submit(_changed(fresh, value="20", unit="PT{}M"))
    page = admin.get(POLICY)
    assert "30 分钟" in page.words("//dl")  # the superior's value beside our own
    admin.submit(admin.submit(page, {"follow": "true", "reason": "恢复"}))
    page = admin.get(POLICY)
    assert page.words("//p[@class='policy-value']") == "30 分钟"
    assert "20 分钟 → 上级的值" in page.words("//aside//li")


KINDS = (
    "fever_threshold", "cluster_n", "certificate_required", "first_room", "progress_due", "written_report",
    "reobserve_wait", "market_closure", "checkpoint_shift",
)  # fmt: skip


@pytest.mark.parametrize("key", KINDS)
def test_every_kind_of_value_has_an_input_that_gives_it_back(web: Pages, key: str) -> None:
    admin = web.as_("admin")
    page = admin.get(f"/policies/{key}?organisation=demo-school")
    kept = admin.submit(page, {"reason": "照旧"})
    assert "没有变化" in kept.words("//p[@class='error']")


def test_in_english(web: Pages) -> None:
    admin = web.as_("admin")
    admin.submit(admin.get("/me"), {"locale": "en"}, form="//form[@action='/me/language']")
    page = admin.get(POLICY)
    assert "30 minutes" in page.words("//p[@class='policy-value']")
    assert "not longer than 30 minutes" in page.words("//dl")
    admin.submit(admin.get("/me"), {"locale": "zh_CN"}, form="//form[@action='/me/language']")


def test_a_policy_or_organisation_that_does_not_exist_is_not_found(web: Pages) -> None:
    admin = web.as_("admin")
    assert admin.get("/policies/nothing?organisation=demo-school").status == 404
    assert admin.get("/policies/ambulance_wait?organisation=nowhere").status == 404
