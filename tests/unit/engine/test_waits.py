"""Timers, conditions and boundary events on the incident's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from SpiffWorkflow.util.task import TaskState

from service.domain import events as ev
from service.engine.model import Kind, Node, Process, Trigger
from service.engine.timers import check_timer
from tests.unit.engine import bare
from tests.unit.engine.building import START, Driver, assembled, node, page, user

HOUR = timedelta(hours=1)


def hosted(event: Node, *, host: Kind = Kind.USER) -> Process:
    """A task with a boundary event that leads to the task h."""
    nodes = [node("s", Kind.START), node("a", host), event, user("h"), node("e", Kind.END), node("e2", Kind.END)]
    return page("p", nodes, ["s a", "a e", "c h", "h e2"])


def boundary(trigger: Trigger, *, interrupting: bool = False, **values: str) -> Node:
    return node("c", Kind.BOUNDARY, trigger, attached_to="a", interrupting=interrupting, **values)


def catching(trigger: Trigger, timer: str) -> Process:
    return page("p", [node("s", Kind.START), node("t", Kind.CATCH, trigger, timer=timer), node("e", Kind.END)],
                ["s t", "t e"])  # fmt: skip


# --- trap 6 ---------------------------------------------------------------------------------------

RACE = ["s g", "g t1", "g t2", "t1 u1", "t2 u2", "u1 e", "u2 e"]


def test_bare_timers_behind_one_gateway_share_a_due_time() -> None:
    event = '<intermediateCatchEvent id="t{0}"><timerEventDefinition><timeDuration>"PT{0}H"</timeDuration>'
    events = "".join(event.format(hours) + "</timerEventDefinition></intermediateCatchEvent>" for hours in (1, 2))
    nodes = f'<startEvent id="s"/><eventBasedGateway id="g"/>{events}<userTask id="u1"/><userTask id="u2"/>'
    workflow = bare.run(bare.process(f'{nodes}<endEvent id="e"/>', RACE))
    gateway = workflow.get_next_task(spec_name="g")
    assert isinstance(gateway.internal_data["event_value"], str)  # one for both


def race() -> Process:
    timers = [node(f"t{n}", Kind.CATCH, Trigger.DURATION, timer=f"PT{n}H") for n in (1, 2)]
    ends = [user("u1"), user("u2"), node("e", Kind.END)]
    return page("p", [node("s", Kind.START), node("g", Kind.EVENT_GATEWAY), *timers, *ends], RACE)


def test_each_timer_behind_a_gateway_has_its_own_due_time() -> None:
    driver = Driver(assembled(race()), reload=True)
    assert sorted(driver.dues().values()) == [START + HOUR, START + 2 * HOUR]
    driver.pass_time(3 * HOUR)
    assert driver.open_tasks() == ["u1"]
    assert driver.path == ["s", "g", "t1"]
    assert [e.reason for e in driver.of(ev.WaitEnded)] == ["fired", "cancelled"]


# --- traps 7 and 8 --------------------------------------------------------------------------------


def test_bare_timer_knows_only_the_machines_clock() -> None:
    assert bare.ready(bare.run(bare.timer("timeDate", '"2001-01-01T00:00:00+00:00"'))) == ["u"]


@pytest.mark.parametrize(
    ("trigger", "timer", "due"),
    [
        (Trigger.DATE, "2001-01-01T08:00:00+08:00", datetime(2001, 1, 1, tzinfo=UTC)),
        (Trigger.DATE, "=now() + duration(2, 'hours')", datetime(2000, 1, 1, 2, tzinfo=UTC)),
        (Trigger.DURATION, "P1D", datetime(2000, 1, 2, tzinfo=UTC)),
    ],
)
def test_timers_run_on_the_clock_they_are_given(trigger: Trigger, timer: str, due: datetime) -> None:
    driver = Driver(assembled(catching(trigger, timer)), now=datetime(2000, 1, 1, tzinfo=UTC), reload=True)
    assert list(driver.dues().values()) == [due]
    driver.pass_time(timedelta(minutes=30))
    driver.proceed()  # looking again does not move it
    assert list(driver.dues().values()) == [due]
    driver.pass_time(due - driver.now - timedelta(seconds=1))
    assert driver.instance.status == "active"
    driver.pass_time(timedelta(seconds=1))
    assert driver.instance.status == "completed"


def test_bare_overdue_cycle_fires_all_its_turns_at_once() -> None:
    cycle = '<timerEventDefinition><timeCycle>"R3/2001-01-01T00:00:00+00:00/PT1H"</timeCycle></timerEventDefinition>'
    nodes = (
        '<startEvent id="s"/><userTask id="a"/><boundaryEvent id="c" attachedToRef="a" cancelActivity="false">'
        f'{cycle}</boundaryEvent><userTask id="h"/><endEvent id="e"/><endEvent id="e2"/>'
    )
    workflow = bare.run(bare.process(nodes, ["s a", "a e", "c h", "h e2"]))
    assert bare.ready(workflow) == ["a", "h", "h", "h"]


def test_an_overdue_cycle_fires_once_and_keeps_its_phase() -> None:
    driver = Driver(assembled(hosted(boundary(Trigger.CYCLE, timer="R/PT1H"))))
    driver.now, driver.horizon = START + HOUR, START + 5 * HOUR + timedelta(minutes=30)
    driver.complete("c")
    assert driver.path.count("c") == 1
    assert list(driver.dues().values()) == [START + 6 * HOUR]


@pytest.mark.parametrize("reload", [False, True])
def test_a_counted_cycle_fires_that_often(reload: bool) -> None:
    driver = Driver(assembled(hosted(boundary(Trigger.CYCLE, timer="R3/PT1H"))), reload=reload)
    driver.pass_time(timedelta(hours=2, minutes=30))
    assert driver.open_tasks() == ["a", "h", "h"]
    driver.pass_time(timedelta(days=1))
    assert driver.open_tasks() == ["a", "h", "h", "h"]


def test_a_daily_cycle_rings_at_its_local_time() -> None:
    driver = Driver(assembled(hosted(boundary(Trigger.CYCLE, timer="=daily('17:00')"))))
    assert list(driver.dues().values()) == [datetime(2026, 3, 2, 9, 0, tzinfo=UTC)]
    driver.pass_time(timedelta(days=3))
    assert driver.path.count("c") == 3


def test_bare_negative_duration_counts_forward() -> None:
    workflow = bare.run(bare.timer("timeDuration", '"-PT5M"'))
    assert workflow.get_next_task(spec_name="t").state == TaskState.WAITING


@pytest.mark.parametrize(
    ("kind", "text"),
    [("duration", "-PT5M"), ("date", "2026-01-01T08:00:00"), ("cycle", "R0/PT1H"), ("duration", '"PT5M"')],
)
def test_unclear_timers_are_refused_before_they_run(kind: str, text: str) -> None:
    assert check_timer(kind, text)


# --- boundary events ------------------------------------------------------------------------------


@pytest.mark.parametrize("reload", [False, True])
def test_an_interrupting_timer_takes_the_task_away(reload: bool) -> None:
    driver = Driver(assembled(hosted(boundary(Trigger.DURATION, interrupting=True, timer="PT1H"))), reload=reload)
    task = driver.waits("a")[0]
    driver.pass_time(HOUR)
    assert driver.open_tasks() == ["h"]
    assert [e.visit for e in driver.of(ev.ElementCancelled)] == [task]


@pytest.mark.parametrize("reload", [False, True])
def test_a_task_done_in_time_takes_its_timer_away(reload: bool) -> None:
    driver = Driver(assembled(hosted(boundary(Trigger.DURATION, interrupting=True, timer="PT1H"))), reload=reload)
    driver.complete("a")
    assert driver.instance.status == "completed"
    assert [e.reason for e in driver.of(ev.WaitEnded)] == ["cancelled"]


def test_a_page_is_taken_away_with_all_that_waits_in_it() -> None:
    event = boundary(Trigger.SIGNAL, interrupting=True, signal="stop")
    inner = page("q", [node("qs", Kind.START), user("v"), node("qe", Kind.END)], ["qs v", "v qe"])
    nodes = [node("s", Kind.START), node("a", Kind.INLINE, called="q"), event, user("h"), node("e", Kind.END)]
    driver = Driver(assembled(page("p", nodes, ["s a", "a e", "c h", "h e"]), inner), reload=True)
    assert driver.open_tasks() == ["v"]
    driver.complete("c")
    assert driver.open_tasks() == ["h"]
    assert sorted(e.element for e in driver.of(ev.ElementCancelled)) == ["a", "v"]


def test_many_firings_leave_nothing_behind() -> None:
    quiet = page("p", [node("s", Kind.START), user("a"), boundary(Trigger.CYCLE, timer="R/PT1M"),
                       node("e", Kind.END), node("e2", Kind.END)], ["s a", "a e", "c e2"])  # fmt: skip
    driver = Driver(assembled(quiet))
    driver.pass_time(HOUR)
    assert driver.path.count("e2") == 60
    assert len(list(driver.instance.tasks())) < 20


# --- trap 14 --------------------------------------------------------------------------------------


def test_bare_conditional_boundary_sees_only_the_data_of_its_start() -> None:
    condition = "<conditionalEventDefinition><condition>positive</condition></conditionalEventDefinition>"
    nodes = (
        '<startEvent id="s"/><scriptTask id="z"><script>positive = False</script></scriptTask><parallelGateway id="f"/>'
        f'<userTask id="a"/><userTask id="b"/><boundaryEvent id="c" attachedToRef="a">{condition}</boundaryEvent>'
        '<userTask id="h"/><endEvent id="e"/><endEvent id="e2"/>'
    )
    workflow = bare.run(bare.process(nodes, ["s z", "z f", "f a", "f b", "a e", "b e", "c h", "h e2"]))
    bare.complete(workflow, "b", positive=True)
    workflow.refresh_timers()
    assert bare.ready(workflow) == ["a"]


@pytest.mark.parametrize("reload", [False, True])
def test_a_conditional_boundary_event_sees_facts_that_come_later(reload: bool) -> None:
    event = boundary(Trigger.CONDITIONAL, interrupting=True, condition='fact("positive")')
    driver = Driver(assembled(hosted(event)), facts={"positive": False}, reload=reload)
    assert driver.open_tasks() == ["a"]
    driver.proceed(positive=True)
    assert driver.open_tasks() == ["h"]


@pytest.mark.parametrize("reload", [False, True])
def test_a_non_interrupting_condition_fires_on_every_rise(reload: bool) -> None:
    event = boundary(Trigger.CONDITIONAL, condition='fact("n") > 2')
    driver = Driver(assembled(hosted(event)), facts={"n": 0}, reload=reload)
    for n in (3, 4, 1, 5):
        driver.proceed(n=n)
    assert driver.path.count("c") == 2


def test_a_date_timer_waits_for_its_deadline_and_follows_it() -> None:
    driver = Driver(assembled(hosted(boundary(Trigger.DATE, interrupting=True, timer='=deadline("T02")'))), reload=True)
    assert driver.dues() == {}
    driver.deadlines[("T02", "")] = START + 2 * HOUR
    driver.proceed()
    assert list(driver.dues().values()) == [START + 2 * HOUR]
    del driver.deadlines[("T02", "")]
    driver.proceed()
    assert driver.dues() == {}


def test_a_send_task_with_a_call_waits_and_an_automatic_one_does_not() -> None:
    nodes = [
        node("s", Kind.START), node("s1", Kind.SEND), node("s2", Kind.SEND, channel="phone", role="clinic"),
        node("s3", Kind.SEND, channel="='auto' if far else 'phone'"), node("e", Kind.END),
    ]  # fmt: skip
    driver = Driver(assembled(page("p", nodes, ["s s1", "s1 s2", "s2 s3", "s3 e"])), inputs={"far": True})
    assert driver.open_tasks() == ["s2"]
    driver.complete("s2")
    assert driver.path == ["s", "s1", "s2", "s3", "e"]
