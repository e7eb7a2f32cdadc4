"""Expectations, timeliness and conformance of a drill, on small logs written by hand."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.domain.deadlines import DeadlineRule
from service.domain.evaluation import EarlierDrill, Evaluation, compare, evaluate
from service.domain.evaluation_material import Happening, Plan, PlanElement, PlanFlow, course_of
from service.domain.scenario_files import load
from service.domain.scenario_parts import Expectation, Objective, Text
from service.settings import ROOT

START = datetime(2026, 9, 7, tzinfo=UTC)
RULES = {
    "T02": DeadlineRule("T02", "duration", ("written_report",), "reporting", "成文报告", "Written report", ("[S0]",)),
    "X01": DeadlineRule("X01", "duration", ("office_accept",), "operational", "接单", "Accept", (), is_inferred=True),
    "T06": DeadlineRule("T06", "duration", ("symptom_free",), "none", "退热", "Free of fever", ("[S0]",)),
}


def minute(n: float) -> datetime:
    return START + timedelta(minutes=n)


def node(id_: str, kind: str = "user", **more: Any) -> PlanElement:
    return PlanElement("plan", id_, f"名{id_}", id_.upper(), kind, role=more.pop("role", "office"), form="F00", **more)


NODES = (
    node("t_first"), node("t_draft"), node("t_sign", role="leader"), node("g_ok", "xor"),
    node("s_send", "send", rules=("T02",)),
    node("t_watch"), node("t_call"), node("ee", "end"),
    node("e_late", "boundary", trigger="date", attached_to="t_watch"),
    node("e_over", "boundary", trigger="conditional", attached_to="t_watch"),
)  # fmt: skip
WAYS = [
    ("t_first", "t_draft"), ("t_draft", "t_sign"), ("t_sign", "g_ok"), ("g_ok", "s_send"), ("g_ok", "t_draft"),
    ("s_send", "ee"), ("t_first", "t_watch"), ("t_watch", "ee"), ("t_call", "ee"),
]  # fmt: skip
PLAN = Plan(
    "plan",
    {("plan", each.id): each for each in NODES},
    {("plan", f"f_{a}_{b}"): PlanFlow("plan", f"f_{a}_{b}", a, b) for a, b in WAYS},
)


class Log:
    """A log as it grows."""

    def __init__(self) -> None:
        self.events: list[Happening] = []
        self.add("incident_opened", 0, policies={"ladder_remind_pct": 25, "office_accept": "PT5M"})

    def add(self, type_: str, at: float, on: str = "", fields: tuple[str, ...] = (), /, **data: Any) -> "Log":
        event = Happening(len(self.events) + 1, type_, minute(at), data, "I", "plan", on, "somebody", frozenset(fields))
        self.events.append(event)
        return self

    def open(
        self, element: str, at: float, *, rule: str = "", visit: str = "", kind: str = "user", flow: str = ""
    ) -> "Log":
        visit = visit or element
        role = PLAN.element("plan", element).role
        self.add("element_entered", at, element, visit=visit, process="plan", element=element, flow=flow)
        return self.add(
            "task_opened", at, element, task=visit, element=element, kind=kind, role=role, form="F00", rule=rule,
            subject="",
        )  # fmt: skip

    def done(self, element: str, at: float, *, stated: float | None = None, visit: str = "") -> "Log":
        visit = visit or element
        said = minute(at if stated is None else stated).isoformat()
        self.add("task_completed", at, element, task=visit, done_at=said, late_minutes=0, late_reason="")
        return self.add("element_completed", at, element, visit=visit, process="plan", element=element, flows=[])

    def passed(self, element: str, at: float, flow: str) -> "Log":
        return self.add(
            "element_completed", at, element, visit=f"{element}-{len(self.events)}", process="plan", element=element,
            flows=[flow],
        )  # fmt: skip

    def cancelled(self, element: str, at: float) -> "Log":
        return self.add("element_cancelled", at, element, visit=element, process="plan", element=element)

    def limit(self, rule: str, at: float, due: float) -> "Log":
        times = {"start": minute(at).isoformat(), "due": minute(due).isoformat()}
        return self.add("deadline_started", at, "t_first", deadline=rule, rule=rule, subject="", **times)

    def met(self, rule: str, at: float, by: str) -> "Log":
        said = minute(at).isoformat()
        return self.add("deadline_met", at, by, deadline=rule, by=by, met_at=said, late_minutes=0, reason="")

    def ended(self, at: float) -> "Log":
        return self.add("drill_ended", at)

    def result(self, *expectations: Expectation, now: float = 600) -> Evaluation:
        objectives = (Objective("o", Text("目标", "Aim"), expectations),) if expectations else ()
        return evaluate(course_of(self.events, minute(now)), PLAN, RULES, objectives)


def states(found: Evaluation) -> list[str]:
    return [each.state for each in found.expectations()]


@pytest.mark.parametrize(
    ("expectation", "running", "over"),
    [
        (Expectation("x", "t_first"), "met", "met"),
        (Expectation("x", "t_first", times=2), "open", "not_met"),
        (Expectation("x", "t_sign"), "open", "not_met"),
        (Expectation("x", "t_sign", is_not=True), "open", "met"),
        (Expectation("x", "t_first", is_not=True), "not_met", "not_met"),
        (Expectation("x", "t_first", "in_time", within=timedelta(minutes=3)), "met", "met"),
        (Expectation("x", "t_first", "in_time", within=timedelta(minutes=2)), "not_met", "not_met"),
        (Expectation("x", "t_draft", "in_time", within=timedelta(minutes=2), since="t_first"), "met", "met"),
        (Expectation("x", "s_send", "in_time", within=timedelta(hours=9)), "open", "not_met"),
        (Expectation("x", "s_send", "in_time", within=timedelta(minutes=9)), "not_met", "not_met"),
        (Expectation("x", "s_send", "in_time", within=timedelta(hours=1), since="t_call"), "open", "not_met"),
        (Expectation("x", "g_ok", "branch", flow="t_draft"), "met", "met"),
        (Expectation("x", "g_ok", "branch", flow="f_g_ok_s_send"), "not_met", "not_met"),
        (Expectation("x", "t_first", "complete", fields=("place", "found_at")), "met", "met"),
        (Expectation("x", "t_first", "complete", fields=("place", "cause")), "not_met", "not_met"),
        (Expectation("x", "t_draft", "recipient", recipient="bureau"), "met", "met"),
        (Expectation("x", "t_draft", "recipient", recipient="cdc"), "open", "not_met"),
        (Expectation("x", "t_gone"), "open", "not_met"),
    ],
)
def test_what_is_expected_is_met_open_or_not(expectation: Expectation, running: str, over: str) -> None:
    log = Log().open("t_first", 0).add("record_saved", 3, "t_first", ("place", "found_at")).done("t_first", 3)
    log.open("t_draft", 3).add("delivery_queued", 4, "t_draft", recipient="bureau").done("t_draft", 5)
    log.passed("g_ok", 5, "f_t_sign_g_ok").open("t_draft", 5, visit="again", flow="f_g_ok_t_draft")
    assert states(log.result(expectation, now=60)) == [running]
    assert states(log.ended(60).result(expectation)) == [over]


def test_a_deadline_of_its_own_is_kept_broken_or_open() -> None:
    expected = Expectation("x", "s_send", "in_time")
    log = Log().limit("T02", 0, 120).open("t_sign", 3, rule="T02")
    assert states(log.result(expected, now=60)) == ["open"]
    assert states(log.result(Expectation("x", "t_sign", "in_time"), now=121)) == ["not_met"]
    log.met("T02", 130, "s_send")
    found = log.result(expected)
    assert (states(found), found.expectations()[0].over_by) == (["not_met"], timedelta(minutes=10))
    assert [finding.kind for finding in found.findings] == ["late"]
    assert found.findings[0].expectations == ("x",)
    kept = Log().limit("T02", 0, 120).met("T02", 120, "s_send").result(expected)
    assert (states(kept), kept.findings) == (["met"], ())


def test_every_task_and_binding_deadline_has_its_limit_actual_and_slack() -> None:
    log = Log().limit("T02", 0, 120).limit("T06", 0, 10).open("t_draft", 3, rule="T02")
    found = log.done("t_draft", 150, stated=100).result()
    assert [(each.kind, each.rule, each.state, each.is_late) for each in found.timings] == [
        ("deadline", "T02", "undone", True), ("task", "T02", "done", False),
    ]  # fmt: skip
    task = found.timings[1]
    assert (task.planned, task.took, task.slack(found.now)) == (
        timedelta(minutes=117), timedelta(minutes=97), timedelta(minutes=20),
    )  # fmt: skip
    assert found.deviations[0].cause == "not_done"
    assert found.deviations[0].over_by == timedelta(minutes=480)


def test_a_deadline_nobody_came_to_is_that_of_the_step_that_would_meet_it() -> None:
    (found,) = Log().limit("T02", 0, 120).ended(150).result().deviations
    assert (found.element.id, found.cause, found.over_by) == ("s_send", "not_done", timedelta(minutes=30))
    (found,) = Log().limit("X01", 0, 5).ended(15).result().deviations
    assert found.element.id == "t_first", "no step says that it meets it: the one that began it"


def test_what_was_left_undone_is_skipped_only_where_later_work_was_done() -> None:
    left = Log().open("t_watch", 1).open("t_call", 2).done("t_call", 3).ended(60).cancelled("t_watch", 60)
    assert [(each.kind, each.element.id, each.cause) for each in left.result().deviations] == [
        ("skipped", "t_watch", "drill_ended"),
    ]  # fmt: skip
    just_open = Log().open("t_call", 1).done("t_call", 2).open("t_watch", 3).ended(60)
    assert just_open.result().deviations == ()
    running = Log().open("t_watch", 1).open("t_call", 2).done("t_call", 3)
    assert running.result().deviations == ()
    outside = Log().open("t_watch", 1, kind="receive").open("t_call", 2).done("t_call", 3).ended(60)
    assert outside.result().deviations == ()


@pytest.mark.parametrize(("event", "cause"), [("e_late", "time_ran_out"), ("e_over", "overtaken")])
def test_the_event_that_took_a_step_away_is_named(event: str, cause: str) -> None:
    log = Log().open("t_watch", 1).open("t_call", 2).done("t_call", 3).cancelled("t_watch", 9)
    (found,) = log.passed(event, 9, "").result().deviations
    assert (found.kind, found.cause, found.by and found.by.id) == ("skipped", cause, event)


def test_a_step_an_operator_passed_over_is_skipped() -> None:
    log = Log().add(
        "engine_incident_skipped", 5, "t_watch", engine_incident="E", instance="I", element="t_watch", reason="r"
    )
    assert [(each.kind, each.cause) for each in log.result().deviations] == [("skipped", "passed_over")]


def test_coming_back_without_waiting_is_a_repetition() -> None:
    log = (
        Log().open("t_draft", 1).done("t_draft", 2).open("t_draft", 3, visit="again").done("t_draft", 4, visit="again")
    )
    log.open("t_call", 5).done("t_call", 6).open("t_call", 7, visit="c2").done("t_call", 8, visit="c2")
    assert [(each.kind, each.element.id, each.times) for each in log.result().deviations] == [
        ("repeated", "t_draft", 2),
    ]  # fmt: skip


def test_a_step_stated_to_be_done_before_the_one_before_it_is_out_of_order() -> None:
    log = Log().open("t_draft", 1).done("t_draft", 30, stated=20).open("t_sign", 30).done("t_sign", 31, stated=10)
    (found,) = log.result().deviations
    assert (found.kind, found.element.id, found.cause) == ("out_of_order", "t_sign", "stated_before")
    assert (found.by and found.by.id, found.done_at, found.limit) == ("t_draft", minute(10), minute(20))


def test_a_step_the_scenario_expects_after_another_but_done_before_it_is_out_of_order() -> None:
    expected = Expectation("x", "t_call", "in_time", within=timedelta(minutes=30), since="t_draft")
    log = Log().open("t_draft", 1).open("t_call", 2).done("t_call", 5).done("t_draft", 9)
    evaluation = log.result(expected)
    (found,) = evaluation.deviations
    assert (found.kind, found.element.id, found.cause) == ("out_of_order", "t_call", "expected_after")
    assert (found.by and found.by.id, found.done_at) == ("t_draft", minute(5))
    assert [(each.kind, each.element.id) for each in evaluation.findings] == [("out_of_order", "t_call")]
    log.open("t_call", 10, visit="again").done("t_call", 12, visit="again")
    assert log.result(expected).deviations == (), "it was done after it as well, as often as expected"
    in_order = Log().open("t_draft", 1).open("t_call", 2).done("t_draft", 5).done("t_call", 5)
    assert in_order.result(expected).deviations == ()
    assert Log().open("t_call", 2).done("t_call", 5).result(expected).deviations == ()


def test_less_urgent_work_first_counts_where_its_time_would_have_been_enough() -> None:
    def course(took: float) -> list[tuple[str, str]]:
        log = Log().limit("X01", 0, 30).open("t_first", 1, rule="X01").open("t_call", 2).done("t_call", 2 + took)
        log.done("t_first", 45).met("X01", 45, "t_first")
        return [(each.kind, each.element.id) for each in log.result().deviations]

    assert course(20) == [("late", "t_first"), ("out_of_order", "t_call")]
    assert course(5) == [("late", "t_first")]


def test_what_follows_depends_on_whether_the_limit_is_ours() -> None:
    ours = Log().limit("X01", 0, 5).met("X01", 9, "t_first").result().findings[0].follow_up
    theirs = Log().limit("T02", 0, 120).met("T02", 130, "s_send").result().findings[0].follow_up
    assert (ours.target, ours.id, ours.advice, ours.value) == ("policy", "office_accept", "review_limit", "PT5M")
    assert (theirs.target, theirs.id, theirs.advice, theirs.value) == (
        "policy", "ladder_remind_pct", "remind_earlier", "25",
    )  # fmt: skip


def test_a_later_rating_stands_and_the_earlier_one_is_kept() -> None:
    log = Log().add("objective_rated", 5, objective="", rating="M").add("objective_rated", 9, objective="", rating="S")
    overall = log.result().overall
    assert [each.rating for each in overall.ratings] == ["M", "S"]
    assert [each.rating for each in overall.standing] == ["S"]


def test_beside_an_earlier_drill() -> None:
    expected = Expectation("x", "s_send", "in_time")
    first = Log().limit("T02", 0, 120).open("t_first", 0).done("t_first", 4).met("T02", 130, "s_send").result(expected)
    again = Log().limit("T02", 0, 120).open("t_first", 0).done("t_first", 2).met("T02", 60, "s_send").result(expected)
    beside = compare(again, [EarlierDrill("d", "YL-1", START, first)])
    assert [(each.element.id, each.seconds, each.earlier) for each in beside.durations] == [("t_first", 120, (240,))]
    assert [(each.state, each.earlier) for each in beside.expectations] == [("met", ("not_met",))]
    assert beside.recurred == frozenset()
    assert compare(first, [EarlierDrill("d", "YL-1", START, first)]).recurred == {first.findings[0].key}


def test_every_scenario_the_plan_of_a_drill_offers_is_shipped() -> None:
    codes = json.loads((ROOT / "forms" / "codes.json").read_text("utf-8"))
    shipped = {each.document["catalogue"]: each.document for each in load(ROOT / "workflows" / "scenarios").values()}
    offered = [each["value"] for each in codes["drill_scenario"]]
    assert [code for code in offered if code not in shipped] == []
    assert {shipped[code]["procedure"] for code in offered} == {"school_suspected_case"}
