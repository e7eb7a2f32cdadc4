"""Erasing what is due: values planted through the doors are nowhere afterwards, and the log still proves itself."""

import gc
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.application import attachments, erasing, idempotency, incidents, retention, tasks
from service.application.attachments import Upload
from service.application.erasing import EraseDue, HoldData, LiftHold
from service.application.services import SYSTEM
from service.application.steps import advance
from service.domain import commands as cmd
from service.domain.errors import (
    HeldBack,
    IncidentOpen,
    NotAllowed,
    NothingToErase,
    RetentionRuns,
    SubjectErased,
    TocsinError,
    ValueRefused,
)
from service.persistence import tables as t
from service.persistence.chain import verify
from service.persistence.sealing import tokens_of
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.paths import school
from tests.paths.player import Player
from tests.paths.proving import assert_rebuild_is_equal
from tests.paths.test_proofs import files_of
from tests.paths.world import World, at
from tests.stores import CHOSEN

GUARDIAN, PHONE, ADDRESS = "种植监护人", "13900005678", "种植村十八号"
NOTE, DRAFT, FILE, CONTENT, ANSWER = (
    "种植在时间线上",
    "种植在草稿里",
    "种植的化验单.pdf",
    "种植的文件内容",
    "种植的回答",
)
TEMPERATURE = 39.7
PLANTED = (GUARDIAN, PHONE, ADDRESS, NOTE, DRAFT, FILE, CONTENT, ANSWER)


@dataclass
class Planted:
    """A closed incident full of unmistakable values; `keys` are the wrapped keys that seal them."""

    world: Player
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)


def plant(folder: Path) -> Planted:
    """SC01 played to its end, with values in every place a door writes to."""
    world = Player(folder, at("08:10"))
    world.patient = {
        "name": "学生甲", "guardian_name": GUARDIAN, "guardian_phone": PHONE, "home_address": ADDRESS, "phone": PHONE,
        "temperature": TEMPERATURE,
    }  # fmt: skip
    app, coordinator = world.app, world.who("coordinator")
    for _ in range(4):
        world.play()
    upload = Upload(FILE, "application/pdf", CONTENT.encode())
    kept = app.run(lambda uow: attachments.store(uow, folder / "attachments", coordinator, upload))
    app.run(lambda uow: attachments.attach(uow, world.incident, coordinator.account_id, {"id": kept.id, "sha256": ""}))
    note = cmd.AddNote(world.incident, NOTE, app.clock.now())
    app.run(lambda uow: incidents.add_note(uow, app.services, coordinator, note))
    task = next(row for row in world.rows(t.Task, role="epi_office") if row["state"] in {"open", "claimed"})
    draft = cmd.SaveDraft(task["id"], {"remark": DRAFT})
    app.run(lambda uow: tasks.save_draft(uow, app.services, coordinator, draft))
    while world.play():
        pass
    answer = json.dumps({"incident": world.incident, "person_name": ANSWER}, ensure_ascii=False)
    request = idempotency.Request(coordinator.account_id, "POST /api/v1/incidents", "k1", b"{}")
    app.run(lambda uow: idempotency.once(uow, request, lambda: idempotency.Answer(201, answer)))
    assert world.row()["closed_at"] is not None
    with app.read() as connection:
        table = sql.subject_keys
        found = {row.subject: row.wrapped for row in connection.execute(select(table))}
    people = [world.incident, *(row["id"] for row in world.rows(t.Person)), f"attachment:{kept.id}"]
    keys = {key: wrapped for key, wrapped in found.items() if key.partition("~")[0] in people}
    return Planted(world, folder, keys)


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    made = plant(tmp_path)
    yield made
    made.world.close()


def erase(world: World, who: str = "principal", **more: str) -> str:
    command = EraseDue((world.incident,), **more)
    return world.app.run(lambda uow: erasing.start(uow, world.app.services, world.who(who), command))


def later(world: World, days: int) -> None:
    world.clock.set(world.clock.now() + timedelta(days=days))


def files(planted: Planted) -> list[Path]:
    """Every file the product keeps: database, write-ahead log, attachments, what the twins recorded."""
    stored = [path for path in planted.folder.rglob("*") if path.is_file() and path.name != "master.key"]
    return stored if CHOSEN == "sqlite" else [*stored, *files_of(planted.world)]


