"""The door: signing in and out, and the language before one is known."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from service.application import accounts
from service.application.sessions import SESSION_COOKIE
from service.domain.errors import SignInFailed, TooManyAttempts
from service.web.door import proceed
from service.web.errors import PageRoute, status_of
from service.web.posted import Form as PostedForm
from service.web.security import check_csrf, check_origin
from service.web.site import LOCALE_COOKIE, Arriving, Guest, Visiting, go
from service.web.translations import LOCALES, NAMES

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DEMO_PASSWORD = "demo"  # noqa: S105 - known to everybody; these accounts exist only in the demo
BY_PROVIDER = "/sign-in/oidc"
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo district, offered where the demo is switched on."""

    username: str
    label: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in form, what was wrong with the last try, and the accounts of a demo."""

    username: str
    error: str
    next: str
    languages: tuple[tuple[str, str, bool], ...]  # code, name, is current
    demo_accounts: tuple[DemoAccount, ...]
    provider: str  # the address of the way by the organisation's own sign-in, "" for none
    provider_name: str
    demo_password: str = DEMO_PASSWORD


@router.get("/")
def start(_visit: Visiting) -> Response:
    """The first page of somebody signed in is the inbox."""
    return go("/inbox")


@router.get("/sign-in")
def sign_in_page(guest: Arriving, next: str = "") -> Response:
    """The sign-in form."""
    return guest.plain(*sign_in_form(guest, next_page=next))


@router.post("/sign-in")
def sign_in(
    guest: Arriving,
    username: str = Form("", max_length=200),
    password: str = Form("", max_length=2000),
    next_page: str = Form("", alias="next", max_length=500),
) -> Response:
    """Start a session, or ask for the code; a wrong password shows the form again."""
    request = guest.request
    check_origin(request.headers.get("origin"), request.headers.get("host", ""))
    tocsin = guest.site.tocsin
    try:
        account = accounts.check_password(
            tocsin.database, tocsin.writer, username=username, password=password, address=guest.address
        )
    except (SignInFailed, TooManyAttempts) as error:
        form = sign_in_form(guest, username=username, error=error.text(guest.locale), next_page=next_page)
        return guest.plain(*form, status=status_of(error))
    return proceed(guest, account, method="password", next_page=next_page)


@router.post("/sign-out")
def sign_out(visit: Visiting, posted: PostedForm) -> Response:
    """End the session."""
    check_csrf(visit.session, posted.get("csrf"))
    secret = visit.cookie(SESSION_COOKIE)
    visit.site.tocsin.run(lambda uow: accounts.sign_out(uow, secret))
    response = go("/sign-in")
    visit.put_cookie(response, SESSION_COOKIE, "", 0)
    return response


@router.post("/language")
def choose_language(
    guest: Arriving, request: Request, locale: str = Form("", max_length=10), next_page: str = Form("", alias="next")
) -> Response:
    """Choose the language before signing in; it is kept in a cookie."""
    check_origin(request.headers.get("origin"), request.headers.get("host", ""))
    response = go("/sign-in", next=next_page)
    if locale in LOCALES:
        keep_locale(response, guest, locale)
    return response


def keep_locale(response: Response, guest: Guest, locale: str) -> None:
    """Remember a language in this browser."""
    response.set_cookie(
        LOCALE_COOKIE, locale, max_age=_YEAR, samesite="lax", secure=guest.is_secure, httponly=True, path="/"
    )


def sign_in_form(
    guest: Guest, *, username: str = "", error: str = "", next_page: str = ""
) -> tuple[str, SignInPage]:  # fmt: skip
    """The sign-in page as template and model, for every way that ends at it again."""
    languages = tuple((code, NAMES[code], code == guest.locale) for code in LOCALES)
    demo = demo_accounts(guest) if guest.site.tocsin.settings.demo else ()
    provider = guest.site.tocsin.identity
    address = f"{BY_PROVIDER}?{urlencode({'next': next_page})}" if provider else ""
    name = provider.name if provider else ""
    return "entry/sign_in.html", SignInPage(username, error, next_page, languages, demo, address, name)


def demo_accounts(guest: Guest) -> tuple[DemoAccount, ...]:
    """The accounts of the demo district with what each of them is good for; the password of all is DEMO_PASSWORD."""
    words = guest.words
    return (
        DemoAccount("teacher", words.gettext("任课教师")),
        DemoAccount("coordinator", words.gettext("防控办公室")),
        DemoAccount("nurse", words.gettext("隔离室与校医")),
        DemoAccount("principal", words.gettext("校长")),
        DemoAccount("cleaner", words.gettext("保洁")),
        DemoAccount("staff2", words.gettext("第二学校教职工")),
        DemoAccount("principal2", words.gettext("第二学校校长")),
        DemoAccount("manager", words.gettext("县级与外部方")),
        DemoAccount("town", words.gettext("镇干部")),
        DemoAccount("villager", words.gettext("村干部")),
        DemoAccount("doctor", words.gettext("村医")),
        DemoAccount("clinic", words.gettext("卫生院")),
        DemoAccount("trainer", words.gettext("导调员")),
        DemoAccount("admin", words.gettext("系统管理员")),
    )
