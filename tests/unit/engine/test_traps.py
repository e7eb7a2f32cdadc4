"""The library's traps around joins, loops, starts and data, each bare and as our engine runs it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.util.task import TaskState

from service.domain import events as ev
from service.engine import effects as fx
from service.engine import runner, state
from service.engine.instance import EngineError
from service.engine.model import Kind, Process, Trigger
from tests.unit.engine import bare
from tests.unit.engine.building import Driver, assembled, node, page, stored, user

FORK = [node("s", Kind.START), node("f", Kind.AND), node("j", Kind.AND), user("u"), node("e", Kind.END)]
FORK_FLOWS = ["s f", "f a", "f b", "a j", "b j", "j u", "u e"]
BARE_FORK = (
    '<startEvent id="s"/><parallelGateway id="f"/>%s<parallelGateway id="j"/><userTask id="u"/><endEvent id="e"/>'
)


def fork() -> Process:
    return page("p", [*FORK, user("a"), user("b")], FORK_FLOWS)


# --- trap 1: joins --------------------------------------------------------------------------------


def test_bare_join_merges_lists_by_position_and_loses_people() -> None:
    scripts = (
        '<scriptTask id="a"><script>ids = ["index", "c1", "c2", "c3"]</script></scriptTask>'
        '<scriptTask id="b"><script>ids = ["index", "d1"]</script></scriptTask>'
    )
    workflow = bare.run(bare.process(BARE_FORK % scripts, FORK_FLOWS))
    merged = workflow.get_next_task(spec_name="u").data["ids"]
    assert not {"c1", "c2", "c3"} <= set(merged)


def test_a_join_keeps_every_id_of_both_branches() -> None:
    driver = Driver(assembled(fork()))
    driver.complete("a", cases=["index", "c1", "c2", "c3"])
    driver.complete("b", contacts=["index", "d1"])
    driver.complete("u")
    assert driver.result == {"cases": ["index", "c1", "c2", "c3"], "contacts": ["index", "d1"]}


def test_a_list_that_both_branches_set_is_one_of_them_whole() -> None:
    driver = Driver(assembled(fork()))
    driver.complete("b", ids=["index", "d1"])
    driver.complete("a", ids=["index", "c1", "c2", "c3"])
    driver.complete("u")
    assert driver.result == {"ids": ["index", "c1", "c2", "c3"]}


def test_bare_join_brings_back_the_old_value_of_a_branch_that_changed_nothing() -> None:
    tasks = '<userTask id="a"/><userTask id="b"/>'
    workflow = bare.run(bare.process(BARE_FORK.replace("<parallelGateway", "%s<parallelGateway", 1) % (
        '<scriptTask id="z"><script>who = "old"</script></scriptTask>', tasks
    ), ["s z", "z f", *FORK_FLOWS[1:]]))  # fmt: skip
    bare.complete(workflow, "a", who="new")
    bare.complete(workflow, "b")
    assert workflow.get_next_task(spec_name="u").data["who"] == "old"


def test_a_branch_that_changed_nothing_changes_nothing_at_the_join() -> None:
    driver = Driver(assembled(fork()), inputs={"who": "old", "F01": {"place": "p1"}})
    driver.complete("a", who="new", F01={"found_at": "08:00"})
    driver.complete("b", F01={"kind": "self"})
    driver.complete("u")
    assert driver.result == {"who": "new", "F01": {"place": "p1", "found_at": "08:00", "kind": "self"}}


LOOP_FLOWS = ["s m", "m f", "f a", "f b", "a j", "b j", "j x", "x m = again", "x e"]


def test_bare_join_in_a_loop_fires_with_one_branch_missing() -> None:
    nodes = (
        '<startEvent id="s"/><exclusiveGateway id="m"/><parallelGateway id="f"/><userTask id="a"/><userTask id="b"/>'
        '<parallelGateway id="j"/><exclusiveGateway id="x" default="x-e"/><endEvent id="e"/>'
    )
    workflow = bare.run(bare.process(nodes, LOOP_FLOWS))
    bare.complete(workflow, "a", again=True)
    bare.complete(workflow, "b", again=True)
    bare.complete(workflow, "b", again=True)
    assert bare.ready(workflow) == ["a", "a", "b"]  # the next turn began although `a` was never done


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_a_join_in_a_loop_waits_for_both_branches_in_every_turn(order: list[str]) -> None:
    nodes = [
        node("s", Kind.START), node("m", Kind.XOR), node("f", Kind.AND), user("a"), user("b"), node("j", Kind.AND),
        node("x", Kind.XOR, default_flow="x-e"), node("e", Kind.END),
    ]  # fmt: skip
    driver = Driver(assembled(page("p", nodes, LOOP_FLOWS)))
    for turn in range(4):
        first, second = order if turn % 2 else order[::-1]
        driver.complete(first, again=turn < 3)
        assert driver.open_tasks() == [second]
        driver.complete(second, again=turn < 3)
    assert driver.path.count("j") == 4
    assert driver.instance.status == "completed"


# --- an earlier visit keeps its branches ----------------------------------------------------------

AGAIN_FLOWS = ["s a", "a e", "c f", "f x", "f y", "x j", "y j", "j e2"]


def test_bare_fork_forgets_the_branches_of_an_earlier_visit() -> None:
    nodes = (
        '<startEvent id="s"/><userTask id="a"/><boundaryEvent id="c" attachedToRef="a" cancelActivity="false">'
        '<signalEventDefinition signalRef="sig"/></boundaryEvent><parallelGateway id="f"/><userTask id="x"/>'
        '<userTask id="y"/><parallelGateway id="j"/><endEvent id="e"/><endEvent id="e2"/>'
    )
    workflow = bare.run(bare.process(nodes, AGAIN_FLOWS))
    bare.ping(workflow)
    bare.ping(workflow)
    assert bare.ready(workflow) == ["a", "x", "y"]  # two visits should have left x, y, x, y


def non_interrupting() -> Process:
    event = node("c", Kind.BOUNDARY, Trigger.SIGNAL, signal="ping", attached_to="a", interrupting=False)
    gateways = [node("f", Kind.AND), node("j", Kind.AND), node("e", Kind.END), node("e2", Kind.END)]
    return page("p", [node("s", Kind.START), user("a"), event, user("x"), user("y"), *gateways], AGAIN_FLOWS)


def test_a_non_interrupting_event_fires_twice_and_both_branches_live() -> None:
    driver = Driver(assembled(non_interrupting()))
    driver.complete("c")
    driver.complete("c")
    assert sorted(driver.open_tasks()) == ["a", "x", "x", "y", "y"]


def test_the_join_pairs_the_tokens_of_two_visits() -> None:
    driver = Driver(assembled(non_interrupting()))
    driver.complete("c")
    driver.complete("x")
    driver.complete("y")
    driver.complete("c")
    driver.complete("x")
    assert driver.path.count("j") == 1
    driver.complete("y")
    assert driver.path.count("j") == 2
    driver.complete("a")
    assert driver.instance.status == "completed"


# --- trap 3: depth --------------------------------------------------------------------------------

TURN_FLOWS = ["s m", "m a", "a x", "x m = n < 2000", "x e"]


def test_bare_loop_dies_without_a_word_after_333_turns() -> None:
    nodes = '<startEvent id="s"/><exclusiveGateway id="m"/><userTask id="a"/><exclusiveGateway id="x" default="x-e"/>'
    flows = [flow.replace("<", "&lt;") for flow in TURN_FLOWS]
    workflow = bare.run(bare.process(f'{nodes}<endEvent id="e"/>', flows))
    turns = 0
    while bare.ready(workflow):
        turns += 1
        bare.complete(workflow, "a", n=turns)
    assert turns == 333
    assert not workflow.completed


def test_a_loop_of_2000_turns_completes_and_its_state_does_not_grow() -> None:
    nodes = [node("s", Kind.START), node("m", Kind.XOR), user("a"), node("x", Kind.XOR, default_flow="x-e")]
    event = node("c", Kind.BOUNDARY, Trigger.DURATION, timer="PT1H", attached_to="a")
    loop = page("p", [*nodes, event, node("e", Kind.END), node("late", Kind.END)], [*TURN_FLOWS, "c late"])
    driver = Driver(assembled(loop))
    sizes = []
    for turn in range(1, 2001):
        driver.complete("a", n=turn)
        sizes.append(len(state.dump(driver.instance)))
    assert driver.instance.status == "completed"
    assert driver.path.count("a") == 2000
    assert max(sizes) < min(sizes[:10]) + 100


def test_a_straight_chain_of_3000_nodes_runs_in_one_step() -> None:
    chain = [f"n{number}" for number in range(3000)]
    nodes = [
        node("s", Kind.START),
        *(node(each, Kind.SCRIPT, script="n = n + 1") for each in chain),
        node("e", Kind.END),
    ]
    flows = [f"{one} {other}" for one, other in zip(["s", *chain], [*chain, "e"], strict=True)]
    driver = Driver(assembled(page("p", nodes, flows)), inputs={"n": 0})
    assert driver.instance.status == "completed"
    assert driver.result == {"n": 3000}


def test_an_instance_that_cannot_go_on_is_an_error_not_silence() -> None:
    nodes = [node("s", Kind.START), node("x", Kind.XOR, default_flow="x-j"), node("j", Kind.AND), node("e", Kind.END)]
    broken = page("p", [*nodes, user("a")], ["s x", "x a = False", "x j", "a j", "j e"])
    with pytest.raises(EngineError, match="a token waits") as error:
        Driver(assembled(broken))
    assert error.value.element == "j"


# --- traps 9, 12, 13 ------------------------------------------------------------------------------


def test_bare_conditions_are_python_with_everything() -> None:
    nodes = '<startEvent id="s"/><exclusiveGateway id="x" default="x-b"/><userTask id="a"/><userTask id="b"/>'
    flows = ["s x", "x a = __import__('os').getpid() > 0", "x b", "a e", "b e"]
    assert bare.ready(bare.run(bare.process(f'{nodes}<endEvent id="e"/>', flows))) == ["a"]


def choice(condition: str) -> Process:
    nodes = [node("s", Kind.START), node("x", Kind.XOR, default_flow="x-b"), user("a"), user("b"), node("e", Kind.END)]
    return page("p", nodes, ["s x", f"x a = {condition}", "x b", "a e", "b e"])


def test_conditions_are_not_python() -> None:
    with pytest.raises(EngineError):
        Driver(assembled(choice("__import__('os').getpid() > 0")))


def test_nothing_of_the_library_evaluates_also_after_loading() -> None:
    driver = Driver(assembled(choice("n > 1")), inputs={"n": 2})
    assert driver.open_tasks() == ["a"]
    for instance in (driver.instance, stored(driver.instance)):
        engine = instance.runs[""].workflow.script_engine
        assert type(engine) is not PythonScriptEngine
        for name in ("evaluate", "execute"):
            with pytest.raises(PermissionError):
                getattr(engine.environment, name)("1 + 1", {})


def test_bare_message_matches_by_name_and_an_early_one_raises() -> None:
    event = '<messageEventDefinition messageRef="msg"/>'
    nodes = f'<startEvent id="s"/><userTask id="w"/><intermediateCatchEvent id="t">{event}</intermediateCatchEvent>'
    workflow = bare.run(bare.process(f'{nodes}<endEvent id="e"/>', ["s w", "w t", "t e"]))
    message = bare.BpmnEvent(bare.MessageEventDefinition("ping"), payload={"person": "somebody else", "all": "data"})
    with pytest.raises(WorkflowException, match="not waiting"):
        workflow.send_event(message)
    bare.complete(workflow, "w", person="c1")
    workflow.send_event(message)
    workflow.do_engine_steps()
    assert workflow.completed


def test_a_message_reaches_the_wait_with_its_id_and_no_other() -> None:
    catches = [node(each, Kind.CATCH, Trigger.MESSAGE, message="result") for each in ("a", "b")]
    driver = Driver(assembled(page("p", [*FORK, *catches], FORK_FLOWS)))
    first, second = driver.waits("a")[0], driver.waits("b")[0]
    driver.fire(second, {"result": "positive"})
    assert driver.waits() == [first]
    with pytest.raises(EngineError, match="is not waiting"):
        driver.fire(second)
    with pytest.raises(EngineError, match="is not waiting"):
        driver.fire("i-99")


def test_bare_workflow_is_silent_after_an_error() -> None:
    nodes = '<startEvent id="s"/><userTask id="u"/><scriptTask id="a"><script>x = missing</script></scriptTask>'
    workflow = bare.run(bare.process(f'{nodes}<endEvent id="e"/>', ["s u", "u a", "a e"]))
    with pytest.raises(WorkflowTaskException):
        bare.complete(workflow, "u")
    workflow.do_engine_steps()
    unfinished = TaskState.READY | TaskState.WAITING | TaskState.STARTED
    assert not workflow.completed
    assert workflow.get_tasks(state=unfinished) == []


def test_an_error_leaves_the_stored_state_to_go_on_from() -> None:
    script = node("a", Kind.SCRIPT, script="x = missing + 1")
    driver = Driver(assembled(page("p", [node("s", Kind.START), user("u"), script, node("e", Kind.END)],
                                   ["s u", "u a", "a e"])))  # fmt: skip
    text, tid = state.dump(driver.instance), driver.waits("u")[0]
    with pytest.raises(EngineError):
        driver.fire(tid)
    driver.instance = state.load(driver.assembly, "i", text)
    driver.fire(tid, {"missing": 1})
    assert driver.instance.status == "completed"
    assert driver.result == {"missing": 1, "x": 2}


# --- traps 21, 23, 24, 25 -------------------------------------------------------------------------


def test_bare_nested_task_gets_the_outer_lane() -> None:
    lanes = '<laneSet id="ls"><lane id="l1" name="outer"><flowNodeRef>sp</flowNodeRef></lane></laneSet>'
    inner = '<laneSet id="ls2"><lane id="l2" name="doctor"><flowNodeRef>u</flowNodeRef></lane></laneSet>'
    nested = bare.process('<startEvent id="s2"/><userTask id="u"/><endEvent id="e2"/>', ["s2 u", "u e2"], inner)
    body = nested[nested.index("<laneSet") : nested.index("</process>")]
    nodes = f'<startEvent id="s"/><subProcess id="sp">{body}</subProcess><endEvent id="e"/>'
    workflow = bare.run(bare.process(nodes, ["s sp", "sp e"], lanes))
    assert workflow.get_next_task(spec_name="u").task_spec.lane == "outer"


def test_a_task_on_a_page_and_in_an_event_subprocess_has_its_own_role() -> None:
    inner = page("q", [node("qs", Kind.START), user("u", role="doctor"), node("qe", Kind.END)], ["qs u", "u qe"])
    outer = page(
        "p",
        [
            node("s", Kind.START), node("call", Kind.INLINE, called="q", role="principal"), node("e", Kind.END),
            node("esp", Kind.EVENT_SUBPROCESS), user("v", role="nurse", parent="esp"),
            node("es", Kind.START, Trigger.CONDITIONAL, condition='fact("alarm")', interrupting=False, parent="esp"),
            node("ee", Kind.END, parent="esp"),
        ],
        ["s call", "call e", "es v", "v ee"],
    )  # fmt: skip
    driver = Driver(assembled(outer, inner), facts={"alarm": True})
    assert [(e.element, e.role, e.process) for e in driver.of(ev.TaskOpened)] == [
        ("u", "doctor", "q"),
        ("v", "nurse", "p"),
    ]


def test_a_finished_page_leaves_the_state() -> None:
    inner = page("q", [node("qs", Kind.START), user("u"), node("qe", Kind.END)], ["qs u", "u qe"])
    outer_nodes = [node("s", Kind.START), node("m", Kind.XOR), node("call", Kind.INLINE, called="q")]
    outer = page("p", [*outer_nodes, node("x", Kind.XOR, default_flow="x-e"), node("e", Kind.END)],
                 ["s m", "m call", "call x", "x m = n < 20", "x e"])  # fmt: skip
    driver = Driver(assembled(outer, inner), reload=True)
    sizes = []
    for turn in range(1, 21):
        driver.complete("u", n=turn)
        sizes.append(len(state.dump(driver.instance)))
    assert driver.instance.status == "completed"
    assert max(sizes) < sizes[0] + 100


def test_bare_task_ids_are_random() -> None:
    xml = bare.process('<startEvent id="s"/><userTask id="u"/><endEvent id="e"/>', ["s u", "u e"])
    first, second = (bare.run(xml).get_next_task(spec_name="u").id for _ in range(2))
    assert isinstance(first, UUID)
    assert first != second


def test_ids_and_events_are_the_same_every_time() -> None:
    def run() -> list[ev.Event]:
        driver = Driver(assembled(non_interrupting()))
        for element in ("c", "x", "c", "y", "a", "x", "y"):
            driver.complete(element)
        return driver.events

    once = run()
    assert once == run()
    assert once[-1] == ev.ElementCompleted(once[-1].data()["visit"], "p", "e2", ["j-e2"])
    assert {e.visit.rpartition("-")[0] for e in once if isinstance(e, ev.ElementEntered)} == {"i"}


def test_bare_several_starts_all_complete_and_one_path_goes_on() -> None:
    nodes = '<startEvent id="s1"/><startEvent id="s2"/><userTask id="a"/><userTask id="b"/><endEvent id="e"/>'
    workflow = bare.run(bare.process(nodes, ["s1 a", "s2 b", "a e", "b e"]))
    done = {task.task_spec.name for task in workflow.get_tasks(state=TaskState.COMPLETED)}
    assert {"s1", "s2"} <= done
    assert bare.ready(workflow) == ["a"]


@pytest.mark.parametrize(("start", "task"), [("s1", "a"), ("s2", "b")])
def test_only_the_chosen_start_leaves_a_line(start: str, task: str) -> None:
    nodes = [node("s1", Kind.START), node("s2", Kind.START), user("a"), user("b"), node("e", Kind.END)]
    driver = Driver(assembled(page("p", nodes, ["s1 a", "s2 b", "a e", "b e"])), start=start, reload=True)
    assert driver.path == [start]
    assert driver.open_tasks() == [task]
    driver.complete(task)
    assert driver.instance.status == "completed"


def test_an_unknown_start_is_refused() -> None:
    nodes = [node("s1", Kind.START), node("s2", Kind.START), node("e", Kind.END)]
    assembly = assembled(page("p", nodes, ["s1 e", "s2 e"]))
    for start in ("", "s3"):
        with pytest.raises(EngineError):
            runner.start(assembly, "i", "p", start_event=start, inputs={})


def test_results_of_expressions_are_stored_as_json() -> None:
    script = "total = 0.1 + 0.2\nmore = 2 + 1\nat = now() + duration(2, 'hours')\nlength = duration(90, 'minutes')"
    nodes = [node("s", Kind.START), node("a", Kind.SCRIPT, script=script), user("u"), node("e", Kind.END)]
    driver = Driver(assembled(page("p", nodes, ["s a", "a u", "u e"])), reload=True)
    driver.complete("u")
    at = datetime(2026, 3, 2, 2, 0, tzinfo=UTC).isoformat()
    assert driver.result == {"total": 0.3, "more": 3, "at": at, "length": "PT1H30M"}


def test_a_call_waits_for_its_child_and_takes_only_declared_outputs() -> None:
    call = node("call", Kind.CALL, called="q", inputs={"who": "=person"}, outputs=("number",))
    nodes = [node("s", Kind.START), call, node("e", Kind.END)]
    driver = Driver(assembled(page("p", nodes, ["s call", "call e"])), inputs={"person": "c1"}, reload=True)
    wanted = driver.effect(fx.ChildWanted)[0]
    assert (wanted.process, wanted.inputs) == ("q", {"who": "c1"})
    result = {"number": 7, "secret": "x"}
    driver.settle(runner.child_ended(driver.instance, driver.context(), wanted.visit, item="", result=result, error=""))
    assert driver.result == {"person": "c1", "number": 7}
