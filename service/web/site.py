"""The site: the running system, the templates in both languages, and what a visit needs."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from gettext import NullTranslations
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.application.documents import DocumentLibrary
from service.application.queries import Reader
from service.application.services import Services
from service.application.session_memory import SessionMemory
from service.application.sessions import SESSION_COOKIE, CurrentSession, cookie_name
from service.domain.access import Principal
from service.domain.clock import Clock
from service.domain.errors import SignInNeeded
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork
from service.settings import Settings
from service.web import shown
from service.web.assets import Assets
from service.web.navigation import Shell, shell_of
from service.web.sources import cited, sourced
from service.web.translations import LOCALES, chosen_locale, html_lang, translations

TEMPLATES = Path(__file__).parent / "templates"
LOCALE_COOKIE = "tocsin_locale"

T = TypeVar("T")


class Tocsin(Protocol):
    """The running system, as bootstrap builds it."""

    @property
    def settings(self) -> Settings:
        """What the operator set."""

    @property
    def clock(self) -> Clock:
        """Real time."""

    @property
    def database(self) -> Database:
        """Where everything is stored."""

    @property
    def writer(self) -> CommandRunner:
        """Runs commands one after another."""

    @property
    def sealer(self) -> Sealer:
        """Opens sealed values."""

    @property
    def services(self) -> Services:
        """Catalogues and definitions."""

    @property
    def sessions(self) -> SessionMemory:
        """Who is signed in."""

    @property
    def documents(self) -> DocumentLibrary:
        """Lays reports out."""

    def run(self, handler: Callable[[UnitOfWork], T]) -> T:
        """Run a command; an engine failure is recorded before it is raised."""

    def read(self) -> AbstractContextManager[Any]:
        """A connection with one snapshot, for reading."""


class Site:
    """Built once; shared by all requests."""

    def __init__(self, tocsin: Tocsin) -> None:
        self.tocsin = tocsin
        self.documents = tocsin.documents
        self.assets = Assets.load(tocsin.settings.forms_dir / "reports" / "document.css")
        self._environments = {locale: environment(locale, self.assets) for locale in LOCALES}

    def render(self, template: str, locale: str, **values: Any) -> str:
        """A template in a language."""
        return self._environments[locale].get_template(template).render(**values)


def environment(locale: str, assets: Assets) -> Environment:
    """Templates of one language: autoescaped, and every missing name is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(locale), newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    made.globals.update(locale=locale, lang=html_lang(locale), asset=assets.url)
    made.filters.update(
        day_time=shown.day_time,
        clock_time=shown.clock_time,
        date_time=shown.date_time,
        iso=shown.iso,
        countdown=lambda due, now: shown.countdown(due, now, locale),
        span=lambda length: shown.span(length, locale),
        urgency=shown.urgency,
        capital=lambda text: text[:1].upper() + text[1:],
        cited=lambda text: cited(text, locale),
        sourced=lambda text: sourced(text, locale),
        ago=lambda at, now: shown.ago(at, now, locale),
    )
    return made


