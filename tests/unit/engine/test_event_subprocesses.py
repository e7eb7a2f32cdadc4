"""Event sub-processes: armed by us, interrupting for real, never shared."""

from datetime import timedelta
from typing import Any

import pytest
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

from service.domain import events as ev
from service.engine import runner
from service.engine.instance import EngineError
from service.engine.model import Kind, Node, Process, Trigger
from tests.unit.engine import bare
from tests.unit.engine.building import START, Driver, assembled, node, page, user

BARE = (
    '<startEvent id="s"/><userTask id="a"/><endEvent id="e"/>'
    '<subProcess id="esp" triggeredByEvent="true"><startEvent id="es" isInterrupting="true">{start}</startEvent>'
    '<userTask id="h"/><endEvent id="ee"/><sequenceFlow id="1" sourceRef="es" targetRef="h"/>'
    '<sequenceFlow id="2" sourceRef="h" targetRef="ee"/></subProcess>'
)
SIGNAL = '<signalEventDefinition signalRef="sig"/>'
ALWAYS = "<conditionalEventDefinition><condition>True</condition></conditionalEventDefinition>"
FLOWS = ["s a", "a b", "b e", "es h", "h ee"]


def guarded(trigger: Trigger, *more: Node, end: Trigger = Trigger.NONE, **start: Any) -> Process:
    """Tasks a and b, and an event sub-process with the task h."""
    nodes = [
        node("s", Kind.START), user("a"), user("b"), node("e", Kind.END), node("esp", Kind.EVENT_SUBPROCESS),
        node("es", Kind.START, trigger, parent="esp", **start), user("h", parent="esp"),
        node("ee", Kind.END, end, parent="esp"),
    ]  # fmt: skip
    return page("p", [*nodes, *more], FLOWS)


def test_bare_interrupting_event_subprocess_does_not_interrupt_and_starts_twice() -> None:
    workflow = bare.run(bare.process(BARE.format(start=SIGNAL), ["s a", "a e"]))
    assert workflow.waiting_events() == []  # nobody can see that it waits
    bare.ping(workflow)
    assert bare.ready(workflow) == ["a", "h"]
    bare.ping(workflow)
    assert bare.ready(workflow) == ["a", "h", "h"]


def test_bare_trigger_edits_the_specification_all_instances_share() -> None:
    spec, subs = bare.specs(bare.process(BARE.format(start=SIGNAL), ["s a", "a e"]))
    before = [each.name for each in spec.start.outputs]
    workflow = BpmnWorkflow(spec, subs)
    workflow.do_engine_steps()
    bare.ping(workflow)
    assert [each.name for each in spec.start.outputs] == [*before, "esp"]


def test_bare_conditional_start_never_fires() -> None:
    workflow = bare.run(bare.process(BARE.format(start=ALWAYS), ["s a", "a e"]))
    workflow.refresh_timers()
    workflow.do_engine_steps()
    assert bare.ready(workflow) == ["a"]


@pytest.mark.parametrize("reload", [False, True])
def test_an_interrupting_one_ends_everything_else(reload: bool) -> None:
    driver = Driver(assembled(guarded(Trigger.SIGNAL, signal="withdraw")), reload=reload)
    tid = driver.waits("es")[0]
    driver.fire(tid)
    assert driver.open_tasks() == ["h"]
    assert [e.element for e in driver.of(ev.ElementCancelled)] == ["a"]
    with pytest.raises(EngineError, match="is not waiting"):
        driver.fire(tid)
    driver.complete("h")
    assert (driver.instance.status, driver.instance.end) == ("completed", "ee")
    assert driver.path == ["s", "es", "h", "ee"]


def test_two_interrupting_ones_cannot_both_start() -> None:
    other = [
        node("esp2", Kind.EVENT_SUBPROCESS), node("es2", Kind.START, Trigger.SIGNAL, signal="merge", parent="esp2"),
        user("h2", parent="esp2"), node("ee2", Kind.END, parent="esp2"),
    ]  # fmt: skip
    first = guarded(Trigger.SIGNAL, *other, signal="withdraw")
    both = page("p", first.nodes.values(), [*FLOWS, "es2 h2", "h2 ee2"])
    driver = Driver(assembled(both))
    late = driver.waits("es2")[0]
    driver.complete("es")
    assert not driver.instance.is_waiting(late)
    assert ev.WaitEnded(late, "cancelled") in driver.events


