"""What an operator can do with a process that stopped: retry, pass over, cancel; each by right and with a reason."""

from functools import partial
from typing import Any

import pytest

from service.application import engine_incidents
from service.domain import commands as cmd
from service.domain.errors import EngineFailed, NoSuch, NotAllowed, ResolutionRefused, ValueRefused
from service.persistence import chain, queue
from service.persistence import tables as t
from tests.paths import school
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.versions import ALARM, FAILS, content_of, deployed, inserted, script
from tests.paths.world import World, at

LABEL = 'name="等一等" tocsin:label-en="Wait"'
SENDING = "f_t_small_written_s_small_send"


def stopped(w: World) -> dict[str, Any]:
    """An incident whose written report cannot get past a script; the engine incident."""
    deployed(w, inserted(content_of(ALARM), SENDING, FAILS))
    w.go("08:10")
    w.open("teacher", school.quick(), ALARM)
    w.do("nurse", "t_small_check")
    with pytest.raises(EngineFailed):
        school.draft(w, "t_small_written")
    return only(w)


def only(w: World, **where: Any) -> dict[str, Any]:
    [row] = w.rows(t.EngineIncident, **where)
    return row


def resolve(w: World, use_case: Any, command: object, who: str = "admin") -> None:
    w.app.run(lambda uow: use_case(uow, w.app.services, w.who(who), command))


def skip(w: World, row: dict[str, Any], who: str = "admin", reason: str = "人工核对过") -> None:
    resolve(w, engine_incidents.skip, cmd.SkipFailedElement(row["id"], reason), who)


def cancel(w: World, row: dict[str, Any], scope: str, who: str = "admin", reason: str = "误建") -> None:
    resolve(w, engine_incidents.cancel, cmd.CancelFailed(row["id"], scope, reason), who)


def retry(w: World, row: dict[str, Any]) -> None:
    resolve(w, engine_incidents.retry, cmd.RetryEngineIncident(row["id"]))


def test_a_failed_step_says_where_why_when_and_how_often(world: World) -> None:
    w = world
    row = stopped(w)
    assert (row["element"], row["code"], row["state"], row["attempts"]) == ("x_note", "engine_failed", "open", 1)
    assert "no item" in row["cause"]
    assert set(w.open_tasks()) == {"t_small_written"}  # the stored state stands
    w.go("08:30")
    with pytest.raises(EngineFailed):
        school.draft(w, "t_small_written")
    again = only(w)
    assert again["attempts"] == 2
    assert (w.local(again["at"]), w.local(again["last_at"])) == ("03-02 08:10", "03-02 08:30")


def test_an_element_nothing_needs_is_passed_over_once(world: World) -> None:
    w = world
    row = stopped(w)
    skip(w, row)
    assert (only(w)["state"], only(w)["resolution"], only(w)["reason"]) == ("resolved", "skipped", "人工核对过")
    w.restart()  # it is part of the stored state
    school.draft(w, "t_small_written")
    assert w.row()["status"] == "closed"
    [told] = w.events("engine_incident_skipped")
    assert (told["element"], told["actor"]) == ("x_note", w.who("admin").account_id)
    assert "x_note" in [each["data"]["element"] for each in w.events("element_completed")]
    assert_rebuild_is_equal(w)


def test_what_something_later_needs_is_not_passed_over(world: World) -> None:
    w = world
    failing = inserted(content_of(ALARM), SENDING, FAILS)
    deployed(w, inserted(failing, "f_x_note", script("more = note", "x_more")))
    w.go("08:10")
    w.open("teacher", school.quick(), ALARM)
    with pytest.raises(EngineFailed):
        school.draft(w, "t_small_written")
    with pytest.raises(ResolutionRefused) as refused:
        skip(w, only(w))
    assert "note (x_more)" in refused.value.reason_en
    assert only(w)["state"] == "open"


