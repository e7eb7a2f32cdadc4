"""P26: training, plan, notice, the drill itself beside it, times, evaluation, improvements."""

import pytest
from sqlalchemy import select

from service.application import after_action, drills
from service.application.queries import form_contexts, incident_pages, task_pages
from service.application.queries import improvements as queries
from service.domain import commands as cmd
from service.domain.errors import FormRefused
from service.persistence import tables as t
from service.persistence.tables import sql
from service.web.form_choices import directory_of
from service.web.form_models import Filled
from service.web.form_pages import FormWriter
from tests.paths import reviewing
from tests.paths.world import MINUTE, SCHOOL, World

TRAINED = {
    "topic": "防护与转运", "date": "2026-03-02", "trainees": ["班主任甲", "保洁乙"], "hours": 2.0, "exam": "合格",
}  # fmt: skip
PLANNED = {
    "scenario": "SC01", "procedure": "P01", "date": "2026-03-02T10:00:00+08:00", "speed": 3600,
    "participants": [{"role": "疫情防控办公室", "person": "联络员"}],
    "injects": [{"time": "演练 2 小时后", "event": "家长来电"}],
}  # fmt: skip


def test_a_drill_is_planned_begun_ended_evaluated_and_followed_by_actions(world: World) -> None:
    w = world
    w.go("09:00")
    training = w.open("trainer", {**TRAINED, "trainer": {"id": w.who("trainer").account_id}}, "drill_training")
    assert w.passed("start_drill") == w.passed("t_train") == ["03-02 09:00"]
    assert (w.saved("t_train")["topic"], w.saved("t_train")["exam"]) == ("防护与转运", "合格")
    assert (w.row()["kind"], w.local(w.deadline("T46")["due_at"])) == ("real", "05-31 09:00")
    w.do("trainer", "t_plan_drill", PLANNED)
    assert {row["role"] for row in w.rows(t.Notice) if row["code"] == "drill_planned"} >= {
        "epi_office",
        "school_leader",
    }
    assert w.rows(t.Delivery) == []
    assert w.passed("s_drill_notice") == w.passed("e_drill_started") == ["03-02 09:00"]
    assert w.saved("t_plan_drill")["injects"] == PLANNED["injects"]
    (begun,) = w.events("training_drill_begun")
    drill = begun["data"]["drill"]
    assert_begun(w, drill)
    assert "r_drill_closed" in w.open_tasks()
    w.app.run(lambda uow: drills.end(uow, w.app.services, w.who("trainer"), cmd.EndDrill(drill)))
    w.clock.advance(MINUTE)
    w.app.worker.tick()
    assert "t_evaluate_drill" in w.open_tasks()
    (stopped,) = [each for each in w.events("record_saved") if each["data"]["view"] == "stop"]
    assert stopped["data"]["answers"]["stop_reason"] == "导调员结束演练"
    assert w.deadline("T46")["met_at"] is not None
    (times,) = [each for each in w.events("record_saved") if each["data"]["view"] == "times"]
    assert w.passed("t_collect_times") == ["03-02 09:00"]
    found = reviewing.evaluation(w, drill)
    late = [each.element.id for each in found.deviations if each.kind == "late"]
    assert times["data"]["answers"]["missed_timers"] == late
    timed = [each for each in found.timings if each.kind == "task" and each.took and each.planned]
    assert len(times["data"]["answers"]["task_delays"]) == len(timed)
    w.do("trainer", "t_evaluate_drill", {"report_score": 80, "evaluator": True, "wrong_branches": ["先报后隔离"]})
    assert_assessed(w, drill)
    assert_owners_are_chosen_by_name(w)
    action = {"text": "设时限", "owner": {"id": w.who("nurse").account_id}, "due": "2026-04-01"}
    w.do("coordinator", "t_improve", {"improvements": [action]})
    assert w.row()["status"] == "closed"
    assert [row["state"] for row in w.rows(t.ElementVisit, element="ee_drill")] == ["completed"]
    with w.app.read() as connection:
        (mine,) = queries.mine(reviewing.reader(w, connection, "nurse"))
    assert (mine.text, mine.drill) == ("设时限", drill)
    assert training == w.incident


