"""Serving a shift: signing in by X11, handing over, swapping, being away, gaps; and the ways to people."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from integrations import DirectorySink, rehearsal_gateways
from service.application import (
    accounts,
    alerts,
    channels,
    deliveries,
    duty,
    duty_rosters,
    duty_service,
    duty_watch,
    handovers,
    organisations,
    staff_changes,
    tasks,
)
from service.domain import commands as cmd
from service.domain.access import Action, may
from service.domain.alerts import PER_MINUTE, to_account, to_organisation
from service.domain.duty import ShiftView
from service.domain.errors import NoSuch, NotAllowed, ValueRefused
from service.domain.gateways import OutsideWorld
from service.persistence import tables as t
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.worker import Duties
from tests.paths import duty_world as night
from tests.paths import school
from tests.paths.world import SCHOOL, World, at

STREAM = f"org:{SCHOOL}"


def the_shift(w: World, starts: str) -> ShiftView:
    """The shift that begins at a time."""
    return next(shift for shift in night.shifts(w) if shift.starts_at == at(starts))


def log_of(w: World, type_: str) -> list[dict[str, Any]]:
    """Events of the school's stream."""
    table = sql.events
    with w.app.read() as connection:
        rows = connection.execute(select(table).where(table.c.stream == STREAM, table.c.type == type_)).mappings()
        return [dict(row) for row in rows]


def account(w: World, name: str) -> str:
    """The id of a demo account."""
    return w.who(name).account_id


def test_a_role_with_an_end_leaves_the_roster_at_the_minute(world: World) -> None:
    """Nobody changes the directory meanwhile: what is remembered of it holds the times."""
    give = staff_changes.GiveRole(SCHOOL, account(world, "villager"), "logistics", at("09:00"), at("10:00"))
    night.run(world, "principal", staff_changes.give, give)

    def holds() -> bool:
        def look(uow: UnitOfWork) -> bool:
            return account(world, "villager") in duty_rosters.holders(uow, SCHOOL, uow.now)

        found = world.app.run(look)
        with world.app.read() as connection:
            assert found == (account(world, "villager") in duty_rosters.holders(connection, SCHOOL, world.clock.now()))
        return found

    assert not holds()
    world.clock.set(at("09:00"))
    assert holds()
    world.clock.set(at("10:00"))
    assert not holds()


# --- signing in -----------------------------------------------------------------------------------


def test_who_does_not_sign_in_is_replaced_at_the_true_time_and_the_leader_is_told(world: World) -> None:
    night.roster(world)
    night.stand_ins(world, "epi_office", "coordinator", "nurse")
    night.reachable(world, "coordinator", "nurse", "principal")
    shift = the_shift(world, "18:00")
    world.clock.set(at("18:05"))
    night.run(world, "principal", duty_service.sign_in, duty_service.SignIn(shift.id))
    world.clock.set(at("18:14"))
    world.app.worker.tick()
    assert not [row for row in log_of(world, "shift_missed") if row["data"]["shift"] == shift.id]
    world.clock.set(at("19:40"))  # the machine was down meanwhile
    world.restart()
    world.app.worker.tick()
    world.app.worker.tick()
    (missed,) = [row for row in log_of(world, "shift_missed") if row["data"]["shift"] == shift.id]
    assert missed["at"] == at("18:15")
    assert missed["data"]["account"] == account(world, "coordinator")
    assert missed["data"]["stand_in"] == account(world, "nurse")
    now = the_shift(world, "18:00")
    assert {each.account for each in now.members} == {account(world, "coordinator"), account(world, "nurse")}
    about = [row["data"]["wake"] for row in _pushes(world) if row["data"].get("shift") == shift.id]
    assert sorted(about) == ["shift_missed", "shift_missed", "stand_in_called"]


def _pushes(w: World) -> list[dict[str, Any]]:
    table = sql.deliveries
    with w.app.read() as connection:
        rows = connection.execute(select(table).where(table.c.incident_id == STREAM)).mappings()
        return [dict(row) for row in rows]


