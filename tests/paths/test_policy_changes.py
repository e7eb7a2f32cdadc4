"""A guideline changes while an incident runs: chosen incidents take the new value over, at once and on record."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.application import policy_application
from service.application.policy_application import Applied, ChangePolicy
from service.application.rehearsal import rehearse
from service.domain.calendar import CalendarDuration
from service.domain.errors import IncidentClosed, NotAllowed, PolicyRefused, ValueRefused
from service.domain.policies import PolicyCatalogue, PolicyEntry, parse_value
from service.persistence import queue
from service.persistence import tables as t
from service.persistence.unit_of_work import UnitOfWork
from tests.paths import observing, school, tracing
from tests.paths.proving import assert_rebuild_is_equal, tables_of_incident
from tests.paths.world import MINUTE, SCHOOL, WORKFLOWS, World, at

COUNTY = "demo-county"


def _reported(w: World) -> str:
    """08:10 reported, 08:14 the ambulance is called and the pupil waits for it; the case's id."""
    w.go("08:10")
    w.open("teacher", school.quick())
    school.detection(w)
    w.go("08:13")
    w.do("coordinator", "t_office_accept")
    w.go("08:14")
    school.call_120(w)
    w.do("nurse", "t_isolation_room")
    return str(next(person["id"] for person in w.rows(t.Person) if person["kind"] == "case"))


def _due(w: World, rule: str, subject: str = "") -> str:
    return w.local(w.deadline(rule, subject)["due_at"])


def _wait(w: World, element: str) -> str:
    return w.local(w.rows(t.Wait, element=element)[0]["due_at"])


def _rungs(w: World, deadline: str) -> dict[str, str]:
    with w.app.read() as connection:
        rows = queue.open_rows(connection, w.incident)
    return {row.ref[-1]: w.local(row.due_at) for row in rows if row.kind == "ladder" and row.ref.startswith(deadline)}


def _change(w: World, who: str, command: ChangePolicy) -> object:
    services, account = w.app.services, w.who(who)
    return w.app.run(lambda uow: policy_application.change(uow, services, account, command))


def _preview(w: World, key: str, value: Any) -> Applied:
    command = ChangePolicy(key, SCHOOL, value, "指引调整", (w.incident,))
    services, admin = w.app.services, w.who("admin")
    changed = rehearse(w.app.writer, lambda uow: policy_application.change(uow, services, admin, command))
    return changed.applied[0]


def test_a_shorter_wait_for_the_ambulance_moves_deadline_timer_and_task(world: World) -> None:
    w = world
    case = _reported(w)
    assert (_due(w, "X02", case), _wait(w, "e_120_late")) == ("03-02 08:44", "03-02 08:44")

    w.go("08:20")
    w.policy("ambulance_wait", "PT20M", organisation=COUNTY, to=[w.incident])
    assert (_due(w, "X02", case), _wait(w, "e_120_late")) == ("03-02 08:34", "03-02 08:34")
    arrival = w.rows(t.Task, element="r_120_arrived")[0]
    assert w.local(arrival["due_at"]) == "03-02 08:34"
    assert w.row()["policies"]["ambulance_wait"] == "PT20M"
    entry = w.events("policy_applied")[0]
    assert entry["data"] == {"changes": {"ambulance_wait": {"old": "PT30M", "new": "PT20M"}}, "reason": "指引调整"}
    assert entry["actor"] == w.who("admin").account_id

    w.go("08:34")
    assert w.deadline("X02", case)["level"] == 1
    assert "s_recall_120" in w.open_tasks()
    assert_rebuild_is_equal(w)


def test_an_incident_that_is_not_named_keeps_its_snapshot_and_the_next_one_has_the_new_value(world: World) -> None:
    w = world
    case = _reported(w)
    first = w.incident
    w.policy("ambulance_wait", "PT20M")
    assert _due(w, "X02", case) == "03-02 08:44"
    assert w.row()["policies"]["ambulance_wait"] == "PT30M"

    w.open("teacher", school.quick("学生戊"))
    assert w.incident != first
    assert w.row()["policies"]["ambulance_wait"] == "PT20M"


def test_what_the_new_value_makes_overdue_falls_due_now_and_not_before(world: World) -> None:
    w = world
    case = _reported(w)
    w.go("08:30")
    w.policy("ambulance_wait", "PT10M", to=[w.incident])
    late = w.deadline("X02", case)
    assert (w.local(late["due_at"]), late["level"]) == ("03-02 08:30", 1)
    assert "s_recall_120" in w.open_tasks()
    reached = [row for row in w.events("deadline_escalated") if row["data"]["deadline"] == late["id"]]
    assert {w.local(row["at"]) for row in reached} == {"03-02 08:30"}
    assert _rungs(w, late["id"]).keys() == {"2"}  # the superior hears of it only after some more time
    times = [row["at"] for row in w.events()]
    assert times == sorted(times)


