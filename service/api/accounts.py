"""Accounts as such: their name, invitation, and whether they may sign in; and imports of the directory."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from fastapi.responses import Response

from service.api.dependencies import Answer, Body, Door, permit
from service.api.organisations import told
from service.api.problems import ProblemRoute
from service.application import directory_import, directory_workbook, staff_changes
from service.application.directory_import import ConfirmImport, StartImport
from service.application.queries import Reader, imports
from service.application.staff_changes import InviteAgain, RenamePerson, SwitchAccount
from service.application.workbooks import MEDIA_TYPE
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, tags=["organisations"])

Staffing = Annotated[Door, permit(Action.STAFF_CHANGE)]
Changing = Annotated[Door, permit(Action.ORGANISATION_CHANGE)]


class DoneAnswer(Answer):
    """Whether anything changed."""

    changed: bool


class NameBody(Body):
    """Another name."""

    name: str


class ActiveBody(Body):
    """Switch off (false) or on."""

    is_active: bool
    reason: str


class CountAnswer(Answer):
    """Rows of a kind: new, changed, the same, and not in the workbook."""

    kind: str
    name: str
    new: int
    changed: int
    same: int
    removed: int


class FaultAnswer(Answer):
    """A fault: sheet, row as Excel counts it, column, and what to do."""

    sheet: str
    row: int
    column: str
    message: str


class ImportAnswer(Answer):
    """An import: reading, refused, checked, waiting (being written) or done."""

    id: str
    file_name: str
    state: str
    organisation: str
    started_at: datetime
    ended_at: datetime | None
    done: int
    total: int
    counts: list[CountAnswer]
    errors: list[FaultAnswer]
    faults: int


class ConfirmBody(Body):
    """`remove`: also take away what the workbook does not name."""

    remove: bool = False


@router.patch("/accounts/{account}")
def rename(account: str, body: NameBody, door: Staffing) -> Response:
    """Give somebody another name."""
    return door.change(staff_changes.rename, RenamePerson(account, body.name), _done)


@router.post("/accounts/{account}/switch")
def switch(account: str, body: ActiveBody, door: Staffing) -> Response:
    """Let somebody sign in no longer, or again."""
    return door.change(staff_changes.switch, SwitchAccount(account, body.is_active, body.reason), _done)


@router.post("/accounts/{account}/invitation")
def invite_again(account: str, door: Staffing) -> Response:
    """A new code with which somebody chooses a password."""
    command = InviteAgain(account)
    return told(
        door.tocsin.run(lambda uow: staff_changes.invite_again(uow, door.services, door.principal, command)), 200
    )


@router.get("/imports/template.xlsx", response_class=Response)
def template(door: Annotated[Door, permit(Action.DEFINITION_READ)]) -> Response:
    """An empty workbook of the directory with explanations and drop-down lists."""
    content = directory_workbook.template(door.services.organisations, door.locale)
    return Response(content, media_type=MEDIA_TYPE)


@router.post("/imports", status_code=201)
def bring(door: Changing, file: Annotated[UploadFile, File()], organisation: str = "") -> Response:
    """Check a workbook; a large one in the background: look again until it is checked or refused."""
    content, tocsin = file.file.read(), door.tocsin
    command = StartImport(organisation, file.filename or "", content)
    made = tocsin.run(lambda uow: directory_import.start(uow, tocsin.services, door.principal, command))
    if len(content) <= directory_import.SMALL:
        directory_import.check(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer, made, by=door.principal)
    shown = door.read(lambda reader: _import(reader, made))
    return Response(shown.model_dump_json(), 201, media_type="application/json")


@router.get("/imports/{import_id}")
def progress(import_id: str, door: Annotated[Door, permit(Action.SELF_READ)]) -> ImportAnswer:
    """What was found, or how far it is."""
    return door.read(lambda reader: _import(reader, import_id))


@router.post("/imports/{import_id}/confirm")
def confirm(import_id: str, body: ConfirmBody, door: Changing) -> Response:
    """Write what was checked, in the background."""
    command = ConfirmImport(import_id, body.remove)
    return door.change(directory_import.confirm, command, lambda reader, _: _import(reader, import_id))


def _done(_reader: Reader, changed: bool) -> DoneAnswer:
    return DoneAnswer(changed=changed)


def _import(reader: Reader, import_id: str) -> ImportAnswer:
    return ImportAnswer.model_validate(imports.shown(reader, import_id))
