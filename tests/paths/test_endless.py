"""What would go on without end is stopped by name at once, stores nothing, and leaves the rest of the service alone."""

import re
from collections.abc import Mapping

import pytest
from sqlalchemy import func, select

from service.application.due_work import MAX_ROUNDS
from service.application.inbox import MAX_DEPTH
from service.domain.errors import EngineFailed
from service.engine.effects import MAX_LATER
from service.persistence.tables import EngineIncident, Incident, table_of
from tests.paths import school
from tests.paths.versions import ALARM, content_of, deployed, inserted, script
from tests.paths.world import World, at

BEGINS, REGISTERED = "f_start_small_t_small_report", "f_t_small_report_g_small_split"
LABEL = 'name="再来一遍" tocsin:label-en="Once more"'
CALLS = f"""<bpmn:callActivity id="x_again" {LABEL} calledElement="OTHER"><bpmn:extensionElements>
<tocsin:inputs><tocsin:input name="person" value="=person" /></tocsin:inputs>
</bpmn:extensionElements><!-- flows --></bpmn:callActivity>"""
GOES = '<bpmn:signalEventDefinition signalRef="sig_go" />'
THROWS = f'<bpmn:intermediateThrowEvent id="x_throw" {LABEL}><!-- flows -->{GOES}</bpmn:intermediateThrowEvent>'
CATCHES = f'<bpmn:intermediateCatchEvent id="x_catch" {LABEL}><!-- flows -->{GOES}</bpmn:intermediateCatchEvent>'
ANSWERS = f"""
<bpmn:subProcess id="x_sub" {LABEL} triggeredByEvent="true">
  <bpmn:startEvent id="x_heard" {LABEL} isInterrupting="false">{GOES}</bpmn:startEvent>
  <bpmn:scriptTask id="x_count" {LABEL}><bpmn:script>n = n + 1 if given(n) else 1</bpmn:script></bpmn:scriptTask>
  <bpmn:exclusiveGateway id="x_often" {LABEL} default="f_x_enough" />
  <bpmn:endEvent id="x_more" {LABEL}>{GOES}</bpmn:endEvent>
  <bpmn:endEvent id="x_end" {LABEL} />
  <bpmn:sequenceFlow id="f_x_heard" sourceRef="x_heard" targetRef="x_count" />
  <bpmn:sequenceFlow id="f_x_count" sourceRef="x_count" targetRef="x_often" />
  <bpmn:sequenceFlow id="f_x_more" sourceRef="x_often" targetRef="x_more">
    <bpmn:conditionExpression>=n &lt; TURNS</bpmn:conditionExpression>
  </bpmn:sequenceFlow>
  <bpmn:sequenceFlow id="f_x_enough" sourceRef="x_often" targetRef="x_end" />
</bpmn:subProcess>"""


MEETS = f'<bpmn:exclusiveGateway id="x_meet" {LABEL}><!-- flows --></bpmn:exclusiveGateway>'
RESTS = f"""<bpmn:intermediateCatchEvent id="x_rest" {LABEL}><!-- flows --><bpmn:timerEventDefinition>
<bpmn:timeDuration xsi:type="bpmn:tFormalExpression">=duration(0)</bpmn:timeDuration>
</bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"""
TURNS = f'<bpmn:exclusiveGateway id="x_turn" {LABEL} default="f_x_turn"><!-- flows --></bpmn:exclusiveGateway>'
BACK = """<bpmn:sequenceFlow id="f_back" sourceRef="x_turn" targetRef="x_meet">
<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=given(person)</bpmn:conditionExpression>
</bpmn:sequenceFlow>"""


def with_signals(answers: str, *, catches: bool = False) -> Mapping[str, str]:
    """The alarm with a signal thrown after it is registered, and perhaps waited for only then."""
    content = inserted(content_of(ALARM), REGISTERED, THROWS)
    return beside(inserted(content, "f_x_throw", CATCHES) if catches else content, answers)


def beside(content: Mapping[str, str], more: str) -> Mapping[str, str]:
    """The bundle with the signal, and with elements that stand in no flow or are one."""
    [(file, text)] = content.items()
    text = text.replace("<bpmn:collaboration", '<bpmn:signal id="sig_go" name="sig_go" /><bpmn:collaboration', 1)
    return {file: text.replace("<bpmn:sequenceFlow", f"{more}<bpmn:sequenceFlow", 1)}


