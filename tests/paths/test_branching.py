"""A drill that begins at a moment of another one goes on as that one did, with the same answers."""

from functools import partial

import pytest
from sqlalchemy import select

from service.application import branching, drill_moments
from service.domain import commands as cmd
from service.domain.errors import NoBranch, NoSuch, NotADrill, NotAllowed
from service.persistence.tables import sql
from tests.paths import drilling, school
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.test_simulated_roles import course
from tests.paths.world import World

CASE = "school_suspected_case"


def _branch(w: World, drill: str, seq: int, who: str = "trainer") -> str:
    command = cmd.BranchDrill(drill, seq)
    w.incident = w.app.run(partial(branching.branch, services=w.app.services, principal=w.who(who), command=command))
    return w.incident


def _rests(w: World, drill: str) -> list[int]:
    table = sql.drill_rests
    with w.app.read() as connection:
        mine = select(table.c.seq).where(table.c.incident_id == drill).order_by(table.c.seq)
        return list(connection.execute(mine).scalars())


def test_what_was_kept_last_is_what_is_stored(world: World) -> None:
    w = world
    drilling.begin(w, CASE, speed=0, roles=("*",))
    for by in ("PT20M", "PT6H", "P2D"):
        drilling.clock(w, "advance", by=by)
        with w.app.read() as connection:
            rest = drill_moments.before(connection, w.incident, 10**9)
            table = sql.instance_states
            stored = connection.execute(select(table).where(table.c.incident_id == w.incident)).all()
        assert rest is not None
        assert rest.seq == w.events()[-1]["seq"]
        assert rest.states == {row.instance_id: row.state for row in stored}
        due = {(row["kind"], row["ref"], row["due_at"]) for row in drilling.due_rows(w)}
        assert {(each.kind, each.ref, each.due_at) for each in rest.waiting} == due


@pytest.mark.parametrize("part", [0.1, 0.4, 0.7])
def test_a_branch_goes_on_as_the_other_did(world: World, part: float) -> None:
    w = world
    first = drilling.begin(w, CASE, speed=0, roles=("*",))
    drilling.clock(w, "advance", by="P3D")
    end, whole = drilling.look(w).clock.now, course(w)
    log = w.events()
    seq = int(len(log) * part)
    branch = _branch(w, first, seq)
    clock = drilling.look(w).clock
    assert (clock.speed, clock.cause, clock.now) == (0, "branch", w.events()[-1]["at"])
    begun = w.events("drill_branched")[0]["data"]["seq"]
    assert seq - 60 < begun <= seq
    drilling.clock(w, "advance", by=f"PT{int((end - clock.now).total_seconds())}S")
    assert [each for each in course(w) if each[0] != "drill_branched"] == whole
    w.incident = first
    assert w.events() == log
    assert branch != first


def test_people_answer_a_branch_like_any_drill_and_the_first_one_goes_on_apart(world: World) -> None:
    w = world
    first = drilling.begin(w, speed=0)
    seq = w.events()[-1]["seq"]
    w.do("trainer", "t_small_check")
    w.do("trainer", "t_small_written", {"drafter": True})
    done = course(w)
    _branch(w, first, seq)
    assert set(w.open_tasks()) == {"t_small_check", "t_small_written"}
    assert w.row()["number"] == "YL-0907-02"
    w.do("trainer", "t_small_check")
    w.do("trainer", "t_small_written", {"drafter": True})
    assert [each for each in course(w) if each[0] != "drill_branched"] == done
    again = _branch(w, w.incident, w.events()[-1]["seq"])
    assert w.row()["closed_at"] is not None
    assert_rebuild_is_equal(w)
    assert again == w.incident


def test_values_of_persons_are_sealed_anew_and_can_be_read(world: World) -> None:
    w = world
    first = drilling.begin(w, CASE, speed=0)
    persons = {row["data"]["person"] for row in w.events("person_registered")}
    _branch(w, first, 10**9)

    def names(drill: str) -> dict[str, str]:
        with w.app.read() as connection:
            rows = connection.execute(select(sql.persons).where(sql.persons.c.incident_id == drill)).mappings().all()
            opened = {row["id"]: w.app.sealer.open_text(connection, row["sealed"]) for row in rows}
        return {each: parts[each]["name"] for each, parts in opened.items()}

    assert sorted(names(w.incident).values()) == sorted(names(first).values())
    assert school.quick()["person"]["name"] in names(w.incident).values()
    assert persons == set(names(first))
    assert not persons & set(names(w.incident))
    assert first not in str([dict(row) for row in w.events() if row["type"] != "drill_branched"])


def test_who_is_no_trainer_branches_none_and_nothing_real_is_branched(world: World) -> None:
    w = world
    drill = drilling.begin(w, speed=0)
    seen = len(w.events())
    for who, error in (("teacher", NotAllowed), ("clinic", (NoSuch, NotAllowed)), ("admin", NotAllowed)):
        with pytest.raises(error):
            _branch(w, drill, 10, who)
    with pytest.raises(NoBranch):
        _branch(w, drill, 0)
    with pytest.raises(NoSuch):
        _branch(w, "nothing", 5)
    w.incident = drill
    assert len(w.events()) == seen
    real = w.open("teacher", school.quick(), "small_alarm")
    with pytest.raises((NotADrill, NotAllowed)):
        _branch(w, real, 10)
