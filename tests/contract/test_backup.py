"""Backup while people work, and restore into an empty installation: nothing that was answered before is missing."""

import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from service.application import attachments, incidents
from service.application.attachments import Upload
from service.backup import Manifest, put, take, verify
from service.bootstrap import build
from service.cli import main
from service.demo import people
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.errors import ValueRefused
from service.persistence import chain, snapshots
from service.persistence.database import open_database
from service.persistence.tables import metadata, sql
from service.persistence.unit_of_work import NewEvent
from service.settings import Settings
from tests.contract.product import QUICK
from tests.paths.world import World, at
from tests.stores import a_store, an_empty_url, on_both

FILES = "attachments"


@pytest.fixture
def kept(tmp_path: Path) -> World:
    """An installation with an incident and an uploaded file."""
    made = World(tmp_path / "old", at("08:10"))
    made.open("teacher", {**QUICK, "found_at": at("08:10").isoformat()})
    upload(made, "first")
    return made


def upload(w: World, name: str) -> str:
    """A file somebody uploads."""
    file = Upload(f"{name}.txt", "text/plain", name.encode() * 1000)
    teacher = w.who("teacher")
    return w.app.run(lambda uow: attachments.store(uow, w.settings.data_dir / FILES, teacher, file)).id


def note(w: World, text: str) -> None:
    """Somebody writes into the timeline."""
    coordinator = w.who("coordinator")
    command = cmd.AddNote(w.incident, text, w.clock.now())
    w.app.run(lambda uow: incidents.add_note(uow, w.app.services, coordinator, command))


def events(w: World) -> int:
    """How long the log is."""
    with w.app.read() as connection:
        return len(connection.execute(select(sql.events.c.seq)).all())


def elsewhere(w: World, folder: Path) -> Settings:
    """An empty installation with the keys of another one."""
    folder.mkdir()
    for name in ("master.key", "index.key"):
        (folder / name).write_bytes((w.settings.data_dir / name).read_bytes())
    return Settings(data_dir=folder, demo=True)


def test_a_backup_under_load_is_a_moment_of_the_log_and_restores_whole(kept: World, tmp_path: Path) -> None:
    w, ended, wrote = kept, threading.Event(), threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                note(w, "记录")
                upload(w, "file")
            finally:
                wrote.set()

    writer = threading.Thread(target=work)
    writer.start()
    try:
        assert wrote.wait(60)
        taken = []
        for number in range(3):
            before = events(w)
            taken.append((before, take(w.settings, tmp_path / f"backup{number}", w.clock), events(w)))
    finally:
        ended.set()
        writer.join()
    assert all(before <= made.events <= after for before, made, after in taken)
    settings = elsewhere(w, tmp_path / "new")
    _, last, _ = taken[-1]
    put(settings, tmp_path / "backup2", w.clock)
    restored = build(settings, w.clock)
    found = verify(restored, last)
    assert (found.wrong, found.events) == ((), last.events)
    assert found.files == sum(name.startswith(FILES) for name in last.files) > 1
    assert found.streams == 1
    restored.stop()
    w.close()


def test_a_restored_installation_that_is_not_as_it_was_says_so(kept: World, tmp_path: Path) -> None:
    w = kept
    made = take(w.settings, tmp_path / "backup", w.clock)
    settings = elsewhere(w, tmp_path / "new")
    put(settings, tmp_path / "backup", w.clock)
    restored = build(settings, w.clock)
    change = sql.tasks.update().where(sql.tasks.c.incident_id == w.incident).values(role="nobody")
    restored.run(lambda uow: uow.connection.execute(change))
    (file,) = (settings.data_dir / FILES).iterdir()
    file.write_text("x", "ascii")
    assert verify(restored, made).wrong == (
        f"{w.incident}: tasks is not what the log says", f"attachments: {file.name} is damaged",
    )  # fmt: skip
    restored.stop()
    w.close()


