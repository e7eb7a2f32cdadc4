"""P05: who is listed, what the CDC makes of it, what is refused, what becomes of contacts of an excluded case."""

from typing import Any

import pytest

from service.application.queries import Reader, task_pages, timeline
from service.application.queries.contacts import ContactRow, contacts
from service.application.queries.summaries import KINDS
from service.domain.access import Principal
from service.domain.errors import FinalListAwaited, FinalListExists, FormRefused, NoSuch
from service.persistence import tables as t
from tests.paths import observing, school, tracing, variants
from tests.paths.tracing import NEIGHBOURS, contact, judged, removed
from tests.paths.variants import visited_between
from tests.paths.world import World

OTHER_CLASS = "demo-school-7-3"
OFFICE = "coordinator"


def listed(w: World) -> str:
    """A confirmed case with the four neighbours and a pupil of another class on the initial list; the case."""
    case = variants.confirmed(w)
    w.go("11:00")
    tracing.history(w)
    rows = [contact(w, name) for name in NEIGHBOURS]
    tracing.initial(w, [*rows, contact(w, "学生乙丑", unit=OTHER_CLASS, scene="同桌用餐")])
    return case


def observed(w: World) -> str:
    """All five are judged close contacts; nobody is taken to isolation yet."""
    case = listed(w)
    tracing.screening(w)
    tracing.investigated(w)
    tracing.final(w, [*map(judged, NEIGHBOURS), judged("学生乙丑", unit=OTHER_CLASS)])
    return case


def prefilled(w: World, element: str) -> list[dict[str, Any]]:
    """The rows the office finds in an open task."""
    (task,) = w.open_tasks()[element]
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who(OFFICE), w.clock.now())
        form = task_pages.page(reader, task).form
        return list(form.values["rows"]) if form else []


