"""Uploaded files: encrypted on disk under an id, with a key of their own; the row says what they are."""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.application import organisations
from service.domain.access import Action, IncidentSubject, Principal, may, require
from service.domain.errors import NoSuch, TooLarge, ValueRefused
from service.persistence import tables as t
from service.persistence.sealing import Sealer, TokenDamaged
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

MOST_BYTES = 10 * 1024 * 1024
LONGEST_NAME = 200

_attachments = t.table_of(t.Attachment)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A stored file; name the id in a form's file field."""

    id: str
    name: str
    size: int
    sha256: str
    media_type: str
    uploaded_at: datetime


def store(uow: UnitOfWork, folder: Path, principal: Principal, upload: Upload) -> AttachmentRow:
    """Keep a file. Raises TooLarge, ValueRefused for one without name or content."""
    require(principal, Action.ATTACHMENT_ADD)
    name = Path(upload.name.replace("\\", "/")).name.strip()[:LONGEST_NAME]
    if not name or not upload.content:
        raise ValueRefused("file", "文件名或内容为空", "has no name or no content")
    if len(upload.content) > MOST_BYTES:
        raise TooLarge(MOST_BYTES)
    row = AttachmentRow(
        uow.new_id(), name, len(upload.content), hashlib.sha256(upload.content).hexdigest(), upload.media_type, uow.now
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / row.id
    uow.after_loss(lambda: path.unlink(missing_ok=True))
    values = {"content": base64.b64encode(upload.content).decode("ascii")}
    path.write_text(uow.sealer.seal(uow.connection, _subject(row.id), values), "ascii")
    uow.connection.execute(
        insert(_attachments).values(
            id=row.id, name=row.name, size=row.size, sha256=row.sha256, media_type=row.media_type,
            uploaded_by=principal.account_id, uploaded_at=row.uploaded_at,
        )
    )  # fmt: skip
    return row


def read(
    connection: Connection, sealer: Sealer, folder: Path, *, principal: Principal, attachment: str
) -> tuple[AttachmentRow, bytes]:
    """A file of one's own, or of an incident whose files one may read. Raises NoSuch for all others."""
    row = connection.execute(select(_attachments).where(_attachments.c.id == attachment)).mappings().first()
    path = folder / attachment
    if row is None or not _may_read(connection, principal, dict(row)) or not path.is_file():
        raise NoSuch("attachment", attachment)
    values = sealer.open(connection, _subject(attachment), path.read_text("ascii"))
    shown = {name: row[name] for name in AttachmentRow.__dataclass_fields__}
    return AttachmentRow(**shown), base64.b64decode(values["content"])


def _may_read(connection: Connection, principal: Principal, row: Mapping[str, Any]) -> bool:
    if row["uploaded_by"] == principal.account_id:
        return True
    incidents = sql.incidents
    where = incidents.c.id == (row["incident_id"] or "")
    incident = connection.execute(select(incidents.c.organisation_id, incidents.c.kind).where(where)).first()
    if incident is None:
        return False
    above = organisations.hierarchy(connection).ancestors(incident.organisation_id)
    subject = IncidentSubject(incident.organisation_id, above, is_drill=incident.kind == "drill")
    return may(principal, Action.ATTACHMENT_READ, subject)


def attach(uow: UnitOfWork, incident: str, uploader: str, values: object) -> None:
    """Note that an answer of an incident names files of the person who answers."""
    named = sorted(_file_ids(values))
    if named:
        mine = _attachments.c.id.in_(named) & (_attachments.c.uploaded_by == uploader)
        uow.connection.execute(update(_attachments).where(mine).values(incident_id=incident))


def erase(uow: UnitOfWork, incident: str) -> list[str]:
    """Destroy the keys and names of an incident's files; returns their ids, so that the files can be overwritten."""
    mine = select(_attachments.c.id).where(_attachments.c.incident_id == incident).order_by(_attachments.c.id)
    files = list(uow.connection.execute(mine).scalars())
    for each in files:
        uow.sealer.destroy(uow.connection, _subject(each))
    uow.connection.execute(update(_attachments).where(_attachments.c.incident_id == incident).values(name=""))
    return files


def stored(connection: Connection) -> list[AttachmentRow]:
    """All files that were not erased."""
    columns = [_attachments.c[name] for name in AttachmentRow.__dataclass_fields__]
    found = connection.execute(select(*columns).where(_attachments.c.name != "").order_by(_attachments.c.id))
    return [AttachmentRow(**row) for row in found.mappings()]


def is_erased(connection: Connection, attachment: str) -> bool:
    """Whether a file is gone because it was erased."""
    kept = (_attachments.c.id == attachment) & (_attachments.c.name != "")
    return connection.execute(select(_attachments.c.id).where(kept)).first() is None


def is_whole(connection: Connection, sealer: Sealer, folder: Path, row: AttachmentRow) -> bool:
    """Whether a file is there, opens, and holds what was uploaded."""
    try:
        values = sealer.open(connection, _subject(row.id), (folder / row.id).read_text("ascii"))
    except (OSError, ValueError, TokenDamaged):
        return False
    return hashlib.sha256(base64.b64decode(values.get("content", ""))).hexdigest() == row.sha256


def shred(path: Path) -> None:
    """Overwrite a file and remove it; one that is gone is left alone."""
    if not path.is_file():
        return
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _file_ids(value: object) -> set[str]:
    if isinstance(value, Mapping):
        own = {str(value["id"])} if {"id", "sha256"} <= value.keys() else set()
        return own.union(*(_file_ids(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(_file_ids(each) for each in value))
    return set()


def _subject(attachment: str) -> str:
    return f"attachment:{attachment}"
