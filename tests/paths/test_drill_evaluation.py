"""What a drill is found to have gone by, from its log alone."""

import pytest

from service.application import drill_reviews, projections
from service.application.queries import evaluation_pages
from service.domain import commands as cmd
from service.domain.errors import NoSuch, NotAllowed, ValueRefused
from tests.paths import drilling, reviewing
from tests.paths.world import MINUTE, World


def test_two_failures_are_found_with_element_limit_and_what_follows(world: World) -> None:
    w = world
    first = reviewing.two_failures(w)
    found = reviewing.evaluation(w)
    late, forgotten = sorted(found.findings, key=lambda each: each.kind)
    assert (late.kind, late.element.id, late.rule, late.by and late.by.id) == (
        "late", "s_send_written", "T02", "t_sign_written_report",
    )  # fmt: skip
    assert (w.local(late.limit), w.local(late.actual), late.over_by) == ("09-07 10:00", "09-07 10:30", 30 * MINUTE)
    assert (late.follow_up.target, late.follow_up.id, late.follow_up.value) == ("policy", "ladder_remind_pct", "25")
    assert (forgotten.kind, forgotten.element.id, forgotten.cause) == ("skipped", "t_observe_neighbours", "drill_ended")
    assert (forgotten.actual, w.local(forgotten.opened_at)) == (None, "09-07 08:04")
    assert (forgotten.follow_up.target, forgotten.follow_up.advice) == ("element", "set_deadline")
    oral = next(row for row in found.timings if row.rule == "T01" and row.kind == "deadline")
    assert (oral.element.id, oral.is_late, oral.slack(found.now)) == ("s_send_report", False, 5 * MINUTE)
    assert oral.planned == 15 * MINUTE
    w.app.run(lambda uow: projections.rebuild(uow, first))
    assert reviewing.evaluation(w) == found
    w.clock.advance(MINUTE)
    reviewing.two_failures(w)
    beside = reviewing.comparison(w)
    assert [each.id for each in beside.drills] == [first]
    assert beside.recurred == {late.key, forgotten.key}
    signing = next(each for each in beside.durations if each.element.id == "t_sign_written_report")
    assert signing.earlier == (signing.seconds,)


def test_a_later_rating_counts_the_earlier_one_is_kept_and_the_note_is_sealed(world: World) -> None:
    w = world
    drill = drilling.begin(w)
    rate(w, "trainer", "M", "口罩不够")
    rate(w, "coordinator", "S")
    rate(w, "trainer", "P")
    with w.app.read() as connection:
        overall = evaluation_pages.page(reviewing.reader(w, connection, "trainer"), drill).overall
    assert [(each.rating, each.note, each.stands) for each in overall.ratings] == [
        ("M", "口罩不够", False), ("S", "", True), ("P", "", True),
    ]  # fmt: skip
    assert "口罩不够" not in str(w.events("objective_rated"))
    seen = len(w.events())
    for who, rating, note, refusal in (
        ("trainer", "M", "", ValueRefused), ("trainer", "A", "", ValueRefused), ("teacher", "S", "", NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            rate(w, who, rating, note)
    with pytest.raises(NoSuch):
        rate(w, "trainer", "S", objective="o_gone")
    assert len(w.events()) == seen


def rate(w: World, who: str, rating: str, note: str = "", objective: str = "") -> None:
    """An entry of an evaluator."""
    command = cmd.RateObjective(w.incident, objective, rating, note)
    w.app.run(lambda uow: drill_reviews.rate(uow, w.app.services, w.who(who), command))
