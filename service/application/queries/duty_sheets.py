"""The hand-over sheet of a shift (R26): who was on duty, what was handed over, both signatures."""

from datetime import datetime

from service.application.document_values import Grid
from service.application.documents import Document, DocumentLibrary, DocumentMeta, Section
from service.application.queries import duty_pages
from service.application.queries.reader import Reader
from service.domain.access import Action, require
from service.domain.calendar import SHANGHAI
from service.domain.duty import LEADER

SHEET = "R26"


def hand_over_sheet(reader: Reader, library: DocumentLibrary, shift: str) -> Document:
    """The sheet as it stands; on paper there is room for what is not signed yet. Raises NoSuch, NotAllowed."""
    found = duty_pages.shift(reader, shift)
    require(reader.principal, Action.DUTY_SERVE, duty_pages.subject(reader, found.organisation))
    pick, row = reader.pick, found.row
    head = (
        (pick("班次", "Shift"), row.name),
        (pick("时间", "Time"), f"{_time(row.starts_at)} – {_time(row.ends_at)}"),
    )
    titles = (pick("岗位", "Duty"), pick("姓名", "Name"), pick("签到", "Signed in"))
    duties = {True: pick("带班领导", "leader in charge"), False: pick("值班人员", "on duty")}
    people = tuple(
        (duties[each.duty == LEADER], _named(reader, each.name, each.stands_in_for), _time(each.signed_in_at))
        for each in row.people
    )
    blank = "____________"
    signed = (
        (pick("交班", "Handed over"), f"{found.handed_by or blank}  {_time(found.handed_at) or blank}"),
        (pick("接班", "Received"), f"{found.received_by or blank}  {_time(found.received_at) or blank}"),
    )
    open_items = tuple(found.handover.splitlines()) or (blank,)
    sections = (
        Section(pick("班次", "Shift"), table=head, grid=Grid(titles, people, (1, 2, 2)) if people else None),
        Section(pick("交接事项", "What is open"), paragraphs=open_items),
        Section(pick("签字", "Signatures"), table=signed),
    )
    meta = DocumentMeta(found.organisation_name, found.received_at or found.handed_at or reader.now)
    title = pick("值班交接表", "Duty hand-over sheet")
    return library.plain(SHEET, title, meta=meta, sections=sections, locale=reader.locale)


def _named(reader: Reader, name: str, stands_in_for: str) -> str:
    return reader.pick(f"{name}（代{stands_in_for}）", f"{name} (for {stands_in_for})") if stands_in_for else name


def _time(at: datetime | None) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else ""
