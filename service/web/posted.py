"""What a form of ours sent: fields and files, after the check that it came from a page of ours."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from service.application.attachments import Upload
from service.web.security import CSRF_FIELD, CSRF_HEADER, check_csrf
from service.web.site import Visiting

MOST_FIELDS = 30_000  # a list of a thousand persons
MOST_BYTES = 4 * 1024 * 1024  # of one field: the rows of a sheet on their way into a draft
MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class Posted:
    """The fields of a form in order, its files by field, and all of them where a field takes several."""

    fields: tuple[tuple[str, str], ...]
    files: dict[str, Upload]
    uploads: tuple[Upload, ...] = ()

    def get(self, name: str) -> str:
        """The first value of a field, blanks around it removed; "" where it is absent."""
        return next((value.strip() for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field that is not empty."""
        return [value for key, value in self.fields if key == name and value.strip()]

    def has(self, name: str) -> bool:
        """Whether the field was sent at all."""
        return any(key == name for key, _ in self.fields)

    @property
    def names(self) -> list[str]:
        """Names of all fields, each once."""
        return list(dict.fromkeys(name for name, _ in self.fields))


async def posted_of(request: Request, visit: Visiting) -> Posted:
    """Read a form sent by somebody signed in. Raises CsrfMissing."""
    async with request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=MOST_BYTES) as form:
        posted = await read(form)
    check_csrf(visit.session, request.headers.get(CSRF_HEADER) or posted.get(CSRF_FIELD))
    return posted


async def read(form: FormData) -> Posted:
    """The fields and files of a form."""
    fields: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}
    uploads: list[Upload] = []
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields.append((name, value))
        elif value.filename:
            media_type = value.content_type or "application/octet-stream"
            files[name] = Upload(value.filename, media_type, await value.read())
            uploads.append(files[name])
    return Posted(tuple(fields), files, tuple(uploads))


Form = Annotated[Posted, Depends(posted_of)]
