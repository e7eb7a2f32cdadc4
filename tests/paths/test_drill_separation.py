"""What belongs to a drill stays in it: people, numbers, lists, and everything that leaves the building."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select

from integrations import PARTNERS, Endpoint, http_client, live_gateways, staff_gateway
from service.application import clusters, deliveries, workbooks
from service.application.queries import Reader, health, inbox, incident_pages, policies, procedures, reports
from service.application.queries.incident_pages import IncidentFilter
from service.domain.errors import FormRefused
from service.domain.gateways import OutsideWorld
from service.persistence import tables as t
from service.persistence.tables import sql
from tests.paths import drilling, school
from tests.paths.world import SCHOOL, World, at

EVERYBODY = ("*",)
CASE = "school_suspected_case"
DAYS = 8


class Lived(World):
    """A world with a real incident and a drill of the same plan."""

    drill: str
    real: str


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A real case of the school with a drill of the same plan beside it that was played to its end."""
    w = Lived(tmp_path_factory.mktemp("lived"), at("08:10"))
    school.until_awaiting_diagnosis(w)
    real = w.incident
    drilling.begin(w, CASE, speed=0, roles=EVERYBODY, seed=7)
    w.drill, w.real = w.incident, real
    for _ in range(DAYS):
        drilling.clock(w, "advance", by="P1D")
        w.app.worker.tick()
    yield w
    w.close()


def _reader(w: World, who: str = "manager") -> Reader:
    return Reader(w.connection(), w.app.sealer, w.app.services, w.who(who), w.clock.now())


def _earnest(w: World) -> OutsideWorld:
    """The outside world of an installation where every party has a real address."""
    addresses = {party: Endpoint("https://partner.example", "secret") for party in PARTNERS}
    with http_client() as http:
        live = live_gateways(addresses, http=http, clock=w.clock)
    return OutsideWorld({**live, **staff_gateway()}, w.app.outside.rehearsal)


def test_no_delivery_of_a_drill_meets_a_real_gateway(lived: Lived) -> None:
    """Whatever made them: sending steps, reports, letters to persons and classes, answers by hand, waking people."""
    with lived.app.read() as connection:
        rows = [dict(row) for row in connection.execute(select(sql.deliveries)).mappings()]
        mine = [row for row in rows if row["incident_id"] == lived.drill]
        made = {(row["element"], row["message"], row["channel"]) for row in mine}
        assert len(made) >= 8, "the drill has to come along many ways of sending"
        world = _earnest(lived)
        for row in rows:
            outgoing = deliveries.outgoing(connection, lived.app.sealer, lived.app.services, row)
            is_drill = row["incident_id"] != lived.real
            assert outgoing.is_drill is is_drill
            if is_drill and world.knows(row["recipient"]):
                assert world.gateway_for(outgoing) in world.rehearsal.values()
            elif outgoing.recipient in world.live:
                assert world.gateway_for(outgoing) is world.live[outgoing.recipient]


def test_numbers_of_letterheads_count_real_reports_only(lived: Lived) -> None:
    numbers: dict[bool, list[str]] = {True: [], False: []}
    reader = _reader(lived, "principal")
    for row in reader.rows(select(sql.reports).where(sql.reports.c.signed_at.is_not(None))):
        found = reports.page(reader, lived.app.documents, row["id"])
        numbers[row["incident_id"] == lived.drill].append(found.document.number or "")
        assert found.document.is_drill is (row["incident_id"] == lived.drill)
    assert len(numbers[False]) == 2
    assert all("演练" in each for each in numbers[True] if each)
    assert not any("演练" in each for each in numbers[False])
    assert any("1" in each for each in numbers[False])


def test_counts_of_real_incidents_leave_drills_out(lived: Lived) -> None:
    reader = _reader(lived)
    stored = health.stored_numbers(lived.app.database, now=lived.clock.now())
    assert stored["incidents_open"][""] == 1
    running = {row.id: row for row in procedures.listing(reader)}
    assert running[CASE].running == 1
    kinds = [row.kind for row in incident_pages.listing(reader, IncidentFilter(kind="real")).items]
    assert kinds == ["real"]


def test_a_policy_is_offered_for_real_incidents_only(lived: Lived) -> None:
    reader = _reader(lived, "admin")
    found = policies.running(reader, SCHOOL, "written_report")
    assert [each.id for each in found] == [lived.real]


def test_the_facts_of_a_real_case_know_nothing_of_a_drill(lived: Lived) -> None:
    lived.incident = lived.real
    view = lived.view()
    assert len(view.facts.rows.cases) == 1
    assert [case.incident for case in clusters.school_cases(view.connection, view.incident)] == [view.incident["id"]]
    assert lived.row()["status"] == "awaiting_diagnosis"


