"""What came out of a drill: objectives with ratings, findings, timeliness, deviations, earlier drills."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application import after_action, drill_questionnaire, drill_reviews
from service.application import improvements as planned
from service.application.documents_docx import to_docx
from service.application.drill_questionnaire import QUESTIONS
from service.application.queries import evaluation_pages, improvements
from service.application.queries.evaluation_pages import EvaluationPage, ShownObjective
from service.application.queries.export_files import DOCX
from service.application.queries.improvements import Colleague, ImprovementRow, Questionnaire
from service.domain import commands as cmd
from service.domain.access import Action
from service.domain.calendar import at_local, local_date
from service.domain.errors import NoSuch, ValueRefused
from service.domain.evaluation import RATINGS
from service.web.errors import PageRoute
from service.web.posted import Form
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """A rating that was refused: what was typed, and the sentence beside its field."""

    objective: str = ""
    rating: str = ""
    note: str = ""
    field: str = ""
    error: str = ""
    scores: Mapping[str, int] | None = None

    def holds(self, objective: ShownObjective) -> bool:
        """Whether it was typed for an objective."""
        return bool(self.error) and self.objective == objective.id


@dataclass(frozen=True, slots=True)
class PlanForm:
    """The form for an improvement action: who can own one, the first day it can be due, what was refused."""

    people: tuple[Colleague, ...] = ()
    least: str = ""
    text: str = ""
    owner: str = ""
    due: str = ""
    finding: str = ""
    field: str = ""
    error: str = ""


NO_PLAN = PlanForm()


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """The evaluation with the words for ratings; `typed` is a rating that was refused.

    `improvements` were planned after this drill, `followed` after earlier ones; `plan` is the form for another.
    """

    found: EvaluationPage
    ratings: Mapping[str, str]
    typed: Typed
    improvements: tuple[ImprovementRow, ...]
    followed: tuple[ImprovementRow, ...]
    questionnaire: Questionnaire
    plan: PlanForm


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the report that people write."""

    key: str
    label: str
    text: str
    error: str


@dataclass(frozen=True, slots=True)
class AfterActionPage:
    """The report in a layout, and what may be written of it."""

    drill: str
    number: str
    title: str
    layout: str
    html: Markup
    parts: tuple[Part, ...]
    may_review: bool


@router.get("/drills/{drill}/evaluation")
def evaluation_page(visit: Visiting, drill: str) -> Response:
    """The evaluation."""
    return _shown(visit, drill, Typed())


@router.post("/drills/{drill}/ratings")
def rate(visit: Visiting, drill: str, posted: Form) -> Response:
    """Rate an objective."""
    command = cmd.RateObjective(drill, posted.get("objective"), posted.get("rating"), posted.get("note"))
    try:
        visit.run(drill_reviews.rate, command)
    except ValueRefused as refused:
        typed = Typed(command.objective, command.rating, command.note, refused.name, refused.text(visit.locale))
        return _shown(visit, drill, typed, status=422)
    return go(f"/drills/{drill}/evaluation", said="rated")


@router.post("/drills/{drill}/improvements")
def plan(visit: Visiting, drill: str, posted: Form) -> Response:
    """Plan an improvement action, for one of the findings or for none."""
    finding, due = posted.get("finding"), posted.get("due")
    typed = PlanForm(text=posted.get("text"), owner=posted.get("owner"), due=due, finding=finding)
    with visit.reader() as reader:
        reader.incident(drill, Action.INCIDENT_READ)
        known = {each.key: each for each in evaluation_pages.page(reader, drill).findings}
    target = known.get(finding)
    try:
        command = cmd.PlanImprovement(
            drill, typed.text, typed.owner, due_of(due), target.key if target else "", target.target if target else "",
            target.target_id if target else "",
        )  # fmt: skip
        visit.run(planned.plan, command)
    except ValueRefused as refused:
        again = replace(typed, field=refused.name, error=refused.text(visit.locale))
        return _shown(visit, drill, Typed(), plan=again, status=422)
    return go(f"/drills/{drill}/evaluation", said="saved")