def incidents(w: World) -> int:
    with w.app.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table_of(Incident))).scalar_one())


def ring(id_: str, calls: str = "") -> dict[str, str]:
    """A procedure that calls another one before anybody acts."""
    content = inserted(content_of(ALARM), BEGINS, CALLS.replace("OTHER", calls)) if calls else content_of(ALARM)
    return {
        f"{id_}.bpmn": re.sub(r'(id|processRef|bpmnElement)="small_alarm"', rf'\1="{id_}"', content["small_alarm.bpmn"])
    }


def test_two_procedures_that_call_each_other_before_anybody_acts(world: World) -> None:
    w = world
    deployed(w, ring("ring_b"), "ring_b")
    deployed(w, ring("ring_a", calls="ring_b"), "ring_a")
    deployed(w, ring("ring_b", calls="ring_a"), "ring_b")
    deployed(w, inserted(content_of(ALARM), REGISTERED, CALLS.replace("OTHER", "ring_a")))
    with pytest.raises(EngineFailed, match=f"{MAX_DEPTH} deep"):
        w.open("teacher", school.quick(), ALARM)
    assert incidents(w) == 0
    w.open("teacher", school.quick())
    assert w.open_tasks()


def test_signals_that_raise_each_other_a_thousand_times(world: World) -> None:
    w = world
    deployed(w, with_signals(ANSWERS.replace("TURNS", "1000")))
    with pytest.raises(EngineFailed, match=f"more than {MAX_LATER} times"):
        w.open("teacher", school.quick(), ALARM)
    assert incidents(w) == 0


def test_signals_that_raise_each_other_a_few_times_come_to_their_end(world: World) -> None:
    w = world
    deployed(w, with_signals(ANSWERS.replace("TURNS", "5")))
    w.open("teacher", school.quick(), ALARM)
    assert w.passed("x_heard") == w.passed("x_count")
    assert len(w.passed("x_more")) == 4
    assert "t_small_written" in w.open_tasks()


def test_who_waits_only_after_a_signal_was_thrown_does_not_hear_it(world: World) -> None:
    w = world
    deployed(w, with_signals("", catches=True))
    w.open("teacher", school.quick(), ALARM)
    assert w.passed("x_throw")
    assert not w.passed("x_catch")
    assert w.open_tasks() == {}


def test_a_timer_that_is_due_again_at_once_is_put_on_hold_and_people_go_on(world: World) -> None:
    w = world
    content = inserted(content_of(ALARM), REGISTERED, MEETS)
    content = inserted(inserted(content, "f_x_meet", RESTS), "f_x_rest", TURNS)
    [(file, text)] = content.items()
    deployed(w, {file: text.replace("<bpmn:sequenceFlow", f"{BACK}<bpmn:sequenceFlow", 1)})
    w.open("teacher", school.quick(), ALARM)
    w.go("08:05")
    [stopped] = w.rows(EngineIncident)
    assert (stopped["element"], stopped["attempts"]) == ("x_rest", 1)
    assert f"more than {MAX_ROUNDS} times" in stopped["cause"]
    w.go("08:10")
    assert [row["attempts"] for row in w.rows(EngineIncident)] == [1]
    w.open("teacher", school.quick(), ALARM)


def test_what_time_brings_one_after_the_other_is_no_circle(world: World) -> None:
    """An hour is caught up with in one command: each minute a signal is heard five times over."""
    w = world
    content = inserted(inserted(content_of(ALARM), REGISTERED, THROWS), "f_x_throw", TURNS)
    content = inserted(inserted(content, REGISTERED, MEETS), "f_x_meet", RESTS.replace("duration(0)", "duration(1)"))
    content = inserted(content, "f_x_rest", script("n = 0"))
    deployed(w, beside(content, BACK + ANSWERS.replace("TURNS", "5")))
    w.open("teacher", school.quick(), ALARM)
    w.clock.set(at("09:00"))
    w.app.worker.tick()
    assert w.rows(EngineIncident) == []
    assert len(w.passed("x_more")) > MAX_LATER
