"""Running incidents move to another version of their procedure: previewed, whole, logged, or refused with reasons."""

import re
from typing import Any

import pytest

from service.application import upgrades
from service.application.rehearsal import rehearse
from service.application.upgrades import IncidentOutlook
from service.domain import commands as cmd
from service.domain.errors import NoSuch, NotAllowed, UpgradeRefused, ValueRefused
from service.persistence import chain
from service.persistence import tables as t
from tests.golden.scenarios import SCENARIOS
from tests.paths import school
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.versions import ALARM, another, changed, content_of, deployed, inserted, script
from tests.paths.world import World

WRITTEN = ('tocsin:role="epi_office" tocsin:form="F08#draft"', 'tocsin:role="school_leader" tocsin:form="F08#draft"')
DUE = ('=deadline("T02")', '=deadline("T02") - duration(30, "minutes")')


@pytest.fixture
def running(world: World) -> World:
    """A small alarm of version 1: the nurse's check in a child, the written report with its timer at two hours."""
    world.go("08:10")
    world.open("teacher", school.quick(), ALARM)
    return world


def upgrade(w: World, version: int = 2, who: str = "admin", reason: str = "指引调整") -> IncidentOutlook:
    command = cmd.UpgradeIncident(w.incident, ALARM, version, reason)
    return w.app.run(lambda uow: upgrades.move(uow, w.app.services, w.who(who), command))


def preview(w: World, version: int = 2) -> IncidentOutlook:
    command = cmd.UpgradeIncident(w.incident, ALARM, version, "预览")
    return rehearse(w.app.writer, lambda uow: upgrades.look(uow, w.app.services, w.who("admin"), command))


def finish(w: World, **more: Any) -> None:
    if "t_small_check" in w.open_tasks():
        w.do("nurse", "t_small_check")
    school.draft(w, "t_small_written", **more)
    assert w.row()["status"] == "closed"
    assert_rebuild_is_equal(w)
    with w.app.read() as connection:
        assert chain.verify(connection).ok


def version_of(w: World) -> tuple[int, int]:
    return w.row()["version"], w.rows(t.Instance, procedure=ALARM)[0]["version"]


def reasons(w: World, version: int = 2) -> list[tuple[str, str]]:
    """Why the incident cannot move, said before and when it is tried; nothing of it happens."""
    seen = [(each.code, each.element) for one in preview(w, version).instances for each in one.blockers]
    events = len(w.events())
    with pytest.raises(UpgradeRefused) as refused:
        upgrade(w, version)
    assert [(each.code, each.element) for each in refused.value.reasons] == seen
    assert len(w.events()) == events
    assert version_of(w) == (1, 1)
    finish(w)  # on the version it has
    return seen


def test_an_incident_goes_on_by_the_new_version(running: World) -> None:
    w = running
    deployed(w, inserted(content_of(ALARM), "f_t_small_written_s_small_send", script("note = 1")))
    assert version_of(w) == (1, 1)
    upgrade(w)
    assert version_of(w) == (2, 2)
    [told] = w.events("instance_upgraded")
    assert (told["data"]["before"], told["data"]["version"], told["data"]["reason"]) == (1, 2, "指引调整")
    assert told["actor"] == w.who("admin").account_id
    w.restart()
    finish(w)
    assert "x_note" in [row["element"] for row in w.rows(t.ElementVisit)]


def test_the_preview_says_what_changes_and_changes_nothing(running: World) -> None:
    w = running
    deployed(w, changed(ALARM, ('name="起草书面报告"', 'name="起草成文报告"'), ('name="登记异常"', 'name="登记情况"')))
    events = len(w.events())
    [outlook] = preview(w).instances
    assert (outlook.process, outlook.before, outlook.blockers) == (ALARM, 1, ())
    assert {"ca_small_check", "e_small_due", "t_small_written"} <= set(outlook.waiting)
    # what lies behind it is not its business
    assert [(each.how, each.item.id) for each in outlook.changes] == [("changed", "t_small_written")]
    assert len(w.events()) == events
    assert version_of(w) == (1, 1)