def test_levels_reached_stand_when_a_deadline_is_lengthened(world: World) -> None:
    w = world
    _reported(w)
    w.go("10:12")
    written = w.deadline("T02")
    assert (w.local(written["due_at"]), written["level"]) == ("03-02 10:10", 1)

    w.policy("written_report", "PT2H", to=[w.incident])  # what it is already
    assert not w.events("policy_applied")

    w.policy("written_report", "PT1H", to=[w.incident])  # overdue it is anyway
    assert (_due(w, "T02"), w.deadline("T02")["level"]) == ("03-02 10:10", 1)
    w.policy("ladder_superior_pct", 50, to=[w.incident])
    assert _rungs(w, written["id"])["2"] > "03-02 10:12"
    assert w.deadline("T02")["level"] == 1


def test_a_timer_that_reads_the_value_itself_moves_from_where_it_began(world: World) -> None:
    w = world
    _reported(w)
    w.go("08:30")
    school.start_disinfection(w)
    assert _wait(w, "e_contact_time") == "03-02 09:00"
    w.go("08:45")
    w.policy("disinfect_contact", "PT45M", to=[w.incident])
    assert _wait(w, "e_contact_time") == "03-02 09:15"
    w.go("09:05")
    assert "t_clear_residue" not in w.open_tasks()
    told = _preview(w, "disinfect_contact", "PT30M")
    assert [(move.what.element, move.after) for move in told.moves] == [("e_contact_time", None)]
    assert [task.element for task in told.opened] == ["t_clear_residue"]
    w.policy("disinfect_contact", None, to=[w.incident])  # the superior's value again
    assert "t_clear_residue" in w.open_tasks()


@pytest.mark.parametrize(
    ("clock", "value", "today", "tomorrow"),
    [
        ("13:00", "15:00", 1, "03-03 15:00"),  # still to come today
        ("15:30", "15:00", 1, "03-03 15:00"),  # passed already: now, and from tomorrow at the new time
        ("16:30", "18:00", 1, "03-03 18:00"),  # today's turn was taken: not a second time
    ],
)
def test_a_daily_turn_stays_on_its_day(world: World, clock: str, value: str, today: int, tomorrow: str) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    assert _wait(w, "e_progress_time") == "03-02 16:00"
    w.go(clock)
    w.policy("progress_open", value, to=[w.incident])
    w.go("19:00")
    drafts = w.rows(t.Task, element="t_draft_progress")
    assert len(drafts) == today
    assert _wait(w, "e_progress_time") == tomorrow


def test_a_longer_observation_ends_later_and_goes_on_until_then(world: World) -> None:
    w = world
    (pupil,) = observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go("03-05 09:00")
    w.policy("central_days", 21, to=[w.incident])
    last = "03-23 10:30"
    assert (_due(w, "T08", pupil), _wait(w, "e_observation_end")) == (last, last)
    assert {w.local(row["observed_until"]) for row in w.rows(t.Contact)} == {last}
    w.go("03-17 06:00")
    assert w.deadline("T08", pupil)["met_at"] is None
    morning = w.rows(t.Task, element="t_session_record")[-1]
    assert w.local(morning["created_at"]) == "03-17 06:00"


@pytest.mark.parametrize(
    ("clock", "key", "value", "expected"),
    [
        ("16:00", "session_pm_from", "18:00", ["03-02 18:00", "03-03 06:00"]),
        ("17:30", "session_pm_from", "18:00", ["03-02 17:00", "03-03 06:00"]),  # this evening is under way already
        ("17:30", "session_am_from", "07:00", ["03-02 17:00", "03-03 07:00"]),
        ("03-03 06:30", "session_am_from", "07:00", ["03-02 17:00", "03-03 06:00"]),  # no second morning
    ],
)
def test_sessions_begin_at_the_new_time_and_none_comes_twice(
    world: World, clock: str, key: str, value: str, expected: list[str]
) -> None:
    w = world
    observing.observed(w, tracing.NEIGHBOURS[:1])
    w.go(clock)
    w.policy(key, value, to=[w.incident])
    w.go("03-03 12:00")
    assert [w.local(row["created_at"]) for row in w.rows(t.Task, element="t_session_record")] == expected


