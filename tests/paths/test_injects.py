"""Injects of a drill: eight kinds, five triggers, each once, whatever is restarted; the trainer's own."""

from datetime import timedelta
from typing import Any

import pytest

from service.application import after_action, inject_commands, projections, scenario_library
from service.application.queries import Reader, drill_injects, timeline
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.errors import NoSuch, NotAllowed, ScenarioRefused
from service.persistence import tables as t
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.paths import drilling
from tests.paths.test_scenarios import CASE, begin, injects
from tests.paths.world import SCHOOL, WORKFLOWS, World

MINUTE = timedelta(minutes=1)


def _own(w: World, *given: dict[str, Any], **more: Any) -> str:
    """An own copy of SC01 with these injects, begun."""
    shipped = scenario_library.shipped(WORKFLOWS / "scenarios")[CASE]
    made = [
        {"title": {"zh": "事件"}, "text": {"zh": "内容"}, "id": f"k{n:02d}", **each} for n, each in enumerate(given)
    ]
    document = {**shipped.document, "id": "own", "injects": made, **more.pop("document", {})}

    def kept(uow: UnitOfWork) -> None:
        row = {
            "id": f"{SCHOOL}:own", "organisation_id": SCHOOL, "scenario": "own", "document": document, "revision": 1,
            "changed_at": uow.now, "changed_by": "test",
        }  # fmt: skip
        uow.connection.execute(sql.own_scenarios.insert().values(row))

    w.app.run(kept)
    return begin(w, "own", **more)


def _send(w: World, who: str = "trainer", **more: Any) -> str:
    command = cmd.SendInject(w.incident, **more)
    return w.app.run(lambda uow: inject_commands.send(uow, w.app.services, w.who(who), command))


def _came(w: World) -> dict[str, tuple[str, str, str]]:
    return {
        key: (row["state"], w.local(row["sent_at"]) if row["sent_at"] else "", row["outcome"])
        for key, row in injects(w).items()
    }  # fmt: skip


def test_five_triggers(world: World) -> None:
    w = world
    _own(
        w,
        {"kind": "cue", "trigger": {"at": "PT5M"}},
        {"kind": "cue", "trigger": {"after": "t_office_accept", "by": "PT10M"}},
        {"kind": "cue", "trigger": {"when": "fact('diagnosis') == 'excluded'"}},
        {"kind": "cue", "trigger": {"unless": "s_send_report", "by": "PT5M"}},
        {"kind": "cue", "trigger": {"unless": "s_send_report", "by": "PT20M"}},
        {"kind": "cue", "trigger": {"reserve": True}},
    )
    drilling.clock(w, "advance", by="PT4H")
    assert _came(w)["k02"] == ("pending", "", "")
    drilling.clock(w, "advance", by="PT4H")
    assert _came(w) == {
        "k00": ("sent", "03-02 08:15", ""), "k01": ("sent", "03-02 08:23", ""), "k02": ("sent", "03-02 14:32", ""),
        "k03": ("sent", "03-02 08:15", ""), "k04": ("skipped", "", "done"), "k05": ("reserve", "", ""),
    }  # fmt: skip
    assert [row["kind"] for row in drilling.due_rows(w) if row["kind"] == "inject"] == []


def test_a_message_comes_by_the_door_of_its_party_and_data_answers_what_is_open(world: World) -> None:
    w = world
    _own(
        w,
        {"kind": "message", "message": "msg_superior_order", "trigger": {"at": "PT2H"},
         "data": {"order_source": "教体局要求", "order_kind": "停课", "adjust": "class_suspend",
                  "scope": ["=class(1)"], "start_at": "=now"}},
        {"kind": "data", "element": "r_diagnosis", "data": {"result": "suspected"}, "trigger": {"at": "PT3H"}},
        {"kind": "outside_reply", "message": "msg_diagnosis", "keys": {"person": "学生甲"},
         "data": {"result": "confirmed", "result_at": "=now", "severity": "mild"}, "trigger": {"at": "PT5H"}},
        {"kind": "data", "element": "r_120_arrived", "trigger": {"at": "PT6H"}},
    )  # fmt: skip
    drilling.clock(w, "advance", by="PT7H")
    assert _came(w) == {
        "k00": ("sent", "03-02 10:10", "delivered"), "k01": ("sent", "03-02 11:10", "answered"),
        "k02": ("sent", "03-02 13:10", "delivered"), "k03": ("skipped", "", "not_open"),
    }  # fmt: skip
    assert w.row()["status"] == "confirmed"
    said = [row for row in w.events("message_received") if row["data"]["message"].endswith("inject:k00")]
    assert [(row["actor"], w.local(row["at"])) for row in said] == [("simulated", "03-02 10:10")]
    assert w.saved("r_diagnosis")["result"] == "suspected"


