"""P36: the CDC's messages or the office's entries, the 24 hours, and a case that is excluded after all."""

import pytest

from service.domain.errors import FormRefused
from service.persistence import tables as t
from tests.paths import school, tracing, variants
from tests.paths.variants import visited_between
from tests.paths.world import World

FAMILY = [{"name": "家长甲", "person_type": "resident", "org_unit": {"id": "demo-village"}}]


def in_hospital(w: World, result: str) -> str:
    """A result at 10:00; returns the person."""
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("10:00")
    school.diagnosis(w, result)
    return variants.cases(w)[0]


def new_result(w: World, result: str) -> None:
    """The hospital says something new."""
    w.act(
        "coordinator", "msg_diagnosis",
        {"result": result, "result_at": school.now(w), "hospital": {"id": "demo-clinic"}, "info_source": "phone"},
    )  # fmt: skip


def epi(w: World) -> dict[str, object]:
    """The instance of the investigation."""
    (row,) = w.rows(t.Instance, procedure="epi_investigation")
    return row


def test_the_cdc_answers_by_message_and_its_list_goes_to_the_tracing_of_the_same_person(world: World) -> None:
    w = world
    person = in_hospital(w, "suspected")
    trail = [{"at": school.now(w), "place": "七年级2班教室"}]
    party = {"info_source": "party"}
    investigator = {"name": "疾控甲", "at": school.now(w), "info_source": "party"}
    # an early result waits until the school has given its material
    site = {"activity_trail": trail, "investigator": investigator, **party}
    assert w.send("msg_epi_result", site, person=person) == "buffered"
    w.go("10:30")
    request = {"case_ref": {"id": person}, "started_at": school.now(w), **party}
    assert w.send("msg_epi_request", request, person=person) == "delivered"
    assert "r_site_epi" not in w.open_tasks()
    w.do("coordinator", "t_epi_material", {"roster": "七年级2班名册", "travel": "无", "family": FAMILY})
    assert "r_epi_source" in w.open_tasks()
    w.go("11:00")
    source = {"suspected_source": "待查", "finished_at": school.now(w), **party}
    assert w.send("msg_epi_result", source, person=person) == "delivered"
    tracing.history(w)
    tracing.initial(w, [tracing.contact(w, name) for name in tracing.NEIGHBOURS])
    w.go("12:00")
    final = {"rows": [tracing.judged(name) for name in tracing.NEIGHBOURS]}
    assert w.send("msg_contact_judged", final, person=person) == "delivered"
    assert epi(w)["status"] == "completed"
    assert visited_between(w, "e_list_thrown", "ee_epi")
    assert "r_final_list" not in w.open_tasks()
    tracing.screening(w)
    assert "r_final_list" not in w.open_tasks()  # the list had come already
    assert {row["stage"] for row in w.rows(t.Contact)} == {"final"}


def test_24_hours_count_from_the_first_result_and_stay_when_it_is_confirmed(world: World) -> None:
    w = world
    person = in_hospital(w, "suspected")
    assert w.local(w.deadline("T05", person)["due_at"]) == "03-03 10:00"
    w.go("15:30")
    new_result(w, "confirmed")
    assert w.local(w.deadline("T05", person)["due_at"]) == "03-03 10:00"
    (investigated,) = w.rows(t.Instance, procedure="epi_investigation")
    assert investigated["status"] == "active"
    w.go("16:00")
    tracing.history(w)
    tracing.initial(w, [tracing.contact(w, "学生子")])
    tracing.investigated(w)
    w.go("03-03 04:00")
    tracing.final(w, [tracing.judged("学生子")])
    deadline = w.deadline("T05", person)
    assert (w.local(deadline["met_at"]), deadline["late_minutes"]) == ("03-03 04:00", 0)


def test_a_case_reported_as_diagnosed_counts_from_the_result_that_was_reported(world: World) -> None:
    w = world
    w.go("08:10")
    w.open("coordinator", {**variants.external(w, "confirmed"), "result_at": school.at_time("07:00")})
    person = variants.cases(w)[0]
    assert w.local(w.deadline("T05", person)["due_at"]) == "03-03 07:00"


def test_an_investigation_that_takes_too_long_climbs_the_ladder(world: World) -> None:
    w = world
    person = in_hospital(w, "confirmed")
    w.go("03-03 11:00")
    assert w.deadline("T05", person)["level"] == 2
    assert "r_epi_request" in w.open_tasks()
    tracing.investigated(w)
    assert w.deadline("T05", person)["met_at"] is None  # the list is still to come


def test_excluded_after_all_the_investigation_and_its_24_hours_fall_away(world: World) -> None:
    w = world
    person = in_hospital(w, "suspected")
    w.go("11:00")
    new_result(w, "excluded")
    assert epi(w)["status"] == "cancelled"
    assert w.deadline("T05", person)["cancelled_at"] is not None
    assert not {"r_epi_request", "t_epi_material"} & set(w.open_tasks())


def test_a_finish_before_the_start_is_refused(world: World) -> None:
    w = world
    in_hospital(w, "confirmed")
    w.do("coordinator", "r_epi_request", {"started_at": school.now(w), "info_source": "visit"})
    w.do("coordinator", "t_epi_material", {"roster": "名册", "travel": "无", "family": FAMILY})
    trail = [{"at": school.now(w), "place": "七年级2班教室"}]
    by = {"name": "疾控甲", "at": school.now(w), "info_source": "visit"}
    w.do("coordinator", "r_site_epi", {"activity_trail": trail, "investigator": by, "info_source": "visit"})
    source = {"suspected_source": "待查", "finished_at": school.at_time("09:00"), "info_source": "visit"}
    with pytest.raises(FormRefused) as refused:
        w.do("coordinator", "r_epi_source", source)
    assert {error.path for error in refused.value.errors} == {"finished_at"}
    assert "r_epi_source" in w.open_tasks()
