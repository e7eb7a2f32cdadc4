"""A case at night: the task reaches who is on duty, then the stand-in and the leader, then the superior."""

import re

import pytest

from service.application import channels, projections, tasks
from service.domain import commands as cmd
from service.domain.alerts import WORDS, to_account
from service.domain.errors import NotAllowed
from service.persistence import tables as t
from tests.paths import duty_world as night
from tests.paths import school
from tests.paths.world import SCHOOL, World, at

SAID = "|".join(re.escape(chinese) for chinese, _ in WORDS.values())
PLAIN = re.compile(
    rf"【警钟】(\d{{4}}-\d\d )?({SAID})(（\d+项）)?：http://127\.0\.0\.1:8000/(tasks/[0-9a-z-]+|inbox|duty)"
)


def a_case_at_night(w: World) -> str:
    """At ten past two on Tuesday a pupil is found feverish; returns the office's task."""
    w.go("03-03 02:10")
    w.open("teacher", school.quick())
    school.detection(w)
    w.go("03-03 02:10")  # the worker sends what waits
    return w.open_tasks()["t_office_accept"][0]


def test_nobody_accepts_and_it_climbs_to_the_leader_and_then_to_the_superior(world: World) -> None:
    night.roster(world)
    night.reachable(world, "coordinator", "principal", "manager")
    task = a_case_at_night(world)
    assert night.assignments(world, task) == [(1, "duty", "coordinator", "02:10:00")]
    assert night.row_for(world, "coordinator", task).why == "您是今晚值班的疫情防控办公室成员"
    world.go("03-03 02:14")
    assert len(night.assignments(world, task)) == 1
    world.go("03-03 02:15")
    assert night.assignments(world, task)[1:] == [(2, "leader", "principal", "02:15:00")]
    assert night.row_for(world, "principal", task).why == "您是今晚的带班领导；值班的办公室丙未在5分钟内接单"
    world.go("03-03 02:30")
    assert night.assignments(world, task)[2:] == [(3, "superior", "manager", "02:17:30")]
    seen = night.row_for(world, "manager", task)
    assert seen.why == "示例学校逾时无人接单，已逐级升级到您所在的上级单位，请督促"
    assert not seen.may_claim
    assert task in night.in_inbox(world, "manager")
    assert night.told(world) == [("coordinator", "02:10:00"), ("principal", "02:15:00"), ("manager", "02:17:30")]
    assert night.row_for(world, "coordinator", task).why == "您是今晚值班的疫情防控办公室成员"  # he stays on copy
    assert night.row_for(world, "coordinator", task).may_claim


def test_the_stand_in_is_asked_with_the_leader_and_accepts(world: World) -> None:
    night.roster(world)
    night.stand_ins(world, "epi_office", "coordinator", "nurse", "teacher")
    night.reachable(world, "coordinator", "nurse", "principal", "manager")
    task = a_case_at_night(world)
    assert task not in night.in_inbox(world, "nurse")
    world.go("03-03 02:15")
    assert night.assignments(world, task)[1:] == [
        (2, "stand_in", "nurse", "02:15:00"),
        (3, "leader", "principal", "02:15:00"),
    ]
    assert night.row_for(world, "nurse", task).why == "您是疫情防控办公室的第1顺位代理；值班的办公室丙未在5分钟内接单"
    assert task in night.in_inbox(world, "nurse")
    night.run(world, "nurse", tasks.claim, cmd.ClaimTask(task))
    world.go("03-03 02:40")
    assert len(night.assignments(world, task)) == 3, "what was accepted climbs no further"
    assert {name for name, _ in night.told(world)} == {"coordinator", "nurse", "principal"}
    states = {row["recipient"]: row["state"] for row in world.rows(t.Delivery, channel="push")}
    assert states[to_account(world.who("nurse").account_id)] == "acknowledged"
    world.do("nurse", "t_office_accept")
    assert world.deadline("X01")["met_at"] is not None


def test_without_a_stand_in_of_the_role_nobody_else_may_do_it(world: World) -> None:
    night.roster(world)
    task = a_case_at_night(world)
    with pytest.raises(NotAllowed):
        night.run(world, "nurse", tasks.claim, cmd.ClaimTask(task))


