"""The second step of a sign-in: a code, or setting the second factor up where a role demands one."""

from dataclasses import dataclass

from fastapi import APIRouter, Form
from fastapi.responses import Response
from markupsafe import Markup

from service.application import accounts, second_factor, sign_in_steps
from service.application.sign_in_steps import Step
from service.domain.errors import CodeRefused, SignInNeeded, TooManyAttempts
from service.web import door
from service.web.door import CODE_PAGE, SET_UP_PAGE, STEP_COOKIE
from service.web.errors import PageRoute, status_of
from service.web.qr import qr_svg
from service.web.security import check_origin
from service.web.site import Arriving, Guest

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class CodePage:
    """The input for a code, and what was wrong with the last one."""

    error: str


@dataclass(frozen=True, slots=True)
class SetUpPage:
    """The QR code for the authenticator app, the secret in words, and the input for its first code."""

    qr: Markup
    secret: str
    error: str


@dataclass(frozen=True, slots=True)
class OncePage:
    """What is shown this once: recovery codes; `next` is where it goes on."""

    codes: tuple[str, ...]
    next: str


@router.get(CODE_PAGE)
def code_page(guest: Arriving) -> Response:
    """Ask for the code."""
    _step(guest, sign_in_steps.CODE)
    return guest.plain("entry/code.html", CodePage(""))


@router.post(CODE_PAGE)
def take_code(guest: Arriving, code: str = Form("", max_length=60)) -> Response:
    """Take the code and let the person in."""
    check_origin(guest.request.headers.get("origin"), guest.request.headers.get("host", ""))
    step = _step(guest, sign_in_steps.CODE)
    try:
        method = second_factor.answer(guest.site.tocsin.writer, step.account, code, network=guest.address)[0]
    except (CodeRefused, TooManyAttempts) as error:
        return guest.plain("entry/code.html", CodePage(error.text(guest.locale)), status=status_of(error))
    begun = door.begin(guest, step.account, method=method, step=guest.cookie(STEP_COOKIE), kind=sign_in_steps.CODE)
    return door.let_in(guest, begun, str(step.data["next"]))


@router.get(SET_UP_PAGE)
def set_up_page(guest: Arriving) -> Response:
    """Show the secret of a new second factor."""
    return _set_up(guest, _step(guest, sign_in_steps.ENROL), "", 200)


@router.post(SET_UP_PAGE)
def set_up(guest: Arriving, code: str = Form("", max_length=60)) -> Response:
    """Take its first code, let the person in and show the recovery codes."""
    check_origin(guest.request.headers.get("origin"), guest.request.headers.get("host", ""))
    step = _step(guest, sign_in_steps.ENROL)
    writer = guest.site.tocsin.writer
    try:
        codes = second_factor.answer(writer, step.account, code, network=guest.address, is_new=True)
    except (CodeRefused, TooManyAttempts) as error:
        return _set_up(guest, step, error.text(guest.locale), status_of(error))
    begun = door.begin(
        guest, step.account, method=second_factor.TOTP, step=guest.cookie(STEP_COOKIE), kind=sign_in_steps.ENROL
    )
    response = guest.plain("entry/recovery_codes.html", OncePage(tuple(codes), str(step.data["next"]) or "/inbox"))
    door.keep(guest, response, begun)
    return response


def _step(guest: Guest, kind: str) -> Step:
    secret = guest.cookie(STEP_COOKIE)
    with guest.site.tocsin.read() as connection:
        step = sign_in_steps.find(connection, secret, kind, now=guest.now) if secret else None
    if step is None:
        raise SignInNeeded
    return step


def _set_up(guest: Guest, step: Step, error: str, status: int) -> Response:
    tocsin = guest.site.tocsin
    secret = tocsin.run(lambda uow: second_factor.propose(uow, step.account))
    with tocsin.read() as connection:
        username = accounts.username_of(connection, step.account)
    page = SetUpPage(qr_svg(second_factor.address(secret, username)), spaced(secret), error)
    return guest.plain("entry/set_up.html", page, status=status)


def spaced(secret: str) -> str:
    """A secret in groups of four, for typing."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
