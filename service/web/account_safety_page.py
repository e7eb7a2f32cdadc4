"""The safety of somebody else's account, for administrators: sessions, tokens and second factor, each with a reason."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import access_tokens, account_security, accounts, second_factor, sessions
from service.application.access_tokens import TokenView
from service.application.sessions import SessionView
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.domain.errors import NoSuch, ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE = "/accounts/{account}/security"


@dataclass(frozen=True, slots=True)
class AccountSafetyPage:
    """Where an account is signed in, its tokens, its second factor; `error` belongs to the reason typed."""

    account: str
    username: str
    name: str
    has_second_factor: bool
    codes_left: int
    sessions: tuple[SessionView, ...]
    tokens: tuple[TokenView, ...]
    reason: str
    error: str


@router.get(PAGE)
def safety_page(visit: Visiting, account: str) -> Response:
    """The page."""
    return _page(visit, account)


@router.post(PAGE)
def change(visit: Visiting, account: str, posted: Form) -> Response:
    """End sessions and tokens, or take the second factor away; the person signs in anew."""
    reason = posted.get("reason")
    try:
        if posted.get("do") == "factor":
            visit.run(account_security.reset_second_factor, cmd.ResetSecondFactor(account, reason))
        else:
            visit.run(account_security.shut_out, cmd.ShutOut(account, reason))
    except ValueRefused as refused:
        error = refused.reason_en.capitalize() if visit.locale.startswith("en") else refused.reason
        return _page(visit, account, reason=reason, error=error, status=422)
    return go(f"/accounts/{account}/security", said="shut_out")


def _page(visit: Visit, account: str, *, reason: str = "", error: str = "", status: int = 200) -> Response:
    require(visit.principal, Action.ACCOUNT_MANAGE)
    with visit.reader() as reader:
        names = accounts.account_names(reader.connection, [account])
        if account not in names:
            raise NoSuch("account", account)
        page = AccountSafetyPage(
            account, accounts.username_of(reader.connection, account), names[account],
            second_factor.is_set(reader.connection, account), second_factor.codes_left(reader.connection, account),
            tuple(sessions.of_account(reader.connection, account, now=visit.now)),
            tuple(access_tokens.of_account(reader.connection, account, now=visit.now)), reason, error,
        )  # fmt: skip
        return visit.page(reader, "account/safety.html", page, status=status)
