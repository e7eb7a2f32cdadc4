"""P05: a contact who cannot be reached: who is told, what stands still, what goes on when he is found."""

from typing import Any

import pytest

from service.application import deliveries
from service.application.queries import Reader, grid
from service.domain.errors import FormRefused, NothingWaits
from service.persistence import tables as t
from tests.paths import observing, school, tracing
from tests.paths.variants import visited_between
from tests.paths.world import World

ONE, TWO, *_ = tracing.NEIGHBOURS
LAST_SEEN = "03-03 07:30"


def lost(w: World, person: str, **more: Any) -> None:
    """The nurse says that she cannot reach a contact."""
    (instance,) = [row["id"] for row in w.rows(t.Instance, process="medical_observation", person_id=person)]
    data = {"last_seen_at": school.at_time(LAST_SEEN), "info_source": "phone", **more}
    w.act("nurse", "msg_contact_lost", data, instance=instance)


def lost_at_noon(w: World) -> str:
    """Two contacts are observed; one is gone at noon of the second day, after his morning reading."""
    one, _ = observing.observed(w, (ONE, TWO))
    w.go("03-02 18:00")
    observing.record(w, "晚", others=observing.NORMAL)
    w.go("03-03 07:00")
    observing.record(w, "早", others=observing.NORMAL)
    w.go("03-03 12:00")
    lost(w, one, search_note="电话关机，不在住处")
    return one


def found(w: World, person: str, at: str = "") -> None:
    """The office records that he was found."""
    answer = {"traced_at": school.at_time(at) if at else school.now(w), "info_source": "phone"}
    w.do("coordinator", "r_contact_found", answer, **tracing.task_of(w, "r_contact_found", person))


def sessions_open(w: World) -> set[str]:
    """Persons whose session waits for a reading."""
    return {str(row["person_id"]) for row in w.rows(t.Task, element="t_session_record") if row["state"] == "open"}


