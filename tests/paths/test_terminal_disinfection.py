"""P14: what a terminal disinfection must show, and who accepts it."""

import pytest

from service.application import report_facts
from service.domain.errors import FormRefused, SeveralWaiting
from service.persistence import tables as t
from tests.paths import school, variants
from tests.paths.variants import visited_between
from tests.paths.world import World

ACCEPTED = {"accept_result": "合格", "info_source": "party"}


def accept(w: World, result: str) -> None:
    """F15#accept of the CDC, keyed in by the office."""
    by = {"accepted_by": {"name": "疾控甲", "at": school.now(w), "info_source": "visit"}, "accepted_at": school.now(w)}
    w.do("coordinator", "r_disinfect_accept", {"accept_result": result, "info_source": "visit", **by})


def test_terminal_disinfection_is_accepted_by_the_cdc_or_done_again(world: World) -> None:
    w = world
    variants.confirmed(w)
    w.go("10:10")
    school.start_disinfection(w)
    w.go("10:41")
    school.end_disinfection(w)
    assert visited_between(w, "g_need_acceptance", "r_disinfect_accept")
    accept(w, "不合格")
    assert visited_between(w, "g_disinfect_ok", "t_disinfect")
    w.go("11:00")
    w.do(
        "cleaner", "t_disinfect",
        {"agent": "84消毒液", "start_at": school.at_time("10:50"), "end_at": school.now(w), "ppe": ["N95口罩"]},
    )  # fmt: skip
    w.go("11:31")
    school.end_disinfection(w)
    accept(w, "合格")
    assert visited_between(w, "ca_terminal", "g_control_join")
    scopes = {row["inputs"]["scope"] for row in w.rows(t.Instance, procedure="terminal_disinfection")}
    assert scopes == {"spot", "terminal"}
    (english,), (chinese,) = (report_facts.disinfections(w.view(), locale) for locale in ("en", "zh_CN"))
    assert english.places == ("classroom", "stairs", "hand-rails", "toilets")
    assert chinese.places == ("教室", "楼梯", "扶手", "卫生间")


def test_the_places_are_named_the_air_conditioning_is_off_and_the_residue_is_gone(world: World) -> None:
    w = world
    variants.confirmed(w)
    w.go("10:10")
    w.do("coordinator", "t_mark_places", {"place_list": ["教室", "走廊", "食堂", "车辆"]})
    with pytest.raises(FormRefused) as refused:
        w.do("cleaner", "t_seal_aircon", {"cleared_people": True, "aircon_off": False})
    assert {error.path for error in refused.value.errors} == {"aircon_off"}
    w.do("cleaner", "t_seal_aircon", {"cleared_people": True, "aircon_off": True})
    times = {"start_at": school.at_time("10:05"), "end_at": school.now(w)}
    w.do("cleaner", "t_disinfect", {"agent": "84消毒液", "ppe": ["N95口罩"], **times})
    w.go("10:39")
    assert "t_clear_residue" not in w.open_tasks()
    w.go("10:40")
    with pytest.raises(FormRefused) as refused:
        w.do("cleaner", "t_clear_residue", {"residue_removed": False, "ventilated_min": 10})
    assert {error.path for error in refused.value.errors} == {"residue_removed", "ventilated_min"}
    school.end_disinfection(w)
    assert "r_disinfect_accept" in w.open_tasks()


def test_the_cdc_accepts_by_message_and_says_which_of_two(world: World) -> None:
    w = world
    first = variants.confirmed(w)
    w.act("coordinator", "msg_external_notice", variants.external(w, "confirmed"))
    second = next(case for case in variants.cases(w) if case != first)
    w.go("10:10")
    for _ in (first, second):
        school.start_disinfection(w)
    w.go("10:41")
    for _ in (first, second):
        school.end_disinfection(w)
    by = {"accepted_by": {"name": "疾控甲", "at": school.now(w), "info_source": "party"}, "accepted_at": school.now(w)}
    with pytest.raises(SeveralWaiting):
        w.send("msg_disinfection_accepted", {**ACCEPTED, **by})
    (instance,) = w.rows(t.Instance, procedure="terminal_disinfection", person_id=second)
    assert w.send("msg_disinfection_accepted", {**ACCEPTED, **by}, instance=instance["id"]) == "delivered"
    (row,) = w.rows(t.Instance, id=instance["id"])
    assert row["status"] == "completed"
    assert len(w.open_tasks()["r_disinfect_accept"]) == 1