def test_signing_in_is_for_who_is_on_the_shift_and_not_too_early(world: World) -> None:
    night.roster(world)
    shift = the_shift(world, "18:00")
    with pytest.raises(ValueRefused):
        night.run(world, "coordinator", duty_service.sign_in, duty_service.SignIn(shift.id))
    world.clock.set(at("17:30"))
    with pytest.raises(NotAllowed):
        night.run(world, "nurse", duty_service.sign_in, duty_service.SignIn(shift.id))
    night.run(world, "coordinator", duty_service.sign_in, duty_service.SignIn(shift.id))
    night.run(world, "coordinator", duty_service.sign_in, duty_service.SignIn(shift.id))
    assert len([row for row in log_of(world, "shift_signed_in") if row["data"]["shift"] == shift.id]) == 1


# --- handing over ---------------------------------------------------------------------------------


def test_a_hand_over_needs_two_different_signatures_and_its_text_is_sealed(world: World) -> None:
    night.roster(world)
    shift = the_shift(world, "18:00")
    world.clock.set(at("03-03 05:50"))
    with pytest.raises(ValueRefused):
        night.run(world, "coordinator", duty_service.hand_over, duty_service.HandOver(shift.id, "handed", "  "))
    with pytest.raises(NotAllowed):
        night.run(world, "teacher", duty_service.hand_over, duty_service.HandOver(shift.id, "handed", "无"))
    text = "学生甲午复测一次"
    night.run(world, "coordinator", duty_service.hand_over, duty_service.HandOver(shift.id, "handed", text))
    with pytest.raises(ValueRefused):
        night.run(world, "coordinator", duty_service.hand_over, duty_service.HandOver(shift.id, "received"))
    night.run(world, "principal", duty_service.hand_over, duty_service.HandOver(shift.id, "received"))
    done = the_shift(world, "18:00")
    assert (done.handed_by, done.received_by) == (account(world, "coordinator"), account(world, "principal"))
    assert text not in str(log_of(world, "shift_handed_over"))


# --- swaps ----------------------------------------------------------------------------------------


def test_a_swap_is_asked_for_accepted_and_approved(world: World) -> None:
    night.roster(world)
    shift = the_shift(world, "03-04 18:00")
    command = duty_service.AskSwap(shift.id, account(world, "nurse"), "家中有事")
    swap = night.run(world, "coordinator", duty_service.ask_swap, command)
    with pytest.raises(ValueRefused):
        night.run(world, "coordinator", duty_service.ask_swap, command)
    with pytest.raises(NotAllowed):
        night.run(world, "teacher", duty_service.move_swap, duty_service.MoveSwap(swap, "accepted"))
    with pytest.raises(ValueRefused):
        night.run(world, "principal", duty_service.move_swap, duty_service.MoveSwap(swap, "approved"))
    night.run(world, "nurse", duty_service.move_swap, duty_service.MoveSwap(swap, "accepted"))
    with pytest.raises(NotAllowed):
        night.run(world, "nurse", duty_service.move_swap, duty_service.MoveSwap(swap, "approved"))
    night.run(world, "principal", duty_service.move_swap, duty_service.MoveSwap(swap, "approved"))
    assert [each.account for each in the_shift(world, "03-04 18:00").members] == [account(world, "nurse")]


@pytest.mark.parametrize("state", ["declined", "nonsense", "approved"])
def test_a_swap_that_does_not_stand_so_changes_nobody(world: World, state: str) -> None:
    night.roster(world)
    shift = the_shift(world, "03-04 18:00")
    command = duty_service.AskSwap(shift.id, account(world, "nurse"), "家中有事")
    swap = night.run(world, "coordinator", duty_service.ask_swap, command)
    who = "nurse" if state == "declined" else "principal"
    if state == "declined":
        night.run(world, who, duty_service.move_swap, duty_service.MoveSwap(swap, state))
    else:
        with pytest.raises(ValueRefused):
            night.run(world, who, duty_service.move_swap, duty_service.MoveSwap(swap, state))
    assert [each.account for each in the_shift(world, "03-04 18:00").members] == [account(world, "coordinator")]


# --- being away, gaps, planning -------------------------------------------------------------------


def test_who_is_away_gets_no_task_and_whom_he_named_does(world: World) -> None:
    night.roster(world)
    command = duty_service.ReportAbsence(SCHOOL, at("03-03 00:00"), at("03-03 12:00"), account(world, "nurse"), "开会")
    night.run(world, "coordinator", duty_service.report_absence, command)
    night.stand_ins(world, "epi_office", "coordinator", "nurse")
    world.go("03-03 02:10")
    world.open("teacher", school.quick())
    school.detection(world)
    task = world.open_tasks()["t_office_accept"][0]
    names = [name for _, _, name, _ in night.assignments(world, task)]
    assert "coordinator" not in names or night.assignments(world, task)[0][1] == "role"
    world.go("03-03 02:15")
    assert (2, "stand_in", "nurse", "02:15:00") in night.assignments(world, task)


