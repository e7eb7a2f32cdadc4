"""The control room of a drill: clocks, injects, diagram, what happens, diary, objectives; observers only look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import drill_diary as diary_commands
from service.application import inject_commands
from service.application.queries import drill_diary, drill_injects, drills, evaluation, inbox, timeline, waiting
from service.application.queries.drill_diary import DiaryEntry, Observer
from service.application.queries.drill_injects import DrillInjectRow
from service.application.queries.drills import DrillPage, DrillRole
from service.application.queries.reader import Reader
from service.application.queries.task_rows import TaskRow
from service.application.queries.timeline import Timeline
from service.application.queries.waiting import ActionRow, PartnerWait
from service.domain import commands as cmd
from service.domain.access import Action
from service.domain.errors import ScenarioRefused, ValueRefused
from service.web.diagram_page import Board, Picture, StepRow
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SPEEDS = ((1, "1"), (10, "2"), (60, "3"), (360, "4"))  # speed and its key
MADE_UP = ("cue", "rumour", "document", "absence")  # kinds of injects a trainer makes up on this page
_INJECT = ("kind", "title", "text", "to", "role", "hours", "document")


@dataclass(frozen=True, slots=True)
class CastRole:
    """A role with its open tasks."""

    role: DrillRole
    tasks: tuple[TaskRow, ...]


@dataclass(frozen=True, slots=True)
class Light:
    """An objective as far as it is decided: met | not_met | open, "" where nothing is expected."""

    id: str
    title: str
    state: str
    met: int
    expected: int


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A kind of inject that can be made up."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which form was refused, why, and what was typed."""

    form: str = ""
    error: str = ""
    typed: Mapping[str, str] | None = None

    def value(self, form: str, name: str) -> str:
        """What was typed into a field of a form that was refused."""
        return self.typed.get(name, "") if self.typed is not None and self.form == form else ""


@dataclass(frozen=True, slots=True)
class ControlPage:
    """One drill in the hands of its trainer; `watches`: whoever looks on sees the same without controls.

    `may_write`: the diary goes on after the end.
    """

    drill: DrillPage
    speeds: tuple[tuple[int, str], ...]
    busy: tuple[CastRole, ...]
    idle: tuple[DrillRole, ...]
    waits: tuple[PartnerWait, ...]
    actions: tuple[ActionRow, ...]
    steps: tuple[StepRow, ...]
    picture: Picture
    feed: Timeline
    watches: bool
    may_write: bool
    pending: tuple[DrillInjectRow, ...]
    reserve: tuple[DrillInjectRow, ...]
    past: tuple[DrillInjectRow, ...]
    kinds: tuple[MadeUp, ...]
    diary: tuple[DiaryEntry, ...]
    observers: tuple[Observer, ...]
    lights: tuple[Light, ...]
    refusal: Refusal


@router.get("/drills/{drill}")
def control_page(visit: Visiting, drill: str) -> Response:
    """The control room; who sees the drill and neither leads it nor looks on gets its page as an incident."""
    with visit.reader() as reader:
        row = reader.incident(drill, Action.INCIDENT_READ)
        leads = reader.may_with(Action.DRILL_CONTROL, row)
        if row["kind"] == "drill" and not leads and not drill_diary.is_observer(reader, drill):
            return go(f"/incidents/{drill}")
        page = control(visit, reader, drill, Refusal())
        if visit.is_fragment:
            return visit.fragment("drills/_control.html", page, shell=visit.shell(reader))
        return visit.page(reader, "drills/control.html", page)


@router.post("/drills/{drill}/injects")
def inject(visit: Visiting, drill: str, posted: Form) -> Response:
    """Send an inject now, leave it out, or make one up."""
    do, chosen = posted.get("do"), posted.get("inject")
    if do == "skip" and not posted.get("reason").strip():
        reason = visit.words.gettext("请写明为什么不发")
        return refused(visit, drill, Refusal(f"skip:{chosen}", reason))
    command = cmd.SendInject(
        drill, "" if do == "improvise" else chosen, do == "skip", posted.get("reason").strip(),
        _made_up(posted) if do == "improvise" else {},
    )  # fmt: skip
    kept = {name: posted.get(name) for name in _INJECT}
    said = "inject" if do != "skip" else ""
    return changed(visit, drill, said, lambda: visit.run(inject_commands.send, command), Refusal("improvise", "", kept))


