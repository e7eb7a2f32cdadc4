"""Files for the file fields of forms."""

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Response, UploadFile

from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.application import attachments
from service.application.attachments import AttachmentRow, Upload
from service.application.queries import Reader
from service.application.services import Services
from service.domain.access import Action, Principal
from service.persistence.unit_of_work import UnitOfWork

router = APIRouter(route_class=ProblemRoute, prefix="/attachments", tags=["attachments"])
FOLDER = "attachments"


class AttachmentAnswer(Answer):
    """A stored file; `{"id": …}` goes into a form's file field."""

    id: str
    name: str
    size: int
    sha256: str
    media_type: str
    uploaded_at: datetime


@router.post("", status_code=201, response_model=AttachmentAnswer)
def upload(door: Annotated[Door, permit(Action.ATTACHMENT_ADD)], file: Annotated[UploadFile, File()]) -> Response:
    """Keep a file, encrypted."""
    folder = door.tocsin.settings.data_dir / FOLDER
    given = Upload(file.filename or "", file.content_type or "application/octet-stream", file.file.read())

    def work(uow: UnitOfWork, _: Services, principal: Principal, offered: Upload, *, request_id: str) -> AttachmentRow:
        del request_id
        return attachments.store(uow, folder, principal, offered)

    def shown(_reader: Reader, row: AttachmentRow) -> AttachmentAnswer:
        return AttachmentAnswer.model_validate(row)

    return door.change(work, given, shown, status=201)


@router.get("/{attachment}", response_class=Response)
def download(attachment: str, door: Annotated[Door, permit(Action.ATTACHMENT_ADD)]) -> Response:
    """A file of one's own upload."""
    folder = door.tocsin.settings.data_dir / FOLDER
    row, content = door.read(
        lambda reader: attachments.read(
            reader.connection, reader.sealer, folder, principal=door.principal, attachment=attachment
        )
    )
    name = f"attachment; filename*=UTF-8''{quote(row.name)}"
    headers = {"Content-Disposition": name, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=row.media_type)
