"""My account and its safety: password, second factor, where I am signed in, tokens for programs."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import access_tokens, accounts, second_factor, sessions
from service.application.access_tokens import TokenView
from service.application.sessions import SessionView
from service.domain.access import Action, require
from service.domain.errors import CodeRefused, SignInFailed, TocsinError, TooManyAttempts, ValueRefused
from service.domain.token_scopes import SCOPES
from service.web import door
from service.web.code_page import spaced
from service.web.errors import PageRoute, status_of
from service.web.posted import Form, Posted
from service.web.qr import qr_svg
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SECURITY_PAGE = "/me/security"
TOKEN_DAYS = (7, 30, 90, 366)


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """Everything about the safety of one's account; `error` stands in the section `wrong`."""

    username: str
    has_second_factor: bool
    must_have: bool
    codes_left: int
    sessions: tuple[SessionView, ...]
    current: str
    tokens: tuple[TokenView, ...]
    scopes: tuple[tuple[str, str, str], ...]  # id, label, what it allows
    days: tuple[int, ...]
    wrong: str
    error: str
    entered: dict[str, str]


@dataclass(frozen=True, slots=True)
class FactorPage:
    """Setting a second factor up."""

    qr: Markup
    secret: str
    error: str


@dataclass(frozen=True, slots=True)
class OncePage:
    """What is shown this once: recovery codes, or the secret of a token."""

    codes: tuple[str, ...]
    token: str


@router.get(SECURITY_PAGE)
def security_page(visit: Visiting) -> Response:
    """The page."""
    require(visit.principal, Action.SELF_SECURE)
    return _page(visit)


@router.post(f"{SECURITY_PAGE}/password")
def change_password(visit: Visiting, posted: Form) -> Response:
    """Another password: every session ends but this one, which begins anew."""
    require(visit.principal, Action.SELF_SECURE)
    fresh = posted.get("new")

    def change() -> None:
        _prove(visit, posted)
        if fresh != posted.get("again"):
            raise ValueRefused("password", "两次输入的新密码不同", "was not entered the same twice")
        accounts.refuse_weak(fresh, visit.session.username)
        hashed = accounts.hash_password(fresh)
        me = visit.principal.account_id
        visit.site.tocsin.run(lambda uow: accounts.set_password(uow, me, hashed, actor=me))

    if refused := _refused(visit, "password", change):
        return refused
    response = go(SECURITY_PAGE, said="password")
    door.keep(visit, response, door.begin(visit, visit.principal.account_id, method="password"))
    return response


@router.get(f"{SECURITY_PAGE}/second-factor")
def factor_page(visit: Visiting) -> Response:
    """The secret of a new second factor."""
    require(visit.principal, Action.SELF_SECURE)
    return _factor_page(visit, "", 200)


@router.post(f"{SECURITY_PAGE}/second-factor")
def set_factor(visit: Visiting, posted: Form) -> Response:
    """Take its first code and show the recovery codes."""
    require(visit.principal, Action.SELF_SECURE)
    me, writer = visit.principal.account_id, visit.site.tocsin.writer
    try:
        _prove(visit, posted)
        codes = second_factor.answer(writer, me, posted.get("code"), network=visit.address, is_new=True)
    except (CodeRefused, SignInFailed, TooManyAttempts) as error:
        return _factor_page(visit, _text(visit, error), status_of(error))
    return _once(visit, OncePage(tuple(codes), ""))


@router.post(f"{SECURITY_PAGE}/second-factor/remove")
def remove_factor(visit: Visiting, posted: Form) -> Response:
    """Ask for no code any more; refused to those whose role demands one."""
    require(visit.principal, Action.SELF_SECURE)
    me = visit.principal.account_id

    def remove() -> None:
        _prove(visit, posted)
        if _must_have(visit):
            raise ValueRefused("second_factor", "您的岗位必须使用", "your role demands it")
        visit.site.tocsin.run(lambda uow: second_factor.remove(uow, me, actor=me))

    return _refused(visit, "factor", remove) or go(SECURITY_PAGE, said="factor_removed")


@router.post(f"{SECURITY_PAGE}/recovery-codes")
def new_recovery_codes(visit: Visiting, posted: Form) -> Response:
    """New recovery codes; those before count no more."""
    require(visit.principal, Action.SELF_SECURE)
    me = visit.principal.account_id
    made: list[str] = []

    def renew() -> None:
        _prove(visit, posted)
        made.extend(visit.site.tocsin.run(lambda uow: second_factor.renew_recovery_codes(uow, me)))

    return _refused(visit, "factor", renew) or _once(visit, OncePage(tuple(made), ""))


@router.post(f"{SECURITY_PAGE}/sessions")
def end_session(visit: Visiting, posted: Form) -> Response:
    """Sign out on one other device, or on all others."""
    require(visit.principal, Action.SELF_SECURE)
    me, session = visit.principal.account_id, posted.get("session")
    if session == "others":
        visit.site.tocsin.run(lambda uow: sessions.revoke_all(uow, me, actor=me, but=visit.session.id))
    else:
        visit.site.tocsin.run(lambda uow: sessions.revoke(uow, me, session, actor=me))
    return go(SECURITY_PAGE, said="session_ended")


