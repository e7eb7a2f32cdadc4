"""K13 and G5: control is confirmed, and the incident closed, only when nothing is open."""

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import observing, school, tracing, variants
from tests.paths.test_terminal_disinfection import accept
from tests.paths.variants import visited_between
from tests.paths.world import World

CONFIRMED = {"control_confirmed": True, "health_opinion": "可以解除", "confirmed_by": True}


def control_asked(w: World) -> None:
    """A confirmed case without any contact; place disinfected, investigation ended: the principal is asked."""
    variants.confirmed(w)
    school.tell_parents(w, "理解配合", 1, "t_inform_family")
    w.go("10:10")
    school.start_disinfection(w)
    tracing.history(w)
    tracing.initial(w, [tracing.contact(w, "学生子")])
    tracing.screening(w)
    tracing.investigated(w)
    tracing.final(w, [tracing.removed("学生子")])
    w.go("10:41")
    school.end_disinfection(w)
    assert "t_confirm_control" not in w.open_tasks()
    accept(w, "合格")
    assert "t_confirm_control" in w.open_tasks()


def test_control_is_not_confirmed_while_a_new_case_is_undecided(world: World) -> None:
    w = world
    control_asked(w)
    w.send("msg_external_notice", variants.external(w, name="学生乙丑"))
    before = len(w.events())
    with pytest.raises(FormRefused) as refused:
        w.do("principal", "t_confirm_control", CONFIRMED)
    (error,) = refused.value.errors
    assert (error.path, error.code) == ("control_confirmed", "still_open")
    assert "待定的诊断" in error.zh
    assert len(w.events()) == before
    w.do("principal", "t_confirm_control", {**CONFIRMED, "control_confirmed": False, "control_note": "又有一例"})
    assert w.row()["status"] != "under_control"
    w.go("03-03 10:42")  # a day later (control_recheck) it is judged again, by the facts
    assert visited_between(w, "e_control_wait", "g_wait_outcome")
    assert "t_confirm_control" not in w.open_tasks()


def test_isolated_pupils_are_supported_until_somebody_says_it_is_done(world: World) -> None:
    w = world
    observing.observed(w)
    w.do("teacher", "t_learning_support")
    assert visited_between(w, "t_learning_support", "g_support_done")


def test_a_closing_report_waits_for_what_came_after_control(world: World) -> None:
    w = world
    control_asked(w)
    w.do("principal", "t_confirm_control", CONFIRMED)
    assert w.row()["status"] == "under_control"
    school.rectify(w)
    assert "t_draft_closing" in w.open_tasks()
    w.send("msg_external_notice", variants.external(w, name="学生乙丑"))
    with pytest.raises(FormRefused) as refused:
        school.draft(w, "t_draft_closing", nature="散发确诊", closed_at=school.now(w))
    assert {(error.path, error.code) for error in refused.value.errors} == {("closed_at", "still_open")}
    assert w.row()["closed_at"] is None
    assert not [row for row in w.rows(t.Report, document="R03") if row["state"] == "sent"]
    assert w.passed("e_support_none") == ["03-02 10:10"]
    assert w.passed("e_control_reached") == ["03-02 10:41"]
