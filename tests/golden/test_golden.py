"""What every release has stored loads today, comes to its end, and is proven."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from service.persistence import chain
from service.persistence.tables import sql
from tests.golden.__main__ import release
from tests.golden.scenarios import SCENARIOS
from tests.golden.storing import DEFINITIONS, FOLDER, load
from tests.paths.proving import assert_rebuild_is_equal

FILES = sorted(path for path in FOLDER.glob("*/*.json") if path.name != DEFINITIONS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_stored_incident_comes_to_its_end(path: Path, tmp_path: Path) -> None:
    w = load(tmp_path, path.parent, path.stem)
    try:
        before = len(w.events())
        SCENARIOS[path.stem].finish(w)
        assert len(w.events()) > before
        assert_rebuild_is_equal(w)
        with w.app.read() as connection:
            assert chain.verify(connection).ok
    finally:
        w.close()


def test_this_release_has_its_golden_states() -> None:
    assert {path.stem for path in FILES if path.parent == release()} == set(SCENARIOS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_key_is_kept(path: Path) -> None:
    stored = json.loads(path.read_text("utf-8"))
    assert set(stored) == {"incident", "now", "events", "states", "due_rows", "inbox"}
    assert stored["states"]
    assert "gAAAA" not in path.read_text("utf-8")  # how a Fernet token begins


def test_the_states_are_those_of_the_release(tmp_path: Path) -> None:
    path = FILES[0]
    stored = {row["instance_id"]: row["state"] for row in json.loads(path.read_text("utf-8"))["states"]}
    w = load(tmp_path, path.parent, path.stem)
    try:
        with w.app.read() as connection:
            table = sql.instance_states
            rows = connection.execute(select(table.c.instance_id, table.c.state)).all()
        assert dict(map(tuple, rows)) == stored
    finally:
        w.close()