def test_where_no_roster_is_kept_all_who_hold_the_role_are_woken_until_one_accepts(world: World) -> None:
    night.reachable(world, "coordinator", "nurse", "principal", "teacher")
    task = a_case_at_night(world)
    assert sorted(night.told(world)) == [("coordinator", "02:10:00"), ("principal", "02:10:00")], "the mask is on"
    assert night.assignments(world, task) == []
    assert task in night.in_inbox(world, "coordinator")
    assert night.row_for(world, "coordinator", task).why == "您担任疫情防控办公室"
    night.run(world, "coordinator", tasks.claim, cmd.ClaimTask(task))
    mine = to_account(world.who("coordinator").account_id)
    (row,) = (row for row in world.rows(t.Delivery, channel="push", recipient=mine) if row["data"]["task"] == task)
    assert row["state"] == "acknowledged"
    world.go("03-03 02:40")
    assert {name for name, _ in night.told(world)} == {"coordinator", "principal"}, "it climbs to nobody"


def test_levels_missed_while_the_system_was_down_are_reached_once_at_their_true_times(world: World) -> None:
    night.roster(world)
    night.stand_ins(world, "epi_office", "nurse")
    night.reachable(world, "coordinator", "nurse", "principal", "manager")
    task = a_case_at_night(world)
    world.clock.set(at("03-03 07:00"))  # nobody worked anything meanwhile
    world.restart()
    world.app.worker.tick()
    world.app.worker.tick()
    assert night.assignments(world, task) == [
        (1, "duty", "coordinator", "02:10:00"),
        (2, "stand_in", "nurse", "02:15:00"),
        (3, "leader", "principal", "02:15:00"),
        (4, "superior", "manager", "02:17:30"),
    ]
    late = [name for name, clock in night.told(world) if clock == "07:00:00"]
    assert sorted(late) == ["manager", "nurse", "principal"], "each is told once, as soon as somebody can"
    texts = [event["data"]["level"] for event in world.events("task_assigned") if event["data"]["task"] == task]
    assert texts == ["duty", "stand_in", "leader", "superior"]


def test_quiet_hours_hold_what_can_wait_and_let_through_what_cannot(world: World) -> None:
    night.roster(world)
    night.reachable(world, "coordinator", "nurse")
    for name in ("coordinator", "nurse"):
        night.run(world, name, channels.set_quiet_hours, channels.SetQuietHours("22:00", "06:30", True))
    task = a_case_at_night(world)
    assert night.told(world) == [("coordinator", "02:10:00")], "the first acceptance is urgent"
    world.do("coordinator", "t_office_accept", task=task)
    world.go("03-03 06:00")
    held = [row for row in world.rows(t.Delivery, channel="push") if row["state"] == "queued"]
    nurse = to_account(world.who("nurse").account_id)
    assert {row["recipient"] for row in held} == {nurse}, "tasks without haste wait"
    assert not any(row["data"]["urgent"] for row in held)
    world.go("03-03 06:31")
    sent = [row for row in world.rows(t.Delivery, channel="push") if row["recipient"] == nurse]
    assert {row["state"] for row in sent} == {"sent"}
    assert [name for name, _ in night.told(world)].count("nurse") == 1, "what waited comes as one message"


def test_who_allows_nothing_in_his_quiet_hours_is_not_woken_and_the_ladder_goes_on(world: World) -> None:
    night.roster(world)
    night.reachable(world, "coordinator", "principal")
    night.run(world, "coordinator", channels.set_quiet_hours, channels.SetQuietHours("22:00", "06:30", False))
    a_case_at_night(world)
    world.go("03-03 02:16")
    assert night.told(world) == [("principal", "02:15:00")]


def test_nothing_that_left_names_anybody_or_says_what_is_wrong(world: World) -> None:
    night.roster(world)
    night.stand_ins(world, "epi_office", "nurse")
    night.reachable(world, "coordinator", "nurse", "principal", "manager")
    a_case_at_night(world)
    world.go("03-03 03:00")
    bodies = night.messages(world)
    assert len(bodies) >= 4
    for body in bodies:
        assert set(body["body"]["payload"]) == {"text", "link", "kind"}
        said = body["body"]["payload"]["text"]
        assert PLAIN.fullmatch(said), said
        said = said.partition("：http")[0]  # the address holds digits as they come
        assert not any(word in said for word in ("学生", "发热", "38", "办公室丙", "校长", "教师", "ntfy"))
    assert body["withheld"] == ["address"]


def test_the_night_can_be_rebuilt_from_the_log(world: World) -> None:
    night.roster(world)
    night.stand_ins(world, "epi_office", "nurse")
    night.reachable(world, "coordinator", "principal")
    task = a_case_at_night(world)
    world.go("03-03 02:30")
    before = night.assignments(world, task), night.shifts(world), world.rows(t.Delivery)
    world.app.run(lambda uow: projections.rebuild(uow, world.incident))
    world.app.run(lambda uow: projections.rebuild_roster(uow, f"org:{SCHOOL}"))
    assert (night.assignments(world, task), night.shifts(world), world.rows(t.Delivery)) == before
    world.restart()
