"""Replay: an incident as it stood after any event, asked like the present."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from service.application import projections
from service.application.queries import Reader, inbox, incident_pages, replay, situation
from service.application.queries.replay import Moment
from service.domain.errors import NoSuch, NotAllowed, ReplayTooEarly
from service.persistence.tables import sql, table_of
from tests.paths import drilling, school
from tests.paths.world import World

CASE = "school_suspected_case"
TABLES = [table_of(each) for each in projections.READ_TABLES] + [sql.incidents, sql.task_roles]


@contextmanager
def _reading(w: World, who: str) -> Iterator[Reader]:
    with w.app.read() as connection:
        yield Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())


def _stored(w: World) -> dict[str, list[Mapping[str, Any]]]:
    with w.app.read() as connection:
        return {table.name: _sorted(connection.execute(select(table)).mappings().all()) for table in TABLES}


def _sorted(rows: Any) -> list[Mapping[str, Any]]:
    return sorted((dict(row) for row in rows), key=lambda row: json.dumps(row, default=str, sort_keys=True))


def test_after_its_last_event_everything_stands_as_in_the_read_tables(world: World) -> None:
    w = world
    drilling.begin(w, CASE, speed=0, roles=("*",))
    drilling.clock(w, "advance", by="P2D")
    last = w.events()[-1]["seq"]
    film = w.app.services.films.of(w.incident)
    with w.app.read() as connection:
        film.at(connection, last // 2)  # the marks on the way are used
        standing = film.at(connection, last)
    shown = {table.name: _sorted(standing.get(table, {}).values()) for table in TABLES}
    assert last > 500
    assert shown == _stored(w)


def test_every_moment_is_as_it_was_shown_then(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    then = [_seen(w)]
    for step in ("t_small_check", "t_small_written"):
        drilling.clock(w, "advance", by="PT20M")
        w.do("trainer", step, {"drafter": True} if step == "t_small_written" else None)
        then.append(_seen(w))
    assert len({json.dumps(each, default=str) for each in then}) == 3
    for seq, *what in reversed(then):
        with _reading(w, "trainer") as reader:
            moment = replay.moment(reader, w.incident, seq)
            with replay.standing(reader, moment) as past:
                assert _shown(past, w.incident) == what


def _seen(w: World) -> list[Any]:
    with _reading(w, "trainer") as reader:
        return [w.events()[-1]["seq"], *_shown(reader, w.incident)]


def _shown(reader: Reader, incident: str) -> list[Any]:
    head = incident_pages.head(reader, incident)
    tasks = inbox.listing(reader, inbox.TaskFilter(incident=incident)).items
    board = situation.of_instance(reader, incident).elements
    return [
        head.row.status, head.row.clock.now, [(each.rule, each.text) for each in head.deadlines], head.counts,
        [(each.element, each.state, each.late, each.person_name) for each in tasks],
        {key: (each.state, each.count, each.late) for key, each in board.items()},
    ]  # fmt: skip


def test_the_ends_and_what_lies_beside_a_moment(world: World) -> None:
    w = world
    drilling.begin(w, speed=0)
    drilling.clock(w, "advance", by="PT4H")
    log = w.events()

    def moment(seq: int) -> Moment:
        with _reading(w, "trainer") as reader:
            return replay.moment(reader, w.incident, seq)

    last = moment(0)
    assert (last.seq, last.last, last.after, last.later) == (log[-1]["seq"], log[-1]["seq"], 0, 0)
    assert moment(10**9) == last
    first = moment(-5)
    assert log[first.seq - 1]["type"] == "instance_started"
    assert (first.seq, first.before, first.earlier, first.after) == (first.first, 0, 0, first.first + 1)
    assert [log[first.later - 1]["at"] > first.at, log[first.later]["at"] > log[first.later - 1]["at"]] == [True, True]


def test_names_shown_then_are_not_shown_again(world: World) -> None:
    w = world
    drilling.begin(w, CASE, speed=0)
    with _reading(w, "trainer") as reader, replay.standing(reader, replay.moment(reader, w.incident)) as past:
        rows = inbox.listing(past, inbox.TaskFilter(incident=w.incident)).items
        assert [each.person_name for each in rows if each.person]
        assert not any(school.quick()["person"]["name"] in each.person_name for each in rows)


def test_a_real_incident_is_replayed_once_it_is_closed_by_who_may_read_its_log(world: World) -> None:
    w = world
    w.open("teacher", school.quick(), "small_alarm")
    with _reading(w, "principal") as reader, pytest.raises(ReplayTooEarly):
        replay.moment(reader, w.incident)
    w.do("nurse", "t_small_check")
    w.do("coordinator", "t_small_written", {"drafter": True})
    assert w.row()["closed_at"]
    with _reading(w, "principal") as reader:
        assert replay.moment(reader, w.incident).last == len(w.events())
    with _reading(w, "teacher") as reader, pytest.raises(NotAllowed):
        replay.moment(reader, w.incident)
    with _reading(w, "clinic") as reader, pytest.raises(NoSuch):
        replay.moment(reader, w.incident)