def test_the_preview_names_deadlines_that_steps_behind_would_have_started(running: World) -> None:
    w = running
    mark = '<tocsin:deadline rule="X01" act="start" />'
    first = '<tocsin:deadline rule="T02" act="start" start="=F01.found_at" />'
    waits = '<tocsin:deadline rule="T02" act="bind" />'
    ahead = waits + mark.replace("X01", "X06")
    deployed(w, changed(ALARM, (first, f"{first}{mark}"), (waits, ahead)))
    [outlook] = preview(w).instances
    assert [(each.rule, each.element) for each in outlook.left_out] == [("X01", "t_small_report")]
    upgrade(w)
    assert w.rows(t.Deadline, rule="X01") == []  # as the preview said
    finish(w)
    assert len(w.rows(t.Deadline, rule="X06")) == 1  # what lies ahead is started


def test_the_open_task_follows_the_new_version(running: World) -> None:
    w = running
    deployed(w, changed(ALARM, WRITTEN))
    before = w.open_tasks()["t_small_written"]
    upgrade(w)
    [task] = w.rows(t.Task, element="t_small_written")
    assert [task["id"]] == before  # it is the same task
    assert (task["role"], task["state"]) == ("school_leader", "open")
    assert_rebuild_is_equal(w)


def test_a_timer_is_planned_anew(running: World) -> None:
    w = running
    deployed(w, changed(ALARM, DUE))
    upgrade(w)
    [wait] = w.rows(t.Wait, element="e_small_due")
    assert w.local(wait["due_at"]) == "03-02 09:40"
    w.go("09:41")
    assert [row["state"] for row in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["completed"]
    finish(w)


def test_a_timer_whose_new_time_has_passed_fires_now(running: World) -> None:
    w = running
    w.go("09:50")
    deployed(w, changed(ALARM, DUE))
    upgrade(w)
    assert [w.local(row["left_at"]) for row in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["03-02 09:50"]
    finish(w)


def test_an_event_that_is_gone_waits_no_more_and_a_new_one_begins(running: World) -> None:
    w = running
    renamed = [("e_small_due", "e_small_late")]
    deployed(w, changed(ALARM, *renamed))
    upgrade(w)
    assert [row["element"] for row in w.rows(t.Wait)] == ["e_small_late"]
    w.go("10:15")
    assert [row["state"] for row in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["completed"]
    finish(w, late_reason="停电")


def test_it_may_go_back(running: World) -> None:
    w = running
    deployed(w, another(ALARM))
    upgrade(w)
    upgrade(w, 1)
    assert version_of(w) == (1, 1)
    finish(w)


def test_a_token_at_a_step_that_is_gone(running: World) -> None:
    deployed(running, changed(ALARM, ("t_small_written", "t_small_letter")))
    assert reasons(running) == [("element_gone", "t_small_written")]


def test_a_call_of_another_procedure_while_the_first_is_under_way(running: World) -> None:
    deployed(running, changed(ALARM, ('calledElement="small_check"', 'calledElement="accountability_inspection"')))
    assert ("inside_changed", "ca_small_check") in reasons(running)


def test_a_join_that_would_wait_for_a_branch_that_never_began(running: World) -> None:
    w = running
    content = content_of(ALARM)["small_alarm.bpmn"]
    third = (
        '<bpmn:userTask id="t_small_third" name="第三件事" tocsin:label-en="A third thing" tocsin:role="epi_office" '
        'tocsin:form="F00#done"><bpmn:incoming>f_third_in</bpmn:incoming><bpmn:outgoing>f_third_out</bpmn:outgoing>'
        "</bpmn:userTask>"
    )
    flows = (
        '<bpmn:sequenceFlow id="f_third_in" sourceRef="g_small_split" targetRef="t_small_third" />'
        '<bpmn:sequenceFlow id="f_third_out" sourceRef="t_small_third" targetRef="g_small_join" />'
    )
    lane = "<bpmn:flowNodeRef>t_small_written</bpmn:flowNodeRef>"
    content = content.replace(lane, f"{lane}<bpmn:flowNodeRef>t_small_third</bpmn:flowNodeRef>")
    content = content.replace("<bpmn:sequenceFlow", f"{third}{flows}<bpmn:sequenceFlow", 1)
    fork = "<bpmn:outgoing>f_g_small_split_t_small_written</bpmn:outgoing>"
    content = content.replace(fork, f"{fork}<bpmn:outgoing>f_third_in</bpmn:outgoing>")
    join = "<bpmn:incoming>f_s_small_send_g_small_join</bpmn:incoming>"
    content = content.replace(join, f"{join}<bpmn:incoming>f_third_out</bpmn:incoming>")
    deployed(w, {"small_alarm.bpmn": content})
    assert reasons(w) == [("join_stuck", "g_small_join")]


def test_a_value_only_steps_behind_would_have_given(running: World) -> None:
    w = running
    given = inserted(content_of(ALARM), "f_t_small_report_g_small_split", script("note = 1"))
    deployed(w, inserted(given, "f_t_small_written_s_small_send", script("more = note", "x_more")))
    assert reasons(w) == [("value_missing", "x_more")]


def test_only_an_administrator_with_a_reason_moves_what_runs(running: World) -> None:
    w = running
    deployed(w, another(ALARM))
    for who in ("teacher", "principal", "manager"):
        with pytest.raises(NotAllowed):
            upgrade(w, who=who)
    with pytest.raises(ValueRefused):
        upgrade(w, reason=" ")
    with pytest.raises(NoSuch):
        upgrade(w, 9)


def test_many_are_moved_one_by_one_and_each_says_what_became_of_it(world: World) -> None:
    w = world
    w.go("08:10")
    ids = []
    for _ in range(4):
        w.open("teacher", school.quick(), ALARM)
        ids.append(w.incident)
    w.incident = ids[1]
    school.draft(w, "t_small_written")  # it is past the step that is new, and waits at the join
    w.incident = ids[2]
    finish(w)
    deployed(w, changed(ALARM, ("s_small_send", "s_small_letter")))
    start = cmd.UpgradeIncidents(ALARM, 2, "指引调整")
    run = w.app.run(lambda uow: upgrades.start(uow, w.app.services, w.who("admin"), start))
    assert [row["state"] for row in items(w, run)] == ["waiting"] * 3
    w.restart()
    w.app.worker.tick()
    states = {row["incident_id"]: (row["state"], [each["code"] for each in row["detail"]]) for row in items(w, run)}
    assert states == {ids[0]: ("moved", []), ids[1]: ("refused", ["join_changed"]), ids[3]: ("moved", [])}
    assert w.app.worker.tick() == 0


def items(w: World, run: str) -> list[dict[str, Any]]:
    table = t.table_of(t.UpgradeItem)
    with w.app.read() as connection:
        rows = connection.execute(table.select().where(table.c.run_id == run).order_by(table.c.position))
        return [dict(row) for row in rows.mappings()]


def test_a_case_with_its_children_moves_whole_and_comes_to_its_end(world: World) -> None:
    w = world
    SCENARIOS["awaiting_diagnosis"].begin(w)
    name = "school_suspected_case"
    asked = content_of(name)
    [file] = [file for file, text in asked.items() if 'id="s_ask_result"' in text]
    [was] = re.findall(r'id="s_ask_result" name="([^"]+)"', asked[file])
    asked[file] = asked[file].replace(f'id="s_ask_result" name="{was}"', 'id="s_ask_result" name="问询结果"')
    deployed(w, asked, name)
    command = cmd.UpgradeIncident(w.incident, name, 2, "指引调整")
    outlook = w.app.run(lambda uow: upgrades.move(uow, w.app.services, w.who("admin"), command))
    assert {each.process for each in outlook.instances} == {"school_suspected_case", "school_case"}
    assert len(w.events("instance_upgraded")) == len(outlook.instances) == 2
    assert_rebuild_is_equal(w)
    SCENARIOS["awaiting_diagnosis"].finish(w)
    assert_rebuild_is_equal(w)
