"""Letting somebody in who has proved who he is, by whatever way: a code first where one is needed, then the session."""

from datetime import timedelta

from fastapi.responses import Response

from service.application import accounts, second_factor, sessions, sign_in_steps
from service.application.sessions import HOME_COOKIE, SESSION_COOKIE, SignedIn
from service.domain.devices import device_of
from service.domain.errors import SignInFailed
from service.persistence.unit_of_work import UnitOfWork
from service.web.security import safe_next
from service.web.site import LOCALE_COOKIE, Guest, go
from service.web.translations import LOCALES

STEP_COOKIE = "tocsin_step"
CODE_PAGE, SET_UP_PAGE = "/sign-in/code", "/sign-in/set-up"


def proceed(guest: Guest, account: str, *, method: str, next_page: str) -> Response:
    """To the code where the account has or needs one, otherwise in."""
    tocsin = guest.site.tocsin
    with tocsin.read() as connection:
        has_code = second_factor.is_set(connection, account)
        must_have = second_factor.is_required(connection, account, tocsin.settings.roles_with_second_factor)
    if not has_code and not must_have:
        return let_in(guest, begin(guest, account, method=method), next_page)
    kind, page = (sign_in_steps.CODE, CODE_PAGE) if has_code else (sign_in_steps.ENROL, SET_UP_PAGE)
    data = {"next": next_page, "method": method}
    response = go(page)
    put_step(guest, response, tocsin.run(lambda uow: sign_in_steps.begin(uow, kind, account=account, data=data)))
    return response


def begin(guest: Guest, account: str, *, method: str, step: str = "", kind: str = "") -> SignedIn:
    """A session for this browser; `step` is the secret of the step that leads here and ends with it.

    Raises SignInFailed where the step was taken by another request.
    """
    tocsin = guest.site.tocsin
    length = timedelta(hours=tocsin.settings.session_hours)
    device = device_of(guest.request.headers.get("user-agent", ""))

    def work(uow: UnitOfWork) -> SignedIn:
        if step and sign_in_steps.take(uow, step, kind) is None:
            raise SignInFailed
        return sessions.begin_session(uow, account, length=length, method=method, device=device)

    begun = tocsin.run(work)
    if guest.request.cookies.get(LOCALE_COOKIE) in LOCALES:
        tocsin.run(lambda uow: accounts.set_locale(uow, begun.account_id, guest.locale))
    return begun


def let_in(guest: Guest, begun: SignedIn, next_page: str) -> Response:
    """To the page that was asked for, with the cookie of the session."""
    response = go(safe_next(next_page) if next_page else "/inbox")
    keep(guest, response, begun)
    return response


def keep(guest: Guest, response: Response, begun: SignedIn) -> None:
    """Give the browser the cookies of its session and take away that of the step."""
    # The browser keeps it for longer than it is good for: by it a form sent too late finds its writer.
    length = begun.expires_at - guest.now + sessions.KEPT_AFTER_END
    guest.put_cookie(response, SESSION_COOKIE, begun.secret, int(length.total_seconds()))
    if begun.home:
        guest.put_cookie(response, HOME_COOKIE, begun.home, int(length.total_seconds()))
    guest.put_cookie(response, STEP_COOKIE, "", 0)


def put_step(guest: Guest, response: Response, secret: str) -> None:
    """Give the browser the cookie of a step."""
    guest.put_cookie(response, STEP_COOKIE, secret, int(sign_in_steps.LENGTH.total_seconds()))
