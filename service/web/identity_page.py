"""Signing in by the organisation's own provider: to it and back; it never makes an account or gives a right."""

import hmac

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from service.application import access_log, accounts, attempts, sign_in_steps
from service.domain import events as ev
from service.domain.errors import IdentityRefused, NoSuch, OutsideSystemFailed, TooManyAttempts
from service.domain.identity import Asked, IdentityProvider
from service.persistence.unit_of_work import UnitOfWork
from service.web import door
from service.web.door import STEP_COOKIE
from service.web.errors import PageRoute, status_of
from service.web.sign_in import BY_PROVIDER, sign_in_form
from service.web.site import Arriving, Guest

router = APIRouter(route_class=PageRoute, include_in_schema=False)

BACK = f"{BY_PROVIDER}/back"


@router.get(BY_PROVIDER)
def ask(guest: Arriving, next: str = "") -> Response:
    """Send the browser to the provider; what its answer must fit is kept for this browser alone."""
    try:
        asked = _provider(guest).ask(_back(guest))
    except (IdentityRefused, OutsideSystemFailed) as error:
        return guest.plain(*sign_in_form(guest, error=error.text(guest.locale), next_page=next), status=502)
    kept = {"state": asked.state, "nonce": asked.nonce, "verifier": asked.verifier, "next": next[:500]}
    secret = guest.site.tocsin.run(lambda uow: sign_in_steps.begin(uow, sign_in_steps.OIDC, data=kept))
    response = RedirectResponse(asked.address, 303)
    door.put_step(guest, response, secret)
    return response


@router.get(BACK)
def back(guest: Arriving, code: str = "", state: str = "") -> Response:
    """Take the provider's answer: once, by the browser that asked, for an account that is there."""
    tocsin, secret = guest.site.tocsin, guest.cookie(STEP_COOKIE)
    step = tocsin.run(lambda uow: sign_in_steps.take(uow, secret, sign_in_steps.OIDC)) if secret else None
    counted = attempts.of_address("address", guest.address)
    try:
        tocsin.run(lambda uow: attempts.begin(uow, counted))
        if step is None or not code or not hmac.compare_digest(step.data["state"].encode(), state.encode()):
            raise IdentityRefused  # noqa: TRY301 - refused like everything the provider says
        asked = Asked("", step.data["state"], step.data["nonce"], step.data["verifier"])
        username = _provider(guest).username(asked, _back(guest), code)
        with tocsin.read() as connection:
            account = accounts.active_account_named(connection, username)
        if account is None:
            raise IdentityRefused  # noqa: TRY301 - as above: nobody learns which names are there
    except (IdentityRefused, OutsideSystemFailed, TooManyAttempts) as error:
        if isinstance(error, IdentityRefused):
            tocsin.run(_log_refusal)
        return guest.plain(*sign_in_form(guest, error=error.text(guest.locale)), status=status_of(error))
    tocsin.run(lambda uow: attempts.succeeded(uow, counted))
    return door.proceed(guest, account, method="oidc", next_page=str(step.data["next"]))


def _log_refusal(uow: UnitOfWork) -> None:
    access_log.append(uow, ev.SignInRefused("oidc"))


def _provider(guest: Guest) -> IdentityProvider:
    provider = guest.site.tocsin.identity
    if provider is None:
        raise NoSuch("page", BY_PROVIDER)
    return provider


def _back(guest: Guest) -> str:
    return f"{guest.site.tocsin.settings.public_url}{BACK}"
