"""The matrix names a test only where it asserts the line, and the lines without one only become fewer."""

import json
from pathlib import Path

import pytest

from tests.matrix.__main__ import NONE, main, recorded
from tests.matrix.asserts import names_in_asserts
from tests.matrix.lines import lines
from tests.matrix.noting import SUFFIX
from tests.paths import school
from tests.paths.world import World

THIS = "tests/matrix/test_matrix.py"


def _run(folder: Path, **tests: list[str]) -> str:
    """Notes of a run: what each test asserted."""
    folder.mkdir(exist_ok=True)
    entries = [{"test": f"tests/paths/test_x.py::{name}", "asserted": asserted} for name, asserted in tests.items()]
    (folder / f"1{SUFFIX}").write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    return str(folder)


def test_ids_are_unique_and_every_kind_of_line_is_there() -> None:
    ids = [line.id for line in lines()]
    assert len(ids) == len(set(ids))
    assert {"t_start_plan", "e_120_late", "D03_table:3", "T02", "F01.temperature"} <= set(ids)
    assert "g_called_120" not in ids  # gateways are what `make flows` is for


def test_names_count_where_they_are_asserted(world: World) -> None:
    w = world
    w.open("teacher", school.quick())
    _helper_that_asserts(w)
    mentioned = "t_remind_protection"
    names = names_in_asserts(f"{THIS}::test_names_count_where_they_are_asserted")
    assert "t_office_accept" in names
    assert mentioned not in names


def _helper_that_asserts(w: World) -> None:
    assert "t_office_accept" in w.open_tasks()


def test_the_narrowest_test_is_named_and_stays_named(tmp_path: Path) -> None:
    matrix = tmp_path / "matrix.md"
    notes = _run(tmp_path / "notes", a_wide=["T02", "T01", "X02"], b_narrow=["T02"])
    assert main([notes, "--write"], matrix) == 0
    assert recorded(matrix)["T02"] == "paths/test_x.py::b_narrow"
    assert recorded(matrix)["T03"] == NONE
    assert main([notes], matrix) == 0
    notes = _run(tmp_path / "notes", a_wide=["T02", "T01", "X02"], b_narrow=["T02", "T01"], c_new=["T02"])
    assert main([notes], matrix) == 0


def test_a_rule_is_asserted_where_the_timer_that_keeps_it_is(tmp_path: Path) -> None:
    matrix = tmp_path / "matrix.md"
    assert main([_run(tmp_path / "notes", waits=["e_reobserve"]), "--write"], matrix) == 0
    found = recorded(matrix)
    assert (found["X03"], found["X07"]) == ("paths/test_x.py::waits", NONE)


def test_a_line_that_lost_its_test_is_told_and_not_written_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = tmp_path / "matrix.md"
    main([_run(tmp_path / "notes", a=["T02", "T01"]), "--write"], matrix)
    before = matrix.read_text("utf-8")
    worse = _run(tmp_path / "notes", a=["T01"])
    assert main([worse], matrix) == 1
    assert main([worse, "--write"], matrix) == 1
    assert "no test asserts: T02" in capsys.readouterr().out
    assert matrix.read_text("utf-8") == before
    other = _run(tmp_path / "notes", b=["T01", "T02", "T03"])
    assert main([other], matrix) == 0  # better is no fault, although the file does not say so yet
    assert main([other, "--write"], matrix) == 0
    assert recorded(matrix)["T02"] == "paths/test_x.py::b"
