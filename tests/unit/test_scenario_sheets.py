"""A scenario as sheets: there and back, and every fault of a workbook with sheet and row."""

import pytest

from service.application import scenario_books, scenario_library
from service.domain.errors import ScenarioRefused, ValueRefused
from service.domain.scenario_draws import drawn
from service.domain.scenario_sheets import INJECTS, Sheets, from_sheets, placed, to_sheets, trigger_of, trigger_text
from service.domain.scenarios import Scenario
from service.settings import ROOT

FILES = scenario_library.shipped(ROOT / "workflows" / "scenarios")


@pytest.mark.parametrize("name", FILES)
def test_a_workbook_says_what_the_file_says(name: str) -> None:
    document, _ = scenario_books.read(scenario_books.write(FILES[name].document))
    assert Scenario.of(drawn(document, 5)) == Scenario.of(drawn(FILES[name].document, 5))


def test_triggers_in_words() -> None:
    for text in ("at PT2H", "after t_x PT10M", "after t_x", "when fact('x') == 'y'", "unless t_x PT30M", "reserve"):
        assert trigger_text(trigger_of(text)) == text
    assert trigger_of("some day") == {}


def test_every_fault_has_its_sheet_and_row() -> None:
    sheets = to_sheets(FILES["sc01_excluded_case"].document)
    injects = [dict(row) for row in sheets.rows[INJECTS]]
    injects[1]["trigger"], injects[2]["kind"] = "some day", "cues"
    document, _, places = from_sheets(Sheets({**sheets.rows, INJECTS: injects}))
    with pytest.raises(ScenarioRefused) as refused:
        Scenario.of(document)
    found = {(each.sheet, each.line) for each in placed(refused.value.faults, places)}
    assert found == {("injects", 3), ("injects", 4)}


def test_cells_that_are_no_yaml_and_files_that_are_no_workbook() -> None:
    sheets = to_sheets(FILES["sc01_excluded_case"].document)
    answers = [dict(row) for row in sheets.rows["answers"]]
    answers[0]["data"] = "{a: ["
    _, faults, _ = from_sheets(Sheets({**sheets.rows, "answers": answers}))
    assert [(each.sheet, each.line) for each in faults] == [("answers", 2)]
    with pytest.raises(ValueRefused):
        scenario_books.read(b"no workbook")