@router.post("/drills/{drill}/questionnaire")
def answer(visit: Visiting, drill: str, posted: Form) -> Response:
    """Answer the questionnaire."""
    scores = {each: int(posted.get(each)) for each in QUESTIONS if posted.get(each).isdigit()}
    command = cmd.AnswerQuestionnaire(drill, scores, posted.get("comment"), posted.get("named") != "yes")
    try:
        visit.run(drill_questionnaire.answer, command)
    except ValueRefused as refused:
        typed = Typed(rating="", note=command.comment, field=refused.name, error=refused.text(visit.locale),
                      objective="questionnaire", scores=scores)  # fmt: skip
        return _shown(visit, drill, typed, status=422)
    return go(f"/drills/{drill}/evaluation", said="answered")


def due_of(day: str) -> datetime:
    """The end of a day in Asia/Shanghai. Raises ValueRefused."""
    try:
        return at_local(date.fromisoformat(day), time(23, 59))
    except ValueError:
        raise ValueRefused("due", "请选日期", "choose a day") from None


def _tomorrow(visit: Visit) -> str:
    return (local_date(visit.now) + timedelta(days=1)).isoformat()


@router.get("/drills/{drill}/report")
def report_page(visit: Visiting, drill: str, layout: str = "objectives") -> Response:
    """The after-action report, with the parts that people write below it."""
    return _report(visit, drill, layout, {})


@router.post("/drills/{drill}/report")
def write(visit: Visiting, drill: str, posted: Form) -> Response:
    """Save the parts that were written."""
    texts, layout = {part: posted.get(part) for part in drill_reviews.PARTS if posted.has(part)}, posted.get("layout")
    try:
        visit.run(drill_reviews.write, cmd.WriteReview(drill, texts))
    except ValueRefused as refused:
        return _report(visit, drill, layout, texts, field=refused.name, error=refused.text(visit.locale), status=422)
    return go(f"/drills/{drill}/report", layout=layout, said="saved")


@router.get("/drills/{drill}/report.docx")
def report_docx(visit: Visiting, drill: str, layout: str = "objectives") -> Response:
    """The report for Word."""
    with visit.reader() as reader:
        reader.incident(drill, Action.INCIDENT_READ)
        document = after_action.draft(reader, visit.site.documents, drill, _layout(layout))
    disposition = f"attachment; filename*=UTF-8''{quote(f'{document.title}.docx')}"
    return Response(to_docx(document), media_type=DOCX, headers={"content-disposition": disposition})


def _layout(layout: str) -> str:
    if layout not in after_action.LAYOUTS:
        raise NoSuch("layout", layout)
    return layout


def _report(
    visit: Visit,
    drill: str,
    layout: str,
    texts: Mapping[str, str],
    *,
    field: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    with visit.reader() as reader:
        row = reader.incident(drill, Action.INCIDENT_READ)
        document = after_action.draft(reader, visit.site.documents, drill, _layout(layout or "objectives"))
        standing = after_action.written(reader, drill)
        parts = tuple(
            Part(key, reader.label("review_part", key), texts.get(key, standing[key]), error if key == field else "")
            for key in drill_reviews.PARTS
        )
        html = Markup(visit.site.documents.to_html(document))  # noqa: S704 - rendered with autoescape
        may_review = reader.may_with(Action.DRILL_REVIEW, row)
        page = AfterActionPage(drill, row["number"], document.title, layout or "objectives", html, parts, may_review)
        return visit.page(reader, "drills/report.html", page, status=status)


def _shown(visit: Visit, drill: str, typed: Typed, *, plan: PlanForm = NO_PLAN, status: int = 200) -> Response:
    with visit.reader() as reader:
        reader.incident(drill, Action.INCIDENT_READ)
        words = {each: reader.label("rating", each) for each in RATINGS}
        found = evaluation_pages.page(reader, drill)
        keys = frozenset(each.key for each in found.findings)
        people = improvements.colleagues(reader, found.row.organisation) if found.may_review else ()
        page = ReviewPage(
            found, words, typed, improvements.of_drill(reader, drill), improvements.followed(reader, drill, keys),
            improvements.questionnaire(reader, drill), replace(plan, people=people, least=_tomorrow(visit)),
        )  # fmt: skip
        return visit.page(reader, "drills/evaluation.html", page, status=status)
