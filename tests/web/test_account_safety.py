"""An administrator ends somebody's sessions, takes his second factor away, with a reason; and the page of the API."""

import re

import pyotp

from service.app import create_app
from service.application import second_factor
from tests.web.english import in_chinese, in_english
from tests.web.site import Browser, Pages

FORM = "//form[@id='form']"


def address(web: Pages, username: str) -> str:
    return f"/accounts/{web.world.who(username).account_id}/security"


def test_everything_is_ended_with_a_reason_and_the_person_signs_in_anew(web: Pages) -> None:
    mine, admin = web.guest(), web.as_("admin")
    mine.post("/sign-in", {"username": "cleaner", "password": "demo"})
    page = admin.get(address(web, "cleaner"))
    assert page.words("//h1").endswith("保洁戊")
    refused = admin.submit(page, {"do": "out", "reason": ""})
    assert (refused.status, "须写明理由" in refused.words("//p[@class='error']")) == (422, True)
    assert mine.get("/inbox").path == "/inbox"
    done = admin.submit(page, {"do": "out", "reason": "手机丢失"})
    assert "本人须重新登录" in done.words("//p[@role='status']")
    assert mine.get("/inbox").path.startswith("/sign-in")


def test_a_lost_second_factor_is_taken_away(web: Pages) -> None:
    mine, admin = web.guest(), web.as_("admin")
    mine.post("/sign-in", {"username": "doctor", "password": "demo"})
    page = mine.get("/me/security/second-factor")
    secret = "".join(page.words("//code[@class='secret']").split())
    code = str(pyotp.TOTP(secret).at(web.world.clock.now()))
    assert mine.submit(page, {"code": code, "password": "demo"}).status == 200
    shown = admin.get(address(web, "doctor"))
    assert "已启用" in shown.text
    admin.submit(shown, {"do": "factor", "reason": "换手机"})
    with web.world.app.read() as connection:
        assert not second_factor.is_set(connection, web.world.who("doctor").account_id)
    again = web.guest().post("/sign-in", {"username": "doctor", "password": "demo"})
    assert again.path == "/inbox"


def test_it_is_nobody_elses_business(web: Pages) -> None:
    for who in ("principal", "manager", "cleaner"):
        browser = web.as_(who)
        assert browser.get(address(web, "nurse")).status == 403
        assert "账号安全" not in browser.get(f"/organisations/demo-school/people/{account(web, 'nurse')}").text
    assert web.as_("admin").get("/accounts/nobody/security").status == 404
    link = web.as_("admin").get(f"/organisations/demo-school/people/{account(web, 'nurse')}")
    assert address(web, "nurse") in link.all("//a/@href")
    page = in_english(web.as_("admin")).get(address(web, "nurse"))
    in_chinese(web.as_("admin"))
    assert page.words("//h1").startswith("Account security")


def account(web: Pages, username: str) -> str:
    return web.world.who(username).account_id


def test_the_api_is_described_without_anything_from_outside(web: Pages) -> None:
    page = Browser(create_app(web.world.app, with_worker=False)).get("/docs")
    assert page.status == 200
    assert "/api/v1/tasks/{task}/complete" in page.text
    assert "/api/v1/organisations/{organisation}/duty" in page.text
    loaded = [*page.all("//script/@src"), *page.all("//link/@href"), *page.all("//img/@src")]
    assert loaded
    assert [each for each in loaded if re.match(r"(https?:)?//", each)] == []
    assert "default-src 'none'" in page.answer.headers["content-security-policy"]
    assert Browser(create_app(web.world.app, with_worker=False)).get("/redoc").status == 404
