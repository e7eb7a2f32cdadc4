"""A list as an Excel sheet: taken along, filled in, brought back, looked at, and only then put into the draft."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import tasks, workbooks
from service.application.queries import sheets, task_pages
from service.application.queries.reader import Reader
from service.application.queries.sheets import SheetReading
from service.application.queries.task_rows import TaskRow
from service.domain import commands as cmd
from service.domain.errors import FormNotFound, TooLarge, ValueRefused
from service.web.errors import PageRoute
from service.web.export_page import to_export
from service.web.posted import Form
from service.web.site import Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SheetPage:
    """Bringing a sheet back: what was read of it, with its errors or, without any, for a last look."""

    task: TaskRow
    reading: SheetReading | None
    refusal: str
    data: str
    new: int
    same: int
    leaving: int


@router.get("/tasks/{task}/sheet.xlsx")
def download(visit: Visiting, task: str) -> Response:
    """The rows as they stand: first why."""
    with visit.reader() as reader:
        return to_export(_page(reader, task, None).task.incident, "rows", task)


@router.get("/tasks/{task}/sheet")
def sheet_page(visit: Visiting, task: str) -> Response:
    """Where a sheet is brought back."""
    with visit.reader() as reader:
        return visit.page(reader, "tasks/sheet.html", _page(reader, task, None))


@router.post("/tasks/{task}/sheet")
def bring_back(visit: Visiting, task: str, posted: Form) -> Response:
    """Read a sheet; with errors in it nothing is taken over."""
    upload = posted.files.get("sheet")
    with visit.reader() as reader:
        try:
            reading = sheets.read(reader, task, upload.content if upload else b"")
        except (TooLarge, ValueRefused) as refused:
            page = _page(reader, task, None, refused.text(visit.locale))
            return visit.page(reader, "tasks/sheet.html", page, status=422)
        status = 422 if reading.errors else 200
        return visit.page(reader, "tasks/sheet.html", _page(reader, task, reading), status=status)


@router.post("/tasks/{task}/sheet/confirm")
def confirm(visit: Visiting, task: str, posted: Form) -> Response:
    """Put the rows into the draft of the task."""
    visit.run(tasks.save_draft, cmd.SaveDraft(task, _rows(posted.get("rows"))))
    return go(f"/tasks/{task}", said="draft")


def workbook(name: str, content: bytes) -> Response:
    """An Excel file to be kept."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, media_type=workbooks.MEDIA_TYPE)


# --- inside -----------------------------------------------------------------------------------


def _page(reader: Reader, task: str, reading: SheetReading | None, refusal: str = "") -> SheetPage:
    row = task_pages.page(reader, task).row
    if not row.may_complete or not sheets.has_sheet(reader.services.forms.view(row.form_key)):
        raise FormNotFound(row.form_key)
    changes = [each.change for each in reading.rows] if reading else []
    is_good = reading is not None and not reading.errors
    return SheetPage(
        task=row,
        reading=reading,
        refusal=refusal,
        data=json.dumps(reading.data, ensure_ascii=False) if reading is not None and is_good else "",
        new=changes.count("new"),
        same=changes.count("same"),
        leaving=changes.count("leaves"),
    )


def _rows(text: str) -> dict[str, Any]:
    """The rows a page of ours sent on; they are checked again when the task is submitted."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    rows = data.get("rows") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise ValueRefused("rows", "不是一份名单", "it is no list")
    return {"rows": rows}
