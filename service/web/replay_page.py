"""Replay: an incident as it stood after any event of its log; scrubbed, stepped through and played."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import branching
from service.application.queries import inbox, replay, reports, situation, timeline
from service.application.queries.inbox import TaskFilter
from service.application.queries.incident_pages import DeadlineRow, IncidentPage
from service.application.queries.reader import Reader
from service.application.queries.replay import Moment
from service.application.queries.reports import ReportRow
from service.application.queries.task_rows import TaskRow
from service.application.queries.timeline import Timeline
from service.domain import commands as cmd
from service.domain.access import Action
from service.web.diagram_page import Board, InstanceGroup, InstanceLink, PageLink, Picture, StepRow
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PACES = (1, 2, 4, 8)  # moments a second
_DONE = 8  # tasks that are over


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """An incident at one moment; `address` is this page without a moment, `chosen` the instance and page looked at."""

    moment: Moment
    incident: IncidentPage
    deadlines: tuple[DeadlineRow, ...]
    open: tuple[TaskRow, ...]
    done: tuple[TaskRow, ...]
    reports: tuple[ReportRow, ...]
    steps: tuple[StepRow, ...]
    running: tuple[InstanceGroup, ...]
    ended: tuple[InstanceLink, ...]
    pages: tuple[PageLink, ...]
    picture: Picture
    here: Timeline
    feed: Timeline
    paces: tuple[int, ...]
    address: str
    instance: str
    page: str
    may_branch: bool


@dataclass(frozen=True, slots=True)
class BranchPage:
    """A moment of a drill at which another one is to begin."""

    drill: str
    number: str
    moment: Moment
    here: Timeline


@router.get("/drills/{drill}/replay")
def drill_replay(visit: Visiting, drill: str, seq: int = 0, instance: str = "", page: str = "") -> Response:
    """A drill at a moment, the last one where none is named."""
    return _shown(visit, drill, seq, (f"/drills/{drill}/replay", instance, page))


@router.get("/drills/{drill}/branch")
def branch_page(visit: Visiting, drill: str, seq: int = 0) -> Response:
    """Where another drill would begin."""
    with visit.reader() as reader:
        row = reader.incident(drill, Action.DRILL_CONTROL)
        moment = replay.rest_before(reader, replay.moment(reader, drill, seq))
        here = timeline.all_events(reader, drill, after=moment.seq - 1, limit=1)
        return visit.page(reader, "drills/branch.html", BranchPage(drill, row["number"], moment, here))


@router.post("/drills/{drill}/branch")
def branch(visit: Visiting, drill: str, posted: Form) -> Response:
    """Begin it."""
    seq = posted.get("seq")
    command = cmd.BranchDrill(drill, int(seq) if seq.isdecimal() else 0)
    return go(f"/drills/{visit.run(branching.branch, command)}")


@router.get("/incidents/{incident}/replay")
def incident_replay(visit: Visiting, incident: str, seq: int = 0, instance: str = "", page: str = "") -> Response:
    """The same of a real incident that is over."""
    return _shown(visit, incident, seq, (f"/incidents/{incident}/replay", instance, page))


# --- inside -----------------------------------------------------------------------------------


def _shown(visit: Visit, incident: str, seq: int, looked_at: tuple[str, str, str]) -> Response:
    with visit.reader() as reader:
        moment = replay.moment(reader, incident, seq)
        with replay.standing(reader, moment) as past:
            model = _model(visit, reader, past, moment, looked_at)
        if visit.is_fragment:
            return visit.fragment("drills/_replay.html", model, shell=visit.shell(reader))
        return visit.page(reader, "drills/replay.html", model)


def _model(visit: Visit, reader: Reader, past: Reader, moment: Moment, looked_at: tuple[str, str, str]) -> ReplayPage:
    address, instance, page = looked_at
    begun = {each.id for each in situation.instance_rows(past, moment.incident)}
    chosen = instance if instance in begun else ""  # one that begins later is not there yet
    board = Board(visit, past, moment.incident, chosen, page, base=f"{address}?seq={moment.seq}&")
    shown = board.model()
    tasks = inbox.listing(past, TaskFilter(incident=moment.incident), limit=200).items
    over = sorted((each for each in tasks if each.ended_at), key=_ended, reverse=True)
    row = reader.incident(moment.incident)
    may_read = past.may_with(Action.REPORT_READ, row)
    return ReplayPage(
        moment=moment,
        incident=shown.head.incident,
        deadlines=shown.head.incident.deadlines,
        open=tuple(each for each in tasks if each.ended_at is None),
        done=tuple(over[:_DONE]),
        reports=reports.listing(past, moment.incident) if may_read else (),
        steps=shown.now,
        running=shown.running,
        ended=shown.ended,
        pages=shown.pages,
        picture=shown.picture,
        here=timeline.all_events(reader, moment.incident, after=moment.seq - 1, limit=1),
        feed=timeline.feed(reader, moment.incident, before=moment.seq + 1),
        paces=PACES,
        address=address,
        instance=instance,
        page=page,
        may_branch=row["kind"] == "drill" and reader.may_with(Action.DRILL_CONTROL, row),
    )


def _ended(row: TaskRow) -> tuple[datetime, str]:
    return row.ended_at or row.created_at, row.id
