"""What a drill is found to have gone by, from its log alone."""

from service.application import projections
from tests.paths import reviewing
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