def halves(w: World, name: str) -> list[str]:
    """States of the sessions of a person in the grid, from the first one on."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("nurse"), w.clock.now())
        (row,) = [each for each in grid.grid(reader, w.incident).rows if each.name == name]
    return [half.state for day in row.days for half in day if half.state != "off"]


def test_superior_and_police_are_told_and_the_status_shows_it(world: World) -> None:
    w = world
    one, _two = observing.observed(w, (ONE, TWO))
    w.go("03-03 12:00")
    assert "msg_contact_lost" in w.offered("nurse")
    lost(w, one)
    assert tracing.status(w) == {ONE: "final 失联", TWO: "final 隔离中"}
    (report,) = w.rows(t.Delivery, element="s_lost_report")
    assert (report["recipient"], report["message"]) == ("district_office", "msg_contact_lost_report")
    assert {row["role"] for row in w.rows(t.Notice, code="contact_lost")} == {
        "district_office", "school_leader", "duty_principal",
    }  # fmt: skip
    with w.app.read() as connection:
        payload = deliveries.outgoing(connection, w.app.sealer, w.app.services, report).payload
        (code,) = [row["code"] for row in w.rows(t.Person, id=one)]
    assert payload["code"] == code
    assert ONE not in str(payload)
    assert {"s_ask_police", "r_contact_found"} <= set(w.open_tasks())
    assert school.fact(w, "contacts_open") is True


def test_the_police_are_asked_until_somebody_takes_it_up(world: World) -> None:
    w = world
    lost_at_noon(w)
    w.do("coordinator", "s_ask_police", {"send_channel": "电话", "outcome": "未接通"})
    assert visited_between(w, "g_police_asked", "s_ask_police")
    w.do("coordinator", "s_ask_police", {"send_channel": "电话", "outcome": "已接通", "answered_by": "民警甲"})
    assert visited_between(w, "g_police_asked", "ee_police_asked")
    asked = sorted(w.rows(t.Delivery, element="s_ask_police"), key=lambda row: row["id"])
    assert [(row["recipient"], row["message"], row["state"]) for row in asked] == [
        ("police", "msg_contact_assist", "failed"), ("police", "msg_contact_assist", "acknowledged"),
    ]  # fmt: skip
    assert "r_contact_found" in w.open_tasks()


def test_nobody_is_searched_for_twice_and_nobody_found_before_he_was_lost(world: World) -> None:
    w = world
    one = lost_at_noon(w)
    assert "msg_contact_lost" in w.offered("nurse")  # for the other one
    with pytest.raises(NothingWaits):
        lost(w, one)
    with pytest.raises(FormRefused) as caught:
        found(w, one, at="03-03 07:00")
    assert [(error.path, error.code) for error in caught.value.errors] == [("traced_at", "too_early")]
    assert len(w.open_tasks()["r_contact_found"]) == 1


def test_while_he_is_lost_no_reading_is_due_and_none_is_made_up(world: World) -> None:
    w = world
    one = lost_at_noon(w)
    w.go("03-03 18:00")
    assert one not in sessions_open(w)
    assert observing.record(w, "晚", others=observing.NORMAL).saved == 1
    w.go("03-04 08:00")
    assert halves(w, ONE)[:4] == ["ok", "ok", "lost", "lost"]
    assert halves(w, TWO)[:4] == ["ok", "ok", "ok", "todo"]
    assert observing.keys(w, one) == ["1:晚", "2:早"]
    assert [row["subject"] for row in w.rows(t.Deadline, rule="T11") if row["subject"] == f"{one}:2:晚"] == []


def test_found_by_the_police_he_is_measured_and_observed_on(world: World) -> None:
    w = world
    one = lost_at_noon(w)
    w.go("03-05 09:00")
    told = {"traced_at": school.now(w), "info_source": "party"}
    assert w.send("msg_contact_found", told, person=one) == "delivered"
    assert visited_between(w, "r_contact_found", "ee_contact_found")
    assert visited_between(w, "ca_contact_search", "ee_search")
    assert "s_ask_police" not in w.open_tasks()
    assert tracing.status(w)[ONE] == "final 隔离中"
    w.go("03-05 09:00")
    assert one in sessions_open(w)  # the session that runs
    observing.record(w, "早", observing.reading(one))
    assert observing.keys(w, one)[-1] == "4:早"
    assert halves(w, ONE)[:6] == ["ok", "ok", "lost", "lost", "lost", "ok"]
    w.go("03-05 18:00")
    assert one in sessions_open(w)
    assert "msg_contact_lost" in w.offered("nurse")
    (row,) = w.rows(t.Contact, person_id=one)
    assert w.local(row["observed_until"]) == "03-16 10:30"


def test_who_is_lost_is_not_released_when_the_time_is_over(world: World) -> None:
    w = world
    one = lost_at_noon(w)
    w.go("03-16 10:30")
    assert one not in {row["person_id"] for row in w.rows(t.Task, element="t_complete_papers")}
    assert tracing.status(w)[ONE] == "final 失联"
    w.go("03-17 09:00")
    found(w, one)
    w.go("03-17 09:00")
    assert one in {row["person_id"] for row in w.rows(t.Task, element="t_complete_papers", state="open")}


def test_one_who_is_brought_to_the_site_needs_no_search(world: World) -> None:
    """Lost before the transfer: whoever hands him over has found him."""
    w = world
    observing.listed(w, [ONE])
    one = tracing.person(w, ONE)
    lost(w, one, last_seen_at=school.at_time("10:00"))
    assert tracing.status(w) == {ONE: "final 失联"}
    w.go("10:30")
    observing.moved(w, one)
    assert tracing.status(w) == {ONE: "final 隔离中"}
    assert visited_between(w, "e_contact_back", "ee_contact_found")
    assert not {"r_contact_found", "s_ask_police"} & set(w.open_tasks())


def test_found_before_the_transfer_he_waits_for_it_again(world: World) -> None:
    w = world
    observing.listed(w, [ONE])
    one = tracing.person(w, ONE)
    lost(w, one, last_seen_at=school.at_time("10:00"))
    found(w, one)
    assert tracing.status(w) == {ONE: "final 待转运"}
    assert "s_call_vehicle" in w.open_tasks()