def opened(planted: Planted) -> str:
    """Everything that can still be read out of the database with the keys that stand."""
    app = planted.world.app
    said = []
    with app.read() as connection:
        for table in sql.events.metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                said.append(json.dumps(dict(row), ensure_ascii=False, default=str))
                sealed = row.get("sealed")
                if sealed:
                    tokens = tokens_of(sealed) if isinstance(sealed, str) else sealed
                    said.append(json.dumps(app.sealer.open_all(connection, tokens), ensure_ascii=False))
    return "\n".join(said)


def in_memory(planted: Planted) -> str:
    """Every text reachable from what is kept between commands."""
    found, seen, waiting = [], set[int](), [planted.world.app.services.live]
    while waiting:
        each: Any = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, str):
            found.append(each)
        elif not isinstance(each, type) and not callable(each):
            waiting += [one for one in gc.get_referents(each) if not isinstance(one, type)]
    return "\n".join(found)


def test_planted_values_are_nowhere_after_the_last_class_was_erased(planted: Planted) -> None:
    world = planted.world
    before = opened(planted)
    missing = [each for each in (GUARDIAN, PHONE, ADDRESS, NOTE, ANSWER, FILE, str(TEMPERATURE)) if each not in before]
    assert not missing, "planted nothing: the test would prove nothing"
    assert digests(world), "nobody can be found: the test would prove nothing"
    kept = world.app.run(lambda uow: world_facts(world, uow))
    assert kept == TEMPERATURE
    assert str(TEMPERATURE) in in_memory_numbers(planted) or GUARDIAN in in_memory(planted)
    later(world, 3 * 366)
    erase(world)
    world.app.worker.tick()
    item = items(planted)[0]
    assert (item["state"], sorted(item["due"])) == ("erased", ["child_critical", "health", "personal"])
    assert item["detail"]["gone"]["files"] == 1
    after = opened(planted)
    assert not [each for each in PLANTED if each in after]
    assert not digests(world), "somebody can still be found by what was erased"
    memory = in_memory(planted)
    assert not [each for each in PLANTED if each in memory]
    if CHOSEN == "sqlite":
        secrets = [*(each.encode() for each in PLANTED), *(wrapped.encode() for wrapped in planted.keys.values())]
        for path in files(planted):
            content = path.read_bytes()
            assert not [each for each in secrets if each in content], path
    assert not list((planted.folder / "attachments").iterdir())
    with world.app.read() as connection:
        assert verify(connection).ok
    assert_rebuild_is_equal(world)
    assert not [each for each in PLANTED if each in opened(planted)]


def digests(world: World) -> list[str]:
    with world.app.read() as connection:
        return list(connection.execute(select(sql.person_index.c.digest)).scalars())


def world_facts(world: World, uow: UnitOfWork) -> object:
    """The temperature as a command on the incident computes it: afterwards it is kept in memory."""

    def work(on: Any) -> object:
        return on.facts.rows.cases[0].form("F01")["temperature"]

    return advance(uow, world.app.services, world.incident, SYSTEM, work)


def in_memory_numbers(planted: Planted) -> str:
    return json.dumps(
        [
            known.answers(record)["values"]
            for kept in planted.world.app.services.live.sets().values()
            if (known := kept.parts.get("facts")) is not None
            for record in known.records
        ],
        default=str,
    )


def items(planted: Planted) -> list[dict[str, Any]]:
    with planted.world.app.read() as connection:
        found = select(sql.erasure_items).order_by(sql.erasure_items.c.run_id, sql.erasure_items.c.position)
        return [dict(row) for row in connection.execute(found).mappings()]


# --- what is refused ------------------------------------------------------------------------------


def unchanged(world: World, error: type[TocsinError], who: str = "principal", **more: str) -> TocsinError:
    """Erasing is refused by name, and neither a key nor the log has changed."""
    before = (keys_standing(world), len(world.events()))
    with pytest.raises(error) as caught:
        erase(world, who, **more)
    assert (keys_standing(world), len(world.events())) == before
    return caught.value


def keys_standing(world: World) -> set[str]:
    with world.app.read() as connection:
        table = sql.subject_keys
        return set(connection.execute(select(table.c.subject).where(table.c.wrapped != "")).scalars())


