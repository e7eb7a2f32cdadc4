"""Scenarios as Excel workbooks: one sheet a part, and every fault of a workbook with sheet and row."""

from collections.abc import Mapping
from typing import Any

from service.application import workbooks
from service.application.workbooks import Cell, Formula, Limits, SheetColumn
from service.domain.errors import ScenarioFault, ScenarioRefused
from service.domain.scenario_parts import EXPECTATION_KINDS, INJECT_KINDS, PLAYERS
from service.domain.scenario_sheets import COLUMNS, EXPECTED, INJECTS, ROLES, Sheets, from_sheets, placed, to_sheets

OPTIONS = {(ROLES, "player"): PLAYERS, (EXPECTED, "kind"): EXPECTATION_KINDS, (INJECTS, "kind"): INJECT_KINDS}
NOTES = (
    ("表 sheet", "列 column", "含义 meaning"),
    ("scenario", "key / value", "标题、摘要、预案、开始时间 title, summary, procedure, start; data 和 speeds 写 YAML"),
    ("roles", "player", "human 真人 / shared 多人 / simulated 模拟；* 为其余角色 whoever is not named"),
    ("expectations", "within", "ISO 8601 时长，如 PT15M；空 = 步骤自己的时限 empty: the deadline of the step"),
    ("injects", "trigger", "at PT2H / after t_x PT10M / when fact('x') / unless t_x PT30M / reserve"),
    ("answers", "data", "YAML；=now、=start+PT1H、=class(1)、=person(甲) 在填写时计算 computed when it is answered"),
)  # fmt: skip


def write(document: Mapping[str, Any]) -> bytes:
    """The workbook of a scenario."""
    sheets = to_sheets(document)
    made = [
        workbooks.Sheet(
            name,
            tuple(SheetColumn(column, OPTIONS.get((name, column), ())) for column in columns),
            [[row.get(column, "") for column in columns] for row in sheets.rows.get(name, ())],
        )
        for name, columns in COLUMNS.items()
    ]
    return workbooks.write_book(made, NOTES)


def read(content: bytes) -> tuple[dict[str, Any], dict[str, tuple[str, int]]]:
    """The document of a workbook, and where each part of it stands.

    Raises ScenarioRefused for cells that are no YAML or columns nobody knows, TooLarge, ValueRefused.
    """
    found = workbooks.read_book(content, Limits())
    faults: list[ScenarioFault] = []
    rows = {name: _rows(name, found[name], faults) for name in COLUMNS if name in found}
    if not rows:
        zh, en = "没有 scenario、injects 等工作表", "there are no sheets such as scenario and injects"
        raise ScenarioRefused((ScenarioFault("", zh, en),))
    document, broken, places = from_sheets(Sheets(rows))
    if faults or broken:
        raise ScenarioRefused(tuple([*faults, *broken]))
    return document, places


def with_places(refused: ScenarioRefused, places: Mapping[str, tuple[str, int]]) -> ScenarioRefused:
    """The same refusal, each fault with sheet and row."""
    return ScenarioRefused(placed(refused.faults, places))


def _rows(name: str, table: list[list[Cell | Formula]], faults: list[ScenarioFault]) -> list[dict[str, str]]:
    head = [str(each or "").rstrip("*") for each in table[0]] if table else []
    for unknown in [each for each in head if each and each not in COLUMNS[name]]:
        near = (unknown, COLUMNS[name])
        zh, en = f"没有“{unknown}”这一列", f"there is no column {unknown}"
        faults.append(ScenarioFault.near(unknown, zh, en, near).at(1, name))
    made = []
    for number, row in enumerate(table[1:], start=2):
        for column, value in zip(head, row, strict=False):
            if isinstance(value, Formula):
                faults.append(ScenarioFault(column, "不能是公式", "must be no formula").at(number, name))
        made.append({column: _text(value) for column, value in zip(head, row, strict=False) if column})
    return made


def _text(value: Cell | Formula) -> str:
    if value is None or isinstance(value, Formula):
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    return value.isoformat(timespec="minutes")[:16] if hasattr(value, "isoformat") else str(value)
