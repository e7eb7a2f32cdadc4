"""The list of a task as an Excel sheet: out, and read back without storing anything."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Response, UploadFile

from service.api.dependencies import Answer, Door, permit
from service.api.exports import Purpose, handed_out
from service.api.problems import ProblemRoute
from service.application import workbooks
from service.application.exports import ExportWish
from service.application.queries import sheets
from service.domain.access import Action
from service.domain.errors import FieldError, FormRefused

router = APIRouter(route_class=ProblemRoute, prefix="/tasks", tags=["tasks"])


class SheetAnswer(Answer):
    """What a sheet says, ready to be saved as draft or to complete the task."""

    data: dict[str, Any]
    new: int
    same: int
    leaving: int


@router.get("/{task}/sheet", response_class=Response)
def download(task: str, door: Annotated[Door, permit(Action.TASK_COMPLETE)], purpose: Purpose = "offline") -> Response:
    """The rows as they stand in the draft or beforehand, as .xlsx; an export."""
    incident = door.read(lambda reader: sheets.download(reader, task))[3]
    return handed_out(door, ExportWish(incident, "rows", task, purpose))


@router.post("/{task}/sheet")
def read(
    task: str, door: Annotated[Door, permit(Action.TASK_COMPLETE)], sheet: Annotated[UploadFile, File()]
) -> SheetAnswer:
    """The rows of a workbook; 422 with an error for each wrong cell, its path `row 5: column`."""
    content = sheet.file.read(workbooks.MAX_BYTES + 1)
    found = door.read(lambda reader: sheets.read(reader, task, content))
    if found.errors:
        raise FormRefused(
            [
                FieldError(f"row {each.row}: {each.column}", "sheet_cell", each.message, each.message)
                for each in found.errors
            ]
        )
    changes = [each.change for each in found.rows]
    return SheetAnswer(
        data=dict(found.data), new=changes.count("new"), same=changes.count("same"), leaving=changes.count("leaves")
    )