def test_gaps_ahead_are_shown_and_told_once(world: World) -> None:
    night.roster(world, leaders=())
    night.reachable(world, "coordinator", "principal")
    for _ in range(3):
        world.clock.advance(alerts.MINUTE)
        world.app.worker.tick()
    told = [row["data"]["kind"] for row in log_of(world, "duty_gap_found")]
    assert set(told) == {"no_leader"}
    assert len(told) == len({row["data"]["gap"] for row in log_of(world, "duty_gap_found")})
    with world.app.read() as connection:
        found = duty_watch.gaps_ahead(connection, world.app.services, SCHOOL, at("08:10"), at("03-20 08:00"))
    assert {gap.kind for gap in found} == {"no_leader", "nobody"}, "after the last shift there is nobody"


def test_a_festival_wants_two_groups(world: World) -> None:
    world.clock.set(at("04-04 08:00"))
    night.roster(world, day="2026-03-30")
    with world.app.read() as connection:
        found = duty_watch.gaps_ahead(connection, world.app.services, SCHOOL, at("04-04 12:00"), at("04-05 06:00"))
    assert {gap.kind for gap in found} >= {"too_few", "too_few_leaders"}, "清明"


@pytest.mark.parametrize(
    ("who", "use_case", "command", "error"),
    [
        ("teacher", duty.publish_week, lambda _: duty.PublishWeek(SCHOOL, at("08:00").date()), NotAllowed),
        ("coordinator", duty.publish_week, lambda _: duty.PublishWeek(SCHOOL, at("08:00").date()), NotAllowed),
        ("villager", duty.set_stand_ins, lambda _: duty.SetStandIns(SCHOOL, "epi_office", ()), NotAllowed),
        ("coordinator", duty.set_stand_ins, lambda _: duty.SetStandIns(SCHOOL, "pilot", ()), ValueRefused),
        ("coordinator", duty.set_stand_ins, lambda _: duty.SetStandIns(SCHOOL, "epi_office", ("x",)), ValueRefused),
        ("coordinator", duty.remove_shift, lambda _: duty.RemoveShift("x"), NoSuch),
        ("coordinator", duty.remove_shift, lambda w: duty.RemoveShift(the_shift(w, "03-04 18:00").id), ValueRefused),
        ("coordinator", duty.staff_shift, lambda w: duty.StaffShift(the_shift(w, "03-04 18:00").id, ("x",), ()),
         ValueRefused),
        ("principal", duty.publish_week, lambda _: duty.PublishWeek(SCHOOL, at("08:00").date()), ValueRefused),
    ],
)  # fmt: skip
def test_what_may_not_be_changes_nothing(
    world: World, who: str, use_case: Any, command: Callable[[World], Any], error: type[Exception]
) -> None:
    night.roster(world)
    before = night.shifts(world)
    with pytest.raises(error):
        night.run(world, who, use_case, command(world))
    assert night.shifts(world) == before


# --- leaving --------------------------------------------------------------------------------------


def test_the_tasks_of_somebody_who_leaves_go_to_whom_they_would_go_to(world: World) -> None:
    night.roster(world)
    world.go("03-03 02:10")
    world.open("teacher", school.quick())
    school.detection(world)
    task = world.open_tasks()["t_office_accept"][0]
    night.run(world, "coordinator", tasks.claim, cmd.ClaimTask(task))
    gone = handovers.HandOver("demo-school", account(world, "coordinator"), "调离")
    night.run(world, "principal", handovers.hand_over, gone)
    row = next(row for row in world.rows(t.Task) if row["id"] == task)
    assert (row["state"], row["assignee"]) == ("open", None)
    world.go("03-03 02:40")
    assert "principal" in [name for _, _, name, _ in night.assignments(world, task)], "it climbs anew"


# --- ways to people -------------------------------------------------------------------------------


