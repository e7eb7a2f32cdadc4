"""Documents of reports, and one's own account."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import accounts
from service.application.queries import reports
from service.application.queries.reports import ReportPage
from service.domain.access import Action, require
from service.web.errors import PageRoute
from service.web.export_page import to_export
from service.web.posted import Form
from service.web.sign_in import keep_locale
from service.web.site import Visiting, go
from service.web.translations import LOCALES, NAMES

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A report as an official document."""

    found: ReportPage
    html: Markup


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Who I am and what I may be."""

    name: str
    username: str
    memberships: tuple[tuple[str, tuple[str, ...]], ...]
    languages: tuple[tuple[str, str, bool], ...]


# --- reports ----------------------------------------------------------------------------------


@router.get("/reports/{report}.docx")
def report_docx(visit: Visiting, report: str) -> Response:
    """The document as a file for the office program: first why."""
    with visit.reader() as reader:
        found = reports.page(reader, visit.site.documents, report)
    return to_export(found.row.incident, "report", report, "docx")


@router.get("/reports/{report}")
def report_page(visit: Visiting, report: str) -> Response:
    """The document in the page."""
    with visit.reader() as reader:
        found = reports.page(reader, visit.site.documents, report)
        html = Markup(visit.site.documents.to_html(found.document))  # noqa: S704 - rendered with autoescape
        return visit.page(reader, "incidents/document.html", DocumentPage(found, html))


# --- one's own account ------------------------------------------------------------------------


@router.get("/me")
def account_page(visit: Visiting) -> Response:
    """Name, roles, language, signing out."""
    require(visit.principal, Action.SELF_READ)
    with visit.reader() as reader:
        held = tuple(
            (reader.organisation_names.get(each, each), tuple(reader.label("role", role) for role in sorted(roles)))
            for each, roles in visit.principal.memberships.items()
        )
        languages = tuple((code, NAMES[code], code == visit.locale) for code in LOCALES)
        page = AccountPage(visit.principal.name, visit.session.username, held, languages)
        return visit.page(reader, "account/me.html", page)


@router.post("/me/language")
def choose_language(visit: Visiting, posted: Form) -> Response:
    """The language of this person, on every device."""
    require(visit.principal, Action.SELF_READ)
    locale = posted.get("locale")
    response = go("/me", said="language")
    if locale in LOCALES:
        visit.site.tocsin.run(lambda uow: accounts.set_locale(uow, visit.principal.account_id, locale))
        keep_locale(response, visit, locale)
    return response
