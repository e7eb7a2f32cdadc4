"""Signing in with a code, and one's own account: password, devices, second factor, tokens; without scripts."""

from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from service.application import second_factor
from service.demo.people import PASSWORD
from tests.paths.world import World, at
from tests.web.site import Browser, Page, Pages, with_passwords

NEW = "校门口第三棵树7"


def secret_of(page: Page) -> str:
    return "".join(page.words("//code[@class='secret']").split())


def shown(web: Pages, secret: str) -> str:
    return str(pyotp.TOTP(secret).at(web.world.clock.now()))


def browser(web: Pages, username: str, password: str = PASSWORD, agent: str = "") -> Browser:
    """A browser of its own, signed in as far as a password gets."""
    made = web.guest()
    headers = {"User-Agent": agent} if agent else {}
    made.post("/sign-in", {"username": username, "password": password}, **headers)
    return made


def pass_a_step(web: Pages) -> None:
    web.world.clock.advance(timedelta(seconds=second_factor.STEP_SECONDS))


def test_the_second_factor_is_set_up_asked_for_and_switched_off(web: Pages) -> None:
    mine = browser(web, "nurse")
    page = mine.get("/me/security/second-factor")
    secret = secret_of(page)
    assert page.all("//div[@class='qr-frame']/*[name()='svg']")
    assert mine.submit(page, {"code": "000000", "password": "demo"}).status == 401
    assert mine.submit(page, {"code": shown(web, secret), "password": "wrong"}).status == 401
    codes = [code.text for code in mine.submit(page, {"code": shown(web, secret), "password": "demo"}).all("//li/code")]
    assert len(codes) == second_factor.RECOVERY_CODES

    pass_a_step(web)
    other = web.guest()
    asked = other.post("/sign-in", {"username": "nurse", "password": "demo", "next": "/incidents"})
    assert asked.path == "/sign-in/code"
    assert other.get("/inbox").path.startswith("/sign-in?")  # the password alone opens nothing
    refused = other.post("/sign-in/code", {"code": "123456"})
    assert (refused.status, "验证码不对" in refused.text) == (401, True)
    assert other.post("/sign-in/code", {"code": shown(web, secret)}).path == "/incidents"
    third = browser(web, "nurse")
    assert third.post("/sign-in/code", {"code": shown(web, secret)}).status == 401  # replayed
    assert third.post("/sign-in/code", {"code": codes[0]}).path == "/inbox"
    assert third.post("/sign-in/code", {"code": codes[1]}).path.startswith("/sign-in?")  # the step is used up

    remove = "//form[@action='/me/security/recovery-codes']"
    page = mine.get("/me/security")
    assert "还剩 9 个恢复码" in page.text
    fields = page.fields(remove)
    assert mine.post("/me/security/second-factor/remove", {**fields, "password": "wrong"}).status == 401
    gone = mine.post("/me/security/second-factor/remove", {**fields, "password": "demo"})
    assert "未启用" in gone.text
    assert browser(web, "nurse").get("/inbox").path == "/inbox"


def test_a_new_password_ends_every_other_session(web: Pages) -> None:
    mine, other = browser(web, "cleaner"), browser(web, "cleaner")
    form = "//form[@action='/me/security/password']"
    page = mine.get("/me/security")
    for changes, status in (
        ({"password": "wrong", "new": NEW, "again": NEW}, 401),
        ({"password": "demo", "new": NEW, "again": f"{NEW}x"}, 422),
        ({"password": "demo", "new": "short", "again": "short"}, 422),
        ({"password": "demo", "new": "cleaner-cleaner", "again": "cleaner-cleaner"}, 422),
    ):
        answer = mine.submit(page, changes, form)
        assert answer.status == status
        assert answer.words("//*[@role='alert']")
    assert other.get("/inbox").path == "/inbox"
    done = mine.submit(page, {"password": "demo", "new": NEW, "again": NEW}, form)
    assert (done.status, done.path.partition("?")[0]) == (200, "/me/security")
    assert other.get("/inbox").path.startswith("/sign-in?")
    assert browser(web, "cleaner").get("/inbox").path.startswith("/sign-in?")
    assert browser(web, "cleaner", NEW).get("/inbox").path == "/inbox"