def test_instances_of_one_assembly_do_not_touch_each_other() -> None:
    assembly = assembled(guarded(Trigger.SIGNAL, signal="withdraw"))
    shape = {
        name: {n: list(spec._outputs) for n, spec in each.task_specs.items()} for name, each in assembly.specs.items()
    }
    first, second = Driver(assembly, name="i"), Driver(assembly, name="k")
    first.complete("es")
    third = Driver(assembly, name="m")
    assert second.open_tasks() == third.open_tasks() == ["a"]
    assert (len(second.waits("es")), len(third.waits("es"))) == (1, 1)
    now = {
        name: {n: list(spec._outputs) for n, spec in each.task_specs.items()} for name, each in assembly.specs.items()
    }
    assert now == shape


@pytest.mark.parametrize("reload", [False, True])
def test_a_non_interrupting_one_starts_as_often_as_it_is_triggered(reload: bool) -> None:
    driver = Driver(assembled(guarded(Trigger.MESSAGE, message="news", interrupting=False)), reload=reload)
    driver.complete("es", number=1)
    driver.complete("es", number=2)
    assert driver.open_tasks() == ["a", "h", "h"]
    driver.complete("a")
    driver.complete("b", done=True)
    assert driver.instance.status == "active"  # the scope ends with its last token
    driver.complete("h", aside=1)
    driver.complete("h", aside=2)
    assert (driver.instance.status, driver.instance.end) == ("completed", "e")
    assert driver.result == {"done": True}  # of the main flow, not of what ran beside it


@pytest.mark.parametrize("reload", [False, True])
@pytest.mark.parametrize(
    ("edge", "expected"), [("rising", [0, 1, 1, 1, 2]), ("each", [0, 1, 2, 2, 3]), ("once", [0, 1, 1, 1, 1])]
)
def test_a_conditional_one_fires_on_its_edge(edge: str, expected: list[int], *, reload: bool) -> None:
    condition = guarded(Trigger.CONDITIONAL, condition='fact("level")', edge=edge, interrupting=False)
    driver = Driver(assembled(condition), facts={"level": 0}, reload=reload)
    seen = [driver.path.count("es")]
    for level in (1, 2, 0, 3):
        driver.proceed(level=level)
        seen.append(driver.path.count("es"))
    assert seen == expected


def test_a_conditional_interrupting_one_fires_once() -> None:
    driver = Driver(assembled(guarded(Trigger.CONDITIONAL, condition='fact("all_clear")')), facts={"all_clear": False})
    driver.proceed(all_clear=True)
    driver.proceed(all_clear=False)
    driver.proceed(all_clear=True)
    assert driver.path.count("es") == 1
    assert driver.open_tasks() == ["h"]


@pytest.mark.parametrize("reload", [False, True])
def test_a_counted_cycle_start_fires_that_often_in_phase(reload: bool) -> None:
    cycle = guarded(Trigger.CYCLE, timer="R3/PT10M", interrupting=False)
    driver = Driver(assembled(cycle), reload=reload)
    driver.pass_time(timedelta(minutes=15))
    assert driver.path.count("es") == 1
    assert list(driver.dues().values()) == [START + timedelta(minutes=20)]
    driver.pass_time(timedelta(days=1))
    assert driver.path.count("es") == 3
    assert driver.dues() == {}


def test_a_date_start_follows_its_deadline() -> None:
    driver = Driver(assembled(guarded(Trigger.DATE, timer='=deadline("T02")')))
    assert driver.dues() == {}
    driver.deadlines[("T02", "")] = START + timedelta(hours=2)
    driver.proceed()
    assert list(driver.dues().values()) == [START + timedelta(hours=2)]
    driver.deadlines[("T02", "")] = START + timedelta(hours=3)
    driver.proceed()
    driver.pass_time(timedelta(hours=2, minutes=30))
    assert driver.open_tasks() == ["a"]
    driver.pass_time(timedelta(hours=1))
    assert driver.open_tasks() == ["h"]


def test_ending_from_outside_disarms_everything() -> None:
    driver = Driver(assembled(guarded(Trigger.SIGNAL, signal="withdraw", interrupting=False)))
    driver.settle(runner.cancel(driver.instance, driver.context()))
    assert driver.instance.status == "cancelled"
    assert driver.waits() == []
