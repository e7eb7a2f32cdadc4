"""Files sent with a form: kept encrypted, and named in the form's value by id."""

from typing import Any

from service.application import attachments
from service.application.attachments import AttachmentRow, Upload
from service.persistence.unit_of_work import UnitOfWork
from service.web.posted import Posted
from service.web.site import Visit

FOLDER = "attachments"


def stored_files(visit: Visit, posted: Posted) -> dict[str, Any]:
    """Keep the files of a form; their values by input name. Raises TooLarge."""
    return {name: _value(_store(visit, upload)) for name, upload in posted.files.items() if upload.content}


def _store(visit: Visit, upload: Upload) -> AttachmentRow:
    tocsin = visit.site.tocsin
    folder = tocsin.settings.data_dir / FOLDER

    def keep(uow: UnitOfWork) -> AttachmentRow:
        return attachments.store(uow, folder, visit.principal, upload)

    return tocsin.run(keep)


def _value(row: AttachmentRow) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "size": row.size, "sha256": row.sha256}