def test_devices_are_told_apart_and_signed_out_one_by_one_or_all(web: Pages) -> None:
    mine = browser(web, "doctor", agent="Mozilla/5.0 (Windows NT 10.0) Chrome/140.0")
    phone = browser(web, "doctor", agent="Mozilla/5.0 (iPhone; CPU) MicroMessenger/8")
    tablet = browser(web, "doctor", agent="Mozilla/5.0 (iPad; CPU) Safari/600")
    page = mine.get("/me/security")
    rows = [" ".join(row.text_content().split()) for row in page.all("//section[@aria-labelledby='h-sessions']//li")]
    assert rows[0].startswith("Chrome · Windows 本机")
    assert [len([row for row in rows if row.startswith(name)]) for name in ("微信 · iPhone", "Safari · iPad")] == [1, 1]
    csrf = page.fields("//form[@action='/me/security/sessions']")["csrf"][0]
    session = page.all("//button[contains(@aria-label, '微信')]/@value")[0]
    mine.post("/me/security/sessions", {"csrf": csrf, "session": session})
    assert phone.get("/inbox").path.startswith("/sign-in?")
    assert tablet.get("/inbox").path == "/inbox"
    mine.post("/me/security/sessions", {"csrf": csrf, "session": "others"})
    assert tablet.get("/inbox").path.startswith("/sign-in?")
    assert mine.get("/inbox").path == "/inbox"


def test_nobody_ends_a_session_of_somebody_else(web: Pages) -> None:
    mine, other = browser(web, "town"), browser(web, "villager")
    session = web.world.app.sessions.find(mine.cookies["tocsin_session"], now=web.world.clock.now())
    assert session is not None
    csrf = other.get("/me/security").fields("//form[.//input[@name='csrf']]")["csrf"][0]
    other.post("/me/security/sessions", {"csrf": csrf, "session": session.id})
    assert mine.get("/me/security").path == "/me/security"


def test_a_token_is_shown_once_listed_and_revoked(web: Pages) -> None:
    mine = browser(web, "manager")
    form = "//form[@action='/me/security/tokens']"
    page = mine.get("/me/security")
    wrong = mine.submit(page, {"name": "县平台", "scopes": ["read"], "password": "wrong"}, form)
    assert (wrong.status, wrong.fields(form)["name"], wrong.fields(form)["scopes"]) == (401, ["县平台"], ["read"])
    assert mine.submit(page, {"name": "县平台", "password": "demo"}, form).status == 422
    made = mine.submit(page, {"name": "县平台", "scopes": ["read", "tasks"], "password": "demo"}, form)
    secret = made.words("//code[@class='secret']")
    assert secret.startswith("tocsin_pat_")
    listed = mine.get("/me/security")
    assert secret not in listed.text
    assert secret[-4:] in listed.text
    ended = mine.submit(
        listed,
        {"token": listed.all("//button[@name='token']/@value")[0]},
        "//form[@action='/me/security/tokens/revoke']",
    )
    assert "令牌已停用" in ended.text
    assert secret[-4:] not in ended.words("//section[@aria-labelledby='h-tokens']")


@pytest.mark.parametrize("page", ["/sign-in/code", "/sign-in/set-up"])
def test_no_step_is_open_to_who_has_not_shown_a_password(web: Pages, page: str) -> None:
    assert web.guest().get(page).path.startswith("/sign-in?")
    assert web.guest().post(page, {"code": "123456"}).path.startswith("/sign-in?")


def test_a_role_that_needs_a_code_sets_it_up_at_the_door(tmp_path: Path) -> None:
    world = World(tmp_path, at("08:10"), demo=False)
    with_passwords(world)
    strict = Pages(world)
    try:
        admin = browser(strict, "admin")
        page = admin.post("/sign-in", {"username": "admin", "password": "demo", "next": "/policies"})
        assert page.path == "/sign-in/set-up"
        assert admin.get("/inbox").path.startswith("/sign-in?")
        done = admin.post("/sign-in/set-up", {"code": shown(strict, secret_of(page))})
        assert len(done.all("//li/code")) == second_factor.RECOVERY_CODES
        assert done.all("//a[@class='btn primary']/@href") == ["/policies"]
        pass_a_step(strict)
        csrf = admin.get("/me/security").fields("//form[.//input[@name='password']]")["csrf"][0]
        assert admin.post("/me/security/second-factor/remove", {"csrf": csrf, "password": "demo"}).status == 422
        assert browser(strict, "teacher").get("/inbox").path == "/inbox"
    finally:
        world.close()