def status_shown(w: World, incident: str) -> str:
    """The word of the incident's present status, in lists and above its page."""
    with w.app.read() as connection:
        page = incident_pages.head(reviewing.reader(w, connection, "trainer"), incident)
    assert [chip.label for chip in page.statuses if chip.is_current] == [page.row.status_label]
    return page.row.status_label


def test_what_has_no_case_is_in_progress_and_the_drill_it_begins_is_detected(world: World) -> None:
    w = world
    w.go("09:00")
    training = w.open("trainer", {**TRAINED, "trainer": {"id": w.who("trainer").account_id}}, "drill_training")
    w.do("trainer", "t_plan_drill", PLANNED)
    (begun,) = w.events("training_drill_begun")
    assert (status_shown(w, training), status_shown(w, begun["data"]["drill"])) == ("进行中", "已发现")


def test_who_keys_in_the_end_himself_is_not_asked_again(world: World) -> None:
    w = world
    w.go("09:00")
    w.open("trainer", {**TRAINED, "trainer": {"id": w.who("trainer").account_id}}, "drill_training")
    w.do("trainer", "t_plan_drill", PLANNED)
    (begun,) = w.events("training_drill_begun")
    ended = {"stopped_at": "2026-03-02T09:00:00+08:00", "stop_reason": "停电"}
    w.do("trainer", "r_drill_closed", ended)
    end = cmd.EndDrill(begun["data"]["drill"])
    w.app.run(lambda uow: drills.end(uow, w.app.services, w.who("trainer"), end))
    w.clock.advance(MINUTE)
    w.app.worker.tick()
    assert len([each for each in w.events("record_saved") if each["data"]["view"] == "stop"]) == 1
    stopped = w.saved("r_drill_closed")
    assert (stopped["stop_reason"], stopped["stopped_at"]) == ("停电", "2026-03-02T01:00:00+00:00")
    rated = {"report_score": 60, "evaluator": True, "wrong_branches": ["先报后隔离"]}
    w.do("trainer", "t_evaluate_drill", rated)
    assert w.saved("t_evaluate_drill")["wrong_branches"] == ["先报后隔离"]


def assert_assessed(w: World, drill: str) -> None:
    """What was answered stands in both layouts of the drill's report."""
    for layout in ("objectives", "record"):
        with w.app.read() as connection:
            made = after_action.draft(reviewing.reader(w, connection, "trainer"), w.app.documents, drill, layout)
        rows = dict(row for section in made.sections for row in section.table)
        assert (rows["报告质量"], rows["错误分支"]) == ("80分", "先报后隔离")


def assert_owners_are_chosen_by_name(w: World) -> None:
    """The form offers the people of the organisation; somebody else is refused beside his row."""
    nurse = w.who("nurse")
    with w.app.read() as connection:
        reader = reviewing.reader(w, connection, "coordinator")
        found = task_pages.page(reader, w.open_tasks()["t_improve"][0])
        context = form_contexts.of_task(reader, found.row)
        choices = directory_of(form_contexts.choices(reader, w.incident, SCHOOL))
    view = w.app.services.forms.view("F44#improve")
    (rows,) = FormWriter(view, context, choices, "zh_CN").write(Filled({})).asked
    owner = next(part for part in rows.rows[0].fields if part.name == "improvements.0.owner")
    assert (owner.widget, (nurse.account_id, nurse.name) in {(each.value, each.label) for each in owner.choices}) == (
        "select", True,
    )  # fmt: skip
    with pytest.raises(FormRefused) as refused:
        w.do("coordinator", "t_improve", {"improvements": [{"text": "甲", "owner": {"id": "x"}, "due": "2026-04-01"}]})
    assert [each.path for each in refused.value.errors] == ["improvements.0.owner"]


def assert_begun(w: World, drill: str) -> None:
    """A drill of the scenario, led by who planned it."""
    with w.app.read() as connection:
        row = connection.execute(select(sql.incidents).where(sql.incidents.c.id == drill)).mappings().one()
        held = connection.execute(select(sql.drills).where(sql.drills.c.id == drill)).mappings().one()
    assert (row["kind"], row["procedure"], held["trainer"]) == (
        "drill", "school_suspected_case", w.who("trainer").account_id,
    )  # fmt: skip
