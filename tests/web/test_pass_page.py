"""One task by QR code for somebody without an account: once, for an hour, and nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.application import attempts, emergency_pass
from service.application.queries import Reader, reports, task_pages
from service.domain.errors import NoSuch, NotAllowed
from service.persistence import tables as t
from service.persistence.chain import verify
from service.persistence.tables import sql
from tests.paths import school
from tests.paths.school import quick
from tests.web.site import Browser, Page, Pages

STEP = "t_mask_escort"
ANSWER: dict[str, str | list[str]] = {
    "mask_put_on": "true",
    "escorted_to": "临时留观点",
    "measures_taken": ["带离"],
    "epi_history": "false",
}


@pytest.fixture
def task(web: Pages) -> str:
    """An open task about a sick pupil, of an incident of its own."""
    web.world.open("teacher", quick())
    return str(web.world.open_tasks()[STEP][0])


def issued(web: Pages, task: str, who: str = "teacher") -> Page:
    mine = web.as_(who)
    page = mine.get(f"/tasks/{task}/pass")
    return mine.submit(page, {"reason": "老师在上课，由保安带去"})


def address(page: Page) -> str:
    return "/pass/" + page.words("//code[@class='secret']").rpartition("/pass/")[2]


def scanned(web: Pages, path: str, name: str = "保安老周") -> tuple[Browser, Page]:
    guest = web.guest()
    return guest, guest.post(path, {"name": name})


def row(web: Pages, task: str) -> Any:
    with web.world.app.read() as connection:
        return connection.execute(select(sql.tasks).where(sql.tasks.c.id == task)).one()


def log(web: Pages) -> list[str]:
    with web.world.app.read() as connection:
        found = connection.execute(
            select(sql.events.c.type).where(sql.events.c.stream == "access", sql.events.c.type.like("emergency%"))
        )
        return [each.type for each in found]


def test_who_scans_gives_a_name_and_does_the_one_task(web: Pages, task: str) -> None:
    page = issued(web, task)
    assert page.all("//div[contains(@class, 'qr-frame')]/*[name()='svg']")
    path = address(page)
    asked = web.guest().get(path)
    assert asked.status == 200
    assert "学" not in asked.words("//main").replace("学校", "").replace("同学", "").replace("学生", "")
    assert web.guest().post(path, {"name": "  "}).status == 422
    guest, form = scanned(web, path)
    assert (form.path, form.status) == ("/pass", 200)
    assert "学** · 七年级2班 · 病例1" in form.text  # as in every list; whoever shows the code says the name
    assert row(web, task).state == "claimed"
    done = guest.submit(form, ANSWER)
    assert (done.status, "已办好" in done.text) == (200, True)
    stored = row(web, task)
    assert stored.state == "completed"
    with web.world.app.read() as connection:
        account = connection.execute(select(sql.accounts).where(sql.accounts.c.id == stored.completed_by)).one()
        assert verify(connection).ok
    assert (account.name, account.is_active) == ("保安老周", False)
    assert guest.get("/pass").status == 401
    assert log(web)[-2:] == ["emergency_pass_issued", "emergency_pass_used"]
    assert "保安老周" in web.as_("coordinator").get(f"/incidents/{web.world.incident}").text


def test_a_pass_opens_no_other_page_and_no_api(web: Pages, task: str) -> None:
    guest, _ = scanned(web, address(issued(web, task)))
    paths = (
        "/inbox", "/incidents", f"/incidents/{web.world.incident}", f"/tasks/{task}", "/me", "/me/security",
        "/procedures", "/policies", "/partner", "/report",
    )  # fmt: skip
    for path in paths:
        assert guest.get(path).path.startswith("/sign-in?"), path
    secret = guest.cookies["tocsin_pass"]
    stolen = web.guest()
    stolen.cookies.set("tocsin_session", secret)
    for path in paths:
        assert stolen.get(path).path.startswith("/sign-in?"), path


def test_a_pass_reads_no_report_and_no_draft_of_one(web: Pages) -> None:
    """Below the pages too: a draft is read by whoever has its task, never by the pass of another one."""
    w = web.world
    w.open("teacher", quick())
    school.detection(w)
    w.do("coordinator", "t_office_accept")
    school.draft(w)
    (draft,) = w.rows(t.Report)
    (room,) = w.open_tasks()["t_isolation_room"]
    guest, _ = scanned(web, address(issued(web, room, "nurse")))
    session = w.app.sessions.find(guest.cookies["tocsin_pass"], now=w.clock.now())
    assert session is not None
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, session.principal, w.clock.now())
        for ask in (
            lambda: reports.page(reader, w.app.documents, draft["id"]),
            lambda: reports.listing(reader, w.incident),
            lambda: task_pages.page(reader, w.open_tasks()["t_sign_report"][0]),
        ):
            with pytest.raises((NoSuch, NotAllowed)):
                ask()
        assert task_pages.page(reader, room).row.id == room


def test_a_code_works_once_and_for_ten_minutes(web: Pages, task: str) -> None:
    path = address(issued(web, task))
    scanned(web, path)
    _, second = scanned(web, path, "另一个人")
    assert (second.status, "已不能用" in second.text) == (404, True)
    late = address(issued(web, task))
    web.world.clock.advance(emergency_pass.SCAN_WITHIN)
    assert scanned(web, late)[1].status == 404
    assert web.guest().get("/pass/made-up").status == 404
    assert log(web).count("emergency_pass_refused") >= 3


def test_after_an_hour_the_task_goes_back_and_the_holder_is_out(web: Pages, task: str) -> None:
    guest, form = scanned(web, address(issued(web, task)))
    assert row(web, task).assignee
    web.world.clock.advance(emergency_pass.LENGTH - timedelta(seconds=1))
    assert guest.get("/pass").status == 200
    web.world.clock.advance(timedelta(seconds=1))
    assert guest.get("/pass").status == 401
    assert guest.submit(form, ANSWER).status == 401
    web.world.app.worker.tick()
    assert (row(web, task).state, row(web, task).assignee) == ("open", None)


def test_revoking_puts_the_holder_out_at_once(web: Pages, task: str) -> None:
    guest, _ = scanned(web, address(issued(web, task)))
    mine = web.as_("principal")
    page = mine.get(f"/tasks/{task}/pass")
    assert "保安老周" in page.text
    mine.submit(page, {"pass": page.all("//button[@name='pass']/@value")[0]}, "//form[contains(@action, 'revoke')]")
    assert guest.get("/pass").status == 401
    assert (row(web, task).state, row(web, task).assignee) == ("open", None)


def test_who_may_not_do_the_task_hands_out_no_code(web: Pages, task: str) -> None:
    csrf = web.as_("cleaner").get("/me").fields("//form[.//input[@name='csrf']]")["csrf"][0]
    fields = {"csrf": csrf, "reason": "x"}
    assert web.as_("cleaner").post(f"/tasks/{task}/pass", fields).status == 403
    assert web.as_("cleaner").get(f"/tasks/{task}/pass").status == 403
    empty = web.as_("teacher").submit(web.as_("teacher").get(f"/tasks/{task}/pass"), {"reason": " "})
    assert (empty.status, bool(empty.all("//*[@class='error']"))) == (422, True)


def test_guessing_codes_must_wait(web: Pages) -> None:
    free = attempts.LIMITS["pass"].free
    codes = [web.guest().get(f"/pass/guess-{number}").status for number in range(free + 2)]
    assert set(codes) <= {404, 429}
    assert codes[-1] == 429
    web.world.clock.advance(attempts.FORGOTTEN)  # the other tests share the address
