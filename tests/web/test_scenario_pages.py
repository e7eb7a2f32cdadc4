"""The trainer's pages of scenarios without scripts: reading one, beginning a drill, an own copy, Excel."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import Table, select

from service.persistence.tables import sql
from tests.web.site import Browser, Page, Pages, pages

ONE = "/scenarios/sc12_false_alarm"
OWN = "/scenarios/own_alarm"
HERE = "?organisation=demo-school"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Pages]:
    """Pages for tests that change something."""
    with pages(tmp_path) as made:
        yield made


def _all(web: Pages, table: Table) -> list[dict[str, Any]]:
    """Every row of a table, of whatever incident."""
    with web.world.app.read() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def _brought(trainer: Browser, content: bytes) -> Page:
    """A workbook brought to the import page."""
    form = trainer.get("/scenarios/import").fields("//form[@action='/scenarios/import']")
    given: dict[str, str | list[str]] = {**form, "organisation": "demo-school", "new_id": "own_alarm"}
    given.pop("file", None)
    return trainer.upload("/scenarios/import", given, "file", content)


def _copied(trainer: Browser) -> None:
    form = {"organisation": "demo-school", "new_id": "own_alarm"}
    page = trainer.submit(trainer.get(ONE), form, f"//form[@action='{ONE}/copy']")
    assert page.status == 200, page.words("//main")


def test_a_scenario_is_read_and_a_trial_begun(fresh: Pages) -> None:
    trainer = fresh.as_("trainer")
    assert "跑步后体温偏高" in trainer.get("/scenarios").words("//main")
    page = trainer.get(ONE)
    assert "医院会商" in page.words("//main")
    assert "开始后 0 分" in page.words("//table")
    started = trainer.submit(
        page, {"trial": "true", "seed": "5", "organisation": "demo-school"}, f"//form[@action='{ONE}/start']"
    )
    assert "试跑" in started.words("//aside[@id='drill-band']")
    (drill,) = _all(fresh, sql.drills)
    assert (drill["scenario"], drill["seed"], drill["trial"], drill["roles"]) == (
        "sc12_false_alarm", 5, True, {"*": "simulated"},
    )  # fmt: skip
    band = fresh.as_("teacher").get(f"/incidents/{drill['id']}").words("//aside[@id='drill-band']")
    assert "来自 导调组" in band
    assert "学生午跑步到校" in band


@pytest.mark.parametrize(
    ("typed", "said"), [({"seed": "many"}, "9位"), ({"speed": "-1"}, "0 到 3600"), ({"starts": "x"}, "时间")]
)
def test_what_cannot_begin_is_said_with_what_was_typed(web: Pages, typed: dict[str, str], said: str) -> None:
    trainer = web.as_("trainer")
    page = trainer.submit(trainer.get(ONE), {"organisation": "demo-school", **typed}, f"//form[@action='{ONE}/start']")
    assert page.status == 422
    assert said in page.words("//section[@role='alert']")
    assert _all(web, sql.drills) == []


def test_scenarios_are_for_trainers(web: Pages) -> None:
    for path in ("/scenarios", ONE, f"{ONE}.xlsx", "/scenarios/import"):
        assert web.as_("teacher").get(path).status == 403


def _more_of(edit: Page) -> dict[str, str]:
    """Another beginning, and a role, an answer and an absence in the lines that are empty."""
    given = edit.fields()
    role, answer, absent = (int(given[f"{sheet}-count"][0]) - 1 for sheet in ("roles", "answers", "absent"))
    return {
        "data": given["data"][0].replace("37.6", "39.2"),
        f"roles-{role}-role": "cleaner", f"roles-{role}-player": "human",
        f"answers-{answer}-element": "t_office_accept", f"answers-{answer}-after": "PT4M",
        f"absent-{absent}-role": "cleaner", f"absent-{absent}-from": "PT1H", f"absent-{absent}-to": "PT2H",
    }  # fmt: skip


def test_an_own_copy_is_changed_and_begun(fresh: Pages) -> None:
    trainer = fresh.as_("trainer")
    _copied(trainer)
    edit = trainer.get(f"{OWN}/edit{HERE}")
    bad = trainer.submit(edit, {"injects-1-trigger": "after t_isolation_rom PT5M", "title_zh": "自编情景"})
    assert bad.status == 422
    assert "injects 第3行" in bad.words("//section[@role='alert']")
    assert "t_isolation_room" in bad.words("//section[@role='alert']")
    assert bad.fields()["title_zh"] == ["自编情景"]
    changes = {
        "title_zh": "自编情景",
        "injects-1-trigger": "at PT3M",
        "injects-0-drop": "true",
        "expectations-0-within": "PT40M",
        **_more_of(edit),
    }
    assert "自编情景" in trainer.submit(edit, changes).words("//h1")
    (row,) = _all(fresh, sql.own_scenarios)
    assert [(each["id"], each["trigger"]) for each in row["document"]["injects"]] == [("i02", {"at": "PT3M"})]
    assert row["document"]["objectives"][0]["expectations"][0]["within"] == "PT40M"
    assert row["document"]["roles"]["cleaner"] == "human"
    assert row["document"]["data"]["temperature"] == 39.2
    assert row["document"]["answers"]["t_office_accept"] == [{"after": "PT5M"}, {"after": "PT4M"}]
    assert row["document"]["absent"] == [{"role": "cleaner", "from": "PT1H", "to": "PT2H"}]
    again = trainer.submit(edit, changes)
    assert (again.status, "他人更改" in again.words("//section[@role='alert']")) == (422, True)
    own = trainer.get(f"{OWN}{HERE}")
    trainer.submit(own, {"organisation": "demo-school"}, f"//form[@action='{OWN}/start{HERE}']")
    assert [drill["scenario"] for drill in _all(fresh, sql.drills)] == ["own_alarm"]
    trainer.submit(own, {}, f"//form[@action='{OWN}/drop{HERE}']")
    assert _all(fresh, sql.own_scenarios) == []
    assert trainer.get(f"{ONE}/edit").status == 404


def test_a_workbook_goes_out_and_comes_back_and_with_a_wrong_row_nothing_is_imported(fresh: Pages) -> None:
    trainer = fresh.as_("trainer")
    taken = trainer.get(f"{ONE}.xlsx").answer.content
    book = load_workbook(BytesIO(taken))
    book["injects"]["B2"], book["expectations"]["E3"] = "rumor", "t_nowhere"
    broken = BytesIO()
    book.save(broken)
    bad = _brought(trainer, broken.getvalue())
    assert bad.status == 422
    assert "injects 第2行" in bad.words("//section[@role='alert']")
    assert _all(fresh, sql.own_scenarios) == []
    assert "跑步后体温偏高" in _brought(trainer, taken).words("//h1")
    (row,) = _all(fresh, sql.own_scenarios)
    assert (row["scenario"], row["revision"], row["changed_by"]) == (
        "own_alarm",
        1,
        fresh.world.who("trainer").account_id,
    )