@dataclass
class Guest:
    """A request of somebody not signed in: only the pages before the door take it."""

    request: Request
    site: Site

    @cached_property
    def locale(self) -> str:
        """The language of the page: the cookie, then the browser, then the setting."""
        cookie = self.request.cookies.get(LOCALE_COOKIE, "")
        return chosen_locale(cookie, self.request.headers.get("accept-language", ""), self.site.tocsin.settings.locale)

    @property
    def words(self) -> NullTranslations:
        """Texts in this language, for what is put together in code."""
        return translations(self.locale)

    @property
    def now(self) -> datetime:
        """Real time."""
        return self.site.tocsin.clock.now()

    @property
    def is_secure(self) -> bool:
        """Whether cookies are to travel over HTTPS only: as set, or because this request came by it."""
        return self.site.tocsin.settings.secure_cookies or self.request.url.scheme == "https"

    def cookie(self, name: str) -> str:
        """A cookie of ours, "" where there is none."""
        return self.request.cookies.get(cookie_name(name, is_secure=self.is_secure), "")

    def put_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Keep something in this browser: a length, not an instant, for its clock may be wrong; 0 takes it away."""
        response.set_cookie(
            cookie_name(name, is_secure=self.is_secure), value, max_age=seconds, httponly=True, samesite="lax",
            secure=self.is_secure, path="/",
        )  # fmt: skip

    @property
    def address(self) -> str:
        """The network address that asks, for counting attempts; it is stored nowhere."""
        return self.request.client.host if self.request.client else ""

    def plain(self, template: str, page: object, *, status: int = 200) -> HTMLResponse:
        """A page without the navigation of those signed in."""
        return HTMLResponse(self.site.render(template, self.locale, page=page), status)


@dataclass
class Visit(Guest):
    """A request of somebody signed in."""

    session: CurrentSession

    @property
    def principal(self) -> Principal:
        """Who it is."""
        return self.session.principal

    @cached_property
    def locale(self) -> str:
        """The language of the account."""
        return chosen_locale(self.principal.locale, "", self.site.tocsin.settings.locale)

    @property
    def is_fragment(self) -> bool:
        """Whether a script asks for the changed part of a page only."""
        return "hx-request" in self.request.headers

    @property
    def request_id(self) -> str:
        """The id the log gave this request, "" where none did."""
        return str(getattr(self.request.state, "request_id", ""))

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """What this person may read, on one snapshot."""
        tocsin = self.site.tocsin
        with tocsin.read() as connection:
            yield Reader(connection, tocsin.sealer, tocsin.services, self.principal, self.now, self.locale)

    def run(self, command: Callable[..., T], *arguments: Any) -> T:
        """Run a use case `(uow, services, principal, command, *, request_id)`."""
        tocsin = self.site.tocsin
        services, principal, request = tocsin.services, self.principal, self.request_id
        return tocsin.run(lambda uow: command(uow, services, principal, *arguments, request_id=request))

    def shell(self, reader: Reader) -> Shell:
        """What surrounds the page: navigation, who is signed in, the clock."""
        query = self.request.query_params
        path, incident = self.request.url.path, query.get("incident", "")
        return shell_of(reader, path, self.session, query.get("said", ""), incident=incident)

    def page(self, reader: Reader, template: str, page: object, *, status: int = 200) -> HTMLResponse:
        """A page inside the shell. `page` is its view model; templates see nothing else but the shell."""
        html = self.site.render(template, self.locale, page=page, shell=self.shell(reader))
        return HTMLResponse(html, status)

    def fragment(self, template: str, page: object, *, status: int = 200, shell: object = None) -> HTMLResponse:
        """A partial alone, as a script swaps it in."""
        values: Mapping[str, Any] = {"page": page, "shell": shell}
        return HTMLResponse(self.site.render(template, self.locale, **values), status)


def go(path: str, **query: str) -> Response:
    """To a page after a change (303), so that reloading does not repeat it."""
    asked = {name: value for name, value in query.items() if value}
    return RedirectResponse(f"{path}?{urlencode(asked)}" if asked else path, 303)


def guest_of(request: Request) -> Guest:
    """The request before anybody is known."""
    return Guest(request, request.state.site)


def visit_of(request: Request) -> Visit:
    """The request of somebody signed in. Raises SignInNeeded."""
    site: Site = request.state.site
    secret = Guest(request, site).cookie(SESSION_COOKIE)
    session = site.tocsin.sessions.find(secret, now=site.tocsin.clock.now()) if secret else None
    if session is None or session.kind != "cookie":
        raise SignInNeeded
    return Visit(request, site, session)


def sign_in_address(request: Request) -> str:
    """The sign-in page that leads back to what was asked for."""
    wanted = request.url.path if request.method == "GET" else "/inbox"
    return f"/sign-in?next={quote(wanted)}"


Visiting = Annotated[Visit, Depends(visit_of)]
Arriving = Annotated[Guest, Depends(guest_of)]


def fields_of(model: type) -> list[str]:
    """Field names of a view model; a test asks whether its template uses them all."""
    return [each.name for each in dataclasses.fields(model)]
