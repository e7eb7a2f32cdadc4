"""Rotating keys while the product serves: killed half-way and gone on with; a wrong key changes nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select

from service.app import rotated_keys
from service.application import key_rotation
from service.domain.errors import MasterKeyWrong
from service.persistence import chain
from service.persistence import tables as t
from service.persistence.tables import sql
from service.settings import master_keys
from tests.paths import school
from tests.paths.world import World, at


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A school with a case, so that there are keys; it goes on serving while another process rotates."""
    made = World(tmp_path, at("08:10"))
    made.open("teacher", school.quick())
    yield made
    made.close()


def names(w: World) -> list[str]:
    """The names of everybody of the incident, as the serving process reads them."""
    with w.app.read() as connection:
        opened = [w.app.sealer.open_text(connection, row["sealed"]) for row in w.rows(t.Person)]
    return sorted(str(values["name"]) for each in opened for values in each.values())


def wrapped(w: World) -> dict[str, str]:
    with w.app.read() as connection:
        rows = connection.execute(select(sql.subject_keys.c.subject, sql.subject_keys.c.wrapped))
        return {row.subject: row.wrapped for row in rows}


def under(w: World, key: bytes) -> int:
    """How many keys a master key opens alone."""
    master, count = Fernet(key), 0
    for each in wrapped(w).values():
        try:
            master.decrypt(each.encode())
        except InvalidToken:
            continue
        count += 1
    return count


def rotation(w: World, *options: str) -> subprocess.Popen[str]:
    settings = w.settings
    stored = {"TOCSIN_DATA_DIR": str(settings.data_dir), "TOCSIN_DATABASE_URL": settings.database_url}
    command = [sys.executable, "-m", "service.cli", "rotate-keys", *options]
    return subprocess.Popen(command, env={**os.environ, **stored}, stderr=subprocess.PIPE, text=True)


def rotated(w: World, *options: str) -> int:
    with rotation(w, *options) as process:
        process.communicate(timeout=60)
    return process.returncode


def test_a_rotation_that_is_killed_goes_on_and_everything_stays_readable(world: World) -> None:
    w = world
    before, known = wrapped(w), names(w)
    (old,) = master_keys(w.settings)
    with rotation(w, "--batch", "1") as process:
        assert process.stderr is not None
        for _ in range(3):
            assert "/" in process.stderr.readline()
        process.send_signal(signal.SIGKILL)
    new, former = master_keys(w.settings)
    assert former == old
    assert 0 < under(w, new) < len(before)
    w.app.sealer._shared.clear()
    assert names(w) == known
    w.open("teacher", school.quick(name="学生乙"))  # the serving process makes keys meanwhile
    assert rotated(w) == 0
    assert master_keys(w.settings) == (new, old)  # gone on with, not begun anew
    assert under(w, new) == len(wrapped(w))
    assert rotated(w, "--finish") == 0
    assert master_keys(w.settings) == (new,)
    assert names(w)


def test_persons_get_new_keys_and_what_was_sealed_stays_readable(world: World) -> None:
    w = world
    known, before = names(w), wrapped(w)
    done = list(rotated_keys(w.settings, key_rotation.SUBJECTS, is_last=False, size=7))
    assert (done[-1].done, done[-1].total) == (len(before), len(before))
    assert not set(before.values()) & set(wrapped(w).values())
    assert names(w) == known
    w.do("teacher", "t_remind_protection")  # sealed by whatever key is remembered, read by the newest
    w.app.sealer._shared.clear()
    assert names(w) == known
    with w.app.read() as connection:
        assert chain.verify(connection).ok


def test_a_wrong_former_key_changes_nothing(world: World) -> None:
    w = world
    before = wrapped(w)
    file = w.settings.data_dir / "master.key"
    right = file.read_bytes()
    file.write_bytes(Fernet.generate_key())
    with pytest.raises(MasterKeyWrong):
        list(rotated_keys(w.settings, key_rotation.MASTER, is_last=False, size=10))
    assert wrapped(w) == before
    assert len(master_keys(w.settings)) == 1
    file.write_bytes(right)
