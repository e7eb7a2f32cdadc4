"""Incidents: the list, and one incident with its head and tabs."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import deliveries as delivery_commands
from service.application import incidents as incident_commands
from service.application.queries import deliveries, inbox, incident_pages, printouts, reports, timeline, waiting
from service.application.queries.deliveries import DeliveryRow, MessageRow
from service.application.queries.incident_pages import DeadlineRow, IncidentFilter, IncidentList, IncidentPage
from service.application.queries.printouts import Printout
from service.application.queries.reader import Reader
from service.application.queries.reports import ReportRow
from service.application.queries.summaries import DEFAULT_KINDS, KINDS
from service.application.queries.task_rows import TaskRow
from service.application.queries.timeline import Timeline
from service.application.queries.waiting import ActionRow
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.domain.calendar import parse_instant
from service.web.errors import PageRoute
from service.web.form_values import as_json_instant
from service.web.posted import Form
from service.web.report_page import CASE_PROCEDURE
from service.web.shown import local_input
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

STATUSES = ("open", "", "closed")
_BESIDE = 5


@dataclass(frozen=True, slots=True)
class IncidentsPage:
    """Incidents the reader may see; `status` is open, "" for all, or closed."""

    found: IncidentList
    status: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab with its number, -1 for none."""

    code: str
    path: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the tabs of an incident."""

    incident: IncidentPage
    running: tuple[DeadlineRow, ...]
    tabs: tuple[Tab, ...]
    actions: tuple[ActionRow, ...]
    may_add_case: bool
    may_note: bool
    address: str


@dataclass(frozen=True, slots=True)
class KindFilter:
    """A kind of timeline entries: whether it is shown, how many are hidden, and the address that turns it."""

    code: str
    label: str
    is_shown: bool
    hidden: int
    address: str


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """The timeline with its filters, and the cards beside it."""

    head: Head
    timeline: Timeline
    kinds: tuple[KindFilter, ...]
    hidden: int
    show_all: str
    older: str
    open_tasks: tuple[TaskRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    now_input: str


@dataclass(frozen=True, slots=True)
class TasksPage:
    """Tasks of an incident: open ones and those that are over."""

    head: Head
    open: tuple[TaskRow, ...]
    over: tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True)
class ReportsPage:
    """Reports of an incident, what can be printed beside them, and every deadline."""

    head: Head
    reports: tuple[ReportRow, ...]
    printouts: tuple[Printout, ...]
    deadlines: tuple[DeadlineRow, ...]


@dataclass(frozen=True, slots=True)
class DeliveriesPage:
    """What left the building, whom it woke, and what came in."""

    head: Head
    deliveries: tuple[DeliveryRow, ...]
    alerts: tuple[DeliveryRow, ...]
    inbound: tuple[MessageRow, ...]


@router.get("/incidents")
def incidents_page(visit: Visiting, status: str = "open", cursor: str = "") -> Response:
    """The list of incidents."""
    require(visit.principal, Action.SELF_READ)
    with visit.reader() as reader:
        chosen = status if status in STATUSES else "open"
        found = incident_pages.listing(reader, IncidentFilter(status=chosen), cursor=cursor)
        return visit.page(reader, "incidents/list.html", IncidentsPage(found, chosen, cursor))


@router.get("/incidents/{incident}")
def timeline_page(visit: Visiting, incident: str, kinds: str = "", before: int = 0) -> Response:
    """The timeline; `kinds` is a comma list, empty for the usual ones."""
    chosen = tuple(kind for kind in kinds.split(",") if kind in KINDS) or DEFAULT_KINDS
    with visit.reader() as reader:
        found = timeline.timeline(reader, incident, kinds=chosen, before=before)
        return show_tab(visit, reader, "timeline", _timeline_model(visit, reader, incident, found, chosen))


@router.post("/incidents/{incident}/notes")
def add_note(visit: Visiting, incident: str, posted: Form) -> Response:
    """Put an entry on the timeline at the time it speaks of."""
    text = posted.get("text")
    if text:
        visit.run(incident_commands.add_note, cmd.AddNote(incident, text, _happened_at(visit, posted.get("at"))))
    return go(f"/incidents/{incident}", said="noted" if text else "")


@router.get("/incidents/{incident}/tasks")
def tasks_page(visit: Visiting, incident: str) -> Response:
    """The tasks."""
    with visit.reader() as reader:
        head = head_of(visit, reader, incident, "tasks")
        found = inbox.listing(reader, inbox.TaskFilter(incident=incident), limit=200).items
        is_open = [row for row in found if row.ended_at is None]
        over = sorted(
            (row for row in found if row.ended_at), key=lambda row: row.ended_at or row.created_at, reverse=True
        )
        return show_tab(visit, reader, "tasks", TasksPage(head, tuple(is_open), tuple(over)))


@router.get("/incidents/{incident}/reports")
def reports_page(visit: Visiting, incident: str) -> Response:
    """The reports and deadlines."""
    with visit.reader() as reader:
        head = head_of(visit, reader, incident, "reports")
        listed = reports.listing(reader, incident)
        may_print = reader.may_with(Action.PEOPLE_READ, reader.incident(incident))
        lists = printouts.available(reader, visit.site.documents, incident) if may_print else ()
        return show_tab(visit, reader, "reports", ReportsPage(head, listed, lists, head.incident.deadlines))


@router.get("/incidents/{incident}/deliveries")
def deliveries_page(visit: Visiting, incident: str) -> Response:
    """What went out and came in."""
    with visit.reader() as reader:
        head = head_of(visit, reader, incident, "deliveries")
        sent, alerts = (deliveries.outbox(reader, incident=incident, limit=200, alerts=each) for each in (False, True))
        page = DeliveriesPage(head, sent.items, alerts.items, deliveries.inbound(reader, incident))
        return show_tab(visit, reader, "deliveries", page)


@router.post("/incidents/{incident}/deliveries/{delivery}/retry")
def retry_delivery(visit: Visiting, incident: str, delivery: str, _posted: Form) -> Response:
    """Send a failed delivery again."""
    visit.run(delivery_commands.retry, cmd.RetryDelivery(delivery))
    return go(f"/incidents/{incident}/deliveries", said="retried")


# --- inside -----------------------------------------------------------------------------------


def head_of(visit: Visit, reader: Reader, incident: str, tab: str) -> Head:
    """The head of an incident. Raises NoSuch where the reader may not see it."""
    found = incident_pages.head(reader, incident)
    row = reader.incident(incident)
    is_open = found.row.closed_at is None
    query = visit.request.url.query
    return Head(
        incident=found,
        running=_running(found.deadlines),
        tabs=_tabs(visit, reader, found, tab),
        actions=waiting.action_menu(reader, incident) if is_open else (),
        may_add_case=is_open and found.row.procedure == CASE_PROCEDURE and reader.may_with(Action.CASE_ADD, row),
        may_note=reader.may_with(Action.TIMELINE_NOTE, row),
        address=visit.request.url.path + (f"?{query}" if query else ""),
    )


def _running(deadlines: tuple[DeadlineRow, ...]) -> tuple[DeadlineRow, ...]:
    """The next ones; what many persons are due at the same time stands there once."""
    running = [each for each in deadlines if each.state == "running"]
    return tuple({(each.rule, each.due_at): each for each in reversed(running)}.values())[::-1][:4]


def _tabs(visit: Visit, reader: Reader, found: IncidentPage, current: str) -> tuple[Tab, ...]:
    words, counts, row = visit.words, found.counts, reader.incident(found.row.id)
    known: list[tuple[str, str, int, Action]] = [
        ("timeline", words.gettext("时间线"), -1, Action.INCIDENT_READ),
        ("diagram", words.gettext("流程图"), -1, Action.INCIDENT_READ),
        ("tasks", words.gettext("任务"), counts["tasks_open"], Action.INCIDENT_READ),
        ("people", words.gettext("人员"), counts["people"], Action.PEOPLE_READ),
        ("places", words.gettext("场所"), -1, Action.INCIDENT_READ),
        ("reports", words.gettext("报告"), counts["reports"], Action.REPORT_READ),
        ("deliveries", words.gettext("收发"), counts["deliveries"], Action.OUTBOX_READ),
    ]
    base = f"/incidents/{found.row.id}"
    return tuple(
        Tab(code, base if code == "timeline" else f"{base}/{code}", label, count, code == current)
        for code, label, count, action in known
        if reader.may_with(action, row)
    )


def show_tab(visit: Visit, reader: Reader, tab: str, page: object) -> Response:
    """A tab inside the page, or for scripts the part that changes."""
    if visit.is_fragment:
        return visit.fragment(f"incidents/_{tab}.html", page, shell=visit.shell(reader))
    return visit.page(reader, f"incidents/{tab}.html", page)


def _timeline_model(
    visit: Visit, reader: Reader, incident: str, found: Timeline, chosen: tuple[str, ...]
) -> TimelinePage:
    base = f"/incidents/{incident}"
    row = reader.incident(incident)
    may_see_outbox = reader.may_with(Action.OUTBOX_READ, row)
    sent = deliveries.outbox(reader, incident=incident, limit=_BESIDE, alerts=False).items if may_see_outbox else ()
    listed = inbox.listing(reader, inbox.TaskFilter(incident=incident, state="open"), limit=_BESIDE).items
    kept = "" if chosen == DEFAULT_KINDS else f"kinds={','.join(chosen)}&"
    return TimelinePage(
        head=head_of(visit, reader, incident, "timeline"),
        timeline=found,
        kinds=_kind_filters(visit, found, chosen, base),
        hidden=sum(found.hidden.values()),
        show_all=f"{base}?kinds={','.join(KINDS)}",
        older=f"{base}?{kept}before={found.next}" if found.next else "",
        open_tasks=listed,
        deliveries=sent,
        now_input=local_input(visit.now),
    )


def _kind_filters(visit: Visit, found: Timeline, chosen: tuple[str, ...], base: str) -> tuple[KindFilter, ...]:
    words = visit.words
    labels = {
        "assessment": words.gettext("研判处置"),
        "curated": words.gettext("人工记录"),
        "field": words.gettext("字段变更"),
        "participant": words.gettext("人员"),
        "system": words.gettext("系统"),
    }

    def turned(kind: str) -> str:
        kept = [each for each in KINDS if (each in chosen) != (each == kind)]
        return f"{base}?kinds={','.join(kept)}" if kept else base

    return tuple(
        KindFilter(kind, label, kind in chosen, found.hidden.get(kind, 0), turned(kind))
        for kind, label in labels.items()
    )


def _ended(row: TaskRow) -> datetime:
    return row.ended_at or row.created_at


def _happened_at(visit: Visit, text: str) -> datetime:
    try:
        at = parse_instant(as_json_instant(text)) if text else visit.now
    except ValueError:
        return visit.now
    return min(at, visit.now)
