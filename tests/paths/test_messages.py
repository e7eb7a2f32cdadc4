"""Messages of outside parties: delivered to one waiting event, buffered when early, never lost silently."""

import pytest

from service.application import incidents
from service.domain import commands as cmd
from service.domain.errors import FormRefused, MessageUnknown, NotAllowed, SeveralWaiting
from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.world import World

ARRIVED = {"arrive_120_at": "2026-03-02T08:30:00+08:00", "info_source": "party"}


def _dispatched(w: World) -> None:
    w.go("08:10")
    w.open("teacher", school.quick())
    school.detection(w)
    w.do("coordinator", "t_office_accept")
    school.call_120(w)


def _second_case(w: World) -> None:
    data = school.quick("学生乙", 37.8, **school.DETAILS)
    command = cmd.AddCase(w.incident, data)
    w.app.run(lambda uow: incidents.add_case(uow, w.app.services, w.who("teacher"), command))


def test_a_message_completes_the_receive_task_it_is_for(world: World) -> None:
    w = world
    _dispatched(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:30")
    assert w.send("msg_120_arrived", ARRIVED) == "delivered"
    assert "r_120_arrived" not in w.open_tasks()
    assert "r_recheck" in w.open_tasks()
    assert w.rows(t.Message)[0]["state"] == "delivered"


def test_an_early_message_waits_for_its_event(world: World) -> None:
    w = world
    _dispatched(w)
    w.go("08:30")
    assert w.send("msg_120_arrived", ARRIVED) == "buffered"
    w.do("nurse", "t_isolation_room")
    assert w.rows(t.Message)[0]["state"] == "delivered"
    assert "r_recheck" in w.open_tasks()


def test_a_message_nobody_waits_for_expires_loudly(world: World) -> None:
    w = world
    _dispatched(w)
    assert w.send("msg_diagnosis", {"result": "excluded"}) == "buffered"
    w.go("03-03 08:10")
    assert w.rows(t.Message)[0]["state"] == "expired"
    assert [row["role"] for row in w.rows(t.Notice, code="message_expired")] == ["epi_office"]


def test_the_same_message_twice_is_one(world: World) -> None:
    w = world
    _dispatched(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:30")
    assert [w.send("msg_120_arrived", ARRIVED), w.send("msg_120_arrived", ARRIVED)] == ["delivered", "duplicate"]


def test_a_message_must_say_which_of_two_persons_it_is_about(world: World) -> None:
    w = world
    _dispatched(w)
    w.do("nurse", "t_isolation_room")
    w.go("08:20")  # after the call, which therefore does not name the second person
    _second_case(w)
    w.do("nurse", "t_isolation_room")
    w.do("coordinator", "s_call_120_added", {"send_channel": "电话", "outcome": "已接通", "answered_by": "调度员"})
    w.go("08:30")
    with pytest.raises(SeveralWaiting):
        w.send("msg_120_arrived", ARRIVED)
    second = next(person["id"] for person in w.rows(t.Person, kind="case") if person["case_no"] == 2)
    assert w.send("msg_120_arrived", ARRIVED, person=second) == "delivered"
    assert {row["person_id"] for row in w.rows(t.Record, view="arrival")} == {second}


def test_unknown_names_strangers_and_broken_payloads_change_nothing(world: World) -> None:
    w = world
    _dispatched(w)
    w.do("nurse", "t_isolation_room")
    before = len(w.events())
    with pytest.raises(NotAllowed):
        w.send("msg_120_arrived", ARRIVED, who="teacher")
    with pytest.raises((MessageUnknown, NotAllowed)):
        w.send("msg_no_such_thing", {})
    with pytest.raises(FormRefused):
        w.send("msg_120_arrived", {"arrive_120_at": "yesterday", "info_source": "party"})
    assert len(w.events()) == before


def test_every_party_of_the_catalogue_may_say_it_and_our_own_messages_are_nobodys(world: World) -> None:
    w = world
    _dispatched(w)
    assert w.send("msg_external_notice", variants.external(w)) == "delivered"
    with pytest.raises(NotAllowed):
        w.send("msg_cancel_request", {"cancel_kind": "误报"})