def test_an_interval_goes_on_with_its_next_turn(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    began = _wait(w, "e_diagnosis_poll")
    w.go("10:00")
    w.policy("diagnosis_poll", "PT1H", to=[w.incident])
    assert "03-02 10:00" < _wait(w, "e_diagnosis_poll") < began


VALUES = [("ambulance_wait", "PT20M"), ("written_report", "PT1H"), ("progress_due", "16:30"), ("cluster_n", 2)]


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_applying_the_same_value_twice_changes_nothing(world: World, key: str, value: object) -> None:
    w = world
    _reported(w)
    w.go("08:20")
    w.policy(key, value, to=[w.incident])

    def everything() -> tuple[object, ...]:
        with w.app.read() as connection:
            return tables_of_incident(connection, w.incident), queue.open_rows(connection, w.incident), w.events()

    before = everything()
    w.policy(key, value, to=[w.incident])
    assert everything() == before


def _values(entry: PolicyEntry) -> st.SearchStrategy[object]:
    """Raw values a policy allows."""
    if entry.range is None:
        return st.sampled_from(entry.allowed)
    low, high = (parse_value(entry, bound) for bound in entry.range)
    if isinstance(low, time) and isinstance(high, time):
        return st.times(low, high).map(lambda clock: clock.replace(second=0, microsecond=0).isoformat("minutes"))
    if isinstance(low, timedelta) and isinstance(high, timedelta):
        return st.integers(-(-low // MINUTE), high // MINUTE).map(lambda minutes: f"PT{minutes}M")
    if isinstance(low, CalendarDuration) or isinstance(high, CalendarDuration):
        return st.just(entry.default)
    if isinstance(low, int) and isinstance(high, int):
        return st.integers(low, high)
    return st.just(entry.default)


CATALOGUE = PolicyCatalogue.load(WORKFLOWS / "policies.yaml")
CHANGES = st.sampled_from(sorted(CATALOGUE)).flatmap(lambda key: st.tuples(st.just(key), _values(CATALOGUE[key])))


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """SC01 at 08:20, the ambulance called: deadlines, timers and cycles wait."""
    w = World(tmp_path_factory.mktemp("data"), at("08:00"))
    _reported(w)
    w.go("08:20")
    yield w
    w.close()


@settings(max_examples=40, deadline=None)
@given(change=CHANGES)
def test_whatever_is_applied_the_second_time_changes_nothing_and_nothing_moves_into_the_past(
    waiting: World, change: tuple[str, object]
) -> None:
    w, (key, value) = waiting, change
    command = ChangePolicy(key, SCHOOL, value, "指引调整", (w.incident,))
    services, admin = w.app.services, w.who("admin")

    def twice(uow: UnitOfWork) -> tuple[Applied, Applied, int]:
        first = policy_application.change(uow, services, admin, command).applied[0]
        seq = uow.lock(w.incident)
        second = policy_application.change(uow, services, admin, command).applied[0]
        return first, second, uow.lock(w.incident) - seq

    try:
        first, second, more = rehearse(w.app.writer, twice)
    except PolicyRefused:
        return  # looser than the superior's
    assert not second.changes
    assert more == 0
    assert all(move.after is None or move.after >= first.now for move in first.moves)
    assert not w.events("policy_applied")  # it was a rehearsal


def test_a_preview_tells_what_happens_and_stores_nothing(world: World) -> None:
    w = world
    case = _reported(w)
    w.go("08:20")
    log = w.events()
    told = _preview(w, "ambulance_wait", "PT20M")
    assert w.events() == log
    assert _due(w, "X02", case) == "03-02 08:44"
    moves = {(move.what.kind, move.what.level): move for move in told.moves}
    assert {("deadline", -1), ("timer", -1), ("level", 0), ("level", 1), ("level", 2)} == set(moves)
    assert w.local(moves["deadline", -1].after) == w.local(moves["timer", -1].after) == "03-02 08:34"

    w.policy("ambulance_wait", "PT20M", to=[w.incident])
    assert _due(w, "X02", case) == "03-02 08:34"


def _refused(error: type[Exception], act: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        act()
    return str(caught.value)


def test_what_is_refused_leaves_everything_as_it_was(world: World) -> None:
    w = world
    case = _reported(w)
    w.policy("ambulance_wait", "PT25M", organisation=COUNTY)
    _refused(PolicyRefused, lambda: w.policy("ambulance_wait", "PT28M", to=[w.incident]))  # looser than the county's
    _refused(PolicyRefused, lambda: w.policy("ambulance_waits", "PT20M", to=[w.incident]))
    assert _due(w, "X02", case) == "03-02 08:44"

    w.policy("ambulance_wait", "PT20M")  # the school is stricter than the county and stays so
    w.policy("ambulance_wait", "PT22M", organisation=COUNTY, to=[w.incident])
    assert _due(w, "X02", case) == "03-02 08:34"

    no_reason = ChangePolicy("ambulance_wait", SCHOOL, "PT15M", " ", (w.incident,))
    _refused(ValueRefused, lambda: _change(w, "admin", no_reason))
    _refused(NotAllowed, lambda: _change(w, "principal", replace(no_reason, reason="指引调整")))
    assert _due(w, "X02", case) == "03-02 08:34"


def test_a_closed_incident_takes_nothing_over(world: World) -> None:
    w = world
    w.go("08:10")
    school.until_awaiting_diagnosis(w)
    w.go("14:30")
    school.diagnosis(w, "excluded")
    w.do("coordinator", "t_file_certificate", {"certificate": school.CERTIFICATE})
    school.closing_report(w)
    assert w.row()["closed_at"]
    _refused(IncidentClosed, lambda: w.policy("written_report", "PT1H", to=[w.incident]))
    assert w.row()["policies"]["written_report"] == "PT2H"