def test_a_drill_has_nobody_of_the_real_lists(world: World) -> None:
    w = world
    data = {**school.quick(), "positions_fixed": True}
    drilling.begin(w, CASE, data=data)
    people = w.rows(t.Person)
    assert people
    assert {row["member_id"] for row in people} == {None}
    with w.app.read() as connection:
        member = connection.execute(select(sql.members.c.id)).scalars().first()
    with pytest.raises(FormRefused):
        drilling.begin(w, CASE, data={**school.quick(), "person": {"id": member}})


def test_real_tasks_stand_before_those_of_drills(world: World) -> None:
    w = world
    w.go("08:00")
    drilling.begin(w, "small_alarm", speed=0, starts_at=at("08:00", "2020-01-06"))
    w.open("teacher", school.quick(), "small_alarm")
    found = inbox.inbox(_reader(w, "coordinator"), inbox.TaskFilter(whose="group", state="open"))
    for group in found.groups:
        kinds = [row.incident_kind for row in group.items]
        assert kinds == sorted(kinds, reverse=True)
        assert {row.incident_number[:3] for row in group.items if row.incident_kind == "drill"} <= {"YL-"}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_whatever_people_do_in_a_drill_nothing_real_is_called(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Random courses of the plan, with gateways that are real in earnest: none of them is ever chosen."""
    folder: Path = tmp_path_factory.mktemp("course")
    w = World(folder, at("08:00"))
    try:
        drilling.begin(w, CASE, speed=0, roles=EVERYBODY, seed=seed)
        for _ in range(3):
            drilling.clock(w, "advance", by="P1D")
            w.app.worker.tick()
        made = [row for row in w.rows(t.Delivery) if row["channel"] == "auto"]
        assert made
        outside = _earnest(w)
        with w.app.read() as connection:
            for row in made:
                outgoing = deliveries.outgoing(connection, w.app.sealer, w.app.services, row)
                assert outside.gateway_for(outgoing) in outside.rehearsal.values()
    finally:
        w.close()


def test_a_real_incident_and_two_drills_run_side_by_side(world: World) -> None:
    """A minute for the real one is an hour at sixty times and sixty hours at 3,600 times."""
    w = world
    real = w.open("teacher", school.quick(), "small_alarm")
    slow, fast = (drilling.begin(w, speed=speed) for speed in (60, 3600))
    for _ in range(60):
        w.clock.advance(timedelta(seconds=1))
        w.app.worker.tick()
    reader = _reader(w)
    clocks = {each: reader.now_of(reader.incident(each)["clock"]) for each in (real, slow, fast)}
    assert clocks[real] == w.clock.now()
    assert [clocks[each] - drilling.STARTS for each in (slow, fast)] == [timedelta(hours=1), timedelta(hours=60)]
    levels = {}
    for each in (real, slow, fast):
        w.incident = each
        rules = {row["id"]: row["rule"] for row in w.rows(t.Deadline)}
        found = w.events("deadline_escalated")
        levels[each] = {(rules[row["data"]["deadline"]], row["data"]["level"]) for row in found}
        own = {row["id"] for row in w.rows(t.Task)}
        assert own
        assert {row["data"]["task"] for row in w.events("task_opened")} == own
        listed = inbox.listing(_reader(w, "coordinator"), inbox.TaskFilter(whose="all", state="open")).items
        mine = [row for row in listed if row.id in own]
        assert mine
        assert {(row.incident, row.now) for row in mine} == {(each, clocks[each])}, "its own number, on its own clock"
    assert levels[real] == set(), "nothing is late after a minute"
    assert levels[slow] < levels[fast]
    assert ("T02", 1) in levels[fast] - levels[slow], "two hours are over in the fast drill alone"


def test_counts_of_the_inbox_and_lists_of_incidents_keep_drills_apart(world: World) -> None:
    w = world
    real = w.open("teacher", school.quick(), "small_alarm")
    drill = drilling.begin(w, speed=0)

    def look(who: str) -> tuple[dict[str, int], set[str], set[str]]:
        with w.app.read() as connection:
            reader = Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())
            listed = [
                {each.id for each in incident_pages.listing(reader, IncidentFilter(kind=kind)).items}
                for kind in ("real", "drill")
            ]
            return inbox.counts(reader), listed[0], listed[1]

    counts, reals, drills_ = look("nurse")
    assert (reals, drills_) == ({real}, {drill})
    assert counts == {"mine": 0, "group": 1, "all": 2, "drill": 1}


def test_a_sheet_of_a_drill_says_so_and_one_of_a_real_incident_does_not() -> None:
    for is_drill in (True, False):
        content = workbooks.write("名单", [workbooks.SheetColumn("姓名")], [["甲"]], is_drill=is_drill)
        (sheet,) = load_workbook(BytesIO(content)).worksheets
        assert (sheet.title.startswith("演练"), "演练" in (sheet.oddHeader.center.text or "")) == (is_drill, is_drill)
