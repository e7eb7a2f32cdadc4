"""A session ends while somebody types: after signing in again he is back on the form with what he typed."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.application import kept_forms, sessions
from service.application.accounts import NewAccount, create_account, hash_any_password
from service.demo.people import PASSWORD
from service.persistence.tables import sql
from tests.paths.school import quick
from tests.web.site import Browser, Page, Pages

STEP = "t_mask_escort"
TYPED = "临时留观点"


@pytest.fixture
def task(web: Pages) -> str:
    web.world.open("teacher", quick())
    return str(web.world.open_tasks()[STEP][0])


def signed_in(web: Pages, username: str) -> Browser:
    browser = web.guest()
    browser.post("/sign-in", {"username": username, "password": PASSWORD})
    return browser


def end_sessions(web: Pages, username: str) -> None:
    account = web.world.who(username).account_id
    web.world.app.run(lambda uow: sessions.end_all(uow, account))


def sign_in_again(browser: Browser, door: Page, username: str) -> Page:
    fields: dict[str, str | list[str]] = {"username": username, "password": PASSWORD}
    fields["next"] = door.fields("//form[@action='/sign-in'][.//input[@type='password']]")["next"]
    return browser.post("/sign-in", fields)


def state(web: Pages, task: str) -> str:
    with web.world.app.read() as connection:
        return str(connection.execute(select(sql.tasks.c.state).where(sql.tasks.c.id == task)).scalar())


def test_back_on_the_form_of_a_task_without_scripts(web: Pages, task: str) -> None:
    browser = signed_in(web, "teacher")
    form = browser.get(f"/tasks/{task}")
    end_sessions(web, "teacher")
    door = browser.submit(form, {"escorted_to": TYPED, "mask_put_on": "true", "do": "submit"})
    assert door.path.startswith("/sign-in?")
    refused: dict[str, str | list[str]] = {"username": "teacher", "password": "wrong"}
    refused["next"] = door.fields("//form[.//input[@type='password']]")["next"]
    wrong = browser.post("/sign-in", refused)
    again = sign_in_again(browser, wrong, "teacher")
    assert again.fields()["escorted_to"] == [TYPED]
    assert again.fields()["mask_put_on"] == ["true"]
    assert "尚未提交" in again.words("//*[@role='status']")
    assert state(web, task) == "open"
    done = browser.submit(again, {"measures_taken": ["带离"], "epi_history": "false", "do": "submit"})
    assert (done.status, state(web, task)) == (200, "completed")
    assert browser.get("/resume").path == "/inbox"  # given back once


def test_a_script_is_sent_to_the_door_and_comes_back_the_same_way(web: Pages, task: str) -> None:
    browser = signed_in(web, "teacher")
    fields: dict[str, str | list[str]] = {**browser.get(f"/tasks/{task}").fields()}
    fields["escorted_to"] = TYPED
    end_sessions(web, "teacher")
    answer = browser.post(f"/tasks/{task}/draft", fields, **{"HX-Request": "true"})
    assert (answer.status, answer.answer.headers["hx-redirect"].startswith("/sign-in?next=%2Fresume")) == (204, True)
    door = browser.get(answer.answer.headers["hx-redirect"])
    assert sign_in_again(browser, door, "teacher").fields()["escorted_to"] == [TYPED]


def test_a_session_whose_time_is_over_keeps_the_report_of_a_case(web: Pages) -> None:
    browser = signed_in(web, "teacher")
    form = browser.get("/report")
    web.world.clock.advance(timedelta(hours=12, minutes=1))
    door = browser.submit(form, {"person.name": "学生丁", "temperature": "38.6"})
    with web.world.app.read() as connection:
        kept = connection.execute(select(sql.kept_forms.c.content)).scalars().all()
    assert not any("学生丁" in each for each in kept)
    again = sign_in_again(browser, door, "teacher")
    assert (again.fields()["person.name"], again.fields()["temperature"]) == (["学生丁"], ["38.6"])


def test_a_short_form_is_shown_and_sent_with_one_button(web: Pages) -> None:
    web.world.open("teacher", quick())
    browser = signed_in(web, "teacher")
    page = browser.get(f"/incidents/{web.world.incident}")
    note = "//form[contains(@action, '/notes')]"
    end_sessions(web, "teacher")
    door = browser.submit(page, {"text": "家长已到校门口，等候接诊。"}, note)
    again = sign_in_again(browser, door, "teacher")
    assert "家长已到校门口" in again.words("//blockquote")
    assert "家长已到校门口" not in browser.get(f"/incidents/{web.world.incident}").text
    done = browser.submit(again, {}, "//main//form")
    assert "家长已到校门口" in done.text


def test_another_person_at_the_same_computer_sees_nothing_of_it(web: Pages, task: str) -> None:
    browser = signed_in(web, "teacher")
    form = browser.get(f"/tasks/{task}")
    end_sessions(web, "teacher")
    door = browser.submit(form, {"escorted_to": TYPED})
    other = sign_in_again(browser, door, "nurse")
    assert (other.path.partition("?")[0], TYPED in other.text) == ("/inbox", False)
    browser.submit(browser.get("/me"), {}, "//form[@action='/sign-out']")
    back = browser.post("/sign-in", {"username": "teacher", "password": PASSWORD, "next": "/resume"})
    assert TYPED not in back.text


def test_what_is_kept_lasts_an_hour_and_strangers_keep_nothing(web: Pages, task: str) -> None:
    browser = signed_in(web, "teacher")
    form = browser.get(f"/tasks/{task}")
    end_sessions(web, "teacher")
    door = browser.submit(form, {"escorted_to": TYPED})
    web.world.clock.advance(kept_forms.LENGTH)
    assert sign_in_again(browser, door, "teacher").path.partition("?")[0] == "/inbox"
    stranger = web.guest()
    assert stranger.post(f"/tasks/{task}", {"escorted_to": TYPED}).path.startswith("/sign-in?next=/inbox")
    assert "tocsin_form" not in stranger.cookies


def test_somebody_without_a_role_is_told_whom_to_ask(web: Pages) -> None:
    password = hash_any_password(PASSWORD)
    web.world.app.run(lambda uow: create_account(uow, NewAccount("newcomer", "新来的", password)))
    page = signed_in(web, "newcomer").get("/inbox")
    assert page.words("//h1") == "您还没有岗位"
    assert page.all("//section//li/b")
    assert "newcomer" in page.text
