"""The log proves itself: read tables follow from it, its chain shows any change, nothing personal stands in clear."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from service.persistence import tables as t
from service.persistence.append_only import unguard
from service.persistence.chain import BadEvent, ChainReport, seal_heads, verify
from service.persistence.tables import sql
from tests.paths.player import Player
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.world import World, at
from tests.postgres import server
from tests.stores import CHOSEN

NAME, GUARDIAN, PHONE, TEMPERATURE = "学生甲", "欧阳测试家长", "13900001234", 39.7
PATIENT = {"name": NAME, "phone": PHONE, "guardian_name": GUARDIAN, "guardian_phone": PHONE}


@dataclass(frozen=True)
class Walked:
    """A world that has seen SC01 and the pupil's return."""

    world: Player
    folder: Path


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    folder = tmp_path_factory.mktemp("walked")
    world = Player(folder, at("08:10"))
    world.patient = {**PATIENT, "temperature": TEMPERATURE}
    while world.play():
        pass
    yield Walked(world, folder)
    world.close()


def test_read_tables_rebuilt_after_sc01_and_the_return_are_equal(walked: Walked) -> None:
    world = walked.world
    assert world.row()["result"] == "excluded_closed"
    assert [row["status"] for row in world.rows(t.Instance, procedure="return_to_school")] == ["completed"]
    before = assert_rebuild_is_equal(world)
    # no early message, no engine failure, nothing waits any more, an excluded case has no contacts, no roster is kept,
    # nothing is held back from erasure, it is no drill, and nobody asked for more than his tasks show
    empty = {"messages", "engine_incidents", "waits", "contacts", "assignments", "legal_holds", "drills"}
    empty |= {"person_reveals", "break_glass", "export_requests", "drill_injects", "drill_trainings"}
    assert {name for name, rows in before.items() if not rows} == empty


def test_read_tables_rebuilt_at_random_moments_carry_the_scenario_on(tmp_path: Path) -> None:
    """Rebuilt again and again on the way, and the scenario still ends the same: nothing is known but the log."""
    chance = random.Random(20260302)  # noqa: S311 - the same moments in every run, nothing secret
    world = Player(tmp_path, at("08:10"))
    moments = chance.sample(range(2, 36), 4)
    for played in range(1, 36):
        assert world.play()
        if played in moments:
            assert assert_rebuild_is_equal(world)["waits"]
    while world.play():
        pass
    assert world.row()["result"] == "excluded_closed"
    assert_rebuild_is_equal(world)
    world.close()


# --- the chain ------------------------------------------------------------------------------------


def verified(walked: Walked, change: Any = None) -> ChainReport:
    """What verification says after a change behind the log's back; the change is taken back afterwards."""
    with walked.world.app.database.writing.connect() as connection:
        connection.begin()
        if change is not None:
            unguard(connection)  # as whoever owns the file or the tables could
            change(connection)
        report = verify(connection)
        connection.rollback()
    return report


def of(walked: Walked, seq: int) -> Any:
    return (sql.events.c.stream == walked.world.incident) & (sql.events.c.seq == seq)


def length(walked: Walked) -> int:
    return len(walked.world.events())


def test_the_chain_of_sc01_verifies(walked: Walked) -> None:
    report = verified(walked)
    assert report.ok
    assert report.events >= length(walked) > 300


def test_a_changed_event_is_located_wherever_it_is(walked: Walked) -> None:
    for seq in (1, length(walked) // 2, length(walked)):
        report = verified(
            walked, lambda c, seq=seq: c.execute(update(sql.events).where(of(walked, seq)).values(actor="nobody"))
        )
        assert report.first_bad == BadEvent(walked.world.incident, seq, "changed")


def test_a_changed_sealed_value_is_located_though_nobody_can_read_it(walked: Walked) -> None:
    seq = next(row["seq"] for row in walked.world.events() if row["sealed"])
    report = verified(walked, lambda c: c.execute(update(sql.events).where(of(walked, seq)).values(sealed={})))
    assert report.first_bad == BadEvent(walked.world.incident, seq, "changed")


def test_a_removed_event_is_located(walked: Walked) -> None:
    report = verified(walked, lambda c: c.execute(delete(sql.events).where(of(walked, 100))))
    assert report.first_bad == BadEvent(walked.world.incident, 100, "missing")


def test_the_removed_last_event_is_located(walked: Walked) -> None:
    last = length(walked)
    report = verified(walked, lambda c: c.execute(delete(sql.events).where(of(walked, last))))
    assert report.first_bad == BadEvent(walked.world.incident, last, "missing")


def test_two_events_in_the_other_order_are_located(walked: Walked) -> None:
    def swap(connection: Connection) -> None:
        for old, new in ((100, -1), (101, 100), (-1, 101)):
            connection.execute(update(sql.events).where(of(walked, old)).values(seq=new))

    assert verified(walked, swap).first_bad == BadEvent(walked.world.incident, 100, "changed")


def test_a_whole_stream_that_vanishes_is_found_by_the_seals(walked: Walked) -> None:
    def vanish(connection: Connection) -> None:
        connection.execute(delete(sql.events).where(sql.events.c.stream == walked.world.incident))
        connection.execute(delete(sql.stream_heads).where(sql.stream_heads.c.stream == walked.world.incident))

    assert walked.world.app.run(seal_heads) >= 0
    bad = verified(walked, vanish).first_bad
    assert bad is not None
    assert (bad.stream, bad.reason) == (walked.world.incident, "seal")


# --- sealed values ----------------------------------------------------------------------------------


def secrets() -> list[str]:
    return [NAME, GUARDIAN, PHONE, str(TEMPERATURE)]


def test_the_secrets_are_there_for_those_who_may_read_them(walked: Walked) -> None:
    """Without this the next tests could pass because nothing was stored at all."""
    facts = walked.world.view().facts.rows
    case = facts.cases[0]
    assert case.identity["name"] == NAME
    assert case.form("F01")["temperature"] == TEMPERATURE


def test_no_personal_value_stands_in_clear_in_any_column(walked: Walked) -> None:
    with walked.world.app.read() as connection:
        for table in t.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                text = json.dumps(dict(row), ensure_ascii=False, default=str)
                found = [secret for secret in secrets() if secret in text]
                assert not found, f"{table.name}: {found}"


def test_no_personal_value_stands_in_the_bytes_of_the_database_files(walked: Walked) -> None:
    files = sorted(walked.folder.glob("tocsin.db*")) if CHOSEN == "sqlite" else files_of(walked.world)
    assert files
    for file in files:
        content = file.read_bytes()
        for secret in secrets():
            assert secret.encode() not in content, f"{secret} in {file.name}"
            assert secret.encode("unicode_escape") not in content or secret.isascii()


def files_of(world: World) -> list[Path]:
    """The files in which the PostgreSQL server keeps the world's database, as they are on disk now."""
    with world.app.database.writing.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("CHECKPOINT")
        oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar_one()
    return [path for path in (server().folder / "data" / "base" / str(oid)).iterdir() if path.stat().st_size]