def test_nothing_is_erased_of_an_open_incident(world: World) -> None:
    world.open("teacher", school.quick())
    later(world, 3 * 366)
    assert isinstance(unchanged(world, IncidentOpen), IncidentOpen)
    unchanged(world, NotAllowed, "teacher")
    unchanged(world, NotAllowed, "principal2")


def test_class_by_class_with_holds_and_each_refusal_by_name(planted: Planted) -> None:
    world = planted.world
    app, principal = world.app, world.who("principal")
    closed = world.row()["closed_at"]
    early = unchanged(world, RetentionRuns)
    assert isinstance(early, RetentionRuns)
    assert early.due > closed + timedelta(days=180)

    with pytest.raises(ValueRefused):
        app.run(lambda uow: erasing.hold(uow, app.services, principal, HoldData(world.incident, " ")))
    app.run(lambda uow: erasing.hold(uow, app.services, principal, HoldData(world.incident, "法院调取")))
    hold = world.rows(t.LegalHold)[0]
    assert "法院" not in json.dumps(hold, ensure_ascii=False, default=str)
    later(world, 200)
    unchanged(world, HeldBack)
    app.run(lambda uow: erasing.lift(uow, app.services, principal, LiftHold(world.incident, hold["id"], "结案")))

    case = world.rows(t.Person, kind="case")[0]["id"]
    assert {f"{case}~child_critical", f"{case}~personal", f"{case}~health"} <= keys_standing(world)
    erase(world)
    app.worker.tick()
    assert f"{case}~child_critical" not in keys_standing(world)
    assert {f"{case}~personal", f"{case}~health"} <= keys_standing(world)
    left = opened(planted)
    assert "学生甲" in left
    assert str(TEMPERATURE) in left
    assert not [each for each in (GUARDIAN, PHONE, ADDRESS, DRAFT, ANSWER) if each in left]
    unchanged(world, RetentionRuns)
    erased = world.events("data_erased")[0]["data"]
    assert erased["rules"]["child_critical"]["value"] == "P6M"
    # The pupil came back to school after the closing: his own time counts from there.
    assert erased["rules"]["child_critical"]["start"] == "instance_ended"
    assert datetime.fromisoformat(erased["rules"]["child_critical"]["since"]) > closed
    assert_rebuild_is_equal(world)
    with pytest.raises(SubjectErased):
        app.run(lambda uow: uow.sealer.seal(uow, f"{case}~child_critical", {"phone": PHONE}) and None)


def test_one_person_is_erased_on_request_and_the_others_stay(planted: Planted) -> None:
    world = planted.world
    later(world, 3 * 366)
    case, other = (world.rows(t.Person, kind=kind)[0]["id"] for kind in ("case", "onsite"))
    erase(world, person=case)
    world.app.worker.tick()
    standing = keys_standing(world)
    assert not [key for key in standing if key.startswith(case)]
    assert [key for key in standing if key.startswith(other)]
    unchanged(world, NothingToErase, person=case)


def test_a_stricter_value_of_the_school_counts(planted: Planted) -> None:
    world = planted.world
    later(world, 40)
    unchanged(world, RetentionRuns)
    world.policy("retention_child_critical", "P30D")
    erase(world)
    world.app.worker.tick()
    assert items(planted)[0]["due"]["child_critical"]["value"] == "P30D"


def test_a_run_that_was_killed_before_the_files_were_gone_goes_on_after_the_restart(planted: Planted) -> None:
    world = planted.world
    later(world, 3 * 366)
    run = erase(world)

    def killed(_files: object, _sent: object) -> None:
        raise KeyboardInterrupt

    with world.app.read() as connection:
        item = erasing.waiting(connection, 1)[0]
    with pytest.raises(KeyboardInterrupt):
        erasing.work_one(world.app.run, world.app.services, item, killed)
    assert items(planted)[0]["state"] == "shredding"
    assert list((planted.folder / "attachments").iterdir())
    world.restart()
    world.app.worker.tick()
    assert items(planted)[0]["state"] == "erased"
    assert not list((planted.folder / "attachments").iterdir())
    assert len(world.events("data_erased")) == 1
    with world.app.read() as connection:
        ended = connection.execute(select(sql.events).where(sql.events.c.type == "erasure_ended")).mappings().one()
        assert ended["data"]["sha256"] == erasing.certificate_hash(connection, run)
        assert retention.plan(connection, world.app.services, world.row(), world.clock.now()).subjects
