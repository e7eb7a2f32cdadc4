"""P17: nothing is suspended without an order; two orders; home health; consent refused; classes that resume early."""

from typing import Any

import pytest
from sqlalchemy import select

from service.application.queries import Reader, task_pages
from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school, suspension, tracing, variants
from tests.paths.variants import visited_between
from tests.paths.world import World

SECOND, THIRD = "demo-school-7-3", "demo-school-8-1"


def suspected(w: World) -> None:
    """A case that is suspected at 10:00: the first result that is not excluded."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    school.diagnosis(w, "suspected")


def suspended(w: World, *classes: str) -> None:
    """The bureau's order at 10:30, carried out."""
    suspected(w)
    w.go("10:30")
    suspension.order(w, *classes)
    suspension.decide(w)
    suspension.teach_online(w)


def test_before_any_result_the_school_waits_for_an_order(world: World) -> None:
    w = world
    variants.accepted(w)
    suspension.order(w, order_source="学校建议")
    suspension.propose(w)
    (decision,) = w.rows(t.DecisionRow, decision="D13")
    assert decision["rules"] == [7]
    assert decision["data"] == {"adjust": "none", "basis": "waiting"}
    assert suspension.instances(w)[0]["status"] == "completed"
    assert visited_between(w, "g_suspension", "ee_no_suspension")
    assert not {"t_decide_suspension", "s_suggest_bureau"} & set(w.open_tasks())
    assert school.fact(w, "adjust_open") is False


def test_without_an_order_a_suspected_case_leads_to_a_suggestion_only(world: World) -> None:
    w = world
    suspected(w)
    suspension.propose(w)
    assert suspension.decided_rows(w) == [(5,)]
    assert "t_decide_suspension" not in w.open_tasks()
    w.do("principal", "s_suggest_bureau", {"send_channel": "电话", "outcome": "已送达", "answered_by": "值班科长"})
    assert visited_between(w, "s_suggest_bureau", "ee_suspension_suggested")
    assert visited_between(w, "ca_class_adjust", "ee_adjust_done")
    assert not w.rows(t.Report, document="R19")
    assert school.fact(w, "adjust_open") is False


def test_an_order_is_signed_as_it_was_given_and_parents_and_district_are_told(world: World) -> None:
    w = world
    suspected(w)
    w.go("10:30")
    suspension.order(w, school.CLASS, SECOND)
    assert suspension.decided_rows(w) == [(1,)]
    assert school.fact(w, "order_settled") is False
    with pytest.raises(FormRefused):
        w.do("principal", "t_decide_suspension", {"signer": True, "scope": [{"id": THIRD}]})
    suspension.decide(w)
    (record,) = w.rows(t.Record, form="F18", view="decide")
    assert [entry["id"] for entry in record["data"]["scope"]] == [school.CLASS, SECOND]
    assert record["data"]["adjust"] == "class_suspend"
    (notice,) = w.rows(t.Report, document="R19")
    assert notice["state"] == "sent"
    sent = {row["recipient"] for row in w.rows(t.Delivery, element="s_suspension_notice")}
    assert sent == {f"place:{school.CLASS}", f"place:{SECOND}", "district_office"}
    w.go("10:31")
    assert {row["state"] for row in w.rows(t.Delivery, element="s_suspension_notice")} == {"acknowledged"}
    assert "s_suspension_notice" not in w.open_tasks()
    assert "t_online_teaching" in w.open_tasks()
    assert school.fact(w, "order_settled") is True
    assert school.fact(w, "adjust_open") is True