def test_an_address_is_sealed_and_goes_with_its_channel(world: World) -> None:
    night.reachable(world, "nurse")
    owner = to_account(account(world, "nurse"))
    with world.app.read() as connection:
        (row,) = channels.of_owner(connection, owner)
        stored = connection.execute(select(sql.channels)).mappings().one()
    assert "localhost" not in str(dict(stored))
    with pytest.raises(NoSuch):
        night.run(world, "teacher", channels.change, channels.ChangeChannel(row.id, "remove"))
    night.run(world, "nurse", channels.change, channels.ChangeChannel(row.id, "test"))
    world.app.worker.tick()
    with world.app.read() as connection:
        (tested,) = channels.of_owner(connection, owner)
    assert (tested.tested_at, tested.test_error) == (world.clock.now(), "")
    night.run(world, "nurse", channels.change, channels.ChangeChannel(row.id, "remove"))
    with world.app.read() as connection:
        assert channels.of_owner(connection, owner) == ()
        assert duty_rosters.reachable(connection, [account(world, "nurse")]) == frozenset()


def test_only_leaders_and_schedulers_set_the_channel_of_an_organisation(world: World) -> None:
    command = channels.AddChannel(to_organisation(SCHOOL), "值班群", "wecombot://key-1")
    for who in ("teacher", "town"):
        with pytest.raises(NotAllowed):
            night.run(world, who, channels.add, command)
    night.run(world, "principal", channels.add, command)
    night.roster(world)
    world.open("teacher", school.quick())
    world.app.worker.tick()
    assert to_organisation(SCHOOL) in {row["recipient"] for row in world.rows(t.Delivery, channel="push")}


def test_a_robot_takes_twenty_messages_a_minute(world: World) -> None:
    night.reachable(world, "nurse")
    with world.app.read() as connection:
        channel = connection.execute(select(sql.channels.c.id)).scalar_one()

    def reserved() -> bool:
        found: list[bool] = []
        world.app.run(lambda uow: found.append(alerts.reserve(uow, channel)))
        return found[0]

    assert [reserved() for _ in range(PER_MINUTE + 1)] == [True] * PER_MINUTE + [False]
    world.clock.advance(alerts.MINUTE)
    assert reserved()


def test_a_message_that_cannot_leave_is_tried_again_later_each_time_and_then_told(world: World) -> None:
    night.roster(world)
    night.reachable(world, "coordinator")
    app, is_up = world.app, [False]
    twins = rehearsal_gateways(DirectorySink(world.settings.data_dir / "outbox"), is_up=lambda: is_up[0])
    duties = Duties(
        app.database, app.run, app.services, outside=OutsideWorld(twins, twins), sealer=app.sealer, link="",
        shred=lambda _attachments, _deliveries: None,
    )  # fmt: skip
    world.clock.set(at("03-03 02:10"))
    world.open("teacher", school.quick())
    school.detection(world)
    attempts = []
    for _ in range(40):
        duties.waking.send_waiting()
        attempts.append(max(row["attempts"] for row in world.rows(t.Delivery, channel="push")))
        world.clock.advance(deliveries.pause_after(1))
    assert attempts[:2] == [1, 2]
    assert attempts.count(2) < attempts.count(3) < attempts.count(4), "later each time"
    assert {row["state"] for row in world.rows(t.Delivery, channel="push")} == {"failed"}
    assert {row["role"] for row in world.rows(t.Notice, code="wake_failed")} >= {"duty_principal"}


def test_many_tasks_at_once_come_as_one_message(world: World) -> None:
    night.roster(world, members=("coordinator", "nurse"))
    night.reachable(world, "nurse")
    world.go("03-03 02:10")
    world.open("teacher", school.quick())
    school.detection(world)
    world.do("coordinator", "t_office_accept")
    world.app.worker.tick()
    mine = [
        row for row in world.rows(t.Delivery, channel="push") if row["recipient"] == to_account(account(world, "nurse"))
    ]
    assert len([row for row in mine if row["state"] == "sent"]) >= 2
    said = [entry["body"]["payload"] for entry in night.messages(world)]
    assert any("项）" in each["text"] and each["link"].endswith("/inbox") for each in said)


def test_every_action_on_a_roster_is_denied_to_strangers(world: World) -> None:
    night.roster(world)
    with world.app.read() as connection:
        stranger = accounts.principal_of_account(connection, account(world, "villager"))
    assert not stranger.roles_in([SCHOOL])
    for action in (Action.DUTY_READ, Action.DUTY_PLAN, Action.DUTY_APPROVE, Action.DUTY_SERVE, Action.CHANNEL_MANAGE):
        with world.app.read() as connection:
            subject = organisations.subject(connection, SCHOOL)
        assert not may(stranger, action, subject)
