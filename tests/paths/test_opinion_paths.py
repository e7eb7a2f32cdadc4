"""P19 (b): wording is prepared and approved, every topic is answered, handed over or dealt with, until the closing."""

from typing import Any

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school
from tests.paths.variants import visited_between
from tests.paths.world import World

PREPARED = {"summary": "家长询问是否停课", "wording": "学校正按预案处置，情况由授权部门发布。"}


def alerted(w: World) -> None:
    """The bureau tells of a rumour while the pupil is in hospital: opinion work begins, once."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    found = {"found_at": school.now(w), "channel": "微信群", "summary": "传言多人确诊", "info_source": "phone"}
    w.send("msg_rumour_alert", found)


def approved(w: World) -> None:
    w.do("coordinator", "t_foresee_topics", PREPARED)
    w.do("principal", "t_approve_wording", school.SIGN)


def topic(w: World, **more: Any) -> None:
    """A topic is registered from the Actions menu."""
    values = {"found_at": school.now(w), "channel": "微信群", "summary": "传言", "truth": "待核", "hot_level": "低"}
    w.act("coordinator", "msg_topic", {**values, **more})


def rules(w: World) -> list[int]:
    """The rows of D19 that fired, in order."""
    return [row["rules"][0] for row in w.rows(t.DecisionRow, decision="D19")]


def test_a_rumour_alert_starts_it_once_and_the_closing_ends_it(world: World) -> None:
    w = world
    alerted(w)
    found = {"found_at": school.now(w), "channel": "论坛", "summary": "又一条", "info_source": "phone"}
    w.send("msg_rumour_alert", {**found, "channel": "电话"}, who="manager")
    assert [row["status"] for row in w.rows(t.Instance, process="incident_opinion")] == ["active"]
    approved(w)
    assert [row["element"] for row in w.rows(t.Wait, element="e_opinion_end")] == ["e_opinion_end"]
    w.go("14:30")
    school.diagnosis(w, "excluded")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    school.closing_report(w)
    assert visited_between(w, "e_opinion_end", "ee_opinion")
    assert visited_between(w, "ca_opinion", "ee_opinion_done")
    assert [row["status"] for row in w.rows(t.Instance, process="incident_opinion")] == ["completed"]
    assert w.row()["result"] == "excluded_closed"


def test_wording_is_approved_by_another_person_and_may_be_sent_back(world: World) -> None:
    w = world
    alerted(w)
    w.do("coordinator", "t_foresee_topics", PREPARED)
    school.sign(w, "t_approve_wording", "退回")
    assert visited_between(w, "g_wording_ok", "t_foresee_topics")
    w.do("coordinator", "t_foresee_topics", PREPARED)
    school.sign(w, "t_approve_wording")
    assert visited_between(w, "g_wording_ok", "e_opinion_end")


def test_an_untrue_rumour_is_clarified_in_the_approved_wording(world: World) -> None:
    w = world
    alerted(w)
    topic(w, truth="不实", hot_level="高")
    assert rules(w) == [3]
    with pytest.raises(FormRefused) as refused:
        w.do("principal", "s_clarify", {"wording": "没有的事", "published_at": "家长群"})
    assert [error.path for error in refused.value.errors] == ["action"], "nothing is said before it is approved"
    approved(w)
    w.do("principal", "s_clarify", {"published_at": "家长群"})
    assert visited_between(w, "s_clarify", "ee_topic")
    answer = w.view().facts.rows.latest("F36")
    assert (answer["action"], answer["wording"]) == ("澄清", PREPARED["wording"])


def test_what_somebody_made_up_goes_to_the_police_and_is_clarified(world: World) -> None:
    w = world
    alerted(w)
    approved(w)
    topic(w, truth="不实", intentional=True)
    assert rules(w) == [2]
    w.do("principal", "s_to_police", {"send_channel": "电话", "outcome": "已接通", "answered_by": "值班民警"})
    (delivery,) = w.rows(t.Delivery, message="msg_police_transfer")
    assert (delivery["recipient"], delivery["state"]) == ("police", "acknowledged")
    w.do("principal", "s_clarify", {"published_at": "学校公告栏"})
    assert visited_between(w, "s_to_police", "s_clarify")


def test_a_later_topic_is_decided_on_its_own(world: World) -> None:
    w = world
    alerted(w)
    topic(w, involves_identity=True)
    topic(w, truth="属实", hot_level="中")
    topic(w, kind="诉求")
    topic(w)
    topic(w, truth="属实")
    assert rules(w) == [1, 4, 5, 6, 7]
    assert len(w.open_tasks()["t_handle_topic"]) == 4
    w.do("coordinator", "t_handle_topic", {"action": "转办"})
    assert visited_between(w, "t_handle_topic", "ee_topic")
    assert len(w.open_tasks()["t_handle_topic"]) == 3
    assert w.decided("br_opinion") == [[row] for row in rules(w)]
    assert w.saved("t_handle_topic")["closed_at"].startswith("2026-03-02")
    assert w.saved("t_handle_topic")["action"] == "转办"
