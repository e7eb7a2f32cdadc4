"""The audit log without scripts: who saw this child's data, files of the log, and checking the chains."""

import hashlib
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from service.application.access_log import ACCESS_STREAM
from service.application.services import Origin
from service.application.steps import advance
from service.domain import events as ev
from service.persistence.append_only import guard, unguard
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.paths import school
from tests.web.site import Pages


@pytest.fixture(scope="module")
def seen(web: Pages) -> tuple[str, str]:
    """An incident whose case the nurse was shown in full; incident and person."""
    w = web.world
    incident = w.open("teacher", school.quick())
    with w.app.read() as connection:
        table = sql.persons.c
        person = connection.execute(
            select(table.id).where(table.incident_id == incident, table.kind == "case")
        ).scalar()
    assert person

    def reveal(uow: UnitOfWork) -> None:
        origin = Origin(actor=account(web, "nurse"))
        shown = ev.PersonRevealed(str(person), ["name"], "task", "2026-03-02T00:30:00+00:00")
        advance(uow, w.app.services, incident, origin, lambda on: on.record(shown))

    w.app.run(reveal)
    return incident, str(person)


def account(web: Pages, username: str) -> str:
    with web.world.app.read() as connection:
        found = connection.execute(select(sql.accounts.c.id).where(sql.accounts.c.username == username))
        return str(found.scalar_one())


def logged(web: Pages, type_: str) -> list[dict[str, object]]:
    with web.world.app.read() as connection:
        log = sql.events
        mine = select(log).where(log.c.stream == ACCESS_STREAM, log.c.type == type_).order_by(log.c.seq)
        return [dict(row) for row in connection.execute(mine).mappings()]


def test_one_tap_from_a_person_tells_who_saw_him_and_is_logged_itself(web: Pages, seen: tuple[str, str]) -> None:
    incident, person = seen
    principal = web.as_("principal")
    page = principal.get(f"/incidents/{incident}/people/{person}")
    link = page.all("//a[contains(., '谁看过这个人的信息')]/@href")
    before = len(logged(web, "audit_read"))
    found = principal.get(link[0])
    rows = [row for row in found.all("//table//tbody/tr") if "查看" in row.text_content()]
    assert len(rows) == 1  # whatever files of the log other tests made
    assert "显示完整信息" in rows[0].text_content()
    looks = logged(web, "audit_read")
    assert len(looks) == before + 1
    asked = {"kinds": ["view", "export"], "incident": incident, "person": person}
    assert asked.items() <= dict(looks[-1]["data"]).items()  # type: ignore[call-overload]  # a mapping
    assert "学生甲" not in link[0]


def test_who_leads_nobody_has_no_audit_page(web: Pages, seen: tuple[str, str]) -> None:
    incident, person = seen
    teacher = web.as_("teacher")
    assert not teacher.get(f"/incidents/{incident}/people/{person}").all("//a[contains(., '谁看过这个人的信息')]")
    assert teacher.get("/audit").status == 403
    assert not teacher.get("/inbox").all("//nav//a[@href='/audit']")


def test_another_school_sees_neither_the_person_nor_the_incident(web: Pages, seen: tuple[str, str]) -> None:
    incident, person = seen
    other = web.as_("principal2")
    assert other.get("/audit").status == 200
    assert other.get(f"/audit?incident={incident}").status == 404
    assert other.get(f"/audit?person={person}").status == 404
    assert incident not in other.get("/audit?since=2020-01-01").text


