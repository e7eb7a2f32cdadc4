"""Excel files: what goes out comes back, nothing in them is run, and none is unpacked without a cap."""

import zipfile
from datetime import datetime
from io import BytesIO

import pytest
from openpyxl import Workbook, load_workbook

from service.application import workbooks
from service.application.workbooks import Cell, Formula, SheetColumn
from service.domain.calendar import SHANGHAI
from service.domain.errors import TooLarge, ValueRefused

COLUMNS = (
    SheetColumn("姓名", is_required=True),
    SheetColumn("类别", ("密切接触者", "一般接触者")),
    SheetColumn("时间", is_time=True),
    SheetColumn("体温"),
)
AT = datetime(2026, 3, 9, 16, 0, tzinfo=SHANGHAI)


def packed(**parts: str) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(f"{name}.xml", text)
    return made.getvalue()


def test_what_is_written_is_read_back() -> None:
    rows: list[list[Cell]] = [["学生甲", "密切接触者", AT, 36.5], ["学生乙", None, None, 37]]
    found = workbooks.read(workbooks.write("名单", COLUMNS, rows))
    assert found[0] == ["姓名*", "类别", "时间", "体温"]
    assert found[1:] == rows


@pytest.mark.parametrize("text", ["=1+1", "+86 138", "-1", "@SUM(A1)", "=HYPERLINK(1)"])
def test_a_text_never_becomes_a_formula(text: str) -> None:
    content = workbooks.write("名单", COLUMNS[:1], [[text]])
    cell = load_workbook(BytesIO(content)).worksheets[0]["A2"]
    assert (cell.data_type, cell.value, cell.quotePrefix) == ("s", text, True)
    assert workbooks.read(content)[1] == [text]


def test_a_formula_is_not_read() -> None:
    book = Workbook()
    book.active.append(["姓名"])
    book.active.append(["=1+1"])
    made = BytesIO()
    book.save(made)
    assert workbooks.read(made.getvalue())[1] == [Formula()]


def test_a_column_with_options_has_a_drop_down() -> None:
    book = load_workbook(BytesIO(workbooks.write("名单", COLUMNS, [])))
    rule = book.worksheets[0].data_validations.dataValidation[0]
    assert (rule.type, str(rule.sqref)) == ("list", "B2:B1001")
    assert [cell.value for cell in book["options"]["A"]] == ["密切接触者", "一般接触者"]
    assert book["options"].sheet_state == "hidden"


def test_what_is_too_large_is_not_unpacked() -> None:
    with pytest.raises(TooLarge):
        workbooks.read(b"x" * (workbooks.MAX_BYTES + 1))
    with pytest.raises(TooLarge):
        workbooks.read(packed(sheet="0" * (workbooks.MAX_UNPACKED + 1)))
    with pytest.raises(ValueRefused):
        workbooks.read(workbooks.write("名单", COLUMNS[:1], [["学生"]] * (workbooks.MAX_ROWS + 1)))


@pytest.mark.parametrize(
    "content", [b"", b"name,class\n", packed(), packed(a="<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), b"PK\x03\x04"]
)
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(ValueRefused):
        workbooks.read(content)