def test_an_absent_role_answers_when_it_is_back(world: World) -> None:
    w = world
    _own(
        w,
        {"kind": "absence", "role": "cleaner", "lasts": "PT2H", "trigger": {"at": "PT1M"}},
        document={"absent": [{"role": "school_leader", "from": "PT0S", "to": "PT4H"}]},
    )
    drilling.clock(w, "advance", by="PT5H")
    done = {row["element"]: w.local(row["at"]) for row in w.events("task_completed")}
    assert done["t_seal_aircon"] == "03-02 10:14"  # away until 10:11, then its three minutes
    assert done["t_sign_report"] == "03-02 08:28"  # the principal on duty may sign too, and is there ten minutes later


def test_a_party_that_fails_is_not_reached_while_it_lasts(world: World) -> None:
    w = world
    _own(w, {"kind": "failure", "system": "district_office", "lasts": "PT3H", "trigger": {"at": "PT0S"}})
    drilling.clock(w, "advance", by="PT30M")
    w.app.worker.tick()
    (delivery,) = w.rows(t.Delivery, recipient="district_office")
    assert (delivery["state"], delivery["attempts"]) == ("queued", 1)
    assert "rehearsed outage" in delivery["last_error"]
    drilling.clock(w, "advance", by="PT3H")
    w.clock.advance(MINUTE)
    w.app.worker.tick()
    (delivery,) = w.rows(t.Delivery, recipient="district_office")
    assert delivery["state"] == "acknowledged"


def test_the_trainer_sends_skips_and_makes_up(world: World) -> None:
    w = world
    begin(w, CASE)
    _send(w, inject="i05")
    _send(w, inject="i02", is_skipped=True, reason="不需要")
    with pytest.raises(NoSuch):
        _send(w, inject="i05")
    made = _send(w, content={"kind": "rumour", "title": "又一传言", "text": "有人说食堂停业", "to": ["epi_office"]})
    with pytest.raises(ScenarioRefused) as refused:
        _send(w, content={"kind": "absence", "title": "病假", "role": "principle", "lasts": "PT1H"})
    assert [fault.path for fault in refused.value.faults] == ["inject.role"]
    with pytest.raises(NotAllowed):
        _send(w, "teacher", inject="i03")
    came = _came(w)
    assert (came["i05"][0], came["i02"], came[made][0]) == ("sent", ("skipped", "", "不需要"), "sent")
    assert injects(w)[made]["by"] == "trainer"


def test_a_restart_loses_nothing_and_brings_nothing_twice(world: World) -> None:
    w = world
    begin(w, CASE)
    for _ in range(4):
        w.restart()
        drilling.clock(w, "advance", by="PT8M")
    assert [row["data"]["inject"] for row in w.events("inject_delivered")] == ["i01", "i02"]
    before = sorted(w.rows(t.DrillInject), key=lambda row: row["id"])
    w.app.run(lambda uow: projections.rebuild(uow, w.incident))
    assert sorted(w.rows(t.DrillInject), key=lambda row: row["id"]) == before


def test_participants_see_what_came_to_them_and_nothing_before(world: World) -> None:
    w = world
    begin(w, CASE)

    def cards(who: str) -> list[str]:
        with w.app.read() as connection:
            reader = Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())
            return [card.id for card in drill_injects.cards(reader, reader.incident(w.incident))]

    assert (cards("teacher"), cards("cleaner")) == (["i01"], [])
    drilling.clock(w, "advance", by="PT30M")
    assert (cards("teacher"), cards("trainer")) == (["i02", "i01"], ["i02", "i01"])
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("teacher"), w.clock.now())
        with pytest.raises(NotAllowed):
            drill_injects.of_drill(reader, w.incident)


def test_the_timeline_names_injects_by_title_for_whom_they_came_to(world: World) -> None:
    w = world
    begin(w, CASE)
    drilling.clock(w, "advance", by="PT30M")

    def told(who: str, locale: str = "zh_CN") -> list[str]:
        with w.app.read() as connection:
            reader = Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now(), locale)
            log = timeline.timeline(reader, w.incident, kinds=("assessment",)).entries
        return [each.summary for each in reversed(log) if each.type == "inject_delivered"]

    assert told("trainer") == ["注入事件“情况通报”：提示", "注入事件“家长群传言”：传言"]
    assert told("trainer", "en") == ["Inject “Situation”: cue", "Inject “Rumour among parents”: rumour"]
    assert told("cleaner") == ["注入事件 i01：提示", "注入事件 i02：传言"]
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who("trainer"), w.clock.now())
        report = after_action.draft(reader, w.app.documents, w.incident, "objectives")
    course = next(each for each in report.sections if each.heading.endswith("演练过程"))
    told_of = [line.split("注入事件")[1] for line in course.paragraphs if "注入事件" in line]
    assert told_of == ["“情况通报”：提示", "“家长群传言”：传言"]


def test_a_slip_is_made_once_and_then_put_right(world: World) -> None:
    w = world
    _own(w, document={"answers": {"*": {"after": "PT2M", "error_rate": 1.0}}})
    drilling.clock(w, "advance", by="PT20M")
    slipped = [row["data"]["task"] for row in w.events(ev.DrillAnswerSlipped.type)]
    done = [row["data"]["task"] for row in w.events("task_completed")][1:]
    assert slipped
    assert len(slipped) == len(set(slipped))
    assert set(done) <= set(slipped)
    assert done
