"""The inbox: what is to be done, most urgent first; taking and finishing simple steps in place."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import accounts, tasks
from service.application.queries import deliveries, improvements, incident_pages
from service.application.queries.deliveries import NoticeRow
from service.application.queries.improvements import ImprovementRow
from service.application.queries.inbox import Inbox, TaskFilter, counts, inbox
from service.application.queries.incident_pages import IncidentFilter, IncidentRow
from service.application.queries.reader import Reader
from service.domain import commands as cmd
from service.domain.access import Action, require
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SCOPES = ("mine", "group", "all")
_ASIDE = 6


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The list, its three buttons, beside it one's improvement actions, running incidents, what one was told."""

    scope: str
    inbox: Inbox
    total: int
    incidents: tuple[IncidentRow, ...]
    notices: tuple[NoticeRow, ...]
    improvements: tuple[ImprovementRow, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class NoRolePage:
    """For somebody who is signed in and holds no role: whom to ask, and what to say."""

    username: str
    administrators: tuple[str, ...]


@router.get("/inbox")
def inbox_page(visit: Visiting, scope: str = "group", cursor: str = "") -> Response:
    """The inbox; scripts ask for the list alone."""
    require(visit.principal, Action.SELF_READ)
    if not visit.principal.memberships and not visit.is_fragment:
        with visit.reader() as reader:
            nobody = NoRolePage(visit.session.username, tuple(accounts.administrators(reader.connection)))
            return visit.page(reader, "inbox/no_role.html", nobody)
    with visit.reader() as reader:
        page = _page(reader, scope if scope in SCOPES else "group", cursor)
        if visit.is_fragment:
            return visit.fragment("inbox/_list.html", page, shell=visit.shell(reader))
        return visit.page(reader, "inbox/inbox.html", page)


def _page(reader: Reader, scope: str, cursor: str) -> InboxPage:
    found = inbox(reader, TaskFilter(whose=scope, state="open"), cursor=cursor)
    running = incident_pages.listing(reader, IncidentFilter(status="open", kind="real"), limit=_ASIDE)
    notices = deliveries.my_notices(reader, limit=_ASIDE)
    mine = improvements.mine(reader)
    return InboxPage(scope, found, found.counts[scope], running.items, notices, mine, cursor)


@router.get("/inbox/count")
def open_count(visit: Visiting) -> Response:
    """How many tasks wait for me: the number in the title of every page."""
    require(visit.principal, Action.SELF_READ)
    with visit.reader() as reader:
        return Response(str(counts(reader)["group"]), media_type="text/plain")


@router.post("/tasks/{task}/claim")
def claim(visit: Visiting, task: str, posted: Form) -> Response:
    """Take a task and open it."""
    visit.run(tasks.claim, cmd.ClaimTask(task))
    return _back(posted.get("back"), f"/tasks/{task}", "claimed")


@router.post("/tasks/{task}/release")
def release(visit: Visiting, task: str, posted: Form) -> Response:
    """Give a task back."""
    visit.run(tasks.release, cmd.ReleaseTask(task))
    return _back(posted.get("back"), "/inbox", "released")


@router.post("/tasks/{task}/complete")
def complete_at_once(visit: Visiting, task: str, posted: Form) -> Response:
    """Finish a simple step as it stands: done now, by me."""
    visit.run(tasks.complete, cmd.CompleteTask(task))
    return _back(posted.get("back"), "/inbox", "completed")


def _back(wanted: str, otherwise: str, said: str) -> Response:
    """To the page the button stood on, if it was one of ours."""
    path = wanted if wanted.startswith(("/inbox", "/incidents/")) else otherwise
    path, _, query = path.partition("?")
    kept = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair and not pair.startswith("said="))
    return go(path, **kept, said=said)