@router.post("/drills/{drill}/diary")
def write(visit: Visiting, drill: str, posted: Form) -> Response:
    """An entry of the diary."""
    command = cmd.NoteDrill(drill, posted.get("text"), bool(posted.get("private")))
    kept = Refusal("diary", "", {"text": posted.get("text"), "private": posted.get("private")})
    return changed(visit, drill, "", lambda: visit.run(diary_commands.note, command), kept)


@router.post("/drills/{drill}/observers")
def observe(visit: Visiting, drill: str, posted: Form) -> Response:
    """Let somebody look on, or not any more."""
    command = cmd.NameObserver(drill, posted.get("username"), posted.get("do") != "remove")
    kept = Refusal("observer", "", {"username": posted.get("username")})
    return changed(visit, drill, "", lambda: visit.run(diary_commands.name_observer, command), kept)


def changed(visit: Visit, drill: str, said: str, work: Callable[[], object], kept: Refusal) -> Response:
    """Back to the control room after a change; with what was typed where it was refused."""
    try:
        work()
    except ScenarioRefused as error:
        text = "；".join(each.text(visit.locale) for each in error.faults)
        return refused(visit, drill, Refusal(kept.form, text, kept.typed))
    except ValueRefused as error:
        return refused(visit, drill, Refusal(kept.form, error.text(visit.locale), kept.typed))
    return go(f"/drills/{drill}", said=said)


def refused(visit: Visit, drill: str, refusal: Refusal) -> Response:
    """The control room once more, with what was wrong."""
    with visit.reader() as reader:
        reader.incident(drill, Action.DRILL_CONTROL)
        return visit.page(reader, "drills/control.html", control(visit, reader, drill, refusal), status=422)


def control(visit: Visit, reader: Reader, drill: str, refusal: Refusal) -> ControlPage:
    """The view model, within what the reader may see."""
    found = drills.page(reader, drill)
    board = Board(visit, reader, drill, "", "").model()
    tasks = inbox.listing(reader, inbox.TaskFilter(incident=drill, state="open"), limit=200).items
    by_role = {role.role: tuple(task for task in tasks if task.role == role.role) for role in found.roles}
    leads = reader.may_with(Action.DRILL_CONTROL, reader.incident(drill))
    watches = leads or drill_diary.is_observer(reader, drill)
    acts = leads or not watches  # who looks on does not play
    injects = drill_injects.of_drill(reader, drill) if watches else ()
    return ControlPage(
        drill=found,
        speeds=SPEEDS,
        busy=tuple(CastRole(role, by_role[role.role]) for role in found.roles if by_role[role.role]),
        idle=tuple(role for role in found.roles if not by_role[role.role]),
        waits=tuple(each for each in waiting.partner_desk(reader) if each.incident == drill) if acts else (),
        actions=tuple(waiting.action_menu(reader, drill)) if acts and found.ended_at is None else (),
        steps=board.now,
        picture=board.picture,
        feed=timeline.feed(reader, drill),
        watches=watches,
        may_write=leads,
        pending=tuple(sorted((each for each in injects if each.state == "pending"), key=_due)),
        reserve=tuple(each for each in injects if each.state == "reserve"),
        past=tuple(each for each in injects if each.state in ("sent", "skipped")),
        kinds=tuple(MadeUp(code, reader.label("inject_kind", code)) for code in MADE_UP),
        diary=drill_diary.entries(reader, drill),
        observers=drill_diary.observers(reader, drill) if leads else (),
        lights=_lights(reader, drill) if watches else (),
        refusal=refusal,
    )


# --- inside -----------------------------------------------------------------------------------


def _due(row: DrillInjectRow) -> tuple[bool, float]:
    return row.due_at is None, row.due_at.timestamp() if row.due_at else 0


def _made_up(posted: Posted) -> dict[str, object]:
    """What a scenario would say of the inject; its kind decides which fields count."""
    hours, kind = posted.get("hours").strip(), posted.get("kind")
    content = {
        "kind": kind, "title": posted.get("title").strip(), "text": posted.get("text").strip(),
        "to": [posted.get("to")] if posted.get("to") else [],
        "role": posted.get("role") if kind == "absence" else "",
        "lasts": f"PT{hours}H" if kind == "absence" and hours else "",
        "document": posted.get("text").strip() if kind == "document" else "",
    }  # fmt: skip
    return {key: value for key, value in content.items() if value}


def _lights(reader: Reader, drill: str) -> tuple[Light, ...]:
    found = evaluation.evaluate(reader, drill).objectives
    return tuple(
        Light(
            each.id, each.title.text(reader.locale), each.state,
            sum(one.state == "met" for one in each.expectations), len(each.expectations),
        )
        for each in found
    )  # fmt: skip