@router.post(f"{SECURITY_PAGE}/tokens")
def make_token(visit: Visiting, posted: Form) -> Response:
    """Make a token and show its secret this once."""
    require(visit.principal, Action.SELF_SECURE)
    me, name, scopes = visit.principal.account_id, posted.get("name"), posted.all("scopes")
    days = int(posted.get("days")) if posted.get("days").isdecimal() else 0
    made: list[str] = []

    def make() -> None:
        _prove(visit, posted)
        made.append(
            visit.site.tocsin.run(lambda uow: access_tokens.create(uow, me, name=name, scopes=scopes, days=days))
        )

    entered = {"name": name, "scopes": ",".join(scopes), "days": posted.get("days")}
    return _refused(visit, "token", make, entered) or _once(visit, OncePage((), made[0]))


@router.post(f"{SECURITY_PAGE}/tokens/revoke")
def revoke_token(visit: Visiting, posted: Form) -> Response:
    """Let a token count no more."""
    require(visit.principal, Action.SELF_SECURE)
    me = visit.principal.account_id
    visit.site.tocsin.run(lambda uow: access_tokens.revoke(uow, me, posted.get("token"), actor=me))
    return go(SECURITY_PAGE, said="token_revoked")


# --- inside -----------------------------------------------------------------------------------


def _prove(visit: Visit, posted: Posted) -> None:
    """What makes the account weaker or gives it away asks for the password once more. Raises SignInFailed."""
    tocsin = visit.site.tocsin
    accounts.check_password(
        tocsin.database, tocsin.writer, username=visit.session.username, password=posted.get("password"),
        address=visit.address,
    )  # fmt: skip


def _refused(
    visit: Visit, section: str, change: Callable[[], None], entered: dict[str, str] | None = None
) -> Response | None:  # fmt: skip
    """The page again if a change was refused, None if it was made."""
    try:
        change()
    except (SignInFailed, TooManyAttempts, ValueRefused) as error:
        return _page(visit, wrong=section, error=_text(visit, error), entered=entered, status=status_of(error))
    return None


def _text(visit: Visit, error: TocsinError) -> str:
    if isinstance(error, SignInFailed):
        return visit.words.gettext("现在的密码不对。")
    if isinstance(error, ValueRefused):
        return visit.words.gettext("没有保存：%(why)s。") % {
            "why": error.reason if visit.locale == "zh_CN" else error.reason_en
        }
    return error.text(visit.locale)


def _must_have(visit: Visit) -> bool:
    tocsin = visit.site.tocsin
    with tocsin.read() as connection:
        return second_factor.is_required(
            connection, visit.principal.account_id, tocsin.settings.roles_with_second_factor
        )


def _page(
    visit: Visit, *, wrong: str = "", error: str = "", entered: dict[str, str] | None = None, status: int = 200
) -> Response:  # fmt: skip
    me = visit.principal.account_id
    must_have = _must_have(visit)
    with visit.reader() as reader:
        found = sessions.of_account(reader.connection, me, now=visit.now)
        page = SecurityPage(
            username=visit.session.username,
            has_second_factor=second_factor.is_set(reader.connection, me),
            must_have=must_have,
            codes_left=second_factor.codes_left(reader.connection, me),
            sessions=tuple(sorted(found, key=lambda each: each.id != visit.session.id)),
            current=visit.session.id,
            tokens=tuple(access_tokens.of_account(reader.connection, me, now=visit.now)),
            scopes=tuple((each, *_scope_words(visit, each)) for each in SCOPES),
            days=TOKEN_DAYS,
            wrong=wrong,
            error=error,
            entered=entered or {},
        )
        return visit.page(reader, "account/security.html", page, status=status)


def _scope_words(visit: Visit, scope: str) -> tuple[str, str]:
    words = visit.words
    return {
        "read": (words.gettext("查看"), words.gettext("只读：事件、任务、报告、参数")),
        "tasks": (words.gettext("办理任务"), words.gettext("认领、填写、完成、转交任务")),
        "incidents": (words.gettext("上报与消息"), words.gettext("上报事件、登记病例、发送消息")),
        "admin": (words.gettext("系统管理"), words.gettext("部署流程、修改参数、处理停住的流程、核验记录")),
    }[scope]


def _factor_page(visit: Visit, error: str, status: int) -> Response:
    me, tocsin = visit.principal.account_id, visit.site.tocsin
    with visit.reader() as reader:
        if second_factor.is_set(reader.connection, me):
            return go(SECURITY_PAGE)
    secret = tocsin.run(lambda uow: second_factor.propose(uow, me))
    page = FactorPage(qr_svg(second_factor.address(secret, visit.session.username)), spaced(secret), error)
    with visit.reader() as reader:
        return visit.page(reader, "account/second_factor.html", page, status=status)


def _once(visit: Visit, page: OncePage) -> Response:
    with visit.reader() as reader:
        return visit.page(reader, "account/once.html", page)