def test_what_is_asked_narrows_the_list(web: Pages, seen: tuple[str, str]) -> None:
    incident, _ = seen
    principal = web.as_("principal")
    nurse = account(web, "nurse")
    by_nurse = principal.get(f"/audit?account={nurse}&kind=view")
    assert len(by_nurse.all("//tbody/tr")) == 1
    changes = principal.get(f"/audit?incident={incident}&kind=change")
    assert {each.text_content() for each in changes.all("//tbody//span[contains(@class, 'chip')]")} == {"修改"}
    assert principal.get("/audit?since=2031-01-01").words("//p[@class='empty']") == "没有符合的记录。"
    broken = principal.get("/audit?since=yesterday")
    assert (broken.status, broken.words("//p[@role='alert']")) == (422, "日期不对")
    assert broken.all("//input[@id='since']/@value") == ["yesterday"]


def test_the_list_goes_on_where_it_ended_and_shows_each_entry_once(web: Pages, seen: tuple[str, str]) -> None:
    del seen
    for _ in range(60):
        web.as_("admin").get("/audit?kind=view")
    page = web.as_("admin").get("/audit?kind=view")
    known = page.all("//td//time/@datetime")
    numbers = page.all("//span[contains(@class, 'mono')]/@title")
    assert len(known) == 50
    older = page.all("//a[text()='更早的']/@href")
    page = web.as_("admin").get(older[0])
    rest = page.all("//span[contains(@class, 'mono')]/@title")
    assert rest
    assert not set(rest) & set(numbers)


@pytest.mark.parametrize("format_", ["xlsx", "csv"])
def test_a_file_needs_a_purpose_and_its_hash_is_logged(web: Pages, seen: tuple[str, str], format_: str) -> None:
    incident, person = seen
    principal = web.as_("principal")
    page = principal.get(f"/audit?incident={incident}&person={person}&kind=view")
    form = "//form[@action='/audit/export']"
    refused = principal.submit(page, {"format": format_}, form=form)
    assert refused.status == 422
    assert "请选择用途" in refused.words("//p[@id='purpose-e']")
    made = principal.submit(page, {"format": format_, "purpose": "inspection"}, form=form)
    assert made.status == 200
    content = made.answer.content
    data = logged(web, "export_made")[-1]["data"]
    assert isinstance(data, dict)
    assert (data["kind"], data["format"], data["purpose"], data["rows"]) == ("audit", format_, "inspection", 1)
    assert data["persons"] == [person]
    assert data["sha256"] == hashlib.sha256(content).hexdigest()
    if format_ == "csv":
        assert content.decode("utf-8-sig").count("\n") == 3
    else:
        assert load_workbook(BytesIO(content)).active.max_row >= 3
    assert "学生甲" not in content.decode("utf-8", errors="ignore")


def checked(web: Pages) -> str:
    """What the administrator is shown after having the chains checked."""
    admin = web.as_("admin")
    page = admin.submit(admin.get("/audit"), {}, form="//form[@action='/audit/checks']")
    assert "正在校验" in page.text
    web.world.app.worker.tick()
    return admin.get(page.path).words("//div[@id='check']")


def test_the_chains_are_checked_in_the_background_and_it_is_logged(web: Pages, seen: tuple[str, str]) -> None:
    del seen
    assert "全部记录完好。" in checked(web)
    assert logged(web, "audit_verified")[-1]["data"]["reason"] == ""  # type: ignore[index]  # a mapping
    assert not web.as_("principal").get("/audit").all("//form[@action='/audit/checks']")


def test_a_changed_event_is_told_with_its_place(web: Pages, seen: tuple[str, str]) -> None:
    incident, _ = seen
    log = sql.events
    it = (log.c.stream == incident) & (log.c.seq == 7)

    def change(actor: str) -> str:
        def work(uow: UnitOfWork) -> str:
            before = uow.connection.execute(select(log.c.actor).where(it)).scalar_one()
            unguard(uow.connection)
            uow.connection.execute(update(log).where(it).values(actor=actor))
            guard(uow.connection)
            return str(before)

        return web.world.app.run(work)

    before = change("nobody")
    try:
        said = checked(web)
    finally:
        change(before)
    assert "记录链有问题：被改动" in said
    assert f"记录链 {incident} 第 7 条" in said
