"""Lists and records of an incident to print, in the page and as a file for the office program."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import revealing
from service.application.documents import Document
from service.application.queries import printouts
from service.application.queries.grounds import named_to
from service.application.revealing import RevealLetter
from service.domain.errors import NoSuch
from service.web.errors import PageRoute
from service.web.export_page import to_export
from service.web.posted import Form
from service.web.site import Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PrintoutPage:
    """A document of an incident that nobody signs or sends; `back` is "" for who may not read the incident."""

    back: str
    incident_number: str
    address: str
    print: str
    reveal: str  # where the names of a letter are asked for, "" where the reader has no ground
    minutes: int
    document: Document
    html: Markup


@router.get("/incidents/{incident}/printouts/{document}/{key}.docx")
def printout_docx(visit: Visiting, incident: str, document: str, key: str) -> Response:
    """The document as a file: first why."""
    with visit.reader() as reader:
        printouts.page(reader, visit.site.documents, incident, document, key)
    return to_export(incident, "printout", f"{document}/{key}", "docx")


@router.get("/incidents/{incident}/printouts/{document}/{key}")
def printout_page(visit: Visiting, incident: str, document: str, key: str) -> Response:
    """The document in the page."""
    with visit.reader() as reader:
        found = printouts.page(reader, visit.site.documents, incident, document, key)
        html = Markup(visit.site.documents.to_html(found))  # noqa: S704 - rendered with autoescape
        number, address = printouts.number_of(reader, incident), f"/incidents/{incident}/printouts/{document}/{key}"
        back = f"/incidents/{incident}/reports" if printouts.is_ours(reader, incident) else ""
        wanted = urlencode({"kind": "printout", "key": f"{document}/{key}", "form": "html"})
        to_print = f"/incidents/{incident}/exports/new?{wanted}"
        may_ask = document == printouts.LETTER and key in named_to(reader, incident).values()
        page = PrintoutPage(
            back, number, address, to_print, f"{address}/reveal" if may_ask else "",
            int(reader.services.privacy.reveal.total_seconds() // 60), found, html,
        )  # fmt: skip
        return visit.page(reader, "incidents/printout.html", page)


@router.post("/incidents/{incident}/printouts/{document}/{key}/reveal")
def reveal(visit: Visiting, incident: str, document: str, key: str, posted: Form) -> Response:
    """Show whom the letter to one's own organisation names, and go back to it."""
    del posted
    if document != printouts.LETTER:
        raise NoSuch("document", document)
    visit.run(revealing.reveal_letter, RevealLetter(incident, key))
    return go(f"/incidents/{incident}/printouts/{document}/{key}", said="revealed")