def test_what_does_not_fit_is_refused_and_nothing_written(kept: World, tmp_path: Path) -> None:
    w, backup = kept, tmp_path / "backup"
    take(w.settings, backup, w.clock)
    with pytest.raises(ValueRefused, match="target"):
        take(w.settings, backup, w.clock)
    with pytest.raises(ValueRefused, match="source"):
        Manifest.read(tmp_path)
    with pytest.raises(ValueRefused, match="keys"):  # none are there
        put(Settings(data_dir=tmp_path / "empty", demo=True), backup, w.clock)
    other = tmp_path / "other"
    build(Settings(data_dir=other, demo=True), w.clock).stop()  # makes keys of its own
    with pytest.raises(ValueRefused, match="keys"):
        put(Settings(data_dir=other, demo=True), backup, w.clock)
    settings = elsewhere(w, tmp_path / "new")
    (settings.data_dir / "tocsin.db").write_bytes(b"something")
    with pytest.raises(ValueRefused, match="database"):
        put(settings, backup, w.clock)
    (settings.data_dir / "tocsin.db").unlink()
    manifest = json.loads((backup / "manifest.json").read_text("utf-8"))
    name = next(each for each in manifest["files"] if each.startswith(FILES))
    (backup / name).write_text("damaged", "ascii")
    with pytest.raises(ValueRefused, match="source"):
        put(settings, backup, w.clock)
    assert {path.name for path in settings.data_dir.iterdir()} == {"index.key", "master.key"}
    w.close()


def test_a_file_that_was_erased_meanwhile_is_left_out_and_one_that_is_lost_is_told(kept: World, tmp_path: Path) -> None:
    w = kept
    lost = upload(w, "second")
    path = w.settings.data_dir / FILES / lost
    path.unlink()
    with pytest.raises(ValueRefused, match="attachments"):
        take(w.settings, tmp_path / "backup", w.clock)
    assert not (tmp_path / "backup").exists()
    w.close()


@on_both
def test_every_table_comes_back_on_either_database(backend: str, tmp_path: Path) -> None:
    with a_store(backend, tmp_path) as store:
        store.runner.run(lambda uow: people.load_people(uow, "x"))
        event = ev.StandInsSet("cleaner", ["某\t人\\N\n"])
        new = NewEvent(event.type, store.clock.now(), event.data(), {}, schema_version=event.schema_version)
        store.runner.run(lambda uow: uow.append("org:demo-school", [new]))
        (tmp_path / "taken").mkdir()
        taken = snapshots.take(store.database, tmp_path / "taken")
        url = an_empty_url(backend, tmp_path)
        database = open_database(url, store.clock)
        snapshots.require_empty(database)
        snapshots.put(database, tmp_path / "taken", taken.revision, url)
        with pytest.raises(ValueRefused, match="database"):
            snapshots.require_empty(database)
        with store.database.read() as old, database.read() as fresh:
            for table in metadata.sorted_tables:
                rows = select(table).order_by(*table.primary_key.columns)
                assert fresh.execute(rows).all() == old.execute(rows).all(), table.name
            report = chain.verify(fresh)
        assert (report.ok, report.events) == (True, taken.events)
        database.close()


def test_the_commands_say_what_was_done_and_where_the_keys_are(
    kept: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    w = kept
    monkeypatch.setenv("TOCSIN_DATA_DIR", str(w.settings.data_dir))
    if w.settings.database_url:
        monkeypatch.setenv("TOCSIN_DATABASE_URL", w.settings.database_url)
    assert main(["backup", str(tmp_path / "backup")]) == 0
    said = capsys.readouterr().out
    assert json.loads(said.splitlines()[0])["events"] == events(w)
    assert str(w.settings.data_dir / "master.key") in said
    assert not list((tmp_path / "backup").rglob("*.key"))
    if not w.settings.database_url:
        monkeypatch.setenv("TOCSIN_DATA_DIR", str(elsewhere(w, tmp_path / "new").data_dir))
        assert main(["restore", str(tmp_path / "backup")]) == 0
        assert json.loads(capsys.readouterr().out)["ok"] is True
        assert main(["restore", str(tmp_path / "backup")]) == 1
        assert capsys.readouterr().err  # something is there already
    w.close()
