"""Lists, records and letters of an incident to print: what there is, and one as data, as a page and for Word."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response

from service.api.dependencies import Answer, Door, permit
from service.api.exports import Purpose, handed_out
from service.api.problems import ProblemRoute
from service.api.reports import STYLESHEETS, DocumentAnswer
from service.api.shapes import Page, page_of
from service.application import revealing
from service.application.documents import Document
from service.application.exports import ExportWish
from service.application.queries import Reader, printouts
from service.application.revealing import RevealLetter
from service.domain.access import Action
from service.domain.errors import NoSuch

router = APIRouter(route_class=ProblemRoute, prefix="/incidents", tags=["reports"])

Reading = Annotated[Door, permit(Action.PEOPLE_READ)]
ONE = "/{incident}/printouts/{document}/{key}"


class PrintoutItem(Answer):
    """Something to print: R09 contacts of a case, R10 disinfection, R11 handover, R27 letter to an organisation.

    `key` asks for it; `subject` says in words what it is about; `at` is when it was recorded, null for what stands now.
    """

    document: str
    name: str
    subject: str
    key: str
    at: datetime | None


@router.get("/{incident}/printouts")
def listed(incident: str, door: Reading) -> Page[PrintoutItem]:
    """Everything there is to print; somebody of another organisation finds the letter to it."""
    found = door.read(lambda reader: printouts.available(reader, door.tocsin.documents, incident))
    return page_of([PrintoutItem.model_validate(each) for each in found])


@router.get(ONE + ".docx", response_class=Response)
def docx(incident: str, document: str, key: str, door: Reading, purpose: Purpose = "handling") -> Response:
    """The document for Word; an export."""
    return handed_out(door, ExportWish(incident, "printout", f"{document}/{key}", purpose), "docx")


@router.get(ONE + ".html", response_class=Response)
def html(incident: str, document: str, key: str, door: Reading) -> Response:
    """The document as a page that prints on A4."""
    page = door.tocsin.documents.to_page(_document(door, incident, document, key), stylesheets=STYLESHEETS)
    return Response(page, media_type="text/html; charset=utf-8")


@router.get(ONE)
def one(incident: str, document: str, key: str, door: Reading) -> DocumentAnswer:
    """The document as data, names within the caller's rights."""
    return DocumentAnswer.model_validate(_document(door, incident, document, key))


@router.post(ONE + "/reveal", response_model=DocumentAnswer)
def reveal(
    incident: str, document: str, key: str, door: Annotated[Door, permit(Action.LETTER_REVEAL)]
) -> Response:  # fmt: skip
    """Show whom the letter to one's own organisation names for some minutes; logged. The answer is the letter."""
    if document != printouts.LETTER:
        raise NoSuch("document", document)

    def answer(reader: Reader, _count: int) -> DocumentAnswer:
        shown = printouts.page(reader, door.tocsin.documents, incident, document, key)
        return DocumentAnswer.model_validate(shown)

    return door.change(revealing.reveal_letter, RevealLetter(incident, key), answer)


def _document(door: Door, incident: str, document: str, key: str) -> Document:
    return door.read(lambda reader: printouts.page(reader, door.tocsin.documents, incident, document, key))