def test_families_report_every_evening_from_the_first_online_lesson(world: World) -> None:
    w = world
    suspected(w)
    suspension.order(w)
    w.go("18:30")
    assert "t_home_monitoring" not in w.open_tasks()  # not even decided yet
    suspension.decide(w)
    suspension.teach_online(w)
    w.go("03-03 18:00")
    assert len(w.open_tasks()["t_home_monitoring"]) == 1
    (deadline,) = w.rows(t.Deadline, rule="T44")
    assert w.local(deadline["due_at"]) == "03-03 20:00"
    w.go("03-03 19:00")
    w.do("teacher", "t_home_monitoring", suspension.ZERO)
    (record,) = w.rows(t.Record, form="F22")
    assert (record["data"]["report_date"], record["data"]["total"]) == ("2026-03-03", 30)
    (deadline,) = w.rows(t.Deadline, rule="T44")
    assert w.local(deadline["met_at"]) == "03-03 19:00"
    w.go("03-04 18:00")
    assert len(w.open_tasks()["t_home_monitoring"]) == 1
    assert w.passed("start_home_health") == ["03-03 18:00", "03-04 18:00"]
    assert w.passed("ee_home_health") == ["03-03 19:00"]
    assert w.decided("br_suspension") == [[1]]


def test_an_evening_summed_up_the_next_morning_meets_its_own_deadline_late(world: World) -> None:
    w = world
    suspended(w)
    w.go("03-03 08:00")
    w.do("teacher", "t_home_monitoring", suspension.ZERO)
    (deadline,) = w.rows(t.Deadline, rule="T44")
    assert (w.local(deadline["due_at"]), w.local(deadline["met_at"])) == ("03-02 20:00", "03-03 08:00")
    assert deadline["late_minutes"] == 720


def test_two_orders_are_two_suspensions_each_with_its_own_classes(world: World) -> None:
    w = world
    suspended(w)
    w.go("11:00")
    suspension.order(w, SECOND, THIRD, adjust="grade_suspend")
    first, second = (row for row in suspension.instances(w) if row["inputs"]["order"])
    assert first["inputs"]["order"] != second["inputs"]["order"]
    suspension.decide(w)
    suspension.teach_online(w)
    scopes = [[entry["id"] for entry in row["data"]["scope"]] for row in w.rows(t.Record, form="F18", view="decide")]
    assert scopes == [[school.CLASS], [SECOND, THIRD]]
    assert school.fact(w, "suspended_classes") == [{"id": each} for each in (school.CLASS, SECOND, THIRD)]
    w.go("18:00")
    (task,) = w.open_tasks()["t_home_monitoring"]  # one summary for the classes of both
    assert prefilled(w, task)["total"] == pupils(w, school.CLASS, SECOND, THIRD)
    w.do("teacher", "t_home_monitoring", suspension.ZERO)
    assert len(w.rows(t.Record, form="F22")) == 1


