"""What came out of a drill: objectives with ratings, findings, timeliness, deviations, earlier drills."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import drill_reviews
from service.application.queries import evaluation_pages
from service.application.queries.evaluation_pages import EvaluationPage, ShownObjective
from service.domain import commands as cmd
from service.domain.access import Action
from service.domain.errors import ValueRefused
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

    def holds(self, objective: ShownObjective) -> bool:
        """Whether it was typed for an objective."""
        return bool(self.error) and self.objective == objective.id


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """The evaluation with the words for ratings; `typed` is a rating that was refused."""

    found: EvaluationPage
    ratings: Mapping[str, str]
    typed: Typed


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


def _shown(visit: Visit, drill: str, typed: Typed, *, status: int = 200) -> Response:
    with visit.reader() as reader:
        reader.incident(drill, Action.INCIDENT_READ)
        words = {each: reader.label("rating", each) for each in RATINGS}
        page = ReviewPage(evaluation_pages.page(reader, drill), words, typed)
        return visit.page(reader, "drills/evaluation.html", page, status=status)