def test_a_timer_that_failed_goes_on_past_the_element(world: World) -> None:
    """The row of the timer is on hold until then, and nobody is kept from working."""
    w = world
    deployed(w, inserted(content_of(ALARM), "f_e_small_due_ee_small_overdue", FAILS))
    w.go("08:10")
    w.open("teacher", school.quick(), ALARM)
    w.go("10:30")
    row = only(w)
    assert (row["element"], row["attempts"]) == ("x_note", 1)
    skip(w, row)
    assert only(w)["resolution"] == "skipped"
    assert [each["state"] for each in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["completed"]


def test_a_timer_that_fails_and_was_only_put_by_one_before_it_is_not_tried_again_and_again(world: World) -> None:
    """After a time without a worker both are due at once; the row of the second is gone with the command."""
    w = world
    later = f"""<bpmn:intermediateCatchEvent id="x_later" {LABEL}><!-- flows --><bpmn:timerEventDefinition>
    <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>"""
    content = inserted(content_of(ALARM), "f_e_small_due_ee_small_overdue", later)
    deployed(w, inserted(content, "f_x_later", FAILS))
    w.go("08:10")
    w.open("teacher", school.quick(), ALARM)
    w.clock.set(at("14:00"))
    w.app.worker.tick()
    row = only(w, code="engine_failed")
    assert (row["element"], row["attempts"], row["retry"]["kind"]) == ("x_note", 1, "due")
    w.go("14:30")
    assert only(w, code="engine_failed")["attempts"] == 1
    assert w.rows(t.DueRow, id=row["retry"]["target"])[0]["real_due_at"] == queue.NEVER
    skip(w, row)
    w.go("16:00")  # its time had passed: the hour after it counts from now
    assert [each["state"] for each in w.rows(t.ElementVisit, element="ee_small_overdue")] == ["completed"]


def test_a_retry_that_fails_again_counts(world: World) -> None:
    w = world
    row = stopped(w)
    retry(w, row)  # nothing of the rolled-back command is left to do
    assert only(w)["state"] == "resolved"
    with pytest.raises(NoSuch):
        retry(w, row)
    with pytest.raises(EngineFailed):
        school.draft(w, "t_small_written")
    assert (only(w)["state"], only(w)["attempts"]) == ("open", 2)


def test_the_whole_incident_is_cancelled(world: World) -> None:
    w = world
    row = stopped(w)
    with pytest.raises(ResolutionRefused):
        cancel(w, row, "instance")  # it is the root
    cancel(w, row, "incident")
    assert (w.row()["status"], w.row()["result"]) == ("closed", "cancelled")
    assert {each["status"] for each in w.rows(t.Instance)} <= {"cancelled", "completed"}
    assert not w.open_tasks()
    assert not w.rows(t.Wait)
    assert only(w)["resolution"] == "cancelled"
    [told] = w.events("engine_incident_cancelled")
    assert (told["data"]["scope"], told["data"]["reason"]) == ("incident", "误建")
    assert_rebuild_is_equal(w)


def test_a_child_is_cancelled_and_its_caller_goes_on(world: World) -> None:
    w = world
    w.go("08:10")
    child = inserted(content_of("small_check"), "f_t_small_check_ee_small_check", FAILS)
    deployed(w, child, "small_check")
    w.open("teacher", school.quick(), ALARM)
    with pytest.raises(EngineFailed):
        w.do("nurse", "t_small_check")
    row = only(w)
    cancel(w, row, "instance")
    assert [each["status"] for each in w.rows(t.Instance, procedure="small_check")] == ["cancelled"]
    assert set(w.open_tasks()) == {"t_small_written"}
    school.draft(w, "t_small_written")
    assert w.row()["status"] == "closed"
    assert_rebuild_is_equal(w)
    with w.app.read() as connection:
        assert chain.verify(connection).ok


def test_only_an_administrator_with_a_reason_resolves(world: World) -> None:
    w = world
    row = stopped(w)
    for who in ("teacher", "principal", "manager"):
        for act in (skip, partial(cancel, scope="incident")):
            with pytest.raises(NotAllowed):
                act(w, row, who=who)
    for act in (skip, partial(cancel, scope="incident")):
        with pytest.raises(ValueRefused):
            act(w, row, reason=" ")
    with pytest.raises(ValueRefused):
        cancel(w, row, "everything")
    assert only(w)["state"] == "open"