def prefilled(w: World, task: str) -> dict[str, Any]:
    """What a task's form begins with."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("coordinator"), w.clock.now())
        form = task_pages.page(reader, task).form
        return dict(form.values) if form else {}


def pupils(w: World, *classes: str) -> int:
    """How many members of these classes the school has on record."""
    members = t.table_of(t.Member)
    with w.app.read() as connection:
        return len(connection.execute(select(members.c.id).where(members.c.place_id.in_(classes))).all())


def test_two_incidents_of_a_school_give_one_summary_a_day_and_the_second_goes_on(world: World) -> None:
    """The first to be taught online sums up for both; when it is over, the other incident does."""
    w = world
    variants.accepted(w)
    taught(w, school.CLASS)
    first = w.incident
    w.go("08:40")
    w.open("teacher", variants.external(w))
    taught(w, SECOND)
    second = w.incident
    w.go("18:00")
    assert "t_home_monitoring" not in w.open_tasks()
    w.incident = first
    (task,) = w.open_tasks()["t_home_monitoring"]
    assert prefilled(w, task)["total"] == pupils(w, school.CLASS, SECOND)
    w.do("teacher", "t_home_monitoring", suspension.ZERO)
    w.go("03-03 10:00")
    w.act("coordinator", "msg_cancel_request", {"cancel_kind": "误报", "cancel_scope": "全部", "reason": "测温有误"})
    w.do("principal", "t_approve_cancel", {"sign_decision": "签发", "signer": True})
    w.incident = second
    w.go("03-03 18:00")
    (task,) = w.open_tasks()["t_home_monitoring"]
    assert prefilled(w, task)["total"] == pupils(w, SECOND)
    with pytest.raises(FormRefused) as refused:
        w.do("teacher", "t_home_monitoring", {**suspension.ZERO, "report_date": "2026-03-02"})
    assert {error.code for error in refused.value.errors} == {"day_reported"}
    w.do("teacher", "t_home_monitoring", suspension.ZERO)


def taught(w: World, *classes: str) -> None:
    """Classes suspended by an order and taught online."""
    suspension.order(w, *classes)
    suspension.decide(w)
    suspension.teach_online(w)


def test_an_order_to_change_nothing_changes_nothing(world: World) -> None:
    w = world
    suspected(w)
    suspension.order(w, adjust="none")
    assert suspension.decided_rows(w) == [(1,)]
    assert "t_decide_suspension" not in w.open_tasks()


def test_an_order_without_a_kind_is_known_by_what_it_adjusts(world: World) -> None:
    w = world
    variants.accepted(w)
    suspension.order(w, kind=None)
    assert visited_between(w, "g_order_kind", "ca_class_adjust_order")
    suspension.order(w, kind=None, adjust="none")
    assert "t_do_order" in w.open_tasks()
    assert school.fact(w, "order_settled") is False
    suspension.decide(w)
    assert school.fact(w, "order_settled") is False
    w.do("principal", "t_do_order")
    assert school.fact(w, "order_settled") is True


def suggested(w: World) -> tuple[int, ...]:
    """The row of D13 that answers the school when it asks what to suggest."""
    before = len(suspension.decided_rows(w))
    suspension.order(w, order_source="学校建议")
    waiting = w.open_tasks()["t_propose_suspension"]
    w.do("principal", "t_propose_suspension", {"adjust": "class_suspend"}, task=waiting[-1])
    (row,) = suspension.decided_rows(w)[before:]
    return row


def test_a_bus_shared_with_a_confirmed_case_suggests_the_grade(world: World) -> None:
    w = world
    variants.confirmed(w)
    assert suggested(w) == (5,)
    tracing.history(w)
    tracing.initial(w, [tracing.contact(w, "学生子", scene="校车/车次")])
    assert suggested(w) == (4,)


def test_a_school_inside_a_closed_area_is_closed_as_a_whole(world: World) -> None:
    w = world
    suspected(w)
    suspension.order(w, adjust="full_closed", kind="封闭")
    assert suggested(w) == (5,)  # ordered, not carried out yet
    suspension.decide(w)
    assert suggested(w) == (2,)


def test_when_everybody_is_excluded_nothing_is_suggested(world: World) -> None:
    w = world
    excluded_after_suspension(w)
    assert suggested(w) == (8,)


# --- resuming -------------------------------------------------------------------------------------


def excluded_after_suspension(w: World) -> None:
    """E4: the suspected case turns out excluded while the class is at home."""
    suspended(w)
    w.go("14:00")
    w.act(
        "coordinator", "msg_diagnosis",
        {
            "result": "excluded", "result_at": school.now(w), "hospital": {"id": "demo-clinic"}, "info_source": "phone",
            "certificate": school.CERTIFICATE,
        },
    )  # fmt: skip
    school.draft(w, "t_draft_correction")
    school.sign(w)
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    w.go("14:30")


def test_all_excluded_classes_resume_early_with_the_consent_of_whoever_ordered(world: World) -> None:
    w = world
    excluded_after_suspension(w)
    assert visited_between(w, "g_adjust_open", "ca_resume_early")
    (resumption,) = suspension.instances(w, "class_resumption")
    assert resumption["inputs"]["scope"] == [{"id": school.CLASS}]
    w.go("15:40")
    suspension.clean(w)
    suspension.assess(w, failing="校园消毒")
    assert visited_between(w, "g_assessed", "t_clean_all")
    suspension.clean(w)
    suspension.assess(w)
    suspension.consent(w, "不同意")
    assert visited_between(w, "g_consent_given", "t_clean_all")
    suspension.clean(w)
    suspension.assess(w)
    assert w.send("msg_superior_consent", {"consent_result": "同意", "info_source": "party"}) == "delivered"
    w.go("16:00")
    suspension.resume(w)
    assert {row["number"] for row in w.rows(t.Report, document="R19")} == {"1", "2"}
    assert visited_between(w, "e_resumed", "ee_suspension_over")
    assert visited_between(w, "ca_class_adjust_order", "ee_order_done")
    assert visited_between(w, "ca_resume_early", "ca_close_report")
    school.closing_report(w)
    assert w.row()["result"] == "excluded_closed"
    course = {
        "s_resume_notice": ["03-02 16:00"],
        "ee_resumed": ["03-02 16:00"],
        "ee_control_excluded": ["03-02 16:00"],
        "ca_control": ["03-02 16:00"],
        "ee_excluded": ["03-02 16:00"],
    }
    assert {step: w.passed(step) for step in course} == course
    told = {row["recipient"] for row in w.rows(t.Delivery, element="s_resume_notice")}
    assert told == {f"place:{school.CLASS}", "district_office"}
    assert w.decided("br_class_changed") == [[4]]


def test_a_suspension_ends_at_the_time_announced_with_nobody_s_doing(world: World) -> None:
    w = world
    excluded_after_suspension(w)
    w.go("15:40")
    suspension.clean(w)
    suspension.assess(w)
    suspension.consent(w)
    suspension.resume(w, school.at_time("03-03 07:30"))
    w.go("18:10")
    assert "t_home_monitoring" in w.open_tasks()
    w.go("03-03 07:29")
    assert school.fact(w, "classes_resumed") is False
    w.go("03-03 07:30")
    ordered = next(row for row in suspension.instances(w) if row["inputs"]["order"])
    assert (ordered["status"], w.local(ordered["ended_at"])) == ("completed", "03-03 07:30")
    assert "t_home_monitoring" not in w.open_tasks()


def test_lessons_cannot_resume_before_the_cleaning_is_over(world: World) -> None:
    w = world
    excluded_after_suspension(w)
    w.go("15:40")
    suspension.clean(w)
    suspension.assess(w)
    suspension.consent(w)
    with pytest.raises(FormRefused) as refused:
        suspension.resume(w, school.at_time("03-02 08:00"))
    assert {error.path for error in refused.value.errors} == {"resume_at"}


# --- by themselves, without an incident of a sick person -------------------------------------------


def test_lessons_nobody_ordered_to_stop_resume_without_consent(world: World) -> None:
    w = world
    w.go("09:00")
    work = {
        "agent": "84消毒液", "start_at": school.at_time("08:00"), "end_at": school.now(w), "ppe": ["N95口罩"],
    }  # fmt: skip
    w.open("cleaner", work, procedure="class_resumption")
    suspension.assess(w)
    assert visited_between(w, "g_consent_needed", "t_decide_resumption")
    suspension.resume(w)
    assert w.row()["closed_at"]


def test_a_school_may_study_a_suspension_before_anybody_is_sick(world: World) -> None:
    w = world
    w.go("09:00")
    proposal = {"adjust": "class_suspend", "scope": [{"id": school.CLASS}]}
    w.open("principal", proposal, procedure="class_suspension")
    assert suspension.decided_rows(w) == [(7,)]
    assert w.row()["closed_at"]


def test_a_day_takes_one_summary(world: World) -> None:
    w = world
    suspended(w)
    w.go("03-03 18:00")
    yesterday, today = w.open_tasks()["t_home_monitoring"]
    w.do("teacher", "t_home_monitoring", suspension.ZERO, task=yesterday)
    with pytest.raises(FormRefused) as refused:
        w.do("teacher", "t_home_monitoring", {**suspension.ZERO, "report_date": "2026-03-02"}, task=today)
    assert {(error.path, error.code) for error in refused.value.errors} == {("report_date", "day_reported")}
    w.do("teacher", "t_home_monitoring", suspension.ZERO, task=today)
    days = [row["data"]["report_date"] for row in w.rows(t.Record, form="F22")]
    assert sorted(days) == ["2026-03-02", "2026-03-03"]