def seen(w: World, who: Principal) -> tuple[ContactRow, ...]:
    """The contacts somebody may see."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, who, w.clock.now())
        return contacts(reader, w.incident).items


def refused(w: World, do: Any) -> dict[str, str]:
    """Path -> code of the fields that are refused; nothing may have been stored."""
    before = len(w.events())
    with pytest.raises(FormRefused) as caught:
        do()
    assert len(w.events()) == before
    return {error.path: error.code for error in caught.value.errors}


# --- the initial list ----------------------------------------------------------------------------


def test_the_initial_list_begins_with_those_the_school_knows(world: World) -> None:
    w = world
    variants.confirmed(w)
    w.go("11:00")
    tracing.history(w)
    rows = prefilled(w, "t_list_contacts")
    names = {row["id"]: row["name"] for row in tracing.people(w)}
    first = rows[: len(NEIGHBOURS)]
    assert {names[row["person"]["id"]] for row in first} == set(NEIGHBOURS)
    assert {row["contact_scene"] for row in first} == {"前后左右"}
    assert {row["contact_class"] for row in rows} == {"close"}  # D06 rows 2 and 3
    assert len(rows) == 29  # the whole class but the case
    assert {row["contact_scene"] for row in rows[len(NEIGHBOURS) :]} == {"同班"}


def test_persons_are_listed_once_whoever_names_them(world: World) -> None:
    w = world
    listed(w)
    people = list(tracing.people(w))
    assert [row["name"] for row in people].count("学生子") == 1
    assert {row["kind"] for row in people if row["name"] in NEIGHBOURS} == {"onsite"}
    (new,) = [row for row in people if row["kind"] == "contact"]
    assert (new["name"], new["code"]) == ("学生乙丑", "密接01")
    with w.app.read() as connection:
        known = w.app.sealer.open_text(connection, new["sealed"])[new["id"]]
    assert known["guardian_name"] == "学生乙丑的家长"  # a member of the school brings his guardian along


def test_the_same_person_twice_on_one_list_is_one_contact(world: World) -> None:
    w = world
    variants.confirmed(w)
    w.go("11:00")
    tracing.history(w)
    driver = contact(w, "司机辛", unit="demo-school-bus-2", scene="校车/车次", person_type="staff")
    driver["person"] |= {"id_no": "11010519491231002X", "phone": "13800000000"}
    other = contact(w, "司机 辛", unit="demo-school-bus-2", scene="其他", person_type="staff")
    other["person"] |= {"id_no": "11010519491231002x", "phone": "13800000000"}
    tracing.initial(w, [driver, other])
    assert len(w.rows(t.Contact)) == 1
    assert len([row for row in tracing.people(w) if row["kind"] == "contact"]) == 1


def test_the_case_is_no_contact_of_himself_and_contact_lies_in_the_look_back(world: World) -> None:
    w = world
    variants.confirmed(w)
    w.go("11:00")
    tracing.history(w)
    long_ago = contact(w, "学生子") | {"last_contact": school.at_time("02-15 23:00")}
    found = refused(w, lambda: tracing.initial(w, [contact(w, "学生丑"), long_ago]))
    assert found == {"rows.1.last_contact": "too_early"}
    found = refused(w, lambda: tracing.initial(w, [contact(w, "学生甲")]))
    assert found == {"rows.0.person": "contact_is_case"}
    tracing.initial(w, [contact(w, "学生子") | {"last_contact": school.at_time("02-16 00:00")}])


def test_who_reports_himself_is_on_the_list_until_the_final_one(world: World) -> None:
    w = world
    listed(w)
    assert "msg_contact_self_report" in w.offered(OFFICE)
    report = {
        "person": {"name": "学生丙子", "person_type": "student", "org_unit": {"id": "demo-school-8-1"}},
        "contact_place": "社团活动室", "last_contact": school.now(w),
    }  # fmt: skip
    w.act(OFFICE, "msg_contact_self_report", report)
    assert visited_between(w, "start_self_report_in", "ee_self_report_added")
    assert tracing.status(w)["学生丙子"] == "initial"
    tracing.screening(w)
    tracing.investigated(w)
    rows = [*map(judged, NEIGHBOURS), judged("学生乙丑", unit=OTHER_CLASS)]
    assert refused(w, lambda: tracing.final(w, rows)) == {"rows": "contacts_missing"}
    tracing.final(w, [*rows, removed("学生丙子", unit="demo-school-8-1")])
    assert "msg_contact_self_report" not in w.offered(OFFICE)


# --- the final list ------------------------------------------------------------------------------


def test_a_list_does_not_shrink_without_a_reason(world: World) -> None:
    w = world
    listed(w)
    tracing.screening(w)
    tracing.investigated(w)
    with pytest.raises(FormRefused) as caught:
        tracing.final(w, [*map(judged, NEIGHBOURS)])
    (error,) = caught.value.errors
    assert error.path == "rows"
    assert error.zh.endswith("学** · 密接01")
    assert set(tracing.status(w).values()) == {"initial"}
    assert refused(w, lambda: tracing.final(w, [*map(judged, NEIGHBOURS), removed("学生丑")])) == {
        "rows.4.person": "contact_not_listed",
        "rows": "contacts_missing",
    }
    tracing.final(w, [*map(judged, NEIGHBOURS), removed("学生乙丑", unit=OTHER_CLASS)])
    assert tracing.status(w)["学生乙丑"] == "removed"
    assert len(w.rows(t.Instance, process="medical_observation")) == 4


def test_the_list_of_the_investigation_answers_contact_tracing(world: World) -> None:
    w = world
    case = observed(w)
    assert visited_between(w, "e_list_thrown", "ee_epi")
    assert visited_between(w, "r_final_list", "br_contact_class")
    assert visited_between(w, "g_other_org", "ca_observations")
    assert set(tracing.status(w).values()) == {"final 待转运"}
    children = w.rows(t.Instance, process="medical_observation")
    assert {child["person_id"] for child in children} == {row["person_id"] for row in w.rows(t.Contact)}
    assert {child["inputs"]["case"] for child in children} == {case}
    (message,) = w.rows(t.Message, name="msg_contact_final")
    assert message["state"] == "delivered"


def test_what_a_contact_is_stands_nowhere_in_clear(world: World) -> None:
    w = world
    observed(w)
    rows = w.rows(t.DecisionRow)
    for decision in ("D06", "D07"):
        made = [row for row in rows if row["decision"] == decision]
        assert len(made) == 5
        assert {str(row["rules"]) for row in made} == {"[1]" if decision == "D06" else "[3]"}
        assert [row["data"] for row in made] == [{}] * 5
    assert {row["mode"] for row in w.rows(t.Contact)} == {"central"}
    told = [row for row in w.events() if row["type"].startswith(("contact_", "record_", "decision_", "person_"))]
    assert not [row for row in told if "close" in str(row["data"]) or "学生乙丑" in str(row["data"])]
    assert w.decided("br_quarantine_mode") == [[3]] * 5
    assert w.passed("s_screening_notice") == ["03-02 11:00"]


def test_there_is_no_second_final_list(world: World) -> None:
    w = world
    case = observed(w)
    again = {"rows": [judged("学生丑")]}
    with pytest.raises(FinalListExists):
        w.send("msg_contact_judged", again, person=case)
    assert "学生丑" not in tracing.status(w)


def test_the_list_is_entered_where_the_investigation_runs(world: World) -> None:
    w = world
    listed(w)
    tracing.screening(w)
    with pytest.raises(FinalListAwaited):
        w.do(OFFICE, "r_final_list", {"rows": [judged("学生子")]})


def test_an_early_list_waits_and_one_that_does_not_fit_is_completed_by_hand(world: World) -> None:
    w = world
    variants.confirmed(w)
    w.go("11:00")
    tracing.investigated(w)
    tracing.final(w, [judged("学生子"), judged("学生亥")])
    (message,) = w.rows(t.Message, name="msg_contact_final")
    assert message["state"] == "buffered"
    tracing.history(w)
    tracing.initial(w, [contact(w, "学生子"), contact(w, "学生丑", scene="同班")])
    tracing.screening(w)  # the list that waits says nothing about 学生丑: the office has to
    assert len(prefilled(w, "r_final_list")) == 3
    w.do(OFFICE, "r_final_list", {"rows": [judged("学生子"), judged("学生亥"), removed("学生丑")]})
    assert tracing.status(w) == {"学生子": "final 待转运", "学生亥": "final 待转运", "学生丑": "removed"}
    (message,) = w.rows(t.Message, name="msg_contact_final")
    assert message["state"] == "delivered"


def test_class_and_mode_decide_who_is_observed_and_how(world: World) -> None:
    w = world
    listed(w)
    tracing.screening(w)
    tracing.investigated(w)
    one, two, three, four = NEIGHBOURS
    rows = [
        judged(one, group="general"), judged(two, group="secondary"), judged(three, quarantine_mode="home"),
        judged(four), judged("学生乙丑", unit=OTHER_CLASS, group="none"),
    ]  # fmt: skip
    tracing.final(w, rows)
    assert {name: row["mode"] for name, row in tracing.contacts(w).items()} == {
        one: "none", two: "home", three: "home", four: "central", "学生乙丑": "none",
    }  # fmt: skip
    assert len(w.rows(t.Instance, process="medical_observation")) == 3
    assert len(w.open_tasks()["t_home_start"]) == 2


def test_a_contact_of_another_organisation_is_told_there(world: World) -> None:
    w = world
    listed(w)
    tracing.screening(w)
    tracing.investigated(w)
    away = judged("学生乙丑", unit=OTHER_CLASS, other_org={"id": "demo-school-2"})
    tracing.final(w, [*map(judged, NEIGHBOURS), away])
    assert visited_between(w, "g_other_org", "s_contact_assist")
    w.do(OFFICE, "s_contact_assist", {"send_channel": "书面", "outcome": "已送达", "answered_by": "第二学校"})
    (delivery,) = w.rows(t.Delivery, message="msg_contact_assist")
    assert (delivery["recipient"], delivery["state"]) == ("org:demo-school-2", "acknowledged")
    (report,) = w.rows(t.Report, document="R27")
    assert (report["id"], report["state"], report["kind"]) == (delivery["report_id"], "sent", "assist")
    assert report["persons"] == [tracing.person(w, "学生乙丑")]
    assert len(w.rows(t.Instance, process="medical_observation")) == 5
    (own,) = seen(w, Principal("leader", "校长", {"demo-school-2": frozenset({"school_leader"})}))
    assert (own.code, own.name, own.contact_class) == ("密接01", "学** · 七年级3班 · 密接01", "***")
    assert len(seen(w, w.who(OFFICE))) == 5
    with pytest.raises(NoSuch):
        seen(w, Principal("villager", "村干部", {"demo-village": frozenset({"village_secretary"})}))


def test_a_screening_notice_that_is_sent_back_is_drafted_again(world: World) -> None:
    w = world
    listed(w)
    named = {"scope": ["班级"], "no_identity_ok": True, "measures": "凡接触过学生甲的请报告"}
    assert refused(w, lambda: w.do(OFFICE, "t_draft_screening", named)) == {"measures": "names_another_person"}
    w.do(OFFICE, "t_draft_screening", {"scope": ["班级"], "no_identity_ok": True})
    w.do("principal", "t_sign_screening", {"sign_decision": "退回", "signer": True, "comment": "请补充时段"})
    assert visited_between(w, "g_screening_signed", "t_draft_screening")
    tracing.screening(w)
    (report,) = w.rows(t.Report, document="R16")
    assert (report["state"], report["persons"]) == ("sent", [])
    recipients = {row["recipient"] for row in w.rows(t.Delivery, message="msg_screening_notice")}
    assert recipients == {f"place:{school.CLASS}", f"place:{OTHER_CLASS}"}
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who(OFFICE), w.clock.now())
        said = [entry.summary for entry in timeline.timeline(reader, w.incident, kinds=KINDS).entries]
    assert "排查通告已报送：七年级2班、七年级3班" in said


def test_a_contact_added_while_the_observation_runs_is_observed_too(world: World) -> None:
    w = world
    observed(w)
    observing.moved(w, tracing.person(w, "学生子"))
    assert "msg_contact_added" in w.offered(OFFICE)
    w.go("18:00")
    w.act(OFFICE, "msg_contact_added", {"rows": [judged("学生丑"), judged("学生子")]})
    assert visited_between(w, "br_added_mode", "ee_contact_added")
    assert tracing.status(w)["学生丑"] == "final 待转运"
    assert tracing.status(w)["学生子"] == "final 隔离中"
    children = w.rows(t.Instance, process="medical_observation")
    assert len(children) == 6
    assert tracing.person(w, "学生丑") in {child["person_id"] for child in children}
    assert w.decided("br_added_class") == [[1]]
    assert w.passed("e_support_needed") == ["03-02 11:00"]
